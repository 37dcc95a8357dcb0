"""Work that must never end, whatever goes wrong in it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger

from bot.errors import StorageError
from bot.jobs.loops import Loop, keep_running
from bot.jobs.schedule import CalendarStep
from tests.clocks import START, ManualClock


class Job:
    """A step that fails as often as it is told to."""

    def __init__(self, clock: ManualClock, *errors: Exception) -> None:
        self.clock = clock
        self.errors = list(errors)
        self.runs = 0
        self.wake = asyncio.Event()

    async def step(self) -> datetime:
        self.runs += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.clock.now() + timedelta(hours=1)

    def loop(self) -> Loop:
        return Loop(name="the job", step=self.step, wake=self.wake)


@pytest.fixture
async def running():
    tasks = []

    def start(job: Job) -> None:
        tasks.append(asyncio.create_task(keep_running(job.loop(), job.clock)))

    yield start
    for task in tasks:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_step_runs_again_at_the_instant_it_gave(running, clock: ManualClock) -> None:
    job = Job(clock)
    running(job)
    assert await clock.asleep() == [3600]
    clock.advance(3600)
    await clock.asleep()
    assert job.runs == 2


async def test_a_signal_brings_it_back_before_its_time(running, clock: ManualClock) -> None:
    job = Job(clock)
    running(job)
    await clock.asleep()
    job.wake.set()
    while job.runs < 2:  # noqa: ASYNC110 - the loop under test gives no event
        await asyncio.sleep(0)  # noqa: TID251 - lets the loop come to its turn
    assert clock.now() == START


async def test_errors_never_end_it_and_are_told_once_each_way(
    running, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.jobs.loops")
    job = Job(clock, *(StorageError("database is locked") for _ in range(4)))
    running(job)
    for wait in (5, 10, 20, 40):
        assert await clock.asleep() == [wait]
        clock.advance(wait)
    assert await clock.asleep() == [3600]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert told == [
        "the job: database is locked; it is tried again",
        "the job works again after 4 failures",
    ]


async def test_a_bug_is_told_with_its_traceback_and_an_incident(
    running, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(clock, KeyError("oops"))
    running(job)
    await clock.asleep()
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "incident" in record.getMessage()
    assert record.exc_info


async def test_the_wait_after_errors_ends_at_five_minutes(running, clock: ManualClock) -> None:
    job = Job(clock, *(StorageError("full") for _ in range(12)))
    running(job)
    waits = []
    for _ in range(12):
        waits.append((await clock.asleep())[0])
        clock.advance(waits[-1])
    assert max(waits) == 300


async def test_a_calendar_job_runs_at_its_hour_and_not_at_the_start() -> None:
    clock = ManualClock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    runs = []

    async def job() -> None:
        runs.append(clock.now())

    step = CalendarStep(CronTrigger(hour=4, minute=10, timezone=UTC), job, clock)
    due = await step()
    assert (due, runs) == (datetime(2026, 11, 21, 4, 10, tzinfo=UTC), [])
    clock.advance((due - clock.now()).total_seconds())
    assert await step() == datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
    assert runs == [due]
    assert await step() == datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
    assert len(runs) == 1


async def test_what_a_calendar_job_missed_is_made_up_for_once_at_the_start() -> None:
    clock = ManualClock(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    runs = []

    async def job() -> None:
        runs.append("job")

    async def catch_up() -> None:
        runs.append("catch up")
        raise StorageError("full")

    step = CalendarStep(CronTrigger(hour=4, minute=10, timezone=UTC), job, clock, at_start=catch_up)
    with pytest.raises(StorageError):
        await step()
    assert await step() == datetime(2026, 11, 22, 4, 10, tzinfo=UTC)
    clock.advance(timedelta(days=1).total_seconds())
    await step()
    assert runs == ["catch up", "job"]


async def test_a_calendar_job_that_failed_is_tried_again_and_not_skipped() -> None:
    clock = ManualClock(datetime(2026, 11, 21, 4, 0, tzinfo=UTC))
    tries = []

    async def job() -> None:
        tries.append(clock.now())
        if len(tries) == 1:
            raise StorageError("full")

    step = CalendarStep(CronTrigger(hour=4, minute=10, timezone=UTC), job, clock)
    await step()
    clock.advance(600)
    with pytest.raises(StorageError):
        await step()
    clock.advance(5)
    await step()
    assert len(tries) == 2


async def test_a_calendar_job_does_not_wait_for_a_clock_that_was_set_back() -> None:
    clock = ManualClock(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    runs = []

    async def job() -> None:
        runs.append(clock.now())

    step = CalendarStep(CronTrigger(minute=5, timezone=UTC), job, clock)
    await step()
    clock.advance(-300 * 86_400 + 1800)  # it was a wrong year
    due = await step()
    assert due - clock.now() == timedelta(minutes=35)
    clock.advance(35 * 60)
    await step()
    assert runs == [due]


async def test_more_failures_than_a_float_can_double_do_not_end_it(running) -> None:
    clock = ManualClock(auto=True)
    job = Job(clock, *[StorageError("the database is locked")] * 1100)
    job.wake.set()
    running(job)
    async with asyncio.timeout(30):
        while job.errors:  # noqa: ASYNC110 - the loop's turns are what is waited for; its clock does not wait
            await asyncio.sleep(0)  # noqa: TID251
    assert job.runs > 1000
