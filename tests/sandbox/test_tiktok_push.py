"""The WebSocket of the TikTok stand-in, frame by frame and fault by fault; its client here is plain aiohttp."""

from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest

from tests.standins import running, until
from tools.sandbox.tiktok.messages import push_frame
from tools.sandbox.tiktok.sign import SOCKET_PATH
from tools.sandbox.tiktok.wire import decode, encode

COMMENT = {"kind": "comment", "user": "ben", "text": "hi"}


@pytest.fixture(scope="module")
def shared():
    with running("tiktok") as tiktok:
        yield tiktok


@pytest.fixture
def tiktok(shared):
    shared.control("DELETE", "faults")
    shared.control("DELETE", "accounts")
    shared.control("DELETE", "requests")
    shared.control("POST", "accounts", {"handle": "anna"})
    return shared


class Viewer:
    """A client that reads frames: each as (log id, whether gzipped, the messages as {field: values})."""

    def __init__(self, ws):
        self.ws = ws

    async def enter(self, room_id):
        enter = encode({1: int(room_id), 4: 12, 5: "audience", 9: "0"})
        await self.ws.send_bytes(push_frame(enter, log_id=0, payload_type="im_enter_room"))
        answer = decode((await self.ws.receive(5)).data)
        assert answer[7] == [b"im_enter_room_resp"]

    async def frame(self):
        message = await self.ws.receive(5)
        assert message.type is aiohttp.WSMsgType.BINARY, message
        frame = decode(message.data)
        headers = {decode(raw)[1][0]: decode(raw)[2][0] for raw in frame[5]}
        gzipped = headers[b"compress_type"] == b"gzip"
        payload = gzip.decompress(frame[8][0]) if gzipped else frame[8][0]
        return frame[2][0], gzipped, [decode(raw) for raw in decode(payload)[1]]

    async def ack(self, log_id):
        await self.ws.send_bytes(push_frame(b"ext", log_id=log_id, payload_type="ack"))


@pytest.fixture
async def http(tiktok):
    async with aiohttp.ClientSession(tiktok.base, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


@pytest.fixture
async def room_id(tiktok):
    return tiktok.control("POST", "accounts/anna/live", {})["room_id"]


@pytest.fixture
async def viewer(http, room_id):
    address = f"{SOCKET_PATH}?room_id={room_id}&compress=gzip"
    async with http.ws_connect(address, protocols=["echo-protocol"], autoclose=False) as ws:
        viewer = Viewer(ws)
        await viewer.enter(room_id)
        yield viewer


def events(tiktok, *scripts, **order):
    return tiktok.control("POST", "rooms/anna/events", {"events": scripts, **order})


def do(tiktok, what, **more):
    return tiktok.control("POST", "rooms/anna/sockets", {"do": what, **more})


def texts(messages):
    return [decode(message[2][0])[3][0].decode() for message in messages]


async def test_the_handshake_is_tiktoks(http, room_id):
    async with http.ws_connect(f"{SOCKET_PATH}?room_id={room_id}", protocols=["echo-protocol"]) as ws:
        assert ws.protocol == "echo-protocol"
        assert ws._response.headers["Handshake-Options"] == "ping-interval=10; ping-timeout=30"


async def test_frames_are_gzipped_if_asked_and_plain_on_demand(tiktok, viewer):
    assert events(tiktok, COMMENT)["sent_to"] == 1
    events(tiktok, COMMENT, compress=False)
    assert [(await viewer.frame())[1] for _ in range(2)] == [True, False]


async def test_events_come_one_a_frame_or_together(tiktok, viewer):
    events(tiktok, COMMENT, COMMENT)
    events(tiktok, COMMENT, COMMENT, together=True)
    assert [len((await viewer.frame())[2]) for _ in range(3)] == [1, 1, 2]


async def test_each_frame_comes_as_often_as_asked(tiktok, viewer):
    events(tiktok, {**COMMENT, "text": "a"}, {**COMMENT, "text": "b"}, copies=2)
    assert [texts((await viewer.frame())[2]) for _ in range(4)] == [["a"], ["a"], ["b"], ["b"]]


async def test_any_bytes_can_be_sent_as_a_frame(tiktok, viewer):
    do(tiktok, "send", frame_base64="//8=")
    assert (await viewer.ws.receive(5)).data == b"\xff\xff"


async def test_a_heartbeat_is_answered_unless_the_connection_is_silent(tiktok, viewer):
    beat = push_frame(b"", log_id=0, payload_type="hb")
    await viewer.ws.send_bytes(beat)
    assert decode((await viewer.ws.receive(5)).data)[7] == [b"hb"]
    do(tiktok, "silence")
    await viewer.ws.send_bytes(beat)
    tiktok.wait_for(kind="socket", op="hb", count=2)
    do(tiktok, "wake")
    events(tiktok, COMMENT)
    assert (await viewer.frame())[2]


async def test_acks_are_told_per_socket(tiktok, viewer):
    events(tiktok, COMMENT, COMMENT)
    sent = [(await viewer.frame())[0] for _ in range(2)]
    await viewer.ack(sent[1])
    await asyncio.to_thread(tiktok.wait_for, kind="socket", op="ack", log_id=sent[1], payload="ext")
    (socket,) = tiktok.control("GET", "sockets")[-1:]
    assert (socket["sent"], socket["acked"], socket["handle"]) == (sent, sent[1:], "anna")


async def test_only_the_room_hears_its_events(tiktok, viewer):
    tiktok.control("POST", "accounts", {"handle": "bob"})
    tiktok.control("POST", "accounts/bob/live", {})
    assert tiktok.control("POST", "rooms/bob/events", [COMMENT])["sent_to"] == 0
    events(tiktok, COMMENT | {"text": "for anna"})
    assert texts((await viewer.frame())[2]) == ["for anna"]


async def test_a_duplicate_frame_is_the_same_to_the_last_byte(tiktok, viewer):
    events(tiktok, COMMENT)
    first = (await viewer.ws.receive(5)).data
    do(tiktok, "duplicate")
    assert (await viewer.ws.receive(5)).data == first


async def test_replayed_comments_keep_their_numbers_and_are_marked(tiktok, viewer):
    told = events(tiktok, *(COMMENT | {"text": str(n)} for n in range(8)), together=True)["messages"]
    await viewer.frame()
    do(tiktok, "replay")
    _, _, messages = await viewer.frame()
    assert texts(messages) == ["2", "3", "4", "5", "6", "7"]
    assert [message[3][0] for message in messages] == [entry["msg_id"] for entry in told[2:]]
    assert all(message[6] == [1] for message in messages)


@pytest.mark.parametrize("code", [1000, 1011])
async def test_a_socket_is_closed_with_the_wanted_code(tiktok, viewer, code):
    closing = asyncio.create_task(asyncio.to_thread(do, tiktok, "close", code=code, reason="why"))
    message = await viewer.ws.receive(5)
    await viewer.ws.close()
    await closing
    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, code, "why")


