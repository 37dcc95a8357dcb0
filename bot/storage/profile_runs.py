"""The log of runs as the schedule needs it: which run of a profile is open, and that a new one is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from bot.core.posts.models import RunReason, RunState
from bot.storage.engine import Connection
from bot.storage.post_tables import profile_runs


async def open_run(conn: Connection, account_id: int) -> int | None:
    """Give the id of the run of a profile that waits or goes on, None where there is none."""
    query = select(profile_runs.c.id).where(
        profile_runs.c.account_id == account_id, profile_runs.c.finished_at.is_(None)
    )
    return (await conn.execute(query)).scalar()


async def put(
    conn: Connection,
    account_id: int,
    reason: RunReason,
    now: datetime,
    *,
    is_full: bool,
    asked_by: int | None,
    asked_in_guild_id: int | None,
) -> int:
    """Write a new run into the log; gives its id."""
    row = {
        "account_id": account_id,
        "state": RunState.PENDING,
        "reason": reason,
        "is_full": is_full,
        "asked_by": asked_by,
        "asked_in_guild_id": asked_in_guild_id,
        "queued_at": now,
    }
    run_id: int = (
        await conn.execute(insert(profile_runs).values(row).returning(profile_runs.c.id))
    ).scalar_one()
    return run_id


async def ask_more(
    conn: Connection, run_id: int, *, is_full: bool, asked_by: int | None, asked_in_guild_id: int | None
) -> None:
    """Let a run that waits read all pages if it is asked to, and note who asked first."""
    waits = (profile_runs.c.id == run_id) & (profile_runs.c.state == RunState.PENDING)
    if is_full:
        await conn.execute(update(profile_runs).where(waits).values(is_full=True))
    if asked_by is not None:
        asked = {"asked_by": asked_by, "asked_in_guild_id": asked_in_guild_id}
        nobody_did = profile_runs.c.asked_by.is_(None)
        await conn.execute(update(profile_runs).where(waits, nobody_did).values(asked))
