"""The client: commands, guilds, failures of commands, and a gateway that is deaf."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.clock import SystemClock
from bot.discord import watchdog
from bot.discord.client import VedetteClient
from bot.discord.pace import Pace
from bot.discord.watchdog import hears, until_deaf
from bot.errors import InputRefused
from tests.clocks import ManualClock
from tests.discord_room.room import Room

COG = "tests.discord_room.trouble_cog"


async def test_it_asks_for_guilds_only_and_pings_nobody(room: Room) -> None:
    assert room.client.intents.value == discord.Intents(guilds=True).value
    assert room.client.allowed_mentions.to_dict() == discord.AllowedMentions.none().to_dict()


async def test_commands_are_sent_once_and_again_only_when_they_change(open_room: Callable[..., Any]) -> None:
    async with open_room(COG) as room:
        sent = await _syncs(room)
        await room.restart()
        assert await _syncs(room) == sent
        room.cogs = ()
        await room.restart()
        assert await _syncs(room) == sent + 1


async def test_a_start_goes_on_when_discord_does_not_take_the_commands(
    open_room: Callable[..., Any], server: Any
) -> None:
    await asyncio.to_thread(server.fault, "status", status=503, method="PUT", path="/commands")
    async with open_room(COG) as room:
        assert room.client.is_ready()
        sent = await _syncs(room)
        await room.restart()
        assert await _syncs(room) == sent + 1


async def _syncs(room: Room) -> int:
    return len(await room.ask(room.server.requests, "PUT", "/commands"))


async def test_commands_are_for_servers_only(open_room: Callable[..., Any]) -> None:
    async with open_room(COG) as room:
        state = await room.ask(room.server.control, "GET", "state")
    assert {tuple(command["contexts"]) for command in state["commands"]} == {(0,)}
    assert {tuple(command["integration_types"]) for command in state["commands"]} == {(0,)}


async def test_what_a_person_did_wrong_is_told_in_private(open_room: Callable[..., Any]) -> None:
    async with open_room(COG) as room:
        for name in ("refuse", "refuse-late"):
            answer = await room.command(name)
            said = answer["response"] or answer["followups"][0]
            assert (said["content"], said["ephemeral"]) == ("Give me a name.", True)


async def test_a_bug_shows_an_incident_and_logs_it_with_its_cause(
    open_room: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_room(COG) as room:
        answer = await room.command("break")
    said = answer["response"]
    number = said["content"].split("`")[1]
    assert said["ephemeral"]
    assert "ZeroDivisionError" not in said["content"]
    (record,) = [record for record in caplog.records if number in record.getMessage()]
    assert record.exc_info[0] is ZeroDivisionError


async def test_an_answer_that_comes_too_late_is_no_incident(
    open_room: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    too_late = '{"message": "Unknown interaction", "code": 10062}'
    caplog.set_level(logging.INFO)
    async with open_room(COG) as room:
        await room.ask(
            room.server.fault,
            "status",
            method="POST",
            path="/callback",
            status=404,
            body=too_late,
            headers={"Content-Type": "application/json"},
        )
        await room.ask(room.server.command, "greet")
        await room.until(lambda: "closed it before it was answered" in caplog.text)
    assert "Incident" not in caplog.text


async def test_who_may_not_is_told_even_where_the_server_allows_the_command(
    open_room: Callable[..., Any],
) -> None:
    async with open_room(COG) as room:
        member = await room.command("guarded", user="member")
        admin = await room.command("guarded", user="admin")
    assert "Manage Server" in member["response"]["content"]
    assert member["response"]["ephemeral"]
    assert admin["response"]["content"] == "done"


async def test_the_owner_of_the_deployment_may_everywhere(open_room: Callable[..., Any], server: Any) -> None:
    owner = server.facts["users"]["member"]
    async with open_room(COG, settings=f"OWNER_ID={owner}\n") as room:
        answer = await room.command("guarded", user="member")
    assert answer["response"]["content"] == "done"


async def test_a_long_answer_is_posted_in_the_channel_when_its_window_is_closed(
    open_room: Callable[..., Any],
) -> None:
    async with open_room(COG) as room:
        interaction = await room.ask(room.server.command, "long", channel="general")
        await room.until_async(lambda: _is_deferred(room, interaction))
        await room.ask(room.server.control, "POST", f"interactions/{interaction}/expire")
        room.client.get_cog("Trouble").go_on.set()
        await room.until_async(lambda: _was_posted(room, "Long work is done"))


async def _is_deferred(room: Room, interaction: str) -> bool:
    found = await room.ask(room.server.control, "GET", f"interactions/{interaction}")
    return found["state"] == "deferred"


async def _was_posted(room: Room, title: str) -> bool:
    shown = await room.shown("general")
    return any(one["embeds"] and one["embeds"][0]["title"] == title for one in shown)


async def test_a_server_that_removed_the_bot_while_it_was_away_is_noticed(room: Room) -> None:
    await room.services.guilds.joined(4711)
    await room.restart()

    async def noticed() -> bool:
        async with room.database.read() as conn:
            from sqlalchemy import select

            from bot.storage.tables import guilds

            rows = (await conn.execute(select(guilds.c.guild_id, guilds.c.left_at))).all()
            left = {row.guild_id: row.left_at is not None for row in rows}
            return left.get(4711) is True and left.get(room.guild_id) is False

    await room.until_async(noticed)


async def test_a_gateway_that_hears_is_left_alone(room: Room) -> None:
    await room.until(lambda: hears(room.client))
    clock = ManualClock()
    watching = asyncio.create_task(until_deaf(room.client, clock))
    for _ in range(60):
        await clock.asleep()
        clock.advance(watchdog.LOOK_EVERY_SECONDS)
    await clock.asleep()
    assert not watching.done()
    watching.cancel()


async def test_a_gateway_that_is_ready_but_deaf_is_noticed(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    await room.until(lambda: hears(room.client))
    await room.ask(room.server.gateway, "down")
    try:
        await room.ask(room.server.gateway, "drop")
        await room.until(lambda: not hears(room.client))
        assert room.client.is_ready()
        clock = ManualClock(auto=True)
        await asyncio.wait_for(until_deaf(room.client, clock), 10)
        assert watchdog.DEAF_AFTER_SECONDS <= clock.monotonic() <= watchdog.DEAF_AFTER_SECONDS + 60
    finally:
        await room.ask(room.server.gateway, "up")


async def test_a_gateway_that_never_says_it_is_ready_is_noticed(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.until(lambda: hears(room.client))
    fresh = VedetteClient(room.services, (), Pace(SystemClock()))
    clock = ManualClock(auto=True)
    await asyncio.wait_for(until_deaf(fresh, clock), 10)
    assert watchdog.DEAF_AFTER_SECONDS <= clock.monotonic() <= watchdog.DEAF_AFTER_SECONDS + 60
    monkeypatch.setattr(room.client, "is_ready", lambda: False)
    assert not hears(room.client)


def test_a_hint_is_only_for_what_people_can_mend() -> None:
    from bot.discord.errors import hint

    assert hint(InputRefused("Give me a name.")) == "Give me a name."
    assert "Restart" in hint(app_commands.CommandNotFound("x", []))
    assert hint(KeyError("secret")) == ""
