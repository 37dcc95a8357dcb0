"""The Discord stand-in below discord.py: raw requests, raw WebSocket frames, the schema oracle itself."""

from __future__ import annotations

import io
import json
import urllib.parse
import zlib
from http.client import HTTPResponse
from socket import create_connection

import aiohttp
import pytest

from tests.discordserver import running_discord
from tests.rawdiscord import GUILDS, identified, identify
from tests.standins import ControlRefused, until
from tools.sandbox.discord.feed import Feed
from tools.sandbox.discord.permissions import ALL, BOT, Bits, in_channel
from tools.sandbox.discord.schema import Oracle
from tools.sandbox.discord.world import Overwrite, first_world

COMMANDS = "/applications/{application_id}/commands"
MESSAGES = "/channels/{channel_id}/messages"


async def test_a_request_without_the_token_is_401(rest):
    status, body, _ = await rest("GET", "/users/@me", headers={"Authorization": "Bot wrong"})
    assert (status, body["message"]) == (401, "401: Unauthorized")


async def test_the_content_type_is_bare_and_the_edge_names_itself(rest):
    _, _, headers = await rest("GET", "/users/@me")
    assert headers["Content-Type"] == "application/json"
    assert headers["Via"]


async def test_an_empty_bucket_answers_429_as_discord_does(server, rest):
    server.control("POST", "rate_limits", {"enabled": True, "limit": 1, "seconds": 60})
    status, _, headers = await rest("POST", "/channels/{lives}/messages", {"content": "1"})
    assert (status, headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == (200, "1", "0")
    status, body, headers = await rest("POST", "/channels/{lives}/messages", {"content": "2"})
    assert status == 429
    assert body["global"] is False
    assert 0 < body["retry_after"] <= 60
    assert {"Via", "Retry-After", "X-RateLimit-Scope", "X-RateLimit-Bucket"} <= set(headers)
    # Another channel is another bucket.
    assert (await rest("POST", "/channels/{rounds}/messages", {"content": "3"}))[0] == 200


async def test_commands_keep_their_ids_and_bad_ones_are_refused(rest):
    path = "/applications/{app}/commands"
    one = {"name": "one", "description": "first", "type": 1}
    _, [first], _ = await rest("PUT", path, [one])
    _, again, _ = await rest("PUT", path, [{**one, "description": "changed"}, {**one, "name": "two"}])
    assert again[0]["id"] == first["id"]
    assert again[0]["version"] != first["version"]
    for wrong in ({**one, "name": "Upper"}, {**one, "description": ""}, {**one, "description": "x" * 101}):
        status, body, _ = await rest("PUT", path, [wrong])
        assert (status, body["code"]) == (400, 50035)
    assert (await rest("PUT", path, [one, one]))[0] == 400
    many = [{**one, "name": f"c{number}"} for number in range(101)]
    assert (await rest("PUT", path, many))[1]["code"] == 30032
    options = [
        {"type": 3, "name": "a", "description": "a"},
        {"type": 3, "name": "b", "description": "b", "required": True},
    ]
    assert (await rest("PUT", path, [{**one, "options": options}]))[1]["code"] == 50035
    assert [command["name"] for command in (await rest("GET", path))[1]] == ["one", "two"]


async def test_a_wrong_token_closes_the_gateway_with_4004(server, socket):
    await identify(server, socket, token="wrong")
    await socket.receive()
    assert socket.close_code == 4004


async def test_a_privileged_intent_that_is_not_approved_closes_with_4014(server, socket):
    await identify(server, socket, intents=GUILDS | 1 << 15)
    await socket.receive()
    assert socket.close_code == 4014


async def test_an_unknown_session_cannot_be_resumed(server, socket):
    await socket.send_json({"op": 6, "d": {"token": server.facts["token"], "session_id": "gone", "seq": 1}})
    assert await socket.receive_json() == {"op": 9, "d": False, "s": None, "t": None}


async def test_heartbeats_are_acknowledged_unless_muted(server, socket):
    await identified(server, socket)
    await socket.send_json({"op": 1, "d": None})
    assert (await socket.receive_json())["op"] == 11
    before = server.gateway("mute")["heartbeat"]
    await socket.send_json({"op": 1, "d": None})
    until(lambda: server.gateway()["heartbeat"] == before + 1)
    server.gateway("unmute")
    await socket.send_json({"op": 1, "d": None})
    assert (await socket.receive_json())["op"] == 11
    # Had the muted one been answered, a second acknowledgement would come before this.
    server.control("POST", "channels", {"name": "after"})
    assert (await socket.receive_json())["t"] == "CHANNEL_CREATE"


async def test_an_acknowledgement_takes_its_way_through_the_network(server, socket):
    """discord.py notes when it has sent a heartbeat only afterwards: at once answered, it seems 41 s late."""
    await socket.send_json({"op": 1, "d": None})
    await socket.send_json({"op": 6, "d": {"token": server.facts["token"], "session_id": "gone", "seq": 1}})
    assert [(await socket.receive_json())["op"] for _ in range(2)] == [9, 11]


async def test_a_compressed_connection_is_one_zlib_stream(server, http):
    url = server.facts["gateway"] + "?compress=zlib-stream"
    async with http.ws_connect(url) as socket:
        inflate = zlib.decompressobj()
        assert b'"op": 10' in inflate.decompress(await socket.receive_bytes())
        await identify(server, socket)
        assert b"READY" in inflate.decompress(await socket.receive_bytes())


async def test_while_the_gateway_is_down_nobody_connects(server, http):
    server.gateway("down")
    try:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(server.facts["gateway"])
    finally:
        server.gateway("up")


async def test_without_the_members_intent_only_the_bot_is_shown(server, socket):
    _, guild = await identified(server, socket)
    assert guild["member_count"] == 3
    assert [member["user"]["username"] for member in guild["members"]] == ["vedette"]


async def test_words_of_others_come_only_with_the_intents(server, http):
    async with http.ws_connect(server.facts["gateway"]) as socket:
        await socket.receive_json()
        await identify(server, socket, intents=GUILDS | 1 << 9)
        for _ in range(2):
            await socket.receive_json()
        server.control("POST", "messages", {"user": "member", "channel": "general", "content": "secret"})
        message = await socket.receive_json()
    assert (message["t"], message["d"]["content"]) == ("MESSAGE_CREATE", "")
    assert server.violations() == []


async def test_an_answer_after_the_window_is_refused(server, rest, socket):
    await identified(server, socket)
    await rest("PUT", "/applications/{app}/commands", [{"name": "slow", "description": "d"}])
    asked = server.command("slow")
    event = (await socket.receive_json())["d"]
    webhook = f"/webhooks/{event['application_id']}/{event['token']}"
    assert (await rest("POST", webhook, {"content": "too early"}))[1]["code"] == 10015
    assert server.answer(asked)["state"] == "failed"
    callback = f"/interactions/{asked}/{event['token']}/callback"
    status, body, _ = await rest("POST", callback, {"type": 4, "data": {"content": "too late"}})
    assert (status, body["code"]) == (404, 10062)


async def test_a_command_needs_a_connected_bot(server, rest):
    await rest("PUT", "/applications/{app}/commands", [{"name": "slow", "description": "d"}])
    server.gateway("forget")
    with pytest.raises(ControlRefused, match="not connected"):
        server.command("slow")


async def test_a_kicked_bot_sees_nothing_until_it_is_invited_again(server, rest):
    server.control("POST", "kick", {})
    assert (await rest("GET", "/channels/{lives}"))[1]["code"] == 50001
    assert (await rest("POST", "/channels/{lives}/messages", {"content": "x"}))[1]["code"] == 50001
    server.control("POST", "invite", {})
    assert (await rest("GET", "/channels/{lives}"))[0] == 200


async def test_a_deleted_channel_is_unknown_and_its_messages_are_still_told(server, rest):
    channel = server.control("POST", "channels", {"name": "doomed"})["id"]
    await rest("POST", f"/channels/{channel}/messages", {"content": "last words"})
    server.control("DELETE", "channels/doomed")
    assert (await rest("POST", f"/channels/{channel}/messages", {"content": "x"}))[1]["code"] == 10003
    assert "last words" in [message["content"] for message in server.control("GET", "messages")]


async def test_allowed_mentions_that_contradict_themselves_are_refused(rest):
    body = {"content": "x", "allowed_mentions": {"parse": ["roles"], "roles": ["1"]}}
    assert (await rest("POST", "/channels/{lives}/messages", body))[1]["code"] == 50035


def form(body, **files):
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("payload_json", json.dumps(body))
    for number, (name, content) in enumerate(files.items()):
        data.add_field(
            f"files[{number}]", io.BytesIO(content), filename=name, content_type="application/octet-stream"
        )
    return data


async def test_an_attachment_survives_an_edit_unless_the_list_leaves_it_out(rest):
    path = "/channels/{lives}/messages"
    _, message, _ = await rest("POST", path, data=form({"content": "x"}, one=b"1", two=b"2"))
    one, two = message["attachments"]
    path = f"{path}/{message['id']}"
    assert (await rest("PATCH", path, {"content": "y"}))[1]["attachments"] == [one, two]
    assert (await rest("PATCH", path, {"attachments": [{"id": two["id"]}]}))[1]["attachments"] == [two]
    _, edited, _ = await rest("PATCH", path, data=form({"attachments": [{"id": 0}]}, three=b"3"))
    assert [file["filename"] for file in edited["attachments"]] == ["three"]


async def test_a_file_above_10_mib_is_too_large(rest):
    body = form({"content": "x"}, big=b"0" * (10 * 1024 * 1024 + 1))
    status, answer, _ = await rest("POST", "/channels/{lives}/messages", data=body)
    assert (status, answer["code"]) == (413, 40005)


async def test_the_feed_goes_on_after_a_number(server, rest):
    last = server.control("GET", "events")[-1]["n"]
    await rest("POST", "/channels/{lives}/messages", {"content": "news"})
    [entry] = server.control("GET", f"events?after={last}&wait=5")
    assert (entry["n"], entry["kind"], entry["message"]["content"]) == (last + 1, "message_posted", "news")


def test_who_waits_for_news_is_answered_when_the_stand_in_stops():
    with running_discord() as server:
        address = urllib.parse.urlsplit(server.base)
        waiting = create_connection((address.hostname, address.port))
        waiting.sendall(b"GET /_control/events?after=9999&wait=20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        server.control("GET", "events")  # a later request was answered, so the first one is waiting
    with waiting:
        answer = HTTPResponse(waiting)
        answer.begin()
        assert (answer.status, json.load(answer)) == (200, [])


def test_an_unknown_control_command_says_what_is_known(server):
    with pytest.raises(ControlRefused, match="known are"):
        server.gateway("explode")
    with pytest.raises(ControlRefused, match="no user"):
        server.control("POST", "messages", {"user": "nobody", "channel": "lives", "content": "x"})


@pytest.fixture
def oracle(reference_data):
    oracle = Oracle(reference_data / "discord", Feed())
    assert oracle.state == "on"
    return oracle


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x", "invented": 1},
        {"embeds": [{"title": "x" * 257}]},
        {"content": 5},
        {"attachments": [{"filename": "x"}]},
    ],
)
def test_the_oracle_notices(oracle, body):
    oracle.check_request("POST", MESSAGES, body, {})
    assert [one["direction"] for one in oracle.violations] == ["request"]


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x", "tts": False, "nonce": "1", "enforce_nonce": True},
        {"embeds": [{"title": "x", "flags": 0}]},
        {"attachments": [{"id": 0, "filename": "x.png"}]},
    ],
)
def test_the_oracle_allows_what_discord_py_sends(oracle, body):
    oracle.check_request("POST", MESSAGES, body, {})
    assert oracle.violations == []


