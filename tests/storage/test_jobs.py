"""The statements of the queue, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.jobs import NewJob, QueueCounts
from bot.errors import JobLost
from bot.storage import jobs

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT_ONCE = {"profile": 5, "media": 2}


def new(number: int = 0, **different) -> NewJob:
    values = {"queue": "profile", "kind": "profile", "args": {"run_id": number}, **different}
    return NewJob(**values)


async def put(database, *wanted: NewJob, now: datetime = NOW) -> list[int | None]:
    async with database.write("test.put") as conn:
        return [await jobs.put(conn, job, now) for job in wanted]


async def claim(database, *, holder: str = "one", now: datetime = NOW, at_once=AT_ONCE):
    async with database.write("test.claim") as conn:
        return await jobs.claim(conn, holder=holder, at_once=at_once, now=now, until=now + MINUTE)


async def runs(database, **how) -> list[int]:
    return [job.args["run_id"] for job in await claim(database, **how)]


async def counts(database, now: datetime = NOW) -> QueueCounts:
    async with database.read() as conn:
        (found,) = await jobs.counts(conn, now)
    return found


async def test_a_job_is_put_claimed_and_done(database):
    (job_id,) = await put(database, new(7, priority=3))
    (job,) = await claim(database)
    assert (job.id, job.attempts, job.epoch, job.priority, job.args) == (job_id, 1, 1, 3, {"run_id": 7})
    assert await claim(database, holder="two") == ()
    async with database.write("test.finish") as conn:
        assert await jobs.finish(conn, job, NOW)
        assert not await jobs.finish(conn, job, NOW)
    found = await counts(database)
    assert (found.waiting, found.active, found.completed) == (0, 0, 1)


async def test_one_with_the_same_queueing_lock_waits_or_runs_at_a_time(database):
    await put(database, new(queueing_lock="run:1"))
    same, another = await put(database, new(queueing_lock="run:1"), new(queueing_lock="run:2"))
    assert same is None
    assert another is not None
    job, _ = await claim(database)
    assert await put(database, new(queueing_lock="run:1")) == [None]
    async with database.write("test.finish") as conn:
        await jobs.finish(conn, job, NOW)
    (again,) = await put(database, new(queueing_lock="run:1"))
    assert again is not None


async def test_nothing_may_be_written_by_a_start_that_is_over(database):
    await put(database, new())
    (job,) = await claim(database)
    async with database.write("test.bury") as conn:
        await jobs.require(conn, job)
        assert await jobs.bury(conn, job, "its worker died")
    (again,) = await claim(database, holder="two")
    assert (again.attempts, again.epoch) == (2, 2)
    async with database.write("test.write") as conn:
        with pytest.raises(JobLost):
            await jobs.require(conn, job)
        assert not await jobs.finish(conn, job, NOW)
        await jobs.require(conn, again)
