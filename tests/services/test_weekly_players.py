"""The table of the week and the champions of the season: once, at the right time, where they are wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.services.announcements import Announcements
from bot.services.weekly_players import LONGEST_SLEEP, WeeklyPlayers
from bot.settings import GameServer
from bot.storage.tables import guilds, outbox
from tests.clocks import ManualClock
from tests.kept_rounds import put_round
from tests.services.round_world import Crash, CrashingDatabase

MONDAY = datetime(2026, 11, 16, 3, tzinfo=UTC)  # ten o'clock in Jakarta
OCTOBER = datetime(2026, 10, 5, 3, tzinfo=UTC)  # the first Monday of a season
DAY = timedelta(days=1)


class Weeks:
    """The service on a database with one guild of server `alpha`."""

    def __init__(self, database, now=MONDAY):
        self.database = database
        self.clock = ManualClock(now)
        self.service = self.on(database)

    def on(self, database):
        servers = {
            name: GameServer(host="a.example", username="u", guild_ids=(number,))
            for number, name in ((1, "alpha"), (2, "beta"))
        }
        return WeeklyPlayers(
            database=database,
            announcements=Announcements(self.database, self.clock),
            servers=servers,
            clock=self.clock,
        )

    async def join(self, guild_id=1, **more):
        values = {"guild_id": guild_id, "rounds_channel_id": 100 * guild_id, "time_zone": "Asia/Jakarta"}
        async with self.database.write("test.join") as conn:
            await conn.execute(insert(guilds).values(values | more))

    async def played(self, ended_at, server="alpha", **counters):
        async with self.database.write("test.play") as conn:
            return await put_round(
                conn, ended_at, {"A": {"kills": 5, "team_seconds": 600, **counters}}, server=server
            )

    async def said(self):
        async with self.database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [(row["event_key"], row["channel_id"]) for row in rows]


@pytest.fixture
async def weeks(database):
    return Weeks(database)


async def test_the_week_is_posted_once_on_monday_at_ten_of_the_guilds_zone(weeks):
    await weeks.join()
    await weeks.played(MONDAY - 3 * DAY)
    weeks.clock.advance(-1)
    assert await weeks.service.step() == MONDAY
    assert await weeks.said() == []
    weeks.clock.advance(1)
    assert await weeks.service.step() == MONDAY + LONGEST_SLEEP
    assert await weeks.said() == [("players:1:week:2026-11-16", 100)]
    await weeks.played(MONDAY - 3 * DAY)  # a late file changes nothing that was said
    weeks.clock.advance(3600)
    await weeks.service.step()
    assert len(await weeks.said()) == 1
    async with weeks.database.read() as conn:
        row = (await conn.execute(select(outbox))).mappings().one()
    assert (row["revision"], row["expires_at"]) == (1, MONDAY + DAY)


async def test_every_guild_has_its_own_monday_and_reads_its_own_players(weeks):
    await weeks.join()
    await weeks.join(2, time_zone="Europe/Berlin")
    await weeks.played(MONDAY - 3 * DAY)
    await weeks.played(MONDAY - 3 * DAY, "beta", name="someone else")
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100]
    weeks.clock.advance(6 * 3600)
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100, 200]
    async with weeks.database.read() as conn:
        messages = (await conn.execute(select(outbox.c.message).order_by(outbox.c.id))).scalars().all()
    assert ["someone else" in str(message) for message in messages] == [False, True]


async def test_nothing_is_posted_of_a_week_in_which_nobody_played(weeks):
    await weeks.join()
    await weeks.played(MONDAY - timedelta(hours=2))  # this week
    await weeks.played(MONDAY - 8 * DAY)
    await weeks.service.step()
    assert await weeks.said() == []


async def test_a_bot_that_comes_back_later_than_a_day_says_nothing_of_the_week(weeks):
    await weeks.join()
    await weeks.played(MONDAY - 3 * DAY)
    weeks.clock.advance(DAY.total_seconds())
    await weeks.service.step()
    assert await weeks.said() == []


@pytest.mark.parametrize(
    "without", [{"weekly_players": False}, {"rounds_channel_id": None}, {"left_at": MONDAY}]
)
async def test_who_does_not_want_it_gets_none(weeks, without):
    await weeks.join(**without)
    await weeks.played(MONDAY - 3 * DAY)
    await weeks.service.step()
    assert await weeks.said() == []


async def test_the_champions_of_a_season_are_named_once_in_a_post_of_their_own(database):
    weeks = Weeks(database, OCTOBER)
    await weeks.join()
    await weeks.played(OCTOBER - 30 * DAY)
    await weeks.service.step()
    assert await weeks.said() == [("players:1:season:2026 Q3", 100)]  # nobody played in the last week
    weeks.clock.advance(6 * DAY.total_seconds())
    await weeks.service.step()
    assert len(await weeks.said()) == 1


async def test_a_channel_chosen_later_gets_no_second_post_of_the_same_week(weeks):
    await weeks.join()
    await weeks.played(MONDAY - 3 * DAY)
    await weeks.service.step()
    async with weeks.database.write("test.move") as conn:
        await conn.execute(update(guilds).values(rounds_channel_id=101))
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100]


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_around_the_post_leaves_exactly_one(weeks, committed):
    await weeks.join()
    await weeks.played(MONDAY - 3 * DAY)
    with pytest.raises(Crash):
        await weeks.on(CrashingDatabase(weeks.database, "players.post", committed=committed)).step()
    await weeks.service.step()
    assert await weeks.said() == [("players:1:week:2026-11-16", 100)]


async def test_ten_o_clock_is_ten_o_clock_after_clocks_were_set_back(weeks):
    await weeks.join(time_zone="Europe/Berlin")
    monday = datetime(2026, 10, 26, 9, tzinfo=UTC)
    weeks.clock.advance((monday - MONDAY).total_seconds() - 1)
    await weeks.played(monday - 3 * DAY)
    assert await weeks.service.step() == monday
    assert await weeks.said() == []
    weeks.clock.advance(1)
    await weeks.service.step()
    assert await weeks.said() == [("players:1:week:2026-10-26", 100)]
