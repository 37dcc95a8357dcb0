"""The nightly score: what counts as found, which days are scored, and what is told of them."""

from __future__ import annotations

import pytest

from bot.storage import predictions as table
from bot.storage.engine import Database
from bot.storage.tables import day_scores
from tests.clocks import ManualClock
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


async def test_a_score_of_a_release_that_knew_more_figures_is_read(world: Oracle) -> None:
    await world.follow("ana")
    await world.scores.night()
    (score,) = await scores(world)
    async with world.database.write("test.older") as conn:
        row = (await conn.execute(day_scores.select())).one()
        await conn.execute(day_scores.update().values(figures={**row.figures, "missed_known": 0}))
    assert await scores(world) == [score]
