"""What is kept of each hour, and which hours count as judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.storage import predictions as table
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY, GUILD
from tests.services.oracle import DAY, HOUR, MINUTE, Oracle, add_check, add_live


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def speak_for(world: Oracle, hours: int) -> None:
    for _ in range(hours):
        await world.log.step()
        world.wait(HOUR)


async def outcomes(world: Oracle) -> list[bool | None]:
    now = world.clock.now()
    async with world.database.read() as conn:
        return [one.started for one in await table.load(conn, [1], now - 4 * DAY, now - HOUR)]


async def test_hours_of_an_account_that_nobody_looks_at_make_no_prediction_right(world: Oracle) -> None:
    await world.follow("ana")
    await world.overrides.freeze(BY, "ana", frozen=True)
    await speak_for(world, 8)
    assert set(await outcomes(world)) == {None}
    assert (await world.predictions.accuracy(GUILD)).right is None
    world.wait(2 * DAY)
    async with world.database.write("test.thawed") as conn:
        await add_check(conn, 1, world.clock.now(), "offline")
    await world.log.step()
    assert True not in await outcomes(world)
    assert False not in await outcomes(world)  # that look was far too late to tell


async def test_an_hour_is_judged_once_somebody_looked_after_it(world: Oracle) -> None:
    await world.follow("ana")
    first = world.clock.now() + HOUR
    await speak_for(world, 6)
    async with world.database.write("test.checks") as conn:
        await add_check(conn, 1, first + 2 * HOUR + 5 * MINUTE, "offline")
        await add_check(conn, 1, first + 4 * HOUR, "unknown")
    await world.log.step()
    assert await outcomes(world) == [False, False, None, None]
    async with world.database.write("test.found") as conn:
        start = first + 3 * HOUR + MINUTE
        await add_live(conn, 1, start, found_at=start + 50 * MINUTE, ended_at=start + HOUR)
    await world.log.step()
    assert await outcomes(world) == [False, False, None, True]


async def test_what_is_kept_names_the_policy_whose_model_said_it(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.overrides.choose_policy(BY, "ana", "fixed")
    await world.overrides.choose_default(replace(BY, is_owner=True), "roadmap")
    await world.log.step()
    async with world.database.read() as conn:
        said = await table.load(conn, [1, 2], world.clock.now(), world.clock.now() + DAY)
    assert [one.policy for one in said] == ["probability", "probability"]
