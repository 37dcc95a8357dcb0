"""Statements that read recorded lives back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, bindparam, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.models import RecordedLive, StreamMinute
from bot.core.streams.recording import RecordingState
from bot.storage.stream_tables import recordings, stream_minutes
from bot.storage.tables import accounts, lives

_OF_LIVE = ("title", "started_at", "ended_at", "last_seen_at")
_OF_ACCOUNT = ("handle", "nickname")
_OF_RECORDING = tuple(
    name for name in RecordedLive.__dataclass_fields__ if name not in {*_OF_LIVE, *_OF_ACCOUNT}
)


def _recorded() -> Select[tuple[object, ...]]:
    columns = (
        *[recordings.c[name] for name in _OF_RECORDING],
        *[lives.c[name] for name in _OF_LIVE],
        *[accounts.c[name] for name in _OF_ACCOUNT],
    )
    return (
        select(*columns)
        .join(lives, lives.c.id == recordings.c.live_id)
        .join(accounts, accounts.c.id == recordings.c.account_id)
    )


# Made once: making a statement costs more than running it.
_ONE = _recorded().where(recordings.c.live_id == bindparam("live_id"))
_OF_ONE_ACCOUNT = (
    _recorded()
    .where(
        recordings.c.account_id == bindparam("account_id"),
        lives.c.started_at >= bindparam("since"),
        lives.c.started_at < bindparam("until"),
    )
    .order_by(lives.c.started_at.desc(), lives.c.id.desc())
    .limit(bindparam("most"))
)
_MINUTES = (
    select(*[stream_minutes.c[name] for name in StreamMinute.__dataclass_fields__])
    .where(stream_minutes.c.live_id == bindparam("live_id"))
    .order_by(stream_minutes.c.minute)
)


async def recorded_live(conn: AsyncConnection, live_id: int) -> RecordedLive | None:
    """Read one live with its totals; None where it was never recorded."""
    row = (await conn.execute(_ONE, {"live_id": live_id})).mappings().first()
    return None if row is None else _live(row)


async def recorded_lives(
    conn: AsyncConnection, account_id: int, since: datetime, until: datetime, *, most: int = 1000
) -> tuple[RecordedLive, ...]:
    """Read the recorded lives of an account that started in [since, until), the newest first."""
    span = {"account_id": account_id, "since": since, "until": until, "most": most}
    return tuple(_live(row) for row in (await conn.execute(_OF_ONE_ACCOUNT, span)).mappings())


async def minutes_of(conn: AsyncConnection, live_id: int) -> Sequence[StreamMinute]:
    """Read the course of a live in order."""
    rows = (await conn.execute(_MINUTES, {"live_id": live_id})).mappings()
    return [StreamMinute(**row) for row in rows]


def _live(row: RowMapping) -> RecordedLive:
    return RecordedLive(**{**row, "state": RecordingState(row["state"])})
