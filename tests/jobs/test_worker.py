"""What a worker does with jobs, by an injected clock, on both engines."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from bot.errors import JobFailed, StorageError
from bot.jobs.worker import LEASE
from bot.storage import jobs
from bot.texts import text
from tests.clocks import ManualClock
from tests.jobs.toy_jobs import AT_ONCE, KINDS, Place, Toy

LOGGER = "bot.jobs.worker"


@pytest.fixture
async def place(database, clock: ManualClock):
    place = Place(database, clock)
    yield place
    await place.close()


async def test_a_job_is_done_and_told_as_done(place: Place) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    assert await place.rows() == [("doing", 1)]
    await place.end(worker, 1)
    assert await place.rows() == [("succeeded", 1)]
    assert await place.notes() == {"job 1": "done at start 1"}


async def test_no_more_run_at_once_than_the_queue_allows_over_all_workers(place: Place) -> None:
    one, two = place.worker("one"), place.worker("two")
    await place.put(1, 2, 3, 4)
    await place.put(5, 6, queue="drawing", kind="draw")
    await place.step(one, 1, 2, 5)
    await place.step(two, 1, 2, 5)
    await place.end(one, 2)
    await place.step(two, 1, 3, 5)
    await place.end(one, 5)
    await place.step(one, 1, 3, 6)


async def test_the_highest_priority_goes_first_then_the_oldest_and_one_of_a_lock_at_a_time(
    place: Place,
) -> None:
    worker = place.worker(at_once={"reading": 1})
    await place.put(1, lock="ana")
    await place.put(2, priority=10, lock="ana")
    await place.put(3, scheduled_at=place.clock.now() - timedelta(minutes=1))
    for number in (2, 3, 1):
        await place.step(worker, number)
        await place.end(worker, number)
    wide = place.worker(at_once={"reading": 5})
    await place.put(4, 5, lock="bea")
    await place.step(wide, 4)
    await place.end(wide, 4)
    await place.step(wide, 5)


async def test_a_worker_does_the_queues_it_is_given_and_no_other(place: Place) -> None:
    worker = place.worker(at_once={"drawing": 1})
    await place.put(1)
    await place.put(2, queue="drawing", kind="draw")
    await place.step(worker, 2)
    assert await place.rows() == [("todo", 0), ("doing", 1)]


async def test_a_job_that_failed_is_tried_twice_more_later_and_later_and_then_given_up(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    await place.put(1)
    for pause in (60, 120):
        await place.step(worker, 1)
        await place.end(worker, 1, JobFailed(text("no answer")))
        assert await place.rows("state, error") == [("todo", '{"text":"no answer","plural":"","values":{}}')]
        place.clock.advance(pause - 1)
        assert await place.step(worker) == 1
        place.clock.advance(1)
    await place.step(worker, 1)
    await place.end(worker, 1, JobFailed(text("no answer")))
    assert await place.rows() == [("failed", 3)]
    assert await place.notes() == {"job 1": "given up: no answer"}
    assert "no answer" in caplog.text


async def test_the_pause_is_at_least_what_the_other_side_asked_for(place: Place) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    await place.end(worker, 1, JobFailed("slow down", retry_after_seconds=3))
    place.clock.advance(60)
    await place.step(worker, 1)
    await place.end(worker, 1, JobFailed("slow down", retry_after_seconds=500))
    place.clock.advance(499)
    await place.step(worker)
    place.clock.advance(1)
    await place.step(worker, 1)


async def test_what_cannot_be_mended_by_trying_again_is_given_up_at_once(place: Place) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    await place.end(worker, 1, JobFailed("private", retry=False))
    assert await place.rows() == [("failed", 1)]


async def test_a_bug_is_told_with_its_traceback_and_tried_again(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    await place.end(worker, 1, KeyError("zzz"))
    assert await place.rows() == [("todo", 1)]
    (record,) = [one for one in caplog.records if one.exc_info]
    assert "incident" in record.getMessage()


async def test_a_job_of_a_kind_nobody_knows_is_given_up_and_holds_up_nothing(place: Place) -> None:
    worker = place.worker()
    await place.put(1, kind="of a later version")
    await place.put(2)
    await place.step(worker, 2)
    await worker.changed.wait()
    assert await place.rows() == [("failed", 1), ("doing", 1)]


async def test_a_tidying_up_that_fails_does_not_keep_the_job(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    place.toy.error = KeyError("zzz")
    await place.put(1)
    await place.step(worker, 1)
    await place.end(worker, 1, JobFailed("private", retry=False))
    assert await place.rows() == [("failed", 1)]
    assert "incident" in caplog.text


# --- Leases ------------------------------------------------------------------------------------


async def test_a_lease_that_is_renewed_is_nobody_elses(place: Place) -> None:
    one, two = place.worker("one"), place.worker("two", toy=Toy(place.database))
    await place.put(1)
    await place.step(one, 1)
    for _ in range(10):
        assert (await one.renew_step() - place.clock.now()).total_seconds() == 15
        place.clock.advance(15)
        await two.step()
    assert await place.rows() == [("doing", 1)]
    await place.end(one, 1)
    assert await place.notes() == {"job 1": "done at start 1"}


async def test_a_job_whose_worker_does_not_renew_is_started_by_another_which_alone_may_write(
    place: Place,
) -> None:
    frozen, other = place.worker("one"), Toy(place.database)
    two = place.worker("two", toy=other)
    await place.put(1)
    await place.step(frozen, 1)
    place.clock.advance(59.9)
    await two.step()
    assert other.begun == []
    place.clock.advance(0.1)
    await two.step()
    await other.until_running(1)
    assert await place.rows("state, attempts, epoch") == [("doing", 2, 2)]
    await place.end(frozen, 1)  # it wakes up and goes on, before it looks at its leases
    assert await place.notes() == {}
    assert await place.rows() == [("doing", 2)]
    two.changed.clear()
    other.end(1, None)
    await two.changed.wait()
    assert await place.notes() == {"job 1": "done at start 2"}


async def test_a_worker_that_lost_a_job_ends_it_when_it_looks(place: Place) -> None:
    one, two = place.worker("one"), place.worker("two", toy=Toy(place.database))
    await place.put(1)
    await place.step(one, 1)
    place.clock.advance(60)
    await two.step()
    await one.renew_step()
    await place.toy.until_running()
    assert place.toy.cancelled == [1]
    assert await place.rows("state, attempts, epoch") == [("doing", 2, 2)]


async def test_a_job_that_has_ended_itself_is_not_lost(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    async with place.database.write("test.finish") as conn:  # as the last transaction of a handler may
        (job,) = await jobs.held_by(conn, worker.holder)
        await jobs.finish(conn, job, place.clock.now())
    await worker.renew_step()
    assert place.toy.running.keys() == {1}
    assert place.toy.cancelled == []
    assert "was lost" not in caplog.text


async def test_a_worker_that_cannot_renew_ends_its_jobs_when_their_leases_are_over(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)

    async def fail(*_, **__):
        raise StorageError("the disk is full")

    monkeypatch.setattr("bot.storage.jobs.renew", fail)
    for _ in range(11):
        place.clock.advance(5)
        await worker.renew_step()
    assert place.toy.running.keys() == {1}
    place.clock.advance(5)
    await worker.renew_step()
    await place.toy.until_running()
    assert place.toy.cancelled == [1]
    told = [one for one in caplog.records if "the disk is full" in one.getMessage()]
    assert [one.levelno for one in told].count(logging.WARNING) == 1


async def test_a_job_whose_start_its_worker_never_learned_of_is_started_again(place: Place) -> None:
    """The database took the claim, and the answer was lost on its way."""
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    await place.put(2)
    async with place.database.write("test.claim") as conn:
        now = place.clock.now()
        until, at_once = now + LEASE, {"reading": 2}
        assert await jobs.claim(conn, holder=worker.holder, at_once=at_once, now=now, until=until)
    for _ in range(5):
        place.clock.advance(15)
        await worker.renew_step()
        await worker.step()
    async with asyncio.timeout(5):
        await place.toy.until_running(1, 2)
    assert place.toy.begun == [1, 2]


async def test_a_job_that_takes_its_worker_down_each_time_is_given_up_after_four_starts(place: Place) -> None:
    await place.put(1)
    for number in range(1, 5):
        await place.step(place.worker(f"worker {number}"), 1)
        place.toy.running.clear()  # it died
        place.clock.advance(60)
    last = place.worker("five")
    await last.step()
    assert place.toy.begun == [1, 1, 1, 1]
    assert await place.rows() == [("failed", 4)]
    assert await place.notes() == {"job 1": "given up: its worker died 4 times"}


async def test_a_job_that_takes_too_long_is_ended_and_tried_again(place: Place) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    for _ in range(59):
        place.clock.advance(15)
        await worker.renew_step()
    assert place.toy.running.keys() == {1}
    place.clock.advance(15)
    worker.changed.clear()
    await worker.renew_step()
    await worker.changed.wait()
    assert await place.rows() == [("todo", 1)]
    ((error,),) = await place.rows("error")
    assert "it took longer than" in error


async def test_what_a_bot_left_is_taken_over_at_once_when_it_is_surely_dead(place: Place) -> None:
    dead, alive, toy = place.worker("bot"), place.worker("work", toy=Toy(place.database)), Toy(place.database)
    await place.put(1)
    await place.step(dead, 1)
    await place.put(2)
    await alive.step()
    started = place.worker("bot", toy=toy)
    await started.take_over("bot")
    assert await place.rows() == [("todo", 1), ("doing", 1)]
    await started.step()
    await toy.until_running(1)


# --- The end -----------------------------------------------------------------------------------


async def test_a_worker_that_stops_gives_its_jobs_back_and_these_starts_do_not_count(place: Place) -> None:
    for _ in range(6):
        worker = place.worker()
        await place.put(*([] if place.toy.begun else [1]))
        await place.step(worker, 1)
        await worker.close()
        assert await place.rows("state, attempts, holder") == [("todo", 0, "")]
    assert place.toy.cancelled == [1] * 6


async def test_a_job_that_was_cancelled_before_its_worker_stops_is_given_back(place: Place) -> None:
    """At the end of a process everything that still runs is cancelled first."""
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if "job" in task.get_name():
            task.cancel()
    await place.toy.until_running()
    await worker.close()
    assert await place.rows() == [("todo", 0)]


async def test_a_job_whose_end_cannot_be_written_is_not_done_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = place.worker()
    await place.put(1)
    await place.step(worker, 1)
    finish, errors = jobs.finish, [StorageError("the disk is full")] * 3

    async def fail(conn, job, now):
        if errors:
            raise errors.pop()
        return await finish(conn, job, now)

    monkeypatch.setattr("bot.storage.jobs.finish", fail)
    worker.changed.clear()
    place.toy.end(1, None)
    for _ in range(3):
        await place.clock.asleep()
        place.clock.advance(5)
    await worker.changed.wait()
    assert await place.rows() == [("succeeded", 1)]
    assert place.toy.begun == [1]
    assert [one.levelno for one in caplog.records].count(logging.ERROR) == 1


async def test_a_worker_with_nothing_to_do_reads_once_in_five_seconds_and_writes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = place.worker()
    await place.put(1, scheduled_at=place.clock.now() + timedelta(hours=1))
    monkeypatch.delattr(type(place.database), "write")
    assert await place.step(worker) == 5
    assert (await worker.renew_step() - place.clock.now()).total_seconds() == 15


async def test_a_job_that_is_to_come_is_started_at_its_instant(place: Place) -> None:
    worker = place.worker()
    await place.put(1, scheduled_at=place.clock.now() + timedelta(seconds=2))
    assert await place.step(worker) == 2
    place.clock.advance(2)
    await place.step(worker, 1)


def test_a_worker_without_handlers_runs_nothing(place: Place) -> None:
    assert place.worker(kinds={}).loops() == []
    assert [loop.name for loop in place.worker().loops()] == ["jobs", "leases of jobs"]
    assert AT_ONCE.keys() == {kind.queue for kind in KINDS.values()}
