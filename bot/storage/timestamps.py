"""The instants that rules compute with, moved together when the wall clock steps."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, bindparam, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.post_tables import jobs, profiles
from bot.storage.round_tables import round_files
from bot.storage.stream_tables import recordings, stream_findings
from bot.storage.tables import (
    account_overrides,
    accounts,
    destinations,
    lives,
    outbox,
    requests,
    sources,
    status_boards,
)
from bot.storage.types import BIGINT

# Only instants of our own clock: what the platform, a game server or Discord told is not ours to move.
_MOVED: tuple[Column[datetime], ...] = (
    accounts.c.last_checked_at,
    accounts.c.next_check_at,
    accounts.c.leased_until,
    requests.c.asked_at,
    sources.c.closed_until,
    sources.c.last_blocked_at,
    lives.c.found_at,
    lives.c.last_seen_at,
    lives.c.doubted_at,
    lives.c.paused_at,
    lives.c.ended_at,
    recordings.c.leased_until,
    recordings.c.wanted_at,
    recordings.c.ended_seen_at,
    recordings.c.paused_seen_at,
    stream_findings.c.found_at,
    round_files.c.listed_at,
    round_files.c.next_try_at,
    outbox.c.next_try_at,
    outbox.c.first_tried_at,
    outbox.c.expires_at,
    outbox.c.told_at,
    outbox.c.remove_at,
    destinations.c.next_try_at,
    account_overrides.c.boosted_until,
    status_boards.c.put_at,
    profiles.c.next_run_at,
    jobs.c.scheduled_at,
    jobs.c.leased_until,
)
_SHIFTS = [
    update(column.table)
    .where(column > bindparam("since"))
    .values({column: type_coerce(column, BIGINT) + bindparam("by", type_=BIGINT)})
    for column in _MOVED
]


async def shift(conn: AsyncConnection, by: timedelta, *, since: datetime) -> None:
    """Move what lies after `since` by `by`; older instants are beyond the reach of every rule."""
    for statement in _SHIFTS:
        await conn.execute(statement, {"since": since, "by": by // timedelta(microseconds=1)})
