"""When profiles are read: runs are put into the log and into the queue, in one transaction."""

from __future__ import annotations

from datetime import datetime

from bot.core.jobs import NewJob
from bot.core.posts.models import RunReason
from bot.storage import jobs, profile_runs
from bot.storage.engine import Connection

KIND = QUEUE = "profile"
PRIORITIES = {RunReason.DUE: 0, RunReason.FIRST: 5, RunReason.ASKED: 10}


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

    While a run of the profile waits, that one is it: it goes at the higher priority and at once, and reads all pages
    if either is to. While one is read, that one is it.
    """
    priority = PRIORITIES[reason] if priority is None else priority
    found = await profile_runs.open_run(conn, account_id)
    if found is not None:
        await profile_runs.ask_more(
            conn, found, is_full=is_full, asked_by=asked_by, asked_in_guild_id=asked_in_guild_id
        )
        await jobs.hurry(conn, queueing_lock_of(found), priority=priority, at=now)
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
    job = NewJob(
        queue=QUEUE,
        kind=KIND,
        args={"run_id": run_id},
        lock=f"profile:{account_id}",
        queueing_lock=queueing_lock_of(run_id),
        priority=priority,
    )
    await jobs.put(conn, job, now)
    return run_id


def queueing_lock_of(run_id: int) -> str:
    """Name the queueing lock of the job of a run: a run has one job, and a profile one run that is open."""
    return f"run:{run_id}"
