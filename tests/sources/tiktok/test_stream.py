"""A live as it is watched, against the stand-in: every kind of event, and every way a connection can end."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import urllib.request
from datetime import timedelta

import pytest

from bot.core.streams.events import (
    Comment,
    Connected,
    Ended,
    Follow,
    Gift,
    Join,
    Likes,
    Paused,
    Resumed,
    Share,
    Subscription,
    Viewer,
    ViewerCount,
)
from bot.logs import QUIET
from bot.ports import Ending
from tests.clocks import START
from tests.sources.tiktok.conftest import HOST_ID, KEY, until
from tools.sandbox.tiktok.messages import Message, fetch_result, push_frame
from tools.sandbox.tiktok.wire import encode

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEN = {"handle": "ben", "id": 5, "nickname": "Ben ✨"}
BEN_SEEN = Viewer(id=5, handle="ben", nickname="Ben ✨")
AT = int(START.timestamp()) - 60
SEEN_AT = START - timedelta(seconds=60)


def without_ids(events):
    return [type(event)(**{**values(event), "message_id": 0}) for event in events]


def values(event):
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


@pytest.mark.parametrize("compress", [True, False])
async def test_every_kind_of_event_is_told_in_order(watch, compress):
    watching = await watch(viewers=3)
    said = [
        {"kind": "comment", "user": BEN, "text": "hé 😀"},
        {"kind": "like", "user": BEN, "count": 15, "total": 4000},
        {"kind": "viewers", "count": 77, "entered": 140},
        {"kind": "join", "user": BEN},
        {"kind": "join", "user": BEN, "action": 3},
        {"kind": "subscribe", "user": BEN, "months": 4},
        {"kind": "follow", "user": BEN},
        {"kind": "share", "user": BEN},
        {"kind": "pause"},
        {"kind": "resume"},
    ]
    await watching.send(*({**event, "at": AT} for event in said), compress=compress)
    told = await watching.end()
    assert without_ids(told) == [
        Comment(at=SEEN_AT, viewer=BEN_SEEN, words="hé 😀"),
        Likes(at=SEEN_AT, viewer=BEN_SEEN, count=15, total=4000),
        ViewerCount(at=SEEN_AT, viewers=77, entered=140),
        Join(at=SEEN_AT, viewer=BEN_SEEN),
        Subscription(at=SEEN_AT, viewer=BEN_SEEN),
        Subscription(at=SEEN_AT, viewer=BEN_SEEN, months=4),
        Follow(at=SEEN_AT, viewer=BEN_SEEN),
        Share(at=SEEN_AT, viewer=BEN_SEEN),
        Paused(at=SEEN_AT),
        Resumed(at=SEEN_AT),
    ]
    assert len({event.message_id for event in told}) == len(told)
    assert isinstance(watching.events[0], Connected)
    assert isinstance(watching.events[-1], Ended)


async def test_a_streak_counts_up_in_its_group_and_a_dear_gift_is_one_message(watch):
    watching = await watch()
    await watching.send(
        {"kind": "gift", "user": BEN, "gift": "Rose", "count": 2, "group_id": 99},
        {"kind": "gift", "user": BEN, "gift": "Galaxy", "group_id": 99},
        {"kind": "gift", "user": BEN, "gift": "Galaxy", "group_id": 99},
    )
    *streak, galaxy, other = await watching.end()
    assert all(isinstance(gift, Gift) and gift.to is None for gift in (*streak, galaxy, other))
    assert [(gift.group_id, gift.count, gift.closes) for gift in streak] == [
        (99, 1, False),
        (99, 2, False),
        (99, 2, True),
    ]
    assert {(gift.gift_id, gift.name, gift.diamonds, gift.streakable) for gift in streak} == {
        (5655, "Rose", 1, True)
    }
    assert (galaxy.name, galaxy.diamonds, galaxy.streakable, galaxy.count) == ("Galaxy", 1000, False, 1)
    # Two of them at once are two, whatever group the platform puts them into.
    assert len({galaxy.group_id, other.group_id, 99}) == 3


async def test_a_gift_that_is_not_described_has_no_value_and_not_the_value_zero(watch):
    watching = await watch()
    await watching.send({"kind": "gift", "user": BEN, "gift": "Galaxy", "described": False, "group_id": 7})
    (gift,) = await watching.end()
    assert (gift.diamonds, gift.name, gift.streakable, gift.group_id) == (None, "", None, 7)


async def test_a_gift_to_a_guest_is_told_from_one_to_the_host(watch):
    watching = await watch()
    receivers = [{"handle": "guest", "id": 8}, {"handle": "renamed.today", "id": HOST_ID}]
    await watching.send(
        *({"kind": "gift", "user": BEN, "gift": "Galaxy", "to_user": receiver} for receiver in receivers)
    )
    to_guest, to_host = await watching.end()
    assert to_guest.to == Viewer(id=8, handle="guest", nickname="Guest")
    assert to_host.to is None


async def test_what_was_said_before_is_marked_as_replayed(watch, tiktok):
    await tiktok.control("POST", "accounts/ana.live/live", {})
    first = await watch()
    await first.send(*({"kind": "comment", "user": BEN, "text": f"{n}"} for n in range(8)))
    await until(lambda: len(first.events) == 9)
    await tiktok.control("POST", "rooms/ana.live/sockets", {"do": "replay"})
    told = await first.end()
    assert [(comment.words, comment.replayed) for comment in told] == [
        *((f"{n}", False) for n in range(8)),
        *((f"{n}", True) for n in range(2, 8)),
    ]
    # A replayed message is the same message.
    assert [comment.message_id for comment in told[2:8]] == [comment.message_id for comment in told[8:]]


async def test_the_first_answer_brings_the_last_comments(watch, tiktok, streams):
    shown = await tiktok.control("POST", "accounts/ana.live/live", {})
    events = [{"kind": "comment", "user": BEN, "text": "before"}]
    await tiktok.control("POST", "rooms/ana.live/events", events)
    told = []
    watching = asyncio.create_task(streams.watch(int(shown["room_id"]), "ana.live", told.append))
    await until(lambda: len(told) == 2)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert isinstance(told[0], Connected)
    assert (told[1].words, told[1].replayed) == ("before", True)


async def test_the_time_of_an_event_is_held_within_our_own_clock(watch):
    watching = await watch()
    now = int(START.timestamp())
    for at in (now - 30, now + 3600, now - 86_400, 1, 10**12):
        await watching.send({"kind": "comment", "user": BEN, "text": "x", "at": at})
    told = await watching.end()
    longest_ago = START - timedelta(minutes=5)
    assert [event.at for event in told] == [
        START - timedelta(seconds=30),
        START,
        longest_ago,
        longest_ago,
        START,
    ]


async def test_a_suspended_live_is_over_and_the_reason_is_told(watch, tiktok):
    watching = await watch()
    await tiktok.control("POST", "accounts/ana.live/end", {"suspended": True})
    assert await watching.task is Ending.LIVE_ENDED
    assert watching.events[-1].suspended


async def test_whoever_enters_a_room_that_has_ended_is_told_so(tiktok, streams):
    shown = await tiktok.control("POST", "accounts/ana.live/live", {})
    await tiktok.control("POST", "accounts/ana.live/end", {})
    told = []
    assert await streams.watch(int(shown["room_id"]), "ana.live", told.append) is Ending.LIVE_ENDED
    assert [type(event) for event in told] == [Connected, Ended]


@pytest.mark.parametrize(
    "how", [{"do": "close", "code": 1000}, {"do": "close", "code": 1011}, {"do": "reset"}]
)
async def test_nothing_that_has_arrived_is_lost_where_the_connection_ends(watch, tiktok, how):
    watching = await watch()
    gifts = [{"kind": "gift", "user": BEN, "gift": "Galaxy"} for _ in range(25)]
    await watching.send(*gifts)
    await until(lambda: len(watching.events) == 26)
    await tiktok.control("POST", "rooms/ana.live/sockets", how)
    assert await asyncio.wait_for(watching.task, 10) is Ending.CLOSED
    assert len(watching.events) == 26


async def test_frames_that_wait_when_the_other_side_closes_are_still_read(watch, tiktok):
    watching = await watch()
    # All of it is sent, with the close behind it, while this process is not looking.
    url = f"{tiktok.facts['base']}/_control/rooms/ana.live"
    events = [{"kind": "gift", "user": BEN, "gift": "Galaxy"} for _ in range(25)]
    post_now(f"{url}/events", events)
    post_now(f"{url}/sockets", {"do": "close", "code": 1000})
    assert await asyncio.wait_for(watching.task, 10) is Ending.CLOSED
    assert sum(isinstance(event, Gift) for event in watching.events) == 25


def post_now(url, body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


async def test_no_frame_ends_the_connection_whatever_it_holds(watch, tiktok):
    watching = await watch()
    damaged = Message(method="WebcastChatMessage", payload=b"\xff\x01", msg_id=3)
    frames = [
        b"",
        b"\x00",
        b"\xff" * 40,
        push_frame(b"\xff" * 40, log_id=1),
        push_frame(fetch_result([], internal_ext="x", at=0.0, need_ack=True), log_id=2, compress=True)[:-12],
        push_frame(fetch_result([damaged], internal_ext="x", at=0.0), log_id=3),
        push_frame(encode({5: 7, 9: True}), log_id=5),  # a number where a text belongs
        push_frame(encode({1: 7, 9: True}), log_id=6),
        push_frame(gzip.compress(b"\x0a\x05ab"), log_id=4).replace(b"none", b"gzip"),
    ]
    for frame in frames:
        order = {"do": "send", "frame_base64": base64.b64encode(frame).decode()}
        await tiktok.control("POST", "rooms/ana.live/sockets", order)
    await watching.send({"kind": "comment", "user": BEN, "text": "still here"})
    (comment,) = await watching.end()
    assert comment.words == "still here"


async def test_a_silent_connection_is_given_up_after_a_minute(watch, tiktok, clock):
    watching = await watch()
    await watching.send({"kind": "comment", "user": BEN, "text": "last"})
    await until(lambda: len(watching.events) == 2)
    await tiktok.control("POST", "rooms/ana.live/sockets", {"do": "silence"})
    clock.advance(59)
    assert (await clock.asleep())[0] <= 1
    assert not watching.task.done()
    clock.advance(1)
    assert await asyncio.wait_for(watching.task, 5) is Ending.SILENT


async def test_a_quiet_room_is_not_silent_while_heartbeats_are_answered(watch, clock):
    watching = await watch()
    (socket,) = await watching.sockets()
    await until(lambda: heartbeat_seen(watching))
    assert socket["open"]
    clock.advance(59)
    await watching.send({"kind": "unknown"})
    await until(lambda: len_of_acks(watching))
    clock.advance(59)
    assert (await clock.asleep())[0] > 0
    assert not watching.task.done()


async def heartbeat_seen(watching):
    return (await watching.sockets())[0]["heartbeats"]


async def len_of_acks(watching):
    return (await watching.sockets())[0]["acked"]


async def test_stopping_closes_the_connection_properly(watch):
    watching = await watch()
    watching.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(watching.task, 5)
    await until(lambda: all_closed(watching))
    assert no_tasks_left()


async def test_stopping_does_not_wait_for_a_dead_connection(watch, tiktok):
    watching = await watch()
    await tiktok.control("POST", "rooms/ana.live/sockets", {"do": "silence"})
    watching.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(watching.task, 5)


async def all_closed(watching):
    return not any(socket["open"] for socket in await watching.sockets())


def no_tasks_left():
    return not [task for task in asyncio.all_tasks() if "Ping" in repr(task) or "_read" in repr(task)]


async def test_one_room_costs_one_signed_request_and_no_other(watch, tiktok):
    watching = await watch()
    await watching.end()
    asked = [entry for entry in await tiktok.control("GET", "requests") if entry["kind"] == "http"]
    assert [entry["endpoint"] for entry in asked] == ["sign", "socket"]
    sign, socket = asked
    assert sign["api_key"]
    assert sign["query"]["user_agent"] == socket["user_agent"]


async def test_every_frame_is_acknowledged(watch):
    watching = await watch()
    await watching.send(*({"kind": "comment", "user": BEN, "text": "x"} for _ in range(5)))
    await until(lambda: acknowledged(watching))


async def acknowledged(watching):
    (socket,) = await watching.sockets()
    return len(socket["sent"]) == 5 and socket["acked"] == socket["sent"]


async def test_a_bug_of_whoever_takes_the_events_is_not_hidden(tiktok, streams):
    def broken(_):
        raise ValueError("a bug")

    shown = await tiktok.control("POST", "accounts/ana.live/live", {})
    with pytest.raises(ValueError, match="a bug"):
        await streams.watch(int(shown["room_id"]), "ana.live", broken)


async def test_no_log_tells_the_key_a_cookie_or_a_signed_address(watch, tiktok, caplog):
    for name, level in QUIET.items():
        caplog.set_level(level, name)
    caplog.set_level(logging.DEBUG)
    watching = await watch()
    await watching.send({"kind": "comment", "user": BEN, "text": "private words"})
    await watching.send({"kind": "raw", "method": "WebcastChatMessage", "payload_base64": "GgL//w=="})
    await watching.end()
    assert "1 messages" in caplog.text
    for secret in (KEY, "sandbox-ttwid", f"sandbox-{watching.room_id}", "private words"):
        assert secret not in caplog.text
