"""When profiles are read, on both engines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from bot.core.jobs import QUEUES
from bot.core.posts.models import RunReason
from bot.jobs.queue import EmbeddedQueue
from bot.services.profile_schedule import ProfileSchedule, put_run
from bot.storage import guilds, jobs
from bot.storage.post_tables import jobs as jobs_table
from bot.storage.post_tables import profile_runs, profile_watches, profiles
from tests.clocks import ManualClock
from tests.kept_posts import keep_profile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Schedule:
    """A schedule with a queue, and what stands in the log and the queue."""

    def __init__(self, database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.queue = EmbeddedQueue(database, clock, queues=QUEUES)
        self.schedule = ProfileSchedule(database, self.queue, clock)

    async def keep(self, handle: str = "ana", **different) -> int:
        """Watch a profile that was read an hour ago and is due now."""
        values = {"runs": 3, "started_at": self.clock.now() - 3 * DAY, **different}
        async with self.database.write("test.keep") as conn:
            return (await keep_profile(conn, handle=handle, **values)).account_id

    async def change(self, statement) -> None:
        async with self.database.write("test.change") as conn:
            await conn.execute(statement)

    async def rows(self, query: str) -> list[tuple]:
        async with self.database.read() as conn:
            return [tuple(row) for row in await conn.execute(text(query))]

    async def open_runs(self) -> list[tuple]:
        return await self.rows(
            "SELECT account_id, reason, CASE WHEN is_full THEN 1 ELSE 0 END FROM profile_runs "
            "WHERE finished_at IS NULL ORDER BY id"
        )

    async def claim(self) -> list[int]:
        """Take what may run; gives the ids of the runs."""
        async with self.database.write("test.claim") as conn:
            now = self.clock.now()
            taken = await jobs.claim(conn, holder="x", at_once={"profile": 5}, now=now, until=now + HOUR)
        return [job.args["run_id"] for job in taken]

    async def next_run_in(self, account_id: int) -> timedelta:
        async with self.database.read() as conn:
            query = profiles.select().where(profiles.c.account_id == account_id)
            return (await conn.execute(query)).one().next_run_at - self.clock.now()

    async def put(self, account_id: int, reason: RunReason = RunReason.ASKED, **asked) -> int:
        async with self.database.write("test.put") as conn:
            return await put_run(conn, account_id, reason, self.clock.now(), **asked)


@pytest.fixture
def schedule(database, clock: ManualClock) -> Schedule:
    return Schedule(database, clock)


async def test_a_profile_that_is_due_is_put_once_and_planned_anew(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    await schedule.schedule.put_due()
    await schedule.schedule.put_due()
    assert await schedule.open_runs() == [(account_id, "due", 0)]
    assert await schedule.next_run_in(account_id) == DAY
    assert len(await schedule.claim()) == 1
    assert schedule.queue.changed.is_set()


async def test_the_next_run_keeps_its_time_of_day_however_late_this_one_is(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    schedule.clock.advance(5 * 3600)
    await schedule.schedule.put_due()
    assert await schedule.next_run_in(account_id) == DAY - 5 * HOUR
    schedule.clock.advance(3 * 86400)
    await schedule.change(update(profile_runs).values(finished_at=schedule.clock.now()))
    await schedule.schedule.put_due()
    assert await schedule.next_run_in(account_id) == DAY - 5 * HOUR
    assert len(await schedule.open_runs()) == 1  # what was missed is not made up for


async def test_it_moves_on_while_a_run_is_open_or_failed(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    await schedule.schedule.put_due()
    schedule.clock.advance(86400)
    await schedule.schedule.put_due()
    assert len(await schedule.open_runs()) == 1
    assert await schedule.next_run_in(account_id) == DAY


async def test_the_shortest_interval_of_those_who_watch_holds_and_paused_ones_do_not_count(
    schedule: Schedule,
) -> None:
    account_id = await schedule.keep()
    watch = {"account_id": account_id, "created_by": 7, "created_at": schedule.clock.now()}
    await schedule.change(profile_watches.insert().values(guild_id=2, interval_hours=6, **watch))
    await schedule.change(profile_watches.insert().values(guild_id=3, interval_hours=1, paused=True, **watch))
    await schedule.schedule.put_due()
    assert await schedule.next_run_in(account_id) == 6 * HOUR


async def test_a_profile_nobody_watches_is_not_read(schedule: Schedule) -> None:
    await schedule.keep("ana")
    await schedule.keep("bea", guild_id=2)
    await schedule.keep("cleo", guild_id=None)
    await schedule.change(update(profile_watches).where(profile_watches.c.guild_id == 1).values(paused=True))
    async with schedule.database.write("test.leave") as conn:
        await guilds.joined(conn, 2, "UTC")
        await guilds.left(conn, 2, schedule.clock.now())
    await schedule.schedule.put_due()
    assert await schedule.open_runs() == []


async def test_a_profile_that_was_never_read_is_read_in_full(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    await schedule.change(update(profiles).values(last_run_at=None, full_read_at=None))
    await schedule.schedule.put_due()
    assert await schedule.open_runs() == [(account_id, "first", 1)]


async def test_many_that_are_due_are_all_put(schedule: Schedule) -> None:
    for number in range(51):
        await schedule.keep(f"user{number}", runs=1, post_count=0, started_at=schedule.clock.now() - DAY)
    await schedule.schedule.put_due()
    assert len(await schedule.open_runs()) == 51
    (counts, _) = await schedule.queue.counts()
    assert (counts.queue, counts.waiting) == ("profile", 51)


async def test_a_run_somebody_asks_for_goes_before_those_that_are_due(schedule: Schedule) -> None:
    for number in range(6):
        await schedule.keep(f"user{number}", runs=1, started_at=schedule.clock.now() - DAY)
    account_id = await schedule.keep()
    await schedule.schedule.put_due()
    asked = await schedule.put(account_id, asked_by=7, asked_in_guild_id=1, is_full=True)
    assert (await schedule.claim())[0] == asked
    assert await schedule.rows(
        f"SELECT asked_by, asked_in_guild_id FROM profile_runs WHERE id = {asked}"
    ) == [(7, 1)]
    assert (account_id, "due", 1) in await schedule.open_runs()


async def test_a_run_that_waits_to_be_tried_again_goes_at_once_when_somebody_asks(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    run_id = await schedule.put(account_id, RunReason.DUE)
    await schedule.change(update(jobs_table).values(scheduled_at=schedule.clock.now() + HOUR))
    assert await schedule.claim() == []
    assert await schedule.put(account_id) == run_id
    assert await schedule.claim() == [run_id]


async def test_a_run_that_failed_once_reads_all_pages_at_its_next_try_when_somebody_asks_for_them(
    schedule: Schedule,
) -> None:
    account_id = await schedule.keep()
    await schedule.put(account_id, RunReason.DUE)
    await schedule.claim()
    await schedule.change(
        update(profile_runs).where(profile_runs.c.finished_at.is_(None)).values(state="running")
    )
    await schedule.change(update(jobs_table).values(state="todo"))
    await schedule.put(account_id, is_full=True, asked_by=7, asked_in_guild_id=1)
    assert await schedule.open_runs() == [(account_id, "due", 1)]


async def test_while_a_profile_is_read_nothing_more_is_put_for_it(schedule: Schedule) -> None:
    account_id = await schedule.keep()
    run_id = await schedule.put(account_id)
    assert await schedule.claim() == [run_id]
    assert await schedule.put(account_id) == run_id
    assert await schedule.claim() == []
    assert len(await schedule.open_runs()) == 1


async def test_a_run_after_one_that_is_just_ending_waits_for_it(schedule: Schedule) -> None:
    """Its log is written, its job not yet ended: both of them never read the profile at once."""
    account_id = await schedule.keep()
    await schedule.put(account_id)
    await schedule.claim()
    await schedule.change(update(profile_runs).values(finished_at=schedule.clock.now()))
    later = await schedule.put(account_id)
    assert await schedule.claim() == []
    await schedule.change(update(jobs_table).where(jobs_table.c.state == "doing").values(state="succeeded"))
    assert await schedule.claim() == [later]


async def test_a_run_without_a_job_gets_one(schedule: Schedule) -> None:
    """Whatever ended its job, the profile is not left alone for ever."""
    account_id = await schedule.keep()
    run_id = await schedule.put(account_id)
    await schedule.change(update(jobs_table).values(state="failed"))
    await schedule.schedule.put_due()
    assert await schedule.claim() == [run_id]
    await schedule.change(update(jobs_table).values(state="failed"))
    assert await schedule.put(account_id) == run_id
    assert await schedule.claim() == [run_id]
    assert len(await schedule.open_runs()) == 1


async def test_a_plan_further_away_than_an_interval_is_not_waited_for(schedule: Schedule) -> None:
    """The clock was set back, or who reads it more often has come back."""
    account_id = await schedule.keep()
    other = await schedule.keep("ben")
    planned = schedule.clock.now() + DAY
    await schedule.change(update(profiles).values(next_run_at=planned))
    await schedule.schedule.put_due()
    assert await schedule.open_runs() == []
    far = update(profiles).where(profiles.c.account_id == account_id)
    await schedule.change(far.values(next_run_at=planned + 300 * DAY))
    await schedule.schedule.put_due()
    assert await schedule.open_runs() == [(account_id, "due", 0)]
    assert await schedule.next_run_in(account_id) == await schedule.next_run_in(other) == DAY
