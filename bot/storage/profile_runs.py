"""The log of runs as the schedule needs it: which profiles are due, and which run of one is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, insert, literal, or_, select, type_coerce, update

from bot.core.posts.models import RunReason, RunState
from bot.storage.engine import Connection
from bot.storage.post_tables import profile_runs, profile_watches, profiles
from bot.storage.tables import guilds
from bot.storage.types import BIGINT, Flag, Instant

# A guild that removed the bot keeps its list for a while, and nothing is read for it.
_IS_WATCHED = (profile_watches.c.paused == literal(value=False, type_=Flag())) & ~exists().where(
    guilds.c.guild_id == profile_watches.c.guild_id, guilds.c.left_at.is_not(None)
)
_OPEN_RUN = (
    select(profile_runs.c.id)
    .where(profile_runs.c.account_id == profiles.c.account_id, profile_runs.c.finished_at.is_(None))
    .scalar_subquery()
)
_HOUR = 3_600_000_000  # as `Instant` stores it


@dataclass(frozen=True, kw_only=True, slots=True)
class DueProfile:
    """A profile whose next run was planned for `due_at`; `interval` is the shortest of those who watch it."""

    account_id: int
    due_at: datetime
    interval: timedelta
    was_read: bool
    was_read_in_full: bool
    open_run: int | None


async def due(conn: Connection, now: datetime, limit: int) -> tuple[DueProfile, ...]:
    """Read the profiles that are due and that anybody watches, the longest due first.

    So is one whose plan is clearly further away than its interval: the clock was set back, or whoever watches it more
    often has come back.
    """
    hours = (
        select(func.min(profile_watches.c.interval_hours))
        .where(profile_watches.c.account_id == profiles.c.account_id, _IS_WATCHED)
        .scalar_subquery()
    )
    wait = type_coerce(profiles.c.next_run_at, BIGINT) - literal(now, Instant())
    is_far = wait > (hours + 1) * literal(_HOUR, BIGINT)
    query = (
        select(profiles, hours.label("hours"), _OPEN_RUN.label("open_run"))
        .where(or_(profiles.c.next_run_at <= now, is_far), hours.is_not(None))
        .order_by(profiles.c.next_run_at, profiles.c.account_id)
        .limit(limit)
    )
    return tuple(
        DueProfile(
            account_id=row.account_id,
            due_at=row.next_run_at,
            interval=timedelta(hours=row.hours),
            was_read=row.last_run_at is not None,
            was_read_in_full=row.full_read_at is not None,
            open_run=row.open_run,
        )
        for row in await conn.execute(query)
    )


async def plan(conn: Connection, account_id: int, next_run_at: datetime) -> None:
    """Write when a profile is read next."""
    this = profiles.c.account_id == account_id
    await conn.execute(update(profiles).where(this).values(next_run_at=next_run_at))


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
    """Let an open run read all pages if it is asked to, and note who asked first."""
    this = profile_runs.c.id == run_id
    if is_full:
        await conn.execute(update(profile_runs).where(this).values(is_full=True))
    if asked_by is not None:
        asked = {"asked_by": asked_by, "asked_in_guild_id": asked_in_guild_id}
        nobody_did = profile_runs.c.asked_by.is_(None)
        await conn.execute(update(profile_runs).where(this, nobody_did).values(asked))
