"""Sums of players' counters over the counted rounds of some servers: one statement for a whole table.

Bots, and who is ignored by an admin, are in none. The sums are those of `bot.core.rounds.counters.known_sums`:
over the rounds in which ALL counters asked for are known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import and_
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.grammar import is_bot
from bot.core.rounds.metrics import Measured, Metric, from_sums
from bot.storage.round_tables import ignored_players, player_ratings, round_players, rounds
from bot.storage.types import Instant

# A script that does not tell the time on a team leaves it 0 (`bot.core.rounds.counters.counters_of`).
_TIMES = frozenset({"team_seconds", "alive_seconds"})
_SERVERS: BindParameter[Any] = bindparam("servers", expanding=True)
_BOUNDS = {
    "since": rounds.c.ended_at >= bindparam("since", type_=Instant()),
    "until": rounds.c.ended_at < bindparam("until", type_=Instant()),
}
_ignored = select(ignored_players.c.guid).where(ignored_players.c.server.in_(_SERVERS)).limit(1)
_is_ignored = exists().where(
    ignored_players.c.server == rounds.c.server, ignored_players.c.guid == round_players.c.guid
)
_named, _when = round_players.alias("named"), rounds.alias("named_rounds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurements:
    """A metric of everybody who played in a span, and what everybody was called there last, by GUID."""

    measured: Mapping[str, Measured]
    names: Mapping[str, str]


async def measure_all(
    conn: AsyncConnection,
    servers: Collection[str],
    metric: Metric,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Measurements:
    """Measure everybody over the rounds that ended from `since` on and before `until`."""
    asked: dict[str, Any] = {"servers": list(servers)}
    span = {name: at for name, at in (("since", since), ("until", until)) if at is not None}
    leaves_out = (await conn.execute(_ignored, asked)).first() is not None
    query = _measuring(metric.counters, tuple(span), leaves_out=leaves_out)
    found = [row for row in await conn.execute(query, asked | span) if not is_bot(row[0])]
    return Measurements(
        measured={row[0]: from_sums(metric, _sums(metric, row[3:]), int(row[2])) for row in found},
        names={row[0]: row[1] for row in found},
    )


def _sums(metric: Metric, sums: Collection[Any]) -> dict[str, int]:
    return {name: int(total or 0) for name, total in zip(metric.counters, sums, strict=True)}


@cache
def _measuring(counters: tuple[str, ...], span: tuple[str, ...], *, leaves_out: bool) -> Select[Any]:
    """Give the statement: by GUID the newest name, how many rounds know all counters, and their sums."""
    known = _known(counters)
    # Over all time the rows are read as they lie, by player: SQLite must not look them up by round and sort.
    round_id = round_players.c.round_id if "since" in span else round_players.c.round_id + 0
    totals = [func.count(), *[func.sum(round_players.c[name]) for name in counters]]
    columns = [
        (total if known is None else total.filter(known)).label(f"total{number}")
        for number, total in enumerate(totals)
    ]
    summed = (
        select(round_players.c.guid, func.max(rounds.c.ended_at).label("last_at"), *columns)
        .join(rounds, rounds.c.id == round_id)
        .where(rounds.c.server.in_(_SERVERS), rounds.c.counted, *[_BOUNDS[name] for name in span])
        .group_by(round_players.c.guid)
    )
    if leaves_out:
        summed = summed.where(~_is_ignored)
    table = summed.subquery("summed")
    newest = (
        select(_named.c.name)
        .join(_when, _when.c.id == _named.c.round_id)
        .where(
            _when.c.server.in_(_SERVERS),
            _when.c.ended_at == table.c.last_at,
            _named.c.guid == table.c.guid,
        )
        .order_by(_when.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(table.c.guid, newest, *[table.c[column.name] for column in columns])


def _known(counters: tuple[str, ...]) -> ColumnElement[bool] | None:
    """Say when a round knows all of these counters; None: always."""
    columns = [round_players.c[name] for name in counters]
    parts = [
        column != 0 if column.name in _TIMES else column.is_not(None)
        for column in columns
        if column.nullable or column.name in _TIMES
    ]
    return reduce(and_, parts) if parts else None


async def rating_all(conn: AsyncConnection, servers: Collection[str], metric: Metric) -> Measurements:
    """Rate everybody who ever played a counted round on the servers; who has no rating is unknown.

    A rating has no span. The `rounds` of the measurements are maps.
    """
    query = select(player_ratings.c.guid, *[player_ratings.c[name] for name in ("mean", "deviation", "maps")])
    ratings = {row.guid: row for row in await conn.execute(query)}
    played = await measure_all(conn, servers, replace(metric, counters=(), formula=lambda: None))
    measured = {}
    for guid in played.measured:
        row = ratings.get(guid)
        value = None if row is None else metric.formula(row.mean, row.deviation)
        measured[guid] = Measured(value=value, rounds=0 if row is None else row.maps, sums={})
    return Measurements(measured=measured, names=played.names)


async def last_rounds(
    conn: AsyncConnection, servers: Collection[str], reach: timedelta
) -> tuple[str, list[tuple[datetime, int | None]]] | None:
    """Read the server whose counted round ended last, and its counted rounds at most `reach` before, by time.

    Each with its end and its seconds; None where nothing was counted yet.
    """
    counted = select(rounds.c.server, rounds.c.ended_at, rounds.c.played_seconds).where(rounds.c.counted)
    newest = counted.where(rounds.c.server.in_(servers)).order_by(
        rounds.c.ended_at.desc(), rounds.c.id.desc()
    )
    last = (await conn.execute(newest.limit(1))).first()
    if last is None:
        return None
    near = counted.where(rounds.c.server == last.server, rounds.c.ended_at >= last.ended_at - reach)
    found = await conn.execute(near.order_by(rounds.c.ended_at, rounds.c.id))
    return last.server, [(row.ended_at, row.played_seconds) for row in found]
