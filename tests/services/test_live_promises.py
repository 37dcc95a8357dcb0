"""What the simulation (tools/simulation) found in the live monitor, each as small as it could be told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.errors import LimitReached
from bot.storage.engine import Database
from bot.storage.tables import lives
from tests.clocks import ManualClock
from tests.services.live_world import BY, CHANNEL, LiveWorld

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def a_world(database: Database, clock: ManualClock, **rules: object) -> LiveWorld:
    world = LiveWorld(database, clock, **rules)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    world.restart(**rules)
    return world


async def test_a_request_counts_from_when_it_left_however_late_that_was(
    database: Database, clock: ManualClock
) -> None:
    world = await a_world(database, clock)
    clock.advance(600)
    world.restart(per_minute=1)
    answer = world.tiktok.check

    async def late(handle: str) -> object:
        clock.advance(40)
        return await answer(handle)

    world.tiktok.check = late
    await world.watchlist.check_now(BY, "ana")
    clock.advance(59)
    with pytest.raises(LimitReached):
        await world.watchlist.check_now(BY, "ana")
    clock.advance(1)
    await world.watchlist.check_now(BY, "ana")


async def test_a_request_of_a_killed_bot_counts_from_the_latest_instant_it_can_have_left(
    database: Database, clock: ManualClock
) -> None:
    world = await a_world(database, clock)
    clock.advance(600)

    async def die(handle: str) -> None:
        raise KeyboardInterrupt

    answer, world.tiktok.check = world.tiktok.check, die
    with pytest.raises(KeyboardInterrupt):
        await world.watchlist.check_now(BY, "ana")
    world.tiktok.check = answer
    world.restart(per_minute=1)
    clock.advance(100)
    with pytest.raises(LimitReached):
        await world.watchlist.check_now(BY, "ana")
    clock.advance(21)
    await world.watchlist.check_now(BY, "ana")


async def test_a_live_is_found_once_although_the_clock_lies_a_day_behind(
    database: Database, clock: ManualClock
) -> None:
    world = await a_world(database, clock)
    world.tiktok.go_live("ana")
    await world.run_for(12 * HOUR)
    world.tiktok.end("ana")
    await world.run_for(12 * HOUR)
    world.tiktok.go_live("ana")
    clock.advance(-DAY.total_seconds() - 3600)
    for _ in range(3):
        clock.advance(120)
        await world.watchlist.check_now(BY, "ana")
    async with database.read() as conn:
        found = (await conn.execute(select(lives.c.ended_at).order_by(lives.c.id))).scalars().all()
    assert [ended_at is None for ended_at in found] == [False, True]


async def test_a_small_budget_for_follow_ups_lasts_for_the_whole_day(
    database: Database, clock: ManualClock
) -> None:
    world = await a_world(database, clock, followup_per_day=30)
    world.tiktok.go_live("ana")
    await world.run_for(20 * HOUR)
    world.tiktok.end("ana")
    await world.run_for(2 * HOUR)
    (message,) = await world.messages()
    assert message["message"]["title"] == "Ana was live"


async def test_each_live_is_told_although_the_clock_is_a_day_ahead(
    database: Database, clock: ManualClock
) -> None:
    world = await a_world(database, clock)
    for _ in range(2):
        world.tiktok.go_live("ana", ago=DAY)
        await world.run_for(2 * HOUR)
        world.tiktok.end("ana")
        await world.run_for(6 * HOUR)
    assert [row["message"]["title"] for row in await world.messages()] == ["Ana was live"] * 2
