"""Statements about what people gave: the sums that tables of supporters are made from, which are kept for ever.

A gift belongs to the live it was given in, and with it to the time at which that live began. So nothing here reads
single gifts, which retention deletes. `contributions` are the truth; `supporter_sums` are sums of them by month,
kept up to date by `add` in the transaction that changes a contribution. Gifts to guests are in none of them.
Person 0 stands for all whose names were forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.periods import Span
from bot.core.streams.events import Viewer
from bot.core.streams.gifters import Supporters
from bot.core.streams.models import Supporter
from bot.core.streams.months import EVER, month_of, parts_of
from bot.storage.stream_tables import contribution_gifts, contributions, stream_people, supporter_sums
from bot.storage.tables import lives
from bot.storage.types import Instant
from bot.storage.upsert import Insert, insert_on

NOBODY = 0
"""The person who stands for all that were forgotten."""
_SUMMED = ("gifts", "diamonds", "estimated_diamonds")
_COLUMNS = ("person_id", *_SUMMED, "last_gift_at")
_ACCOUNTS: BindParameter[Any] = bindparam("accounts", expanding=True)
_PEOPLE: BindParameter[Any] = bindparam("people", expanding=True)
_LIVE: BindParameter[Any] = bindparam("live_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What somebody gave to the host of a live since the last `Given`; a corrected value may make it less than 0."""

    person_id: int
    gifts: int
    diamonds: int
    estimated_diamonds: int
    last_gift_at: datetime


# --- Keeping ---------------------------------------------------------------------------------------


async def add(conn: AsyncConnection, live_id: int, given: Iterable[Given]) -> None:
    """Add what was given in a live to the sums; in the transaction that adds it to `contributions`."""
    rows = [asdict(one) for one in given]
    if not rows:
        return
    query = select(lives.c.account_id, lives.c.started_at).where(lives.c.id == live_id)
    live = (await conn.execute(query)).one()
    keys = [{"month": month, "account_id": live.account_id} for month in (EVER, month_of(live.started_at))]
    await conn.execute(_adding(conn.dialect.name), [{**key, **row} for key in keys for row in rows])


@cache
def _adding(dialect: str) -> Insert:
    statement = insert_on(dialect, supporter_sums)
    return statement.on_conflict_do_update(
        index_elements=["month", "account_id", "person_id"], set_=_together(statement)
    )


def _together(statement: Insert) -> dict[str, Any]:
    """Say how a row and a new one for the same person become one."""
    new, old = statement.excluded, supporter_sums.c
    is_later = old.last_gift_at.is_(None) | (old.last_gift_at < new.last_gift_at)
    sums = {name: old[name] + new[name] for name in _SUMMED}
    return {**sums, "last_gift_at": case((is_later, new.last_gift_at), else_=old.last_gift_at)}


async def forget(conn: AsyncConnection, person_id: int) -> None:
    """Make a person's sums part of the nameless ones; `contributions` are changed in the same transaction."""
    own = supporter_sums.c.person_id == person_id
    rows = (await conn.execute(select(supporter_sums).where(own))).mappings().all()
    await conn.execute(delete(supporter_sums).where(own))
    if rows:
        await conn.execute(_adding(conn.dialect.name), [{**row, "person_id": NOBODY} for row in rows])


async def rebuild(conn: AsyncConnection) -> None:
    """Make all sums anew from `contributions`; what `add` keeps up to date is the same."""
    await conn.execute(delete(supporter_sums))
    began = select(lives.c.id, lives.c.started_at).order_by(lives.c.started_at)
    by_month: dict[int, list[int]] = {}
    for live in await conn.execute(began):
        by_month.setdefault(month_of(live.started_at), []).append(live.id)
    for month, live_ids in by_month.items():
        sums = (
            select(literal(month), contributions.c.account_id, *_sums_of(contributions))
            .where(contributions.c.gifts > 0, contributions.c.live_id.in_(live_ids))
            .group_by(contributions.c.account_id, contributions.c.person_id)
        )
        await conn.execute(insert(supporter_sums).from_select(["month", "account_id", *_COLUMNS], sums))
    ever = select(literal(EVER), supporter_sums.c.account_id, *_sums_of(supporter_sums)).group_by(
        supporter_sums.c.account_id, supporter_sums.c.person_id
    )
    await conn.execute(insert(supporter_sums).from_select(["month", "account_id", *_COLUMNS], ever))


# --- Reading ---------------------------------------------------------------------------------------


async def supporters(
    conn: AsyncConnection, account_ids: Collection[int], span: Span, *, most: int
) -> Supporters:
    """Read who gave most in the lives of some accounts that began in a span."""
    parts = parts_of(span)
    asked: dict[str, Any] = {"accounts": list(account_ids)}
    if parts.months is not None:
        asked |= {"first": parts.months[0], "last": parts.months[1]}
    for number, rest in enumerate(parts.rests):
        asked |= {f"since{number}": rest.since, f"until{number}": rest.until}
    query = _giving(with_months=parts.months is not None, rests=len(parts.rests))
    rows = (await conn.execute(query, {**asked, "most": most + 1})).all()
    bounds = {name: at for name, at in (("since", span.since), ("until", span.until)) if at is not None}
    meant = {"accounts": asked["accounts"], **bounds, "people": _ids(rows)}
    kinds = await conn.execute(_kinds(tuple(bounds)), meant)
    return _table(rows, kinds.all(), most)


