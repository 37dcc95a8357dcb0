"""The statements of the queue, on both engines."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.core.jobs import JobEvent, JobState, NewJob, QueueCounts, after
from bot.errors import JobLost
from bot.storage import jobs
from bot.storage.engine import Database
from bot.storage.post_tables import jobs as table

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
AT_ONCE = {"profile": 5, "media": 2}
HAPPENS = {
    JobEvent.DONE: lambda conn, job: jobs.finish(conn, job, NOW),
    JobEvent.PUT_OFF: lambda conn, job: jobs.put_off(conn, job, "no answer", NOW),
    JobEvent.GIVEN_UP: lambda conn, job: jobs.give_up(conn, job, "private", NOW),
    JobEvent.STOPPED: jobs.stop,
    JobEvent.DIED: lambda conn, job: jobs.bury(conn, job, "its worker died"),
}


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


async def test_workers_that_claim_at_once_never_take_the_same_job_nor_too_many(database):
    await put(database, *[new(number) for number in range(20)])
    other = Database.open(database.url)
    held = []
    for _ in range(4):
        claims = [claim(each, holder=name) for name in ("one", "two") for each in (database, other)]
        taken = [job for some in await asyncio.gather(*claims) for job in some]
        assert len(taken) == 5
        held += taken
        async with database.write("test.finish") as conn:
            for job in taken:
                await jobs.finish(conn, job, NOW)
    await other.close()
    assert sorted(job.args["run_id"] for job in held) == list(range(20))


async def test_a_waiting_job_goes_sooner_and_before_others_and_never_later(database):
    later = NOW + 10 * MINUTE
    await put(database, new(1, queueing_lock="run:1", priority=5, scheduled_at=later))
    async with database.write("test.hurry") as conn:
        assert await jobs.hurry(conn, "run:1", priority=3, at=NOW + 5 * MINUTE)
        assert await jobs.hurry(conn, "run:1", priority=4, at=later)
        assert not await jobs.hurry(conn, "run:2", priority=4, at=NOW)
    assert await claim(database) == ()
    (job,) = await claim(database, now=NOW + 5 * MINUTE)
    assert job.priority == 5
    async with database.write("test.hurry") as conn:
        assert not await jobs.hurry(conn, "run:1", priority=9, at=NOW)


async def test_the_jobs_of_each_queue_are_counted_by_state(database):
    await put(database, new(1), new(2), new(3), new(4), new(5, scheduled_at=NOW + MINUTE))
    done, failed, _ = await claim(database, at_once={"profile": 3})
    async with database.write("test.end") as conn:
        await jobs.finish(conn, done, NOW)
        await jobs.give_up(conn, failed, "private", NOW)
    assert await counts(database) == QueueCounts(
        queue="profile", waiting=1, active=1, delayed=1, completed=1, failed=1
    )
    assert (await counts(database, NOW + MINUTE)).delayed == 0


async def test_jobs_that_ended_long_ago_are_forgotten_and_others_never(database):
    await put(database, new(1), new(2), new(3))
    first, second = await claim(database, at_once={"profile": 2})
    async with database.write("test.end") as conn:
        await jobs.finish(conn, first, NOW)
        await jobs.finish(conn, second, NOW + MINUTE)
        assert await jobs.forget_before(conn, NOW + MINUTE) == 1
        assert await jobs.forget_before(conn, NOW + MINUTE) == 0
    found = await counts(database)
    assert (found.waiting, found.completed) == (1, 1)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_in_whatever_order_the_rows_say_what_the_table_of_states_says(database, seed):
    """Starts of long ago speak as well, and are not heard."""
    chance, started, expected = random.Random(seed), [], {}
    for number, job_id in enumerate(await put(database, *[new(number) for number in range(4)])):
        expected[job_id] = (JobState.TODO, 0, number)
    for _ in range(60):
        async with database.write("test.step") as conn:
            if chance.random() < 0.4:
                for job in await jobs.claim(
                    conn, holder="x", at_once={"profile": 3}, now=NOW, until=NOW + MINUTE
                ):
                    state, epoch, number = expected[job.id]
                    started.append(job)
                    expected[job.id] = (after(state, JobEvent.CLAIMED), epoch + 1, number)
                    assert (state, job.epoch) == (JobState.TODO, epoch + 1)
            elif started:
                job, (event, happens) = chance.choice(started), chance.choice(list(HAPPENS.items()))
                state, epoch, number = expected[job.id]
                is_held = state is JobState.DOING and job.epoch == epoch
                assert await happens(conn, job) == is_held
                if is_held:
                    expected[job.id] = (after(state, event), epoch, number)
            rows = await conn.execute(select(table.c.id, table.c.state, table.c.epoch, table.c.args))
            assert {row.id: (row.state, row.epoch, row.args["run_id"]) for row in rows} == expected
    assert {state for state, _, _ in expected.values()} & {JobState.SUCCEEDED, JobState.FAILED}
