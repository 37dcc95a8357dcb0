"""Statements about kinds of gifts: what is known of them, what a batch teaches, and values that become known later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, Update, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.booking import GiftKind, kinds_of
from bot.core.streams.minutes import minute_of
from bot.core.streams.tally import NOBODY, Batch
from bot.core.streams.values import ValueSource
from bot.storage import gift_sums
from bot.storage.gift_sums import Given
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    gift_kinds,
    recordings,
    stream_gifts,
    stream_minutes,
)
from bot.storage.types import BIGINT
from bot.storage.upsert import Upsert

_KINDS = select(*[gift_kinds.c[name] for name in GiftKind.__dataclass_fields__]).where(
    gift_kinds.c.gift_id.in_(bindparam("some", expanding=True))
)
_PUT = Upsert(gift_kinds, replaced=("name", "diamonds", "streakable", "seen_at"))

_IS_UNVALUED = (stream_gifts.c.gift_id == bindparam("gift")) & stream_gifts.c.diamonds_each.is_(None)
_UNVALUED = (
    select(*[stream_gifts.c[name] for name in ("live_id", "person_id", "to_person_id", "count", "first_at")])
    .where(_IS_UNVALUED)
    .order_by(stream_gifts.c.id)
)
_VALUE = (
    update(stream_gifts)
    .where(_IS_UNVALUED)
    .values(diamonds_each=bindparam("each"), value_from=ValueSource.LEARNED)
)


Sums = Counter[tuple[Any, ...]]
"""How much more, by the key of a row."""


@dataclass(frozen=True, slots=True)
class _Sums:
    lives: Sums = field(default_factory=Counter)
    minutes: Sums = field(default_factory=Counter)
    people: Sums = field(default_factory=Counter)


async def learn(conn: AsyncConnection, batch: Batch) -> dict[int, GiftKind]:
    """Keep what a batch says of kinds of gifts; gives what is known of those in it.

    Where a value becomes known, it is filled in for the gifts of all lives that had none.
    """
    some = sorted({key.gift_id for key in batch.gifts})
    if not some:
        return {}
    rows = (await conn.execute(_KINDS, {"some": some})).mappings()
    known = {row["gift_id"]: GiftKind(**row) for row in rows}
    told = kinds_of(batch, known)
    if told:
        seen = [
            (kind.gift_id, kind.name, kind.diamonds, kind.streakable, batch.last_event_at) for kind in told
        ]
        await _PUT.put(conn, (*GiftKind.__dataclass_fields__, "seen_at"), seen)
    for kind in told:
        before = known.get(kind.gift_id)
        if before is not None and before.diamonds is None and kind.diamonds is not None:
            await _fill_in(conn, kind.gift_id, kind.diamonds)
    return known | {kind.gift_id: kind for kind in told}


async def _fill_in(conn: AsyncConnection, gift_id: int, each: int) -> None:
    """Value the gifts of one kind that had no value, and add it to every sum they are part of.

    The minute it is added to is that of a streak's beginning: how a streak went on is not kept.
    """
    of_host, of_guests = _Sums(), _Sums()
    unvalued: Sums = Counter()
    last_at: dict[tuple[int, int], datetime] = {}
    for row in (await conn.execute(_UNVALUED, {"gift": gift_id})).mappings():
        is_hosts = row["to_person_id"] == NOBODY
        sums = of_host if is_hosts else of_guests
        live_id, person_id, worth = row["live_id"], row["person_id"], row["count"] * each
        sums.lives[(live_id,)] += worth
        sums.minutes[live_id, minute_of(row["first_at"])] += worth
        sums.people[live_id, person_id] += worth
        if is_hosts:
            last_at[live_id, person_id] = row["first_at"]
            unvalued[(live_id,)] -= row["count"]
    await conn.execute(_VALUE, {"gift": gift_id, "each": each})
    for column, sums in (("diamonds", of_host), ("guest_diamonds", of_guests)):
        await _add(conn, _RAISE[recordings, column], sums.lives)
        await _add(conn, _RAISE[stream_minutes, column], sums.minutes)
        await _add(conn, _RAISE[contributions, column], sums.people)
    kinds: Sums = Counter({(*key, gift_id): worth for key, worth in of_host.people.items()})
    await _add(conn, _RAISE[contribution_gifts, "diamonds"], kinds)
    await _add(conn, _RAISE[recordings, "unvalued_gifts"], unvalued)
    for live_id in of_host.lives:
        given = [
            Given(
                person_id=person_id,
                gifts=0,
                diamonds=worth,
                estimated_diamonds=0,
                last_gift_at=last_at[live, person_id],
                kinds=frozenset(),  # known since the gift was given
            )
            for (live, person_id), worth in of_host.people.items()
            if (live,) == live_id
        ]
        await gift_sums.add(conn, live_id[0], given)


async def _add(conn: AsyncConnection, statement: Update, sums: Sums) -> None:
    if sums:
        rows = [{"more": more, **_named(key)} for key, more in sums.items()]
        await conn.execute(statement, rows)


def _named(key: Iterable[object]) -> dict[str, object]:
    return {f"key_{place}": part for place, part in enumerate(key)}


def _raise(table: Table, column: str, key: tuple[str, ...]) -> Update:
    matches = [table.c[name] == bindparam(f"key_{place}") for place, name in enumerate(key)]
    more = bindparam("more", type_=BIGINT)
    return update(table).where(*matches).values({column: table.c[column] + more})


def _raise_minutes(column: str) -> Update:
    """Raise the row that a minute is in: its own, or the longer one it was thinned to."""
    of_live = stream_minutes.alias("of_live")
    last = (
        select(func.max(of_live.c.minute))
        .where(of_live.c.live_id == bindparam("key_0"), of_live.c.minute <= bindparam("key_1"))
        .scalar_subquery()
    )
    return (
        update(stream_minutes)
        .where(stream_minutes.c.live_id == bindparam("key_0"), stream_minutes.c.minute == last)
        .values({column: stream_minutes.c[column] + bindparam("more", type_=BIGINT)})
    )


_RAISE = {
    **{
        (recordings, name): _raise(recordings, name, ("live_id",))
        for name in ("diamonds", "guest_diamonds", "unvalued_gifts")
    },
    **{(stream_minutes, name): _raise_minutes(name) for name in ("diamonds", "guest_diamonds")},
    **{
        (contributions, name): _raise(contributions, name, ("live_id", "person_id"))
        for name in ("diamonds", "guest_diamonds")
    },
    (contribution_gifts, "diamonds"): _raise(
        contribution_gifts, "diamonds", ("live_id", "person_id", "gift_id")
    ),
}
