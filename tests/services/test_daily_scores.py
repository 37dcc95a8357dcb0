"""The nightly score: what counts as found, which days are scored, and what is told of them."""

from __future__ import annotations

import pytest

from bot.storage import guilds
from bot.storage import predictions as table
from bot.storage.engine import Database
from bot.storage.tables import day_scores
from tests.clocks import ManualClock
from tests.services.live_world import BY, GUILD
from tests.services.oracle import DAY, HOUR, MINUTE, Oracle, add_check, add_live


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def scores(world: Oracle) -> list[table.DayScore]:
    async with world.database.read() as conn:
        return list(await table.scores_since(conn, (world.clock.now() - 30 * DAY).date()))


async def test_a_live_that_one_check_saw_was_found_although_it_ended_then(world: Oracle) -> None:
    await world.follow("ana")
    noon = world.clock.now().replace(hour=12, minute=0, second=0, microsecond=0) - DAY
    async with world.database.write("test.past") as conn:
        for start in (noon, noon + 3 * HOUR):
            found_at = start + 20 * MINUTE
            await add_live(conn, 1, start, found_at=found_at, ended_at=found_at)
            await add_check(conn, 1, found_at, "live")
    await world.scores.night()
    (score,) = await scores(world)
    assert (score.found, score.missed, score.coverage) == (2, 0, 1)


async def test_nights_that_were_slept_through_are_scored_at_the_next_start(world: Oracle) -> None:
    await world.follow("ana")
    noon = world.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    async with world.database.write("test.past") as conn:
        for days in (2, 3, 9):
            await add_live(
                conn,
                1,
                noon - days * DAY,
                found_at=noon - days * DAY + 20 * MINUTE,
                ended_at=noon - days * DAY + HOUR,
            )
            await add_check(conn, 1, noon - days * DAY + 20 * MINUTE, "live")
    await world.scores.catch_up()
    assert [(one.day, one.found) for one in await scores(world)] == [
        ((noon - days * DAY).date(), 1) for days in (3, 2)
    ]


async def test_a_night_scores_the_days_that_have_no_score_and_tells_of_yesterday_alone(world: Oracle) -> None:
    await world.follow("ana")
    noon = world.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    async with world.database.write("test.past") as conn:
        await guilds.joined(conn, GUILD, "UTC")
        await guilds.choose(conn, BY, {"admin_channel_id": 500}, world.clock.now())
        for days in (1, 2, 3):
            await add_check(conn, 1, noon - days * DAY, "offline")
    await world.overrides.tell_daily_scores(BY, on=True)
    await world.scores.night()
    assert [(noon.date() - one.day).days for one in await scores(world)] == [3, 2, 1]
    told = [row["event_key"] for row in await world.messages() if row["event_key"].startswith("score:")]
    assert told == [f"score:{(noon - DAY).date()}"]
    async with world.database.write("test.more") as conn:
        await add_check(conn, 1, noon - 2 * DAY, "offline")
    await world.scores.night()
    assert [one.requests for one in await scores(world)] == [1, 1, 1]  # a score that is kept stays


async def test_a_day_whose_last_lives_are_being_found_still_waits_for_its_night(world: Oracle) -> None:
    await world.follow("ana")
    noon = world.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    async with world.database.write("test.past") as conn:
        for days in (0, 1):
            await add_check(conn, 1, noon - days * DAY, "offline")
    world.wait(noon + 12 * HOUR + 5 * MINUTE - world.clock.now())  # it is 00:05
    await world.scores.catch_up()
    assert [one.day for one in await scores(world)] == [(noon - DAY).date()]
    world.wait(8 * HOUR)
    await world.scores.catch_up()
    assert [one.day for one in await scores(world)] == [(noon - DAY).date(), noon.date()]


async def test_a_score_of_a_release_that_knew_more_figures_is_read(world: Oracle) -> None:
    await world.follow("ana")
    await world.scores.night()
    (score,) = await scores(world)
    async with world.database.write("test.older") as conn:
        row = (await conn.execute(day_scores.select())).one()
        await conn.execute(day_scores.update().values(figures={**row.figures, "missed_known": 0}))
    assert await scores(world) == [score]
