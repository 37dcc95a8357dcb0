"""Accounts are learned on the clock of the guilds that follow them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from bot.core.live.history import Followed
from bot.core.live.prediction_charts import in_zone
from bot.core.live.predictions import AccountPrediction, FactorBars
from bot.core.live.transitions import Phase
from bot.core.requester import Requester
from bot.services.predictions import Predictions
from bot.storage import guilds, history
from bot.storage.engine import Database
from bot.storage.tables import accounts, lives
from tests.clocks import ManualClock
from tests.services.live_world import CHANNEL, LiveWorld

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN, ANGELES = "Europe/Berlin", "America/Los_Angeles"


async def world_of(database: Database, now: datetime, *zones: str) -> LiveWorld:
    """Give a world in which guilds 1, 2, ... in these zones follow account 1."""
    world = LiveWorld(database, ManualClock(now))
    world.tiktok.add("ana", 1)
    for guild_id, zone in enumerate(zones, start=1):
        async with database.write("test.guild") as conn:
            await guilds.joined(conn, guild_id, zone)
        by = Requester(guild_id=guild_id, user_id=42)
        await world.watchlist.add(by, "ana", guild_id * CHANNEL, None)
    return world


async def had_lives(world: LiveWorld, starts: Iterable[datetime]) -> None:
    """Let account 1 have been live for two hours, found at once, and the bot begin anew."""
    starts = list(starts)
    async with world.database.write("test.past") as conn:
        await conn.execute(update(accounts).values(added_at=min(starts) - DAY))
        for start in starts:
            await conn.execute(
                lives.insert().values(
                    account_id=1,
                    phase=Phase.ENDED,
                    started_at=start.astimezone(UTC),
                    found_at=start.astimezone(UTC),
                    last_seen_at=start.astimezone(UTC) + 2 * HOUR,
                    ended_at=start.astimezone(UTC) + 2 * HOUR,
                    title="",
                    cover_url="",
                )
            )
    world.restart(policy=None)
    await world.monitor.replan_step()


async def told(world: LiveWorld) -> AccountPrediction:
    predictions = Predictions(
        database=world.database, monitor=world.monitor, clock=world.clock, default_time_zone="UTC"
    )
    return await predictions.account(1, "ana")


async def bars(world: LiveWorld) -> FactorBars:
    found = (await told(world)).factors
    assert found is not None
    return found


async def zone_of(database: Database, now: datetime) -> str:
    async with database.read() as conn:
        followed, *_ = await history.events_of(conn, [1], now - DAY, now)
    assert isinstance(followed, Followed)
    return followed.zone


def evenings(zone: str, first: datetime, days: int) -> list[datetime]:
    """Give 20:30 on the clock of a zone, day by day."""
    at = first.replace(hour=20, minute=30, tzinfo=ZoneInfo(zone))
    return [at + day * DAY for day in range(days)]


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        (datetime(2026, 10, 26, 6, tzinfo=UTC), "the clocks went back on 25 October"),
        (datetime(2026, 3, 30, 6, tzinfo=UTC), "the clocks went forward on 29 March"),
    ],
)
async def test_a_habit_keeps_its_local_hour_when_the_clocks_change(
    database: Database, now: datetime, hours: str
) -> None:
    world = await world_of(database, now, BERLIN)
    await had_lives(world, evenings(BERLIN, now - 42 * DAY, 41))
    found = await told(world)
    likeliest = found.hours_from + found.expected.starts.index(max(found.expected.starts)) * HOUR
    assert likeliest.astimezone(ZoneInfo(BERLIN)).hour == 20, hours
    heat = in_zone(found.heat, found.heat_zone, BERLIN, now)
    assert {row.index(max(row)) for row in heat} == {20}


async def test_the_bar_of_the_weekday_is_that_of_the_local_day(database: Database) -> None:
    """Friday's lives at 20:30 in Los Angeles are on Saturday in UTC; it is Friday 15:30 there, and here."""
    now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    fridays = evenings(ANGELES, datetime(2026, 8, 28, tzinfo=UTC), 80)[::7]
    world = await world_of(database, now, ANGELES)
    await had_lives(world, fridays)
    friday = (await bars(world)).weekday
    world.clock.advance((DAY + HOUR).total_seconds())
    assert friday > 3 * (await bars(world)).weekday


async def test_where_guilds_have_several_zones_an_account_is_learned_in_utc(database: Database) -> None:
    now = datetime(2026, 10, 26, 6, tzinfo=UTC)
    world = await world_of(database, now, BERLIN, ANGELES)
    await had_lives(world, evenings(BERLIN, now - 42 * DAY, 41))
    found = await told(world)
    assert found.heat_zone == "UTC"
    heat = in_zone(found.heat, found.heat_zone, BERLIN, now)
    assert {row.index(max(row)) for row in heat} == {19}  # 18:30 UTC was 20:30 until yesterday


async def test_the_zone_of_an_account_is_the_one_its_guilds_agree_on(
    database: Database, clock: ManualClock
) -> None:
    now = clock.now()
    world = await world_of(database, now, BERLIN, BERLIN, "Asia/Jakarta")
    third = Requester(guild_id=3, user_id=42)
    assert await zone_of(database, now) == ""
    await world.watchlist.pause(third, "ana", paused=True)
    assert await zone_of(database, now) == BERLIN
    await world.watchlist.pause(third, "ana", paused=False)
    assert await zone_of(database, now) == ""
    async with database.write("test.left") as conn:
        await guilds.left(conn, 3, now)
    assert await zone_of(database, now) == BERLIN
