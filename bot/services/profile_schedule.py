"""When profiles are read: runs are put into the log and into the queue, in one transaction."""

from __future__ import annotations

import logging
from datetime import datetime

from bot.clock import Clock
from bot.core.jobs import PROFILE_QUEUE, NewJob
from bot.core.posts.models import RunReason
from bot.core.posts.next_run import next_run
from bot.ports import JobQueue
from bot.storage import jobs, profile_runs
from bot.storage.engine import Connection, Database
from bot.storage.profile_runs import DueProfile

MOST_AT_ONCE = 50
"""So many profiles are put in one transaction; others want to write."""
PRIORITIES = {RunReason.DUE: 0, RunReason.FIRST: 5, RunReason.ASKED: 10}

log = logging.getLogger(__name__)


class ProfileSchedule:
    """Finds the profiles whose next run is due."""

    def __init__(self, database: Database, queue: JobQueue, clock: Clock) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock

    async def put_due(self) -> None:
        """Put a run of each profile that is due and that anybody watches. Raises `StorageError`.

        The next run is planned with it, so that it comes whatever becomes of this one.
        """
        count, is_last = 0, False
        while not is_last:
            async with self._database.write("profiles.due") as conn:
                now = self._clock.now()
                due = await profile_runs.due(conn, now, MOST_AT_ONCE)
                for profile in due:
                    count += await _put_due(conn, profile, now)
            is_last = len(due) < MOST_AT_ONCE
            self._queue.wake()
        if count:
            log.info("%d profiles are due", count)


async def _put_due(conn: Connection, profile: DueProfile, now: datetime) -> bool:
    """Put a run of a profile, unless one is open, and plan the next; true where there is a new one."""
    account_id, open_run = profile.account_id, profile.open_run
    if open_run is None:
        reason = RunReason.DUE if profile.was_read else RunReason.FIRST
        await put_run(conn, account_id, reason, now, is_full=not profile.was_read_in_full)
    else:
        await _put_job(conn, account_id, open_run, PRIORITIES[RunReason.DUE], now)
    await profile_runs.plan(conn, account_id, next_run(profile.due_at, profile.interval, now))
    return open_run is None


async def put_run(
    conn: Connection,
    account_id: int,
    reason: RunReason,
    now: datetime,
    *,
    asked_by: int | None = None,
    asked_in_guild_id: int | None = None,
    is_full: bool = False,
    priority: int | None = None,
) -> int:
    """Let a profile be read as soon as it is its turn; gives the id of the run.

    While a run of the profile is open, that one is it: it reads all pages if either is to, and one that waits goes at
    the higher priority and at once.
    """
    priority = PRIORITIES[reason] if priority is None else priority
    found = await profile_runs.open_run(conn, account_id)
    if found is not None:
        if not await jobs.hurry(conn, queueing_lock_of(found), priority=priority, at=now):
            await _put_job(conn, account_id, found, priority, now)  # unless it is being read
        await profile_runs.ask_more(
            conn, found, is_full=is_full, asked_by=asked_by, asked_in_guild_id=asked_in_guild_id
        )
        return found
    run_id = await profile_runs.put(
        conn,
        account_id,
        reason,
        now,
        is_full=is_full,
        asked_by=asked_by,
        asked_in_guild_id=asked_in_guild_id,
    )
    await _put_job(conn, account_id, run_id, priority, now)
    return run_id


async def _put_job(conn: Connection, account_id: int, run_id: int, priority: int, now: datetime) -> bool:
    """Put the job of a run, unless it waits or runs; so no run that is open is without one for long."""
    job = NewJob(
        queue=PROFILE_QUEUE,
        kind=PROFILE_QUEUE,
        args={"run_id": run_id},
        lock=f"profile:{account_id}",
        queueing_lock=queueing_lock_of(run_id),
        priority=priority,
    )
    return await jobs.put(conn, job, now) is not None


def queueing_lock_of(run_id: int) -> str:
    """Name the queueing lock of the job of a run: a run has one job, and a profile one run that is open."""
    return f"run:{run_id}"
