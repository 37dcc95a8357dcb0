"""What is stored of players, by GUID: sums of counted rounds, names, weapons, duels, and who is whom.

`servers` are those the asker may see. What an admin ignores there is in nothing but `names` that ask for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.counters import PlayerRound
from bot.core.rounds.grammar import BOTS, NOBODY
from bot.core.rounds.players import Alias, RoundSpan, WeaponSums
from bot.storage.round_tables import (
    ignored_players,
    player_links,
    round_duels,
    round_players,
    round_weapons,
    rounds,
)
from bot.storage.rounds import AT_ONCE
from bot.storage.upsert import insert_for

Sums = Mapping[tuple[str, ...], tuple[Mapping[str, int], int]]
"""By counters: their sums over the rounds in which all of them are known, and how many rounds these are."""

_GUID_LENGTH = 8
# A script that does not tell the time on a team leaves it 0 (`bot.core.rounds.counters.counters_of`).
_TIMES: Mapping[str, ColumnElement[int]] = {
    "team_seconds": func.nullif(round_players.c.team_seconds, 0),
    "alive_seconds": case((round_players.c.team_seconds != 0, round_players.c.alive_seconds)),
}


async def sums(
    conn: AsyncConnection,
    servers: Collection[str],
    groups: Collection[tuple[str, ...]],
    guids: Collection[str] | None = None,
) -> dict[str, Sums]:
    """Sum groups of counters as `counters.known_sums` does, of some players or of all, by GUID."""
    wanted = list(dict.fromkeys(groups))
    columns = [column for group in wanted for column in _summed(group)]
    query = _counted(select(round_players.c.guid, *columns), servers, guids).group_by(round_players.c.guid)
    found: dict[str, Sums] = {}
    for row in await conn.execute(query):
        numbers = iter(row[1:])
        found[row[0]] = {
            group: ({name: int(next(numbers)) for name in group}, int(next(numbers))) for group in wanted
        }
    return found


def _summed(group: tuple[str, ...]) -> list[ColumnElement[int]]:
    """Give the sum of each counter of a group, and the number of rounds that know all of them."""
    counters = [_counter(name) for name in group]
    doubtful = [
        counter
        for name, counter in zip(group, counters, strict=True)
        if name in _TIMES or round_players.c[name].nullable
    ]
    known = and_(True, *(counter.is_not(None) for counter in doubtful))
    return [func.coalesce(func.sum(case((known, one))), 0) for one in (*counters, literal(1))]


def _counter(name: str) -> ColumnElement[int]:
    return _TIMES.get(name, round_players.c[name])


async def rounds_of(
    conn: AsyncConnection, servers: Collection[str], guid: str, counters: Iterable[str]
) -> list[tuple[str, PlayerRound]]:
    """Read a player's counted rounds with their servers, oldest first, with these counters alone."""
    names = list(dict.fromkeys(counters))
    columns = [_counter(name).label(name) for name in names]
    query = _counted(
        select(rounds.c.server, rounds.c.ended_at, round_players.c.name, *columns), servers, (guid,)
    )
    return [
        (
            row[0],
            PlayerRound(
                guid=guid,
                name=row[2],
                ended_at=row[1],
                counted=True,
                counters=dict(zip(names, row[3:], strict=True)),
            ),
        )
        for row in await conn.execute(query.order_by(rounds.c.ended_at, rounds.c.id))
    ]


async def spans(conn: AsyncConnection, servers: Collection[str]) -> tuple[RoundSpan, ...]:
    """Read when every round of some servers was played, counted or not."""
    query = select(rounds.c.server, rounds.c.ended_at, rounds.c.played_seconds)
    found: list[RoundSpan] = []
    query = query.where(rounds.c.server.in_(servers)).execution_options(yield_per=AT_ONCE)
    async with conn.stream(query) as result:
        async for part in result.partitions():
            found += [RoundSpan(server=row[0], ended_at=row[1], played_seconds=row[2]) for row in part]
    return tuple(found)


