"""Statements that read recorded lives for an export, page by page: each page is a short transaction of its own.

No read transaction stays open while pages are written, for on SQLite it would keep the write-ahead log growing.
What has not ended when the export begins may therefore have more in a later page than in an earlier one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, exists, select, tuple_

from bot.core.streams.export import ExportOrder
from bot.core.streams.models import RecordedLive, StreamMinute
from bot.core.streams.recording import RecordingState
from bot.storage.engine import Connection, Database
from bot.storage.paging import ROWS_AT_ONCE, pages
from bot.storage.stream_reading import KINDS
from bot.storage.stream_tables import (
    contributions,
    recordings,
    stream_findings,
    stream_minutes,
    stream_people,
)
from bot.storage.tables import accounts, lives, subscriptions
from bot.storage.types import BIGINT, Instant

LIVES_AT_ONCE = 200

_ELSEWHERE = {name: lives.c[name] for name in ("title", "started_at", "ended_at", "last_seen_at")}
_ELSEWHERE |= {name: accounts.c[name] for name in ("handle", "nickname")}
_LIVES = (
    select(
        *[
            _ELSEWHERE[name] if name in _ELSEWHERE else recordings.c[name]
            for name in RecordedLive.__dataclass_fields__
        ]
    )
    .join(lives, lives.c.id == recordings.c.live_id)
    .join(accounts, accounts.c.id == recordings.c.account_id)
)
_IN_ORDER = (lives.c.started_at, lives.c.id)
_AFTER_LIVE = tuple_(*_IN_ORDER) > tuple_(
    bindparam("started_at", type_=Instant()), bindparam("live_id", type_=BIGINT)
)

# Made once: they run for each live, and making a statement costs more than running it.
_MINUTES = (
    select(*[stream_minutes.c[name] for name in StreamMinute.__dataclass_fields__])
    .where(
        stream_minutes.c.live_id == bindparam("live_id"),
        stream_minutes.c.minute > bindparam("after"),
        stream_minutes.c.minute < bindparam("until"),
    )
    .order_by(stream_minutes.c.minute)
    .limit(ROWS_AT_ONCE)
)
COUNTED = (
    *("comments", "likes", "gifts", "diamonds", "estimated_diamonds", "guest_gifts", "guest_diamonds"),
    *("follows", "shares", "joins", "subscriptions"),
)
"""What is counted of each person."""
_CONTRIBUTIONS = (
    select(
        contributions.c.person_id,
        stream_people.c.handle,
        stream_people.c.nickname,
        *[contributions.c[name] for name in COUNTED],
        KINDS.label("kinds"),
        contributions.c.first_at,
        contributions.c.last_at,
        contributions.c.last_gift_at,
    )
    .outerjoin(stream_people, stream_people.c.person_id == contributions.c.person_id)
    .where(
        contributions.c.live_id == bindparam("live_id"),
        contributions.c.person_id > bindparam("after", type_=BIGINT),
    )
    .order_by(contributions.c.person_id)
    .limit(ROWS_AT_ONCE)
)
_FINDINGS = select(stream_findings.c.live_id, stream_findings.c.findings).where(
    stream_findings.c.live_id.in_(bindparam("live_ids", expanding=True))
)


async def lives_in_order(database: Database, order: ExportOrder) -> AsyncIterator[Sequence[RecordedLive]]:
    """Read the lives an order is about, the oldest first, some at a time. Raises `StorageError`."""
    conditions = _conditions(order)
    following: dict[str, Any] = {}
    page = _LIVES.where(*conditions).order_by(*_IN_ORDER).limit(LIVES_AT_ONCE)
    while True:
        async with database.read() as conn:
            rows = (await conn.execute(page, following)).mappings().all()
        if not rows:
            return
        found = [RecordedLive(**{**row, "state": RecordingState(row["state"])}) for row in rows]
        yield found
        following = {"started_at": found[-1].started_at, "live_id": found[-1].live_id}
        page = _LIVES.where(*conditions, _AFTER_LIVE).order_by(*_IN_ORDER).limit(LIVES_AT_ONCE)


async def has_lives(conn: Connection, order: ExportOrder) -> bool:
    """Tell whether an order is about any live."""
    query = _LIVES.where(*_conditions(order)).limit(1)
    return (await conn.execute(query)).first() is not None


async def recent_lives(
    conn: Connection, guild_id: int, *, part: str = "", most: int
) -> tuple[RecordedLive, ...]:
    """Read the newest recorded lives of the accounts a guild follows whose handle holds `part`."""
    query = (
        _LIVES.where(_is_followed(guild_id), accounts.c.handle.contains(part.lower(), autoescape=True))
        .order_by(lives.c.started_at.desc(), lives.c.id.desc())
        .limit(most)
    )
    rows = (await conn.execute(query)).mappings()
    return tuple(RecordedLive(**{**row, "state": RecordingState(row["state"])}) for row in rows)


async def recorded_live(conn: Connection, guild_id: int, live_id: int) -> RecordedLive | None:
    """Read one live of an account a guild follows; None where there is none."""
    query = _LIVES.where(_is_followed(guild_id), recordings.c.live_id == live_id)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else RecordedLive(**{**row, "state": RecordingState(row["state"])})


async def account_id_of(conn: Connection, handle: str) -> int | None:
    """Give the account of a handle, whoever follows it."""
    return (await conn.execute(select(accounts.c.id).where(accounts.c.handle == handle))).scalar()


async def minutes_of(
    database: Database, live: RecordedLive, order: ExportOrder
) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read the course of a live until the order was given; rows have the fields of `StreamMinute`."""
    given: dict[str, Any] = {"live_id": live.live_id, "after": _BEFORE_ALL, "until": order.asked_at}
    async for rows in pages(database, _MINUTES, given):
        yield rows
        given["after"] = rows[-1].minute


async def contributions_of(database: Database, live: RecordedLive) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read who took part in a live, by id; somebody whose name was deleted has None for it."""
    given: dict[str, Any] = {"live_id": live.live_id, "after": -1}
    async for rows in pages(database, _CONTRIBUTIONS, given):
        yield rows
        given["after"] = rows[-1].person_id


async def findings_of(database: Database, live_ids: Collection[int]) -> Mapping[int, Any]:
    """Read what was found about lives, as it was stored; those without findings are missing."""
    async with database.read() as conn:
        rows = await conn.execute(_FINDINGS, {"live_ids": list(live_ids)})
        return {row.live_id: row.findings for row in rows}


_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def _conditions(order: ExportOrder) -> list[ColumnElement[bool]]:
    found = [lives.c.started_at >= order.since, lives.c.started_at < order.until]
    if order.account_id is not None:
        found.append(recordings.c.account_id == order.account_id)
    if order.live_id is not None:
        found.append(recordings.c.live_id == order.live_id)
    if order.guild_id is not None:
        found.append(_is_followed(order.guild_id))
    return found


def _is_followed(guild_id: int) -> ColumnElement[bool]:
    """Tell whether a guild follows the account; a pause changes nothing about what was recorded."""
    return exists().where(
        subscriptions.c.account_id == recordings.c.account_id, subscriptions.c.guild_id == guild_id
    )
