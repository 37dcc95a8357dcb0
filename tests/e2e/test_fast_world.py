"""The bot in a world that goes 60 and 600 times as fast as the machine, through a kill and changes of its pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tools.sandbox.fast_scene import FastScene, fast_scene
from tools.sandbox.scene import until
from tools.sandbox.world import START
from tools.sandbox.world.evenings import evenings
from tools.sandbox.world.streamers import STREAMERS

pytestmark = pytest.mark.timeout(600)

SOME = STREAMERS[:3]
#: Under load a post may take seconds of the machine, which are hours there.
PATIENT = {"ROUND_POST_MAX_AGE_MINUTES": "10080"}


@asynccontextmanager
async def running(fast: FastScene) -> AsyncIterator[None]:
    """Let the world happen meanwhile."""
    work = asyncio.create_task(fast.world.run())
    await asyncio.sleep(0)  # noqa: TID251 - it must have begun
    try:
        yield
        assert not work.done(), work.exception()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def is_told(fast: FastScene, handle: str, *, over: bool) -> bool:
    """Tell whether the last live of somebody is announced, or summed up."""
    state = "NOT NULL" if over else "NULL"
    account = f"account_id = (SELECT id FROM accounts WHERE handle = '{handle}')"
    known = f"event_key IN (SELECT 'live:' || id FROM lives WHERE {account} AND ended_at IS {state})"
    return await fast.scene.count("outbox", f"{known} AND delivered_revision = revision") > 0


async def is_on(fast: FastScene, handle: str) -> bool:
    accounts = await fast.scene.tiktok.control("GET", "accounts")
    return any(one["handle"] == handle and one["status"] == "live" for one in accounts)


async def go_live(fast: FastScene, handle: str) -> None:
    await fast.world.go_live(handle)
    await until(lambda: is_on(fast, handle), f"the room of @{handle} was open")
    await fast.scene.command("live check", {"user": handle})
    await until(lambda: is_told(fast, handle, over=False), f"the live of @{handle} was announced")


async def all_is_well(fast: FastScene) -> bool:
    return await fast.wrongs() == []


async def test_in_a_fast_world_everything_is_told_once_through_a_kill(tmp_path):
    first, second, third = (one.handle for one in SOME)
    async with fast_scene(tmp_path, SOME) as fast:
        await fast.begin(**PATIENT, LOG_LEVEL="DEBUG")
        async with running(fast):
            fast.clock.set(speed=60)
            await go_live(fast, first)
            await until(
                lambda: fast.scene.count("recordings", "comments > 0"), "the recorder heard something"
            )
            await fast.scene.kill_bot()
            await fast.world.end_live(first)
            await fast.scene.start_bot(**PATIENT, LOG_LEVEL="DEBUG")
            await until(lambda: is_told(fast, first, over=True), "the live was summed up after the kill")
            fast.clock.set(speed=600)
            await go_live(fast, second)
            await until(lambda: fast.scene.posts("rounds", "round 2"), "the evening's rounds were posted")
            await until(
                lambda: is_told(fast, second, over=True), "the live ended by itself and was summed up"
            )
            fast.clock.set(speed=1)
            await go_live(fast, third)
            about = await fast.scene.command("status")
            assert about["ack_ms"] < 3000
        fast.clock.set(speed=60)  # what is tried again may wait for minutes of the world
        await until(lambda: all_is_well(fast), "everything was told")
        assert await fast.scene.stop_bot() == 0
        log = fast.scene.log()
        for word in ("was lost", "another recorder has the room", "clock was set", "Traceback"):
            assert word not in log


async def test_a_whole_evening_is_posted_and_profiles_are_read_for_nothing(tmp_path):
    evening = evenings(START, START + timedelta(days=1))[0]
    async with fast_scene(tmp_path, SOME[:1]) as fast:
        await fast.begin(**PATIENT, PROFILE_INTERVAL_HOURS="1", LOG_LEVEL="DEBUG")
        await fast.scene.command("profile watch", {"user": f"@{SOME[0].handle}"})
        async with running(fast):
            fast.clock.set(speed=600)
            await fast.clock.sleep_until((evening.ended_at + timedelta(minutes=30)).timestamp())
            fast.clock.set(speed=60)
            assert "(prime)" in fast.scene.log(), "the bot did not know when they play"
            played = sum(len(one.rounds) for one in evening.maps)
            await until(lambda: has_rounds(fast, played), "the last round was imported")
            await until(lambda: all_is_well(fast), "every round was posted")
            await until(lambda: fast.scene.count("profile_runs", "state = 'completed'"), "a profile was read")
        paid = "source = 'scrapecreators' OR credits_left IS NOT NULL"
        assert await fast.scene.count("profile_runs", paid) == 0, "the paid source was asked"


async def has_rounds(fast: FastScene, many: int) -> bool:
    return await fast.scene.count("rounds", f"ended_at > {int(START.timestamp() * 1_000_000)}") >= many