def test_the_oracle_judges_each_body_by_itself_however_often_it_comes(oracle):
    for body in ({"content": "x"}, {"content": 5}, {"content": "x"}, {"content": 5}):
        oracle.check_request("POST", MESSAGES, body, {})
    assert len(oracle.violations) == 2


def test_of_a_union_exactly_one_branch_may_fit(oracle):
    """A command's option of a wrong kind is none of the kinds there are; a right one is one of them."""
    option = {"type": 3, "name": "x", "description": "x"}
    command = {"type": 1, "name": "x", "description": "x"}
    for asked in (option, option | {"type": 99}, option | {"channel_types": [0]}):
        oracle.check_request("PUT", COMMANDS, [command | {"options": [asked]}], {})
    assert [one["path"] for one in oracle.violations] == [COMMANDS, COMMANDS]


def test_the_oracle_judges_answers_queries_and_events(oracle):
    oracle.check_response("GET", "/users/@me", 200, {"id": 5})
    oracle.check_request("GET", MESSAGES, None, {"limit": "5", "invented": "1"})
    oracle.check_event("READY", {})
    reasons = [one["reason"] for one in oracle.violations]
    assert len(reasons) == 3
    assert "invented" in reasons[1]


def test_without_schemas_validation_is_off_and_says_so(tmp_path):
    oracle = Oracle(tmp_path, Feed())
    oracle.check_request("POST", MESSAGES, {"invented": 1}, {})
    assert oracle.state.startswith("off: no ")
    assert oracle.violations == []