async def test_a_reset_gives_no_close_frame(tiktok, viewer):
    do(tiktok, "reset")
    message = await viewer.ws.receive(5)
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert viewer.ws.close_code == 1006
    await asyncio.to_thread(until, lambda: not tiktok.control("GET", "sockets")[-1]["open"])


async def test_a_silent_socket_sends_nothing_and_ignores_even_the_close(tiktok, viewer):
    do(tiktok, "silence")
    events(tiktok, COMMENT | {"text": "lost"})
    do(tiktok, "wake")
    events(tiktok, COMMENT | {"text": "heard"})
    assert texts((await viewer.frame())[2]) == ["heard"]
    do(tiktok, "silence")
    closing = asyncio.create_task(viewer.ws.close(code=1000))
    await asyncio.to_thread(tiktok.wait_for, kind="socket", op="close_ignored")
    assert not closing.done()
    do(tiktok, "wake")
    await closing


async def test_a_ping_is_noted_and_never_answered(tiktok, viewer):
    await viewer.ws.ping(b"there?")
    await asyncio.to_thread(tiktok.wait_for, kind="socket", op="ping")
    events(tiktok, COMMENT)
    assert len((await viewer.frame())[2]) == 1


async def test_a_damaged_frame_is_noted_and_the_socket_lives_on(tiktok, viewer):
    await viewer.ws.send_bytes(b"\x42\xff")
    await asyncio.to_thread(tiktok.wait_for, kind="socket", op="damaged")
    assert events(tiktok, COMMENT)["sent_to"] == 1


@pytest.mark.parametrize(("command", "action"), [("pause", 1), ("resume", 2), ("end", 3)])
async def test_a_change_is_announced(tiktok, viewer, command, action):
    if command == "resume":
        tiktok.control("POST", "accounts/anna/pause", {"announce": False})
    tiktok.control("POST", f"accounts/anna/{command}")
    _, _, (message,) = await viewer.frame()
    assert message[1] == [b"WebcastControlMessage"]
    assert decode(message[2][0])[2] == [action]


async def test_a_suspended_live_ends_with_action_4_and_may_end_without_a_word(tiktok, viewer, room_id):
    tiktok.control("POST", "accounts/anna/end", {"suspended": True})
    _, _, (message,) = await viewer.frame()
    assert decode(message[2][0])[2] == [4]
    tiktok.control("POST", "accounts/anna/live", {})
    shown = tiktok.control("POST", "accounts/anna/end", {"announce": False})
    assert (shown["status"], shown["room_id"] != room_id) == ("ended", True)


async def test_who_enters_a_room_that_has_ended_is_told_at_once(tiktok, http, room_id):
    tiktok.control("POST", "accounts/anna/end")
    async with http.ws_connect(f"{SOCKET_PATH}?room_id={room_id}") as ws:
        viewer = Viewer(ws)
        await viewer.enter(room_id)
        _, gzipped, (message,) = await viewer.frame()
    assert not gzipped
    assert decode(message[2][0])[2] == [3]


@pytest.mark.parametrize("status", [200, 400])
async def test_a_handshake_is_refused_with_its_reason(tiktok, http, room_id, status):
    tiktok.fault("status", "ws_reuse", status=status, headers={"Handshake-Msg": "DEVICE_BLOCKED"})
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await http.ws_connect(f"{SOCKET_PATH}?room_id={room_id}")
    assert (caught.value.status, caught.value.headers["Handshake-Msg"]) == (status, "DEVICE_BLOCKED")
