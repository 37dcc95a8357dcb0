"""The real bot starts on the sandbox's past: it answers from it with figures and charts, and says nothing of it by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from tools.past.make import make_with
from tools.past.rounds import files_between
from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn, bot_settings
from tools.sandbox.scene import World, until
from tools.sandbox.world import START
from tools.sandbox.world.creators import profile_at
from tools.sandbox.world.evenings import ZONE_SETTINGS
from tools.sandbox.world.streamers import STREAMERS

DAYS = 4
BEGINS = START - timedelta(days=DAYS)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[World]:
    """A bot on a short past, at the world's start; the game server's folder holds what was played."""
    clock_file = tmp_path / "clock.json"
    WorldClock(clock_file).set(instant=START.timestamp(), speed=1.0)
    (tmp_path / "data").mkdir()
    with ThreadPoolExecutor(1) as pool:
        await make_with(pool, tmp_path / "data" / "vedette.db", BEGINS, START, lambda _: None)
    async with AsyncExitStack() as stack:
        named = [("discord", "--no-rate-limits"), ("tiktok", "--proxy"), ("gameserver",)]
        discord, tiktok, gameserver = [
            await stack.enter_async_context(StandIn(*one, "--clock", str(clock_file))) for one in named
        ]
        world = World(discord, tiktok, gameserver, tmp_path)
        guild = (await discord.control("GET", "state"))["guilds"][0]
        world.settings = {
            **bot_settings(discord.facts, tiktok.facts, gameserver.facts, tmp_path / "data"),
            "GAME_SERVERS__SANDBOX__GUILD_IDS": guild["id"],
            **ZONE_SETTINGS,
            "CLOCK_FILE": str(clock_file),
        }
        await _fill(world)
        try:
            yield world
        finally:
            if world.bot is not None and world.bot.returncode is None:
                await world.kill_bot()


async def _fill(world: World) -> None:
    for one in STREAMERS:
        person = {"handle": one.handle, "id": str(one.id), "nickname": one.nickname}
        followers = profile_at(one, START).followers
        await world.tiktok.control("POST", "accounts", {**person, "followers": followers})
    for file in files_between(BEGINS, START):
        body = {"name": file.name, "content": file.content.decode("ascii")}
        await world.gameserver.control("POST", "files", {**body, "mtime": file.ended_at.timestamp()})


async def answer(world: World, name: str, **options: str) -> str:
    """Give a command as a member; gives what was answered, with the names of its pictures."""
    given = await world.command(name, options, by="member", channel="general")
    return json.dumps([given["response"], *given["followups"]], ensure_ascii=False)


async def test_the_bot_answers_from_its_past_and_posts_nothing_of_it(scene: World) -> None:
    await scene.start_bot()
    await until(lambda: asyncio.sleep(0, "Plan: policy" in scene.log()), "the first plan was made")  # noqa: TID251 - as above

    rani = STREAMERS[0]
    answers = {
        "predict account": await answer(scene, "predict account", user=f"@{rani.handle}"),
        "top gifters": await answer(scene, "top gifters"),
        "top players": await answer(scene, "top players", metric="kills", period="all_time"),
        "profile show": await answer(scene, "profile show", user=f"@{rani.handle}"),
        "rounds evening": await answer(scene, "rounds evening"),
    }
    history = await answer(scene, "stream history", user=f"@{rani.handle}")

    for name, given in answers.items():
        assert "chart.png" in given, (name, given)
    assert "recorded: " in history
    assert any(title in history for title in rani.titles)
    for channel in ("lives", "rounds", "admin"):
        assert not await scene.discord.control("GET", f"messages?channel={channel}"), channel
    assert not await scene.count("outbox", "state <> 'delivered'")
    assert not await scene.count("jobs")
    assert not await scene.violations()
    assert " WARNING " not in scene.log()
    assert " ERROR " not in scene.log()
    assert await scene.stop_bot() == 0
