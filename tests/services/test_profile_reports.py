"""Reports of profiles: once a period, at ten o'clock of the guild's zone, where they were chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, insert, select, update

from bot.core.announcements import Message
from bot.core.posts.models import Counts, ReportEvery
from bot.core.requester import Requester
from bot.errors import NothingThere
from bot.jobs.schedule import monday_mornings, mornings
from bot.services.announcements import Announcements
from bot.services.profile_reports import LONGEST_SLEEP, ProfileReports
from bot.settings import Settings
from bot.storage import profile_reports
from bot.storage.post_tables import post_snapshots, profile_milestones, profile_snapshots, profile_watches
from bot.storage.profile_milestones import passed_between
from bot.storage.tables import guilds, outbox
from tests.clocks import ManualClock
from tests.kept_posts import keep_profile
from tests.profiles import profiles_of
from tests.services.post_world import PostWorld, post
from tests.services.round_world import Crash, CrashingDatabase

MONDAY = datetime(2026, 11, 16, 3, tzinfo=UTC)  # ten o'clock in Jakarta
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
RUNS = 20
ADMIN = Requester(guild_id=1, user_id=7)


class Reports:
    """The service on a database with one guild in Jakarta; ana was read an hour before, every day of three weeks."""

    def __init__(self, database):
        self.database = database
        self.clock = ManualClock(MONDAY)
        self.service = self.on(database)

    def on(self, database):
        return ProfileReports(
            database=database,
            announcements=Announcements(self.database, self.clock),
            clock=self.clock,
            calendars={ReportEvery.DAY: mornings, ReportEvery.WEEK: monday_mornings},
        )

    def profiles(self):
        settings = Settings(_env_file=None, discord_token=SecretStr("x"))
        return profiles_of(settings, self.database, Announcements(self.database, self.clock), self.clock)

    async def join(self, guild_id=1, **more):
        async with self.database.write("test.join") as conn:
            values = {"guild_id": guild_id, "time_zone": "Asia/Jakarta"} | more
            await conn.execute(insert(guilds).values(values))

    async def watch(self, handle="ana", guild_id=1, every=ReportEvery.DAY, since=MONDAY - 9 * DAY, **more):
        async with self.database.write("test.watch") as conn:
            started_at = MONDAY - HOUR - (RUNS - 1) * DAY
            kept = await keep_profile(
                conn, handle=handle, guild_id=guild_id, started_at=started_at, runs=RUNS, **more
            )
            await profile_reports.choose(conn, kept.account_id, guild_id, every, 100 * guild_id, now=since)
        return kept

    async def forget_readings_after(self, instant):
        async with self.database.write("test.unread") as conn:
            for table in (post_snapshots, profile_snapshots):
                await conn.execute(delete(table).where(table.c.at > instant))

    async def change(self, **values):
        async with self.database.write("test.change") as conn:
            await conn.execute(update(profile_watches).values(values))

    async def said(self):
        async with self.database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [(row["event_key"].partition(":")[2], row["channel_id"]) for row in rows]

    async def message(self):
        await self.service.step()
        async with self.database.read() as conn:
            return Message.from_json((await conn.execute(select(outbox.c.message))).scalar_one())


@pytest.fixture
async def reports(database):
    made = Reports(database)
    await made.join()
    return made


async def test_a_day_is_told_once_at_ten_of_the_guilds_zone(reports):
    kept = await reports.watch(since=MONDAY - HOUR)
    reports.clock.advance(-1)
    assert await reports.service.step() == MONDAY
    assert await reports.said() == []
    reports.clock.advance(1)
    assert await reports.service.step() == MONDAY + LONGEST_SLEEP
    reports.clock.advance(3600)
    await reports.service.step()
    assert await reports.said() == [(f"1:{kept.account_id}:daily:2026-11-16", 100)]


async def test_what_is_told_is_what_was_read(reports):
    kept = await reports.watch()
    async with reports.database.write("test.milestone") as conn:
        row = {"account_id": kept.account_id, "post_id": 0, "measure": "followers"}
        for value, passed_at in ((5000, MONDAY - HOUR), (2500, MONDAY - DAY), (1000, None)):
            await conn.execute(insert(profile_milestones).values(**row, value=value, passed_at=passed_at))
    message = await reports.message()
    fields = {field.name: field.value for field in message.fields}
    gained = kept.total("views") - sum(
        # A post that was not there yet began with nothing.
        samples[-2].get("views", 0)
        for samples in kept.counts.values()
    )
    assert message.title == "The day of Ana"
    assert fields["Growth"].startswith(f"{gained:+,} views\n")
    assert fields["Followers"] == "5,000 (+10)"
    assert fields["Milestones"] == "🎯 5,000 followers"
    assert message.mention_role_id is None


async def test_a_week_is_told_on_monday_only(reports):
    kept = await reports.watch(every=ReportEvery.WEEK)
    reports.clock.advance(-DAY.total_seconds())
    await reports.service.step()
    assert await reports.said() == []
    reports.clock.advance(DAY.total_seconds())
    assert (await reports.message()).title == "The week of Ana"
    assert await reports.said() == [(f"1:{kept.account_id}:weekly:2026-11-16", 100)]
    reports.clock.advance(DAY.total_seconds())
    await reports.service.step()
    assert len(await reports.said()) == 1


async def test_every_guild_has_its_own_morning_and_reads_of_whom_it_watches(reports):
    await reports.join(2, time_zone="Europe/Berlin")
    ana = await reports.watch()
    ben = await reports.watch("ben", guild_id=2, since=MONDAY)
    await reports.service.step()
    assert await reports.said() == [(f"1:{ana.account_id}:daily:2026-11-16", 100)]
    reports.clock.advance(6 * 3600)
    await reports.service.step()
    assert (f"2:{ben.account_id}:daily:2026-11-16", 200) in await reports.said()


@pytest.mark.parametrize(
    "without",
    [{"report": ""}, {"report_channel_id": None}, {"paused": True}, {"report_since": MONDAY + HOUR}],
)
async def test_who_does_not_want_it_gets_none(reports, without):
    await reports.watch()
    await reports.change(**without)
    await reports.service.step()
    assert await reports.said() == []


async def test_a_guild_that_removed_the_bot_gets_none(reports):
    await reports.join(2, left_at=MONDAY)
    await reports.watch(guild_id=2)
    await reports.service.step()
    assert await reports.said() == []


async def test_a_bot_that_comes_back_late_says_nothing_of_the_day(reports):
    await reports.watch(since=MONDAY)
    reports.clock.advance(20 * 3600)
    await reports.service.step()
    assert await reports.said() == []
    reports.clock.advance(-1)
    await reports.service.step()
    assert len(await reports.said()) == 1


async def test_a_channel_chosen_later_gets_no_second_report_of_the_same_day(reports):
    await reports.watch()
    await reports.service.step()
    await reports.change(report_channel_id=101)
    await reports.service.step()
    assert [channel for _, channel in await reports.said()] == [100]


async def test_that_nothing_was_read_is_told_once(reports):
    await reports.watch(since=MONDAY)
    await reports.forget_readings_after(MONDAY - 2 * DAY)
    assert (await reports.message()).body.startswith("It was not read in this time; the last reading was <t:")
    reports.clock.advance(DAY.total_seconds())
    await reports.service.step()
    assert len(await reports.said()) == 1


async def test_a_reading_that_ends_after_ten_is_of_the_next_day(reports):
    await reports.watch()
    async with reports.database.write("test.late") as conn:
        late = profile_snapshots.c.at == MONDAY - HOUR
        await conn.execute(update(profile_snapshots).where(late).values(at=MONDAY + timedelta(minutes=1)))
    await reports.service.step()
    assert await reports.said() == []
    reports.clock.advance(DAY.total_seconds())
    assert (await reports.message()).body.endswith(": 25 h")


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_around_the_report_leaves_exactly_one(reports, committed):
    kept = await reports.watch()
    with pytest.raises(Crash):
        await reports.on(CrashingDatabase(reports.database, "profiles.report", committed=committed)).step()
    await reports.service.step()
    assert await reports.said() == [(f"1:{kept.account_id}:daily:2026-11-16", 100)]


async def test_a_run_writes_down_the_round_numbers_that_it_saw_passed(database, clock):
    world = PostWorld(database, clock)
    ana = await world.watch()
    news = []
    for views in (9000, 12_000, 9000, 13_000):
        clock.advance(DAY.total_seconds())
        world.source.shown = [post(2, counts=Counts(views=60_000)), post(1, counts=Counts(views=views))]
        await world.read(ana)
        async with database.read() as conn:
            found = await passed_between(conn, ana, clock.now() - DAY, clock.now())
        news.append([(one.post_id, one.value) for one in found])
    assert news == [[], [(post(1).post_id, 10_000)], [], []]


@pytest.mark.parametrize("undone", ["off", "unwatch"])
async def test_a_report_that_waits_goes_with_the_choice_that_made_it(reports, undone):
    kept = await reports.watch()
    profiles = reports.profiles()
    reports.clock.advance(-3600)
    said = await profiles.report(ADMIN, "@ana", ReportEvery.DAY, 300)
    assert said == "The profile of `@ana` is reported in <#300> every day at 10:00."
    reports.clock.advance(3600)
    await reports.service.step()
    assert (f"1:{kept.account_id}:daily:2026-11-16", 300) in await reports.said()
    if undone == "off":
        await profiles.report(ADMIN, "ana", None, 300)
    else:
        await profiles.unwatch(ADMIN, "ana")
    await reports.service.step()
    assert 300 not in [channel for _, channel in await reports.said()]


async def test_what_was_due_before_it_was_chosen_is_not_made_up(reports):
    await reports.watch()
    reports.clock.advance(3600)
    await reports.profiles().report(ADMIN, "ana", ReportEvery.WEEK, 300)
    await reports.service.step()
    assert 300 not in [channel for _, channel in await reports.said()]


async def test_only_a_watched_profile_can_be_reported(reports):
    with pytest.raises(NothingThere, match="nobody"):
        await reports.profiles().report(ADMIN, "nobody", ReportEvery.DAY, 300)


async def test_of_a_profile_that_is_read_every_hour_some_readings_are_enough(reports, monkeypatch):
    """A thousand readings of a hundred posts would take more memory than all the rest."""
    asked, read = [], profile_reports.sampled_posts

    async def counted(conn, account_id, runs):
        asked.append(len(runs))
        return await read(conn, account_id, runs)

    monkeypatch.setattr(profile_reports, "sampled_posts", counted)
    async with reports.database.write("test.hourly") as conn:
        began = MONDAY - 300 * HOUR
        kept = await keep_profile(conn, started_at=began, runs=300, every=HOUR, post_count=3)
        await profile_reports.choose(conn, kept.account_id, 1, ReportEvery.WEEK, 100, now=began)
    message = await reports.message()
    (growth,) = [field.value for field in message.fields if field.name == "Growth"]
    week = [kept.total("views", run) for run in (-168 - 0, -1)]
    assert growth.startswith(f"{week[1] - week[0]:+,} views\n")
    assert asked == [asked[0]]
    assert asked[0] < 60
