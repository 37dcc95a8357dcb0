"""Statements about milestones: the totals of who played in a round, with and without it, and what was claimed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Function, bindparam, exists, func, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.grammar import is_bot
from bot.core.rounds.milestones import THRESHOLDS, Milestone
from bot.storage.round_tables import ignored_players, milestones, round_files, round_players, rounds
from bot.storage.rounds import AT_ONCE
from bot.storage.upsert import insert_for

_other = round_players.alias("of_the_round")
_ROUND: BindParameter[Any] = bindparam("round_id")
_SERVERS: BindParameter[Any] = bindparam("servers", expanding=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRound:
    """What decides whether a round is news."""

    id: int
    server: str
    ended_at: datetime
    silent: bool
    counted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A player's totals without a round and with it, by what is summed; None: unknown."""

    name: str
    before: Mapping[str, int | None]
    after: Mapping[str, int | None]


async def new_round(conn: AsyncConnection, file_id: int) -> NewRound:
    """Read the round that was made of a file."""
    query = select(
        rounds.c.id, rounds.c.server, rounds.c.ended_at, rounds.c.counted, round_files.c.silent
    ).join(round_files, rounds.c.file_id == round_files.c.id)
    row = (await conn.execute(query.where(rounds.c.file_id == file_id))).mappings().one()
    return NewRound(**row)


async def standings(conn: AsyncConnection, servers: Collection[str], round_id: int) -> dict[str, Standing]:
    """Sum all counted rounds of who played in this one, by GUID; without bots and who is ignored."""
    found = await conn.execute(_STANDINGS, {"servers": list(servers), "round_id": round_id})
    return {row["guid"]: _standing(row) for row in found.mappings() if not is_bot(row["guid"])}


async def totals(conn: AsyncConnection, servers: Collection[str]) -> dict[str, dict[str, int | None]]:
    """Sum all counted rounds of everybody on the servers, by GUID; without bots and who is ignored."""
    found = await conn.execute(_TOTALS, {"servers": list(servers)})
    return {
        row["guid"]: {name: None if row[name] is None else int(row[name]) for name in THRESHOLDS}
        for row in found.mappings()
        if not is_bot(row["guid"])
    }


def _standing(row: RowMapping) -> Standing:
    before: dict[str, int | None] = {}
    after: dict[str, int | None] = {}
    for name in THRESHOLDS:
        was, total = row[f"{name}_before"], row[name]
        # Who played for the first time had nothing; of the others it may be unknown.
        before[name] = int(was) if was is not None else (None if row["rounds_before"] else 0)
        after[name] = None if total is None else int(total)
    return Standing(name=row["name"], before=before, after=after)


def _sum_of(name: str) -> Function[Any]:
    if name == "rounds":
        return func.count()
    counter = round_players.c[name]
    # A script that does not tell the time on a team leaves it 0.
    return func.sum(func.nullif(counter, 0) if name == "team_seconds" else counter)


_ignored = exists().where(
    ignored_players.c.server == rounds.c.server, ignored_players.c.guid == round_players.c.guid
)
_WITHOUT = round_players.c.round_id != _ROUND
_STANDINGS = (
    select(
        _other.c.guid,
        _other.c.name,
        *[_sum_of(name).label(name) for name in THRESHOLDS],
        *[_sum_of(name).filter(_WITHOUT).label(f"{name}_before") for name in THRESHOLDS],
    )
    .join(round_players, round_players.c.guid == _other.c.guid)
    .join(rounds, rounds.c.id == round_players.c.round_id)
    .where(_other.c.round_id == _ROUND, rounds.c.server.in_(_SERVERS), rounds.c.counted, ~_ignored)
    .group_by(_other.c.guid, _other.c.name)
)
_TOTALS = (
    select(round_players.c.guid, *[_sum_of(name).label(name) for name in THRESHOLDS])
    # The rows are read as they lie, by player: SQLite must not look them up by round and sort.
    .join(rounds, rounds.c.id == round_players.c.round_id + 0)
    .where(rounds.c.server.in_(_SERVERS), rounds.c.counted, ~_ignored)
    .group_by(round_players.c.guid)
)


async def claimed(
    conn: AsyncConnection, guild_id: int, guids: Collection[str] | None = None
) -> dict[str, frozenset[Milestone]]:
    """Read what these players, or all, have reached in a guild, by GUID; who reached nothing is missing."""
    query = select(milestones.c.guid, milestones.c.counter, milestones.c.threshold).where(
        milestones.c.guild_id == guild_id
    )
    if guids is not None:
        query = query.where(milestones.c.guid.in_(guids))
    found: dict[str, set[Milestone]] = {}
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.partitions():
            for row in part:
                found.setdefault(row.guid, set()).add(Milestone(row.counter, row.threshold))
    return {guid: frozenset(one) for guid, one in found.items()}


async def claim(
    conn: AsyncConnection, guild_id: int, reached: Mapping[str, Iterable[Milestone]], now: datetime
) -> None:
    """Write for good what players have reached in a guild, by GUID."""
    rows = [
        {
            "guild_id": guild_id,
            "guid": guid,
            "counter": one.counter,
            "threshold": one.threshold,
            "reached_at": now,
        }
        for guid, own in reached.items()
        for one in own
    ]
    statement = insert_for(conn, milestones).on_conflict_do_nothing()
    for start in range(0, len(rows), AT_ONCE):
        await conn.execute(statement, rows[start : start + AT_ONCE])
