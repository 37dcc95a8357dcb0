"""Statements about what people gave: the sums that tables of supporters are made from, which are kept for ever.

A gift belongs to the live it was given in, and with it to the time at which that live began. So nothing here reads
single gifts, which retention deletes. `contributions` are the truth; `supporter_sums` are sums of them by month,
and like `supporter_kinds` kept up to date by `add` in the transaction that changes a contribution. Gifts to guests are in none of them.
Person 0 stands for all whose names were forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.periods import Span
from bot.core.streams.events import Viewer
from bot.core.streams.gifters import Supporters
from bot.core.streams.models import Supporter
from bot.core.streams.months import EVER, month_of, parts_of
from bot.core.streams.tally import NOBODY
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    stream_people,
    supporter_kinds,
    supporter_sums,
)
from bot.storage.tables import lives
from bot.storage.types import Instant
from bot.storage.upsert import Insert, insert_on

_SUMMED = ("gifts", "diamonds", "estimated_diamonds")
_COLUMNS = ("person_id", *_SUMMED, "last_gift_at")
_ACCOUNTS: BindParameter[Any] = bindparam("accounts", expanding=True)
_PEOPLE: BindParameter[Any] = bindparam("people", expanding=True)
_LIVE: BindParameter[Any] = bindparam("live_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What somebody gave to the host of a live since the last `Given`; a corrected value may make it less than 0.

    `kinds` are the ids of the gifts.
    """

    person_id: int
    gifts: int
    diamonds: int
    estimated_diamonds: int
    last_gift_at: datetime
    kinds: frozenset[int]


# --- Keeping ---------------------------------------------------------------------------------------


async def add(conn: AsyncConnection, live_id: int, given: Iterable[Given]) -> None:
    """Add what was given in a live to the sums; in the transaction that adds it to `contributions`."""
    given = tuple(given)
    if not given:
        return
    query = select(lives.c.account_id, lives.c.started_at).where(lives.c.id == live_id)
    live = (await conn.execute(query)).one()
    keys = [{"month": month, "account_id": live.account_id} for month in (EVER, month_of(live.started_at))]
    rows = [{name: getattr(one, name) for name in _COLUMNS} for one in given]
    await conn.execute(_adding(conn.dialect.name), [{**key, **row} for key in keys for row in rows])
    of = {"account_id": live.account_id}
    kinds = [{**of, "person_id": one.person_id, "gift_id": kind} for one in given for kind in one.kinds]
    if kinds:
        await conn.execute(_learning(conn.dialect.name), kinds)


@cache
def _learning(dialect: str) -> Insert:
    return insert_on(dialect, supporter_kinds).on_conflict_do_nothing()


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
    await conn.execute(delete(supporter_kinds).where(supporter_kinds.c.person_id == person_id))
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
    await conn.execute(delete(supporter_kinds))
    kinds = (
        select(contribution_gifts.c.person_id, lives.c.account_id, contribution_gifts.c.gift_id)
        .join(lives, lives.c.id == contribution_gifts.c.live_id)
        .where(contribution_gifts.c.person_id != NOBODY)
        .distinct()
    )
    columns = ["person_id", "account_id", "gift_id"]
    await conn.execute(insert(supporter_kinds).from_select(columns, kinds))


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
    bounds = {name: at for name, at in (("since", span.since), ("until", span.until)) if at is not None}
    statements = _in_span(parts.months is not None, len(parts.rests), tuple(bounds))
    return await _read(conn, statements, asked | bounds, most)


async def supporters_of_live(conn: AsyncConnection, live_id: int, *, most: int) -> Supporters:
    """Read who gave most in one live."""
    return await _read(conn, _IN_LIVE, {"live_id": live_id}, most)


