"""The digest of the week's lives: once, at the right time, where it is wanted, honest about what was not recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import delete, insert, select, update

from bot.core.announcements import Message
from bot.core.requester import Requester
from bot.jobs.schedule import monday_mornings
from bot.services.announcements import Announcements
from bot.services.players import Players
from bot.services.privacy import Privacy
from bot.services.weekly_streams import LONGEST_SLEEP, WeeklyStreams
from bot.storage import gift_sums
from bot.storage.stream_tables import contributions, recordings
from bot.storage.tables import guilds, lives, outbox, subscriptions
from tests.clocks import ManualClock
from tests.kept_streams import FIRST_PERSON, keep_live
from tests.services.round_world import Crash, CrashingDatabase

MONDAY = datetime(2026, 11, 16, 3, tzinfo=UTC)  # ten o'clock in Jakarta
DAY = timedelta(days=1)


class Weeks:
    """The service on a database with one guild in Jakarta that follows ana."""

    def __init__(self, database, now=MONDAY):
        self.database = database
        self.clock = ManualClock(now)
        self.service = self.on(database)

    def on(self, database):
        return WeeklyStreams(
            database=database,
            announcements=Announcements(self.database, self.clock),
            clock=self.clock,
            calendar=monday_mornings,
            usd_per_diamond=0.005,
        )

    async def join(self, guild_id=1, **more):
        values = {"guild_id": guild_id, "lives_channel_id": 100 * guild_id, "time_zone": "Asia/Jakarta"}
        async with self.database.write("test.join") as conn:
            await conn.execute(insert(guilds).values(values | more))

    async def live(self, started_at=MONDAY - 3 * DAY, handle="ana", guild_id=1, **more):
        async with self.database.write("test.live") as conn:
            kept = await keep_live(conn, handle=handle, started_at=started_at, **more)
            values = {"account_id": kept.account_id, "guild_id": guild_id, "channel_id": 100 * guild_id}
            known = select(subscriptions).where(subscriptions.c.account_id == kept.account_id)
            if (await conn.execute(known)).first() is None:
                await conn.execute(insert(subscriptions).values(**values, created_by=5, created_at=MONDAY))
        return kept

    async def unrecord(self, live):
        """What a live is when nobody recorded it: known, and nothing of it."""
        async with self.database.write("test.unrecord") as conn:
            for table in (recordings, contributions):
                await conn.execute(delete(table).where(table.c.live_id == live.live_id))
            await gift_sums.rebuild(conn)

    async def said(self):
        async with self.database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [(row["event_key"], row["channel_id"]) for row in rows]

    async def fields(self):
        await self.service.step()
        async with self.database.read() as conn:
            message = Message.from_json((await conn.execute(select(outbox.c.message))).scalar_one())
        return {field.name: field.value for field in message.fields} | {"chart": message.chart}


@pytest.fixture
async def weeks(database):
    return Weeks(database)


async def test_the_week_is_told_once_on_monday_at_ten_of_the_guilds_zone(weeks):
    await weeks.join()
    await weeks.live()
    weeks.clock.advance(-1)
    assert await weeks.service.step() == MONDAY
    assert await weeks.said() == []
    weeks.clock.advance(1)
    assert await weeks.service.step() == MONDAY + LONGEST_SLEEP
    assert await weeks.said() == [("lives:1:week:2026-11-16", 100)]
    await weeks.live(MONDAY - 2 * DAY, seed=2)
    weeks.clock.advance(3600)
    await weeks.service.step()
    async with weeks.database.read() as conn:
        row = (await conn.execute(select(outbox))).mappings().one()
    assert (row["revision"], row["expires_at"]) == (1, MONDAY + DAY)


async def test_every_guild_has_its_own_monday_and_reads_of_whom_it_follows(weeks):
    await weeks.join()
    await weeks.join(2, time_zone="Europe/Berlin")
    await weeks.live()
    await weeks.live(handle="somebody", guild_id=2)
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100]
    weeks.clock.advance(6 * 3600)
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100, 200]
    async with weeks.database.read() as conn:
        messages = (await conn.execute(select(outbox.c.message).order_by(outbox.c.id))).scalars().all()
    assert ["Somebody" in str(message) for message in messages] == [False, True]


async def test_ten_o_clock_is_ten_o_clock_after_clocks_were_set_back(weeks):
    await weeks.join(time_zone="Europe/Berlin")
    monday = datetime(2026, 10, 26, 9, tzinfo=UTC)
    weeks.clock.advance((monday - MONDAY).total_seconds() - 1)
    await weeks.live(monday - 3 * DAY)
    assert await weeks.service.step() == monday
    assert await weeks.said() == []
    weeks.clock.advance(1)
    await weeks.service.step()
    assert await weeks.said() == [("lives:1:week:2026-10-26", 100)]


async def test_nothing_is_told_of_a_week_without_a_live(weeks):
    await weeks.join()
    sunday_midnight = MONDAY - timedelta(hours=10)  # in Jakarta
    await weeks.live(sunday_midnight)  # this week
    await weeks.live(sunday_midnight - 7 * DAY - timedelta(minutes=1), minutes=60)
    await weeks.service.step()
    assert await weeks.said() == []


async def test_a_bot_that_comes_back_a_day_later_says_nothing_of_the_week(weeks):
    await weeks.join()
    await weeks.live()
    weeks.clock.advance(DAY.total_seconds())
    assert await weeks.service.step() == weeks.clock.now() + LONGEST_SLEEP
    assert await weeks.said() == []
    weeks.clock.advance(-1)
    await weeks.service.step()
    assert len(await weeks.said()) == 1


@pytest.mark.parametrize(
    "without", [{"weekly_streams": False}, {"lives_channel_id": None}, {"left_at": MONDAY}]
)
async def test_who_does_not_want_it_gets_none(weeks, without):
    await weeks.join(**without)
    await weeks.live()
    await weeks.service.step()
    assert await weeks.said() == []


async def test_of_an_account_that_is_paused_nothing_is_told(weeks):
    await weeks.join()
    await weeks.live()
    async with weeks.database.write("test.pause") as conn:
        await conn.execute(update(subscriptions).values(paused=True))
    await weeks.service.step()
    assert await weeks.said() == []


async def test_a_channel_chosen_later_gets_no_second_post_of_the_same_week(weeks):
    await weeks.join()
    await weeks.live()
    await weeks.service.step()
    async with weeks.database.write("test.move") as conn:
        await conn.execute(update(guilds).values(lives_channel_id=101))
    await weeks.service.step()
    assert [channel for _, channel in await weeks.said()] == [100]


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_around_the_post_leaves_exactly_one(weeks, committed):
    await weeks.join()
    await weeks.live()
    with pytest.raises(Crash):
        await weeks.on(CrashingDatabase(weeks.database, "streams.week", committed=committed)).step()
    await weeks.service.step()
    assert await weeks.said() == [("lives:1:week:2026-11-16", 100)]


async def test_lives_hours_diamonds_and_those_who_gave_most_are_told_and_compared(weeks):
    await weeks.join()
    first = await weeks.live(minutes=90, seed=1)
    second = await weeks.live(MONDAY - 2 * DAY, minutes=60, seed=2, connected_share=0.5)
    other = await weeks.live(MONDAY - 5 * DAY, handle="ben", minutes=240, seed=3)
    before = await weeks.live(MONDAY - 9 * DAY, minutes=30, seed=4)
    fields = await weeks.fields()
    kept = (first, second, other)
    of_ana = first.totals["diamonds"] + second.totals["diamonds"]
    assert fields["Lives"] == (
        f"**Ben**: 1 live, 4 h 00 min, {other.totals['diamonds']:,} diamonds, 100% recorded\n"
        f"**Ana**: 2 lives, 2 h 30 min, {of_ana:,} diamonds, 80% recorded"
    )
    diamonds = sum(live.totals["diamonds"] for live in kept)
    assert fields["Diamonds"].startswith(f"{diamonds:,}\nabout $")
    best = max(kept, key=lambda live: live.totals["diamonds"])
    assert (
        f"<t:{int(best.started_at.timestamp())}:f>: {best.totals['diamonds']:,} diamonds"
        in fields["Best live"]
    )
    sums = {}
    for live in kept:
        for person, given in live.diamonds_of.items():
            sums[person] = sums.get(person, 0) + given
    told = fields["Top gifters"].splitlines()
    assert [int(line.split(": ")[1].split(" ")[0].replace(",", "")) for line in told] == sorted(
        sums.values(), reverse=True
    )[:5]
    assert fields["Recorded"] == "3 lives, 92% of the time recorded"
    assert fields["The week before"].startswith(f"1 live, 30 min, {before.totals['diamonds']:,} diamonds, ")
    change = round(100 * (diamonds - before.totals["diamonds"]) / before.totals["diamonds"])
    assert f"{abs(change):,}% {'more' if change >= 0 else 'less'} now" in fields["The week before"]
    assert len(fields["chart"].groups[0].bars) == min(10, len(sums))


async def test_what_was_not_recorded_is_said_and_is_not_called_nothing(weeks):
    await weeks.join()
    live = await weeks.live()
    await weeks.unrecord(live)
    await weeks.unrecord(await weeks.live(MONDAY - 9 * DAY, seed=2))
    fields = await weeks.fields()
    assert fields["Lives"] == "**Ana**: 1 live, 1 h 30 min, not recorded"
    assert fields["Diamonds"] == "unknown"
    assert fields["Most viewers"] == "50 at Ana"  # the monitor counts them too
    assert fields["Recorded"] == "1 live, 1 live not recorded"
    assert "diamonds unknown" in fields["The week before"]
    assert "Top gifters" not in fields
    assert fields["chart"] is None


async def test_a_live_that_is_on_is_of_the_week_it_began_in_and_said_to_be_on(weeks):
    await weeks.join()
    await weeks.live(MONDAY - timedelta(hours=11), minutes=600, going_on=True)
    fields = await weeks.fields()
    assert fields["Lives"].startswith("**Ana**: 1 live, 11 h 00 min")
    assert "1 of them still on" in fields["Recorded"]
    assert fields["The week before"] == "no live"


async def test_many_hosts_and_long_names_fit_into_a_message(weeks):
    await weeks.join()
    for number in range(15):
        await weeks.live(
            MONDAY - 2 * DAY + timedelta(minutes=number), handle=f"host{number}", seed=number, minutes=20
        )
    async with weeks.database.write("test.rename") as conn:
        await conn.execute(update(lives).values(peak_viewers=None))
        await conn.exec_driver_sql("UPDATE accounts SET nickname = '" + "*" * 300 + "'")
        await conn.exec_driver_sql("UPDATE stream_people SET nickname = '" + "*" * 300 + "'")
    fields = await weeks.fields()
    assert "and 7 more accounts" in fields["Lives"]
    assert all(len(str(value)) <= 1024 for name, value in fields.items() if name != "chart")


@pytest.mark.parametrize("posted", [False, True])
async def test_a_digest_that_waits_is_written_anew_without_whom_it_must_not_name(weeks, posted):
    await weeks.join()
    live = await weeks.live()
    await weeks.service.step()
    if posted:
        async with weeks.database.write("test.post") as conn:
            await conn.execute(update(outbox).values(delivered_revision=1, state="delivered", message_id=5))
    best = max(live.diamonds_of, key=lambda person: live.diamonds_of[person])
    name = f"Fan {best - FIRST_PERSON}:"
    privacy = Privacy(
        database=weeks.database,
        players=cast(Players, None),  # nobody looks for any
        announcements=Announcements(weeks.database, weeks.clock),
        clock=weeks.clock,
    )
    by = Requester(guild_id=1, user_id=42, is_owner=True)
    await privacy.forget(by, await privacy.find(by, f"@fan{best - FIRST_PERSON}"))
    await weeks.service.step()
    async with weeks.database.read() as conn:
        digests = select(outbox.c.message).where(outbox.c.event_key.startswith("lives:"))
        (message,) = (await conn.execute(digests)).scalars()
    assert (name in str(message)) is posted  # what stands in Discord stays as it was posted