async def names(
    conn: AsyncConnection,
    servers: Collection[str],
    *,
    part: str = "",
    guids: Collection[str] | None = None,
    ignored: bool = False,
) -> tuple[Alias, ...]:
    """Read names of players, also of rounds that do not count, the newest first.

    `part` is found in a name in either case, or is a GUID, of which eight characters tell players apart. With
    `ignored`, only the players are told whom an admin ignores.
    """
    query = select(
        round_players.c.guid,
        round_players.c.name,
        func.min(rounds.c.ended_at).label("first_at"),
        func.max(rounds.c.ended_at).label("last_at"),
        func.count().label("rounds"),
    ).join(rounds, rounds.c.id == round_players.c.round_id)
    query = query.where(
        rounds.c.server.in_(servers),
        round_players.c.guid.not_like(f"{BOTS}%"),
        round_players.c.guid.not_in(NOBODY),
        _is_ignored(round_players.c.guid) if ignored else ~_is_ignored(round_players.c.guid),
    )
    if part:
        by_name = round_players.c.name.icontains(part, autoescape=True)
        query = query.where(or_(by_name, round_players.c.guid == part[:_GUID_LENGTH].upper()))
    if guids is not None:
        query = query.where(round_players.c.guid.in_(guids))
    grouped = query.group_by(round_players.c.guid, round_players.c.name)
    found = await conn.execute(grouped.order_by(func.max(rounds.c.ended_at).desc(), round_players.c.guid))
    return tuple(Alias(**row) for row in found.mappings())


async def weapons(conn: AsyncConnection, servers: Collection[str], guid: str) -> tuple[WeaponSums, ...]:
    """Sum a player's weapons, most kills first."""
    counters = [column for column in round_weapons.c if column.name in WeaponSums.__annotations__]
    summed = [func.sum(column).label(column.name) for column in counters if column.name != "weapon"]
    query = (
        select(round_weapons.c.weapon, *summed)
        .join(rounds, rounds.c.id == round_weapons.c.round_id)
        .where(round_weapons.c.guid == guid, *_visible(servers, round_weapons.c.guid))
        .group_by(round_weapons.c.weapon)
    )
    found = [
        WeaponSums(**{name: int(count) for name, count in row.items()})
        for row in (await conn.execute(query)).mappings()
    ]
    return tuple(sorted(found, key=lambda one: (-one.kills, one.weapon)))


async def duels(
    conn: AsyncConnection, servers: Collection[str], guid: str
) -> Mapping[str, tuple[int, int, int]]:
    """Sum a player's duels by GUID of the opponent: kills, deaths, rounds."""
    query = (
        select(
            round_duels.c.opponent_guid,
            func.sum(round_duels.c.kills),
            func.sum(round_duels.c.deaths),
            func.count(),
        )
        .join(rounds, rounds.c.id == round_duels.c.round_id)
        .where(
            round_duels.c.guid == guid,
            *_visible(servers, round_duels.c.guid),
            ~_is_ignored(round_duels.c.opponent_guid),
        )
        .group_by(round_duels.c.opponent_guid)
    )
    return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in await conn.execute(query)}


def _counted(query: Select[Any], servers: Collection[str], guids: Collection[str] | None) -> Select[Any]:
    """Narrow a query of players' rounds to those that tables read."""
    query = query.join(rounds, rounds.c.id == round_players.c.round_id)
    if guids is not None:
        query = query.where(round_players.c.guid.in_(guids))
    return query.where(*_visible(servers, round_players.c.guid))


def _visible(servers: Collection[str], guid: ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    return rounds.c.server.in_(servers), rounds.c.counted, ~_is_ignored(guid)


def _is_ignored(guid: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(ignored_players.c.server == rounds.c.server, ignored_players.c.guid == guid)


# --- Who is whom ---------------------------------------------------------------------------------


async def linked_guid(conn: AsyncConnection, guild_id: int, user_id: int) -> str | None:
    """Give the player that a member of a guild is."""
    query = select(player_links.c.guid).where(
        player_links.c.guild_id == guild_id, player_links.c.user_id == user_id
    )
    return (await conn.execute(query)).scalar()


async def linked_members(conn: AsyncConnection, guild_id: int, guids: Collection[str]) -> Mapping[str, int]:
    """Give which member of a guild each of these players is, by GUID; who is nobody is missing."""
    query = select(player_links.c.guid, player_links.c.user_id).where(
        player_links.c.guild_id == guild_id, player_links.c.guid.in_(guids)
    )
    return {row.guid: row.user_id for row in await conn.execute(query)}


async def link(
    conn: AsyncConnection, guild_id: int, user_id: int, guid: str, *, by: int, now: datetime
) -> None:
    """Make a member a player; whoever was that player is not any more."""
    await conn.execute(
        delete(player_links).where(
            player_links.c.guild_id == guild_id,
            player_links.c.guid == guid,
            player_links.c.user_id != user_id,
        )
    )
    values = {"guid": guid, "linked_by": by, "linked_at": now}
    statement = insert_for(conn, player_links).values(guild_id=guild_id, user_id=user_id, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["guild_id", "user_id"], set_=values))


async def forget_link(conn: AsyncConnection, guild_id: int, user_id: int) -> None:
    """Make a member nobody."""
    await conn.execute(
        delete(player_links).where(player_links.c.guild_id == guild_id, player_links.c.user_id == user_id)
    )