async def _read(
    conn: AsyncConnection, statements: _Statements, asked: Mapping[str, Any], most: int
) -> Supporters:
    first = (await conn.execute(statements.first, {**asked, "most": most + 1})).all()
    if not first:
        return Supporters()
    nameless = [int(row.diamonds) for row in first if row.person_id == NOBODY]
    people = [row.person_id for row in first if row.person_id != NOBODY][:most]
    meant = {**asked, "people": people}
    kinds = {row.person_id: row.kinds for row in await conn.execute(statements.kinds, meant)}
    found = {row.person_id: row for row in await conn.execute(statements.details, meant)}
    return Supporters(
        shown=tuple(_supporter(found[person], kinds.get(person, 0)) for person in people),
        count=first[0].people - len(nameless),
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Statements:
    """What reads a table: who stands in it (by diamonds alone, which is quick), more of these people, their kinds."""

    first: Select[Any]
    details: Select[Any]
    kinds: Select[Any]


def _reading(sources: Sequence[_Source], kinds: Select[Any]) -> _Statements:
    """Give the statements over rows of what people gave."""
    return _Statements(
        first=_first([source.select("person_id", "diamonds") for source in sources]),
        details=_details(
            [source.select(*_COLUMNS).where(source.columns.person_id.in_(_PEOPLE)) for source in sources]
        ),
        kinds=kinds,
    )


def _first(rows: Sequence[Select[Any]]) -> Select[Any]:
    """Give who gave most: the forgotten first, then the most diamonds."""
    given = union_all(*rows).subquery("given")
    diamonds = func.sum(given.c.diamonds).label("diamonds")
    person = select(given.c.person_id, diamonds).group_by(given.c.person_id).subquery("person")
    order = (person.c.person_id != NOBODY, person.c.diamonds.desc(), person.c.person_id)
    return select(person, func.count().over().label("people")).order_by(*order).limit(bindparam("most"))


def _details(rows: Sequence[Select[Any]]) -> Select[Any]:
    given = union_all(*rows).subquery("given")
    person = select(*_sums_of(given)).group_by(given.c.person_id).subquery("person")
    named = stream_people.c.person_id == person.c.person_id
    return select(person, stream_people.c.handle, stream_people.c.nickname).outerjoin(stream_people, named)


def _kinds(table: Table, meant: ColumnElement[bool]) -> Select[Any]:
    gifts = table.c
    kinds = func.count(gifts.gift_id.distinct()).label("kinds")
    chosen = select(gifts.person_id, kinds).where(gifts.person_id.in_(_PEOPLE), meant)
    return chosen.group_by(gifts.person_id)


def _sums_of(source: Any) -> list[Any]:
    """Give the columns of a person's sums over the rows of one."""
    sums = [func.sum(source.c[name]).label(name) for name in _SUMMED]
    return [source.c.person_id, *sums, func.max(source.c.last_gift_at).label("last_gift_at")]


@dataclass(frozen=True, slots=True)
class _Source:
    """Rows of one table that say what people gave, and which of them are meant."""

    table: Table
    meant: tuple[ColumnElement[bool], ...]

    @property
    def columns(self) -> Any:
        return self.table.c

    def select(self, *names: str) -> Select[Any]:
        return select(*[self.columns[name] for name in names]).where(self.columns.gifts > 0, *self.meant)


# Made once each: making a statement costs more than running it.
@cache
def _in_span(with_months: bool, rests: int, bounds: tuple[str, ...]) -> _Statements:
    sources = []
    if with_months:
        months = supporter_sums.c.month.between(bindparam("first"), bindparam("last"))
        sources.append(_Source(supporter_sums, (months, supporter_sums.c.account_id.in_(_ACCOUNTS))))
    for number in range(rests):
        live_ids = _lives(since=f"since{number}", until=f"until{number}")
        sources.append(_Source(contributions, (contributions.c.live_id.in_(live_ids),)))
    if not bounds:
        return _reading(sources, _kinds(supporter_kinds, supporter_kinds.c.account_id.in_(_ACCOUNTS)))
    live_ids = _lives(**{name: name for name in bounds})
    return _reading(sources, _kinds(contribution_gifts, contribution_gifts.c.live_id.in_(live_ids)))


def _lives(*, since: str = "", until: str = "") -> Select[Any]:
    """Give the lives of the accounts between two bounds, which are named."""
    query = select(lives.c.id).where(lives.c.account_id.in_(_ACCOUNTS))
    if since:
        query = query.where(lives.c.started_at >= bindparam(since, type_=Instant()))
    return query.where(lives.c.started_at < bindparam(until, type_=Instant())) if until else query


_IN_LIVE = _reading(
    [_Source(contributions, (contributions.c.live_id == _LIVE,))],
    _kinds(contribution_gifts, contribution_gifts.c.live_id == _LIVE),
)
