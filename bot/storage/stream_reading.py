"""Statements that read recorded lives back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, case, exists, func, null, or_, select, type_coerce
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.events import Viewer
from bot.core.streams.models import GivenGift, RecordedLive, StreamMinute, Supporter
from bot.core.streams.recording import ACTIVE, RecordingState
from bot.core.streams.tally import NOBODY
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    gift_kinds,
    recordings,
    stream_findings,
    stream_gifts,
    stream_minutes,
    stream_people,
)
from bot.storage.tables import accounts, lives, subscriptions
from bot.storage.types import Instant

_LATEST = 1000
"""So many lives are looked through for those that are over and not told, the newest."""

_LONGEST_LEASE = timedelta(minutes=1)

_OF_LIVE = ("title", "started_at", "ended_at", "last_seen_at")
_OF_ACCOUNT = ("handle", "nickname")
_OF_RECORDING = tuple(
    name for name in RecordedLive.__dataclass_fields__ if name not in {*_OF_LIVE, *_OF_ACCOUNT}
)


_is_lower = func.coalesce(recordings.c.peak_viewers, -1) < func.coalesce(lives.c.peak_viewers, -1)
PEAK = case((_is_lower, lives.c.peak_viewers), else_=recordings.c.peak_viewers)
"""The highest count of viewers anybody saw: a check may have seen more than the recorder, whose instant is known."""
_PEAK_AT = case((_is_lower, null()), else_=recordings.c.peak_at)

_SEEN = {
    "peak_viewers": PEAK.label("peak_viewers"),
    "peak_at": type_coerce(_PEAK_AT, Instant).label("peak_at"),
}


def _recorded() -> Select[Any]:
    columns = (
        *[_SEEN.get(name, recordings.c[name]) for name in _OF_RECORDING],
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

_followed_here = exists().where(
    subscriptions.c.account_id == recordings.c.account_id, subscriptions.c.guild_id == bindparam("guild_id")
)
_ONE_HERE = _ONE.where(_followed_here)
_LATEST_HERE = _recorded().where(_followed_here).order_by(lives.c.id.desc()).limit(bindparam("most"))
_GOING_ON = _recorded().where(lives.c.ended_at.is_(None)).order_by(lives.c.started_at)
_UNTOLD = (
    _recorded()
    .outerjoin(stream_findings, stream_findings.c.live_id == recordings.c.live_id)
    .where(
        recordings.c.live_id > select(func.coalesce(func.max(lives.c.id), 0) - _LATEST).scalar_subquery(),
        recordings.c.state.not_in(ACTIVE),
        lives.c.ended_at > bindparam("since"),
        # Whoever still holds the room has yet to write its last events.
        or_(
            recordings.c.leased_until.is_(None),
            recordings.c.leased_until <= bindparam("now"),
            recordings.c.leased_until > bindparam("longest"),  # the clock was set back
        ),
        or_(
            stream_findings.c.found_at.is_(None),
            # It went on after it was told, and is over again.
            stream_findings.c.found_at < lives.c.ended_at,
            stream_findings.c.found_at < recordings.c.last_event_at,
        ),
    )
    .order_by(recordings.c.live_id)
)
KINDS = (
    select(func.count())
    .where(
        contribution_gifts.c.live_id == contributions.c.live_id,
        contribution_gifts.c.person_id == contributions.c.person_id,
    )
    .scalar_subquery()
)
"""How many different gifts a person gave in a live; for statements about `contributions`."""
_SUPPORTERS = (
    select(
        contributions.c.person_id,
        stream_people.c.handle,
        stream_people.c.nickname,
        contributions.c.diamonds,
        contributions.c.estimated_diamonds,
        contributions.c.gifts,
        contributions.c.last_gift_at,
        KINDS.label("kinds"),
    )
    .outerjoin(stream_people, stream_people.c.person_id == contributions.c.person_id)
    .where(
        contributions.c.live_id == bindparam("live_id"),
        contributions.c.gifts > 0,
        contributions.c.person_id != NOBODY,  # the sum of who asked to be forgotten has no place
    )
    .order_by(contributions.c.diamonds.desc(), contributions.c.gifts.desc(), contributions.c.person_id)
    .limit(bindparam("most"))
)
_worth = stream_gifts.c.count * stream_gifts.c.diamonds_each
_DEAREST = (
    select(
        stream_gifts.c.last_at,
        stream_gifts.c.count,
        func.coalesce(gift_kinds.c.name, "").label("name"),
        _worth.label("diamonds"),
    )
    .outerjoin(gift_kinds, gift_kinds.c.gift_id == stream_gifts.c.gift_id)
    .where(
        stream_gifts.c.live_id == bindparam("live_id"),
        stream_gifts.c.to_person_id == 0,
        _worth >= bindparam("least"),
    )
    .order_by(_worth.desc(), stream_gifts.c.last_at, stream_gifts.c.id)
    .limit(bindparam("most"))
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


async def live_here(conn: AsyncConnection, guild_id: int, live_id: int) -> RecordedLive | None:
    """Read one recorded live of an account that a guild follows; None where there is no such live."""
    row = (await conn.execute(_ONE_HERE, {"guild_id": guild_id, "live_id": live_id})).mappings().first()
    return None if row is None else _live(row)


async def latest_here(conn: AsyncConnection, guild_id: int, most: int) -> tuple[RecordedLive, ...]:
    """Read the recorded lives of the accounts that a guild follows, the newest first."""
    rows = (await conn.execute(_LATEST_HERE, {"guild_id": guild_id, "most": most})).mappings()
    return tuple(_live(row) for row in rows)


async def going_on(
    conn: AsyncConnection, account_ids: Collection[int] | None = None
) -> tuple[RecordedLive, ...]:
    """Read the lives that are on and have a recording (of some accounts, if given), the oldest first."""
    query = _GOING_ON if account_ids is None else _GOING_ON.where(recordings.c.account_id.in_(account_ids))
    return tuple(_live(row) for row in (await conn.execute(query)).mappings())


async def untold(conn: AsyncConnection, held_at: datetime, *, since: datetime) -> tuple[RecordedLive, ...]:
    """Read the lives whose recording is over, that ended after `since` and have no findings of that end.

    `held_at` is now in the machine's time, by which rooms are held.
    """
    span = {"since": since, "now": held_at, "longest": held_at + _LONGEST_LEASE}
    return tuple(_live(row) for row in (await conn.execute(_UNTOLD, span)).mappings())


async def supporters(conn: AsyncConnection, live_id: int, most: int) -> tuple[Supporter, ...]:
    """Read who gave most in a live, by diamonds; the forgotten are nobody, and others may have no name."""
    rows = (await conn.execute(_SUPPORTERS, {"live_id": live_id, "most": most})).mappings()
    return tuple(
        Supporter(
            viewer=Viewer(row["person_id"], row["handle"] or "", row["nickname"] or ""),
            diamonds=row["diamonds"],
            estimated_diamonds=row["estimated_diamonds"],
            gifts=row["gifts"],
            kinds=row["kinds"],
            last_at=row["last_gift_at"],
        )
        for row in rows
    )


async def dearest_gifts(
    conn: AsyncConnection, live_id: int, *, least: int, most: int
) -> tuple[GivenGift, ...]:
    """Read the gifts to the host that were worth at least `least` diamonds, the dearest first."""
    rows = await conn.execute(_DEAREST, {"live_id": live_id, "least": least, "most": most})
    return tuple(
        GivenGift(at=row["last_at"], name=row["name"], count=row["count"], diamonds=row["diamonds"])
        for row in rows.mappings()
    )


async def minutes_of(conn: AsyncConnection, live_id: int) -> Sequence[StreamMinute]:
    """Read the course of a live in order."""
    rows = (await conn.execute(_MINUTES, {"live_id": live_id})).mappings()
    return [StreamMinute(**row) for row in rows]


def _live(row: RowMapping) -> RecordedLive:
    return RecordedLive(**{**row, "state": RecordingState(row["state"])})
