"""Statements about the ratings of players: the counted maps they are made of, and what came out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    case,
    delete,
    func,
    insert,
    select,
    type_coerce,
    union,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.rating import Half, RatedMap, Rating, half, rated_map
from bot.storage.round_tables import ignored_players, player_ratings, round_players, rounds

MAPS_AT_ONCE = 100
_AT_ONCE = 300
_RULES = 1
"""Raised when the same rounds give other ratings than before, so that they are made anew."""
_SECOND = 1_000_000  # of an instant as it is stored
_WRAP = 100_003  # keeps every product small enough to be summed, whatever a file says
_HALF = ("id", "attackers_succeeded", "defender_side", "played_seconds")

_first = rounds.alias("first_rounds")
_second = rounds.alias("second_rounds")
_is_map = (_second.c.partner_round_id == _first.c.id) & _first.c.counted & _second.c.counted


async def fingerprint(conn: AsyncConnection) -> str:
    """Sum up everything that ratings are made of; whatever changes them changes this too, but for a rare chance."""
    weight = _second.c.id % _WRAP
    of_maps = select(
        func.count(),
        *[
            func.sum(weight * (part % _WRAP))
            for part in (
                _first.c.id,
                type_coerce(_second.c.ended_at, BigInteger) // _SECOND,
                _outcome(_first.c.attackers_succeeded) + 3 * _outcome(_second.c.attackers_succeeded),
                _first.c.defender_side + 4 * _second.c.defender_side,
                func.coalesce(_first.c.played_seconds, -1) + 2 * func.coalesce(_second.c.played_seconds, -1),
            )
        ],
    ).where(_is_map)
    halves = union(select(_first.c.id).where(_is_map), select(_second.c.id).where(_is_map))
    played = round_players.c.side + 4 * (round_players.c.team_seconds % _WRAP)
    of_players = select(func.count(), func.sum((round_players.c.round_id % _WRAP) * played)).where(
        round_players.c.round_id.in_(halves)
    )
    known = [
        _RULES,
        [int(value or 0) for value in (await conn.execute(of_maps)).one()],
        [int(value or 0) for value in (await conn.execute(of_players)).one()],
        sorted(await _ignored(conn)),
    ]
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _outcome(succeeded: ColumnElement[Any]) -> ColumnElement[int]:
    return case((succeeded.is_(None), 2), (succeeded, 1), else_=0)


async def _ignored(conn: AsyncConnection) -> set[tuple[str, str]]:
    """Read whom admins keep out of the tables, as server and GUID."""
    rows = await conn.execute(select(ignored_players.c.server, ignored_players.c.guid))
    return {(row.server, row.guid) for row in rows}


async def counted_maps(conn: AsyncConnection) -> AsyncIterator[list[RatedMap]]:
    """Read what all counted maps of all servers tell, in the order in which they ended, some at a time."""
    ignored = await _ignored(conn)
    maps: list[Row[Any]] = []
    async with conn.stream(_maps().execution_options(yield_per=_AT_ONCE)) as result:
        async for part in result.partitions():
            maps += part
    for start in range(0, len(maps), MAPS_AT_ONCE):
        some = maps[start : start + MAPS_AT_ONCE]
        players = await _players(conn, [number for row in some for number in (row.first_id, row.second_id)])
        told = [_told(row, players, ignored) for row in some]
        yield [one for one in told if one is not None]


def _maps() -> Select[Any]:
    columns = [
        half_of.c[name].label(f"{label}_{name}")
        for label, half_of in (("first", _first), ("second", _second))
        for name in _HALF
    ]
    return select(_second.c.server, *columns).where(_is_map).order_by(_second.c.ended_at, _second.c.id)


async def _players(conn: AsyncConnection, ids: Sequence[int]) -> Mapping[int, list[tuple[str, int, int]]]:
    """Read GUID, side and seconds of the players of rounds, by round."""
    query = select(
        round_players.c.round_id, round_players.c.guid, round_players.c.side, round_players.c.team_seconds
    ).where(round_players.c.round_id.in_(ids))
    played: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for round_id, guid, side, seconds in await conn.execute(query):
        played[round_id].append((guid, side, seconds))
    return played


def _told(
    row: Row[Any], players: Mapping[int, list[tuple[str, int, int]]], ignored: Collection[tuple[str, str]]
) -> RatedMap | None:
    def told_by(label: str) -> Half:
        known = {name: getattr(row, f"{label}_{name}") for name in _HALF}
        return half(
            attackers_succeeded=known["attackers_succeeded"],
            defender_side=known["defender_side"],
            played_seconds=known["played_seconds"],
            players=[one for one in players.get(known["id"], ()) if (row.server, one[0]) not in ignored],
        )

    return rated_map(told_by("first"), told_by("second"))


async def replace_all(conn: AsyncConnection, ratings: Mapping[str, Rating]) -> None:
    """Write the ratings in place of all there were."""
    await conn.execute(delete(player_ratings))
    rows = [
        {"guid": guid, "mean": one.mean, "deviation": one.deviation, "maps": one.maps}
        for guid, one in sorted(ratings.items())
    ]
    for start in range(0, len(rows), _AT_ONCE):
        await conn.execute(insert(player_ratings), rows[start : start + _AT_ONCE])


async def ratings_of(conn: AsyncConnection, guids: Collection[str]) -> dict[str, Rating]:
    """Read the ratings of these players; who has none is missing."""
    rows = await conn.execute(select(player_ratings).where(player_ratings.c.guid.in_(guids)))
    return {row.guid: Rating(mean=row.mean, deviation=row.deviation, maps=row.maps) for row in rows}


async def players_called(conn: AsyncConnection, names: Collection[str]) -> dict[str, str]:
    """Give the GUID of each name that is somebody's newest; of several people the one who played last."""
    ever = select(round_players.c.guid).where(round_players.c.name.in_(names))
    newest = (
        select(round_players.c.guid, func.max(rounds.c.ended_at).label("ended_at"))
        .join(rounds, round_players.c.round_id == rounds.c.id)
        .where(round_players.c.guid.in_(ever))
        .group_by(round_players.c.guid)
        .subquery()
    )
    query = (
        select(round_players.c.name, round_players.c.guid)
        .join(rounds, round_players.c.round_id == rounds.c.id)
        .join(
            newest,
            (newest.c.guid == round_players.c.guid) & (newest.c.ended_at == rounds.c.ended_at),
        )
        .where(round_players.c.name.in_(names))
        .order_by(rounds.c.ended_at, round_players.c.guid)
    )
    return {row.name: row.guid for row in await conn.execute(query)}