async def supporters_of_live(conn: AsyncConnection, live_id: int, *, most: int) -> Supporters:
    """Read who gave most in one live."""
    rows = (await conn.execute(_GIVING_IN_LIVE, {"live_id": live_id, "most": most + 1})).all()
    kinds = await conn.execute(_KINDS_IN_LIVE, {"live_id": live_id, "people": _ids(rows)})
    return _table(rows, kinds.all(), most)


def _ids(rows: Sequence[Row[Any]]) -> list[int]:
    return [row.person_id for row in rows]


def _table(rows: Sequence[Row[Any]], kinds: Sequence[Row[Any]], most: int) -> Supporters:
    """Part the forgotten, of whom there is one row at most, from those who have names."""
    if not rows:
        return Supporters()
    by_person = {row.person_id: row.kinds for row in kinds}
    nameless = [int(row.diamonds) for row in rows if row.person_id == NOBODY]
    people = [row for row in rows if row.person_id != NOBODY][:most]
    return Supporters(
        shown=tuple(_supporter(row, by_person.get(row.person_id, 0)) for row in people),
        count=rows[0].people - len(nameless),
        **{name: int(getattr(rows[0], f"all_{name}")) for name in _SUMMED},
        nameless=sum(nameless),
    )


def _supporter(row: Any, kinds: int) -> Supporter:
    return Supporter(
        viewer=Viewer(id=row.person_id, handle=row.handle or "", nickname=row.nickname or ""),
        diamonds=int(row.diamonds),
        estimated_diamonds=int(row.estimated_diamonds),
        gifts=int(row.gifts),
        kinds=int(kinds),
        last_at=row.last_gift_at,
    )


def _sums_of(source: Any) -> list[Any]:
    """Give the columns of a person's sums over the rows of one."""
    sums = [func.sum(source.c[name]).label(name) for name in _SUMMED]
    return [source.c.person_id, *sums, func.max(source.c.last_gift_at).label("last_gift_at")]


def _most_giving(rows: Any) -> Select[Any]:
    """Give the statement over rows of what people gave: the forgotten first, then the most diamonds."""
    summed = select(*_sums_of(rows)).group_by(rows.c.person_id).having(func.sum(rows.c.gifts) > 0)
    person = summed.subquery("person")
    totals = [func.sum(person.c[name]).over().label(f"all_{name}") for name in _SUMMED]
    order = (person.c.person_id != NOBODY, person.c.diamonds.desc(), person.c.person_id)
    first = select(person, func.count().over().label("people"), *totals).order_by(*order)
    chosen = first.limit(bindparam("most")).subquery("chosen")
    named = select(chosen, stream_people.c.handle, stream_people.c.nickname)
    order = (chosen.c.person_id != NOBODY, chosen.c.diamonds.desc(), chosen.c.person_id)
    return named.outerjoin(stream_people, stream_people.c.person_id == chosen.c.person_id).order_by(*order)


# Made once each: making a statement costs more than running it.
@cache
def _giving(*, with_months: bool, rests: int) -> Select[Any]:
    parts: list[Select[Any]] = []
    if with_months:
        sums = supporter_sums.c
        months = sums.month.between(bindparam("first"), bindparam("last"))
        parts.append(select(*[sums[name] for name in _COLUMNS]).where(months, sums.account_id.in_(_ACCOUNTS)))
    for number in range(rests):
        in_span = (
            lives.c.started_at >= bindparam(f"since{number}", type_=Instant()),
            lives.c.started_at < bindparam(f"until{number}", type_=Instant()),
        )
        meant = select(lives.c.id).where(lives.c.account_id.in_(_ACCOUNTS), *in_span)
        parts.append(_given().where(contributions.c.live_id.in_(meant)))
    return _most_giving(union_all(*parts).subquery("given"))


def _given() -> Select[Any]:
    return select(*[contributions.c[name] for name in _COLUMNS]).where(contributions.c.gifts > 0)


@cache
def _kinds(bounds: tuple[str, ...]) -> Select[Any]:
    conditions = {
        "since": lives.c.started_at >= bindparam("since", type_=Instant()),
        "until": lives.c.started_at < bindparam("until", type_=Instant()),
    }
    meant = select(lives.c.id).where(
        lives.c.account_id.in_(_ACCOUNTS), *[conditions[name] for name in bounds]
    )
    return _kinds_of_people().where(contribution_gifts.c.live_id.in_(meant))


def _kinds_of_people() -> Select[Any]:
    gifts = contribution_gifts.c
    kinds = func.count(gifts.gift_id.distinct()).label("kinds")
    return select(gifts.person_id, kinds).where(gifts.person_id.in_(_PEOPLE)).group_by(gifts.person_id)


_GIVING_IN_LIVE = _most_giving(_given().where(contributions.c.live_id == _LIVE).subquery("given"))
_KINDS_IN_LIVE = _kinds_of_people().where(contribution_gifts.c.live_id == _LIVE)