@pytest.mark.parametrize(
    ("overwrites", "expected"),
    [
        ({}, Bits.SEND_MESSAGES | Bits.EMBED_LINKS),
        ({"everyone": (0, Bits.SEND_MESSAGES)}, 0),
        ({"everyone": (0, Bits.EMBED_LINKS)}, Bits.SEND_MESSAGES),
        (
            {"everyone": (0, Bits.SEND_MESSAGES), "role": (Bits.SEND_MESSAGES, 0)},
            Bits.SEND_MESSAGES | Bits.EMBED_LINKS,
        ),
        ({"role": (Bits.SEND_MESSAGES, 0), "bot": (0, Bits.SEND_MESSAGES)}, 0),
        ({"bot": (0, Bits.VIEW_CHANNEL)}, 0),
    ],
)
def test_overwrites_apply_in_discords_order(overwrites, expected):
    world = first_world()
    guild, channel = world.find_guild(None), world.find_channel("lives")
    targets = {"everyone": guild.id, "role": world.find_role(guild, "Vedette").id, "bot": world.bot.id}
    for name, (allow, deny) in overwrites.items():
        channel.overwrites[targets[name]] = Overwrite(
            target_id=targets[name], is_member=name == "bot", allow=allow, deny=deny
        )
    bits = in_channel(guild, channel, world.bot.id)
    assert bits & (Bits.SEND_MESSAGES | Bits.EMBED_LINKS) == expected
    assert in_channel(guild, channel, guild.owner_id) == ALL


def test_the_bot_has_the_permissions_of_the_invite_link():
    assert BOT == 274878024704
