"""Statements about all lives of a span, those that were never recorded too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, func, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.periods import Span
from bot.core.streams.gifters import TOTALS, Recorded
from bot.core.streams.weekly import WeeksLive
from bot.storage.stream_reading import PEAK
from bot.storage.stream_tables import recordings
from bot.storage.tables import accounts, lives
from bot.storage.types import BIGINT, Instant

_ACCOUNTS: BindParameter[Any] = bindparam("accounts", expanding=True)
_BOUNDS = {
    "since": lives.c.started_at >= bindparam("since", type_=Instant()),
    "until": lives.c.started_at < bindparam("until", type_=Instant()),
}
_of_lives = lives.outerjoin(recordings, recordings.c.live_id == lives.c.id)
_is_recorded = func.coalesce(recordings.c.connected_seconds, 0) > 0

_LATEST = (
    select(lives.c.id)
    .select_from(lives.join(recordings, recordings.c.live_id == lives.c.id))
    .where(lives.c.account_id.in_(_ACCOUNTS))
    .order_by(lives.c.ended_at.is_not(None), lives.c.started_at.desc(), lives.c.id.desc())
    .limit(1)
)
_SUMS = ("diamonds", "estimated_diamonds", "unvalued_gifts")
_LIVES = (
    select(
        lives.c.account_id,
        accounts.c.handle,
        accounts.c.nickname,
        lives.c.started_at,
        lives.c.ended_at,
        func.coalesce(recordings.c.connected_seconds, 0).label("connected_seconds"),
        PEAK.label("peak_viewers"),
        *[func.coalesce(recordings.c[name], 0).label(name) for name in ("gifts", *_SUMS)],
    )
    .select_from(_of_lives.join(accounts, accounts.c.id == lives.c.account_id))
    .where(lives.c.account_id.in_(_ACCOUNTS), *_BOUNDS.values())
    .order_by(lives.c.started_at, lives.c.id)
)


async def latest_live(conn: AsyncConnection, account_ids: Collection[int]) -> int | None:
    """Give the recorded live that is on (of several the one that began last), else the last one; None without any."""
    return (await conn.execute(_LATEST, {"accounts": list(account_ids)})).scalar()


async def recorded(
    conn: AsyncConnection, account_ids: Collection[int], span: Span, now: datetime
) -> Recorded:
    """Read what was recorded of the lives of some accounts that began in a span."""
    bounds = {name: at for name, at in (("since", span.since), ("until", span.until)) if at is not None}
    asked = {"accounts": list(account_ids), "now": now, **bounds}
    row = (await conn.execute(_recorded(tuple(bounds)), asked)).mappings().one()
    counts = {name: int(row[name] or 0) for name in ("lives", "recorded", "going_on", *TOTALS)}
    microseconds, connected = int(row["microseconds"] or 0), int(row["connected"] or 0)
    return Recorded(seconds=microseconds / 1e6, connected_seconds=connected / 1e6, **counts)


# Made once each: making a statement costs more than running it.
@cache
def _recorded(bounds: tuple[str, ...]) -> Select[Any]:
    ends = func.coalesce(lives.c.ended_at, bindparam("now", type_=Instant()))
    lasted = type_coerce(ends, BIGINT) - type_coerce(lives.c.started_at, BIGINT)
    columns: list[Any] = [
        func.count().label("lives"),
        func.count().filter(_is_recorded).label("recorded"),
        func.count().filter(lives.c.ended_at.is_(None)).label("going_on"),
        func.sum(lasted).label("microseconds"),
        func.sum(type_coerce(recordings.c.connected_seconds, BIGINT)).label("connected"),
        *[func.sum(recordings.c[name]).label(name) for name in TOTALS],
    ]
    meant = (lives.c.account_id.in_(_ACCOUNTS), *[_BOUNDS[name] for name in bounds])
    return select(*columns).select_from(_of_lives).where(*meant)


async def lives_between(
    conn: AsyncConnection, account_ids: Collection[int], span: Span
) -> tuple[WeeksLive, ...]:
    """Read the lives of some accounts that began in a span with both ends, the oldest first."""
    asked = {"accounts": list(account_ids), "since": span.since, "until": span.until}
    return tuple(WeeksLive(**row) for row in (await conn.execute(_LIVES, asked)).mappings())
