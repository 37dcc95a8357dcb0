"""Limits of the Discord stand-in that a bot meets late: by the second, by the age of a message, by the day."""

from __future__ import annotations

import asyncio

import pytest

from tests.discordserver import running_discord
from tests.rawdiscord import identified
from tools.sandbox.clock import WorldClock

SATURDAY = 1_790_000_000.0
MESSAGES = "/channels/{lives}/messages"
COMMANDS = "/applications/{app}/commands"


@pytest.fixture
def clock(tmp_path):
    clock = WorldClock(tmp_path / "clock.json")
    clock.set(instant=SATURDAY, speed=1)
    return clock


@pytest.fixture
async def server(clock, tmp_path):
    with running_discord(
        "--no-rate-limits", "--kept-frames", "5", "--clock", str(tmp_path / "clock.json")
    ) as server:
        yield server
        assert server.reasons() == []


async def later(clock, rest, seconds, *, speed=None):
    """Let so much time pass in the world; the stand-in notices within the machine's 50 ms."""
    clock.set(instant=clock.unix() + seconds, speed=speed)
    target = clock.now().isoformat()
    async with asyncio.timeout(5):
        while (await rest.done("POST", "/channels/{general}/messages", {"content": "x"}))[
            "timestamp"
        ] < target:
            pass


async def test_more_than_50_requests_in_a_second_are_refused_everywhere(server, rest):
    server.control("POST", "rate_limits", {"enabled": True, "limit": 1000, "seconds": 60})
    answers = await asyncio.gather(*(rest("GET", "/users/@me") for _ in range(150)))
    body, headers = next((body, headers) for status, body, headers in answers if status == 429)
    assert (body["global"], headers["X-RateLimit-Scope"]) == (True, "global")
    # How an interaction is answered does not count: it was looked at.
    assert await rest.refused("POST", "/webhooks/{app}/unknown", {"content": "x"}) == (404, 10015)


async def test_messages_older_than_an_hour_can_be_edited_three_times_in_20_seconds(server, rest, clock):
    message = await rest.done("POST", MESSAGES, {"content": "0"})
    path = f"{MESSAGES}/{message['id']}"
    for number in range(5):
        await rest.done("PATCH", path, {"content": str(number)})
    await later(clock, rest, 3601)
    for number in range(3):
        await rest.done("PATCH", path, {"content": str(number)})
    status, body, headers = await rest("PATCH", path, {"content": "too often"})
    assert (status, body["code"], headers["X-RateLimit-Scope"]) == (429, 30046, "shared")
    assert 0 < body["retry_after"] <= 20
    await later(clock, rest, 21)
    await rest.done("PATCH", path, {"content": "again"})


async def test_a_limit_by_the_worlds_time_asks_to_wait_in_the_machines(server, rest, clock):
    message = await rest.done("POST", MESSAGES, {"content": "0"})
    path = f"{MESSAGES}/{message['id']}"
    await later(clock, rest, 3601, speed=20)
    answers = await asyncio.gather(*(rest("PATCH", path, {"content": str(n)}) for n in range(4)))
    [waits] = [body["retry_after"] for status, body, _ in answers if status == 429]
    assert 0 < waits <= 1


async def test_200_new_commands_in_a_day_are_enough(server, rest):
    for first in ("a", "b"):
        specs = [{"name": f"{first}{number}", "description": "d"} for number in range(100)]
        await rest.done("PUT", COMMANDS, specs)
    # What is there already is none of them, however often it is sent again.
    await rest.done("PUT", COMMANDS, specs)
    status, body, _ = await rest("PUT", COMMANDS, [{"name": "new", "description": "d"}])
    assert (status, body["code"]) == (429, 30034)


async def resumed(server, socket, session, seq):
    data = {"token": server.facts["token"], "session_id": session, "seq": seq}
    await socket.send_json({"op": 6, "d": data})
    return await socket.receive_json()


async def test_who_missed_too_much_cannot_resume(server, http, socket):
    """Discord does not keep everything for a client that is gone: op 9, and IDENTIFY brings the world anew."""
    ready, _ = await identified(server, socket)
    for number in range(5):
        server.control("PATCH", "roles/Quiet", {"mentionable": bool(number % 2)})
    async with http.ws_connect(server.facts["gateway"]) as again:
        await again.receive_json()
        assert (await resumed(server, again, ready["session_id"], 2))["t"] == "GUILD_ROLE_UPDATE"
    async with http.ws_connect(server.facts["gateway"]) as too_late:
        await too_late.receive_json()
        answer = await resumed(server, too_late, ready["session_id"], 1)
    assert (answer["op"], answer["d"]) == (9, False)
