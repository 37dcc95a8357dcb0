"""What admins choose from: rounds, files, maps and players that are known of their servers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.files import FileState
from bot.storage.round_tables import ignored_players, round_files, round_players, rounds, voided_rounds

MOST_ROUNDS = 500
"""So many of the newest rounds are gone through for one suggestion."""
MOST_ROUNDS_OF_PLAYERS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundAt:
    """A round as it is chosen: `file_id` stays the same when it is made anew."""

    file_id: int
    server: str
    map: str
    round: int
    ended_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAt:
    """A file of a server, as it is chosen."""

    id: int
    server: str
    name: str


_FILE_AT = [round_files.c[field.name] for field in fields(FileAt)]
_ROUND_AT = [rounds.c[field.name] for field in fields(RoundAt)]
_is_void = exists().where(voided_rounds.c.file_id == rounds.c.file_id)


async def newest_rounds(
    conn: AsyncConnection, servers: Collection[str], *, void: bool | None = None
) -> tuple[RoundAt, ...]:
    """Read the rounds that ended last; `void` wants only those that are, or are not."""
    query = select(*_ROUND_AT).where(rounds.c.server.in_(servers))
    if void is not None:
        query = query.where(_is_void if void else ~_is_void)
    newest = query.order_by(rounds.c.ended_at.desc(), rounds.c.id.desc()).limit(MOST_ROUNDS)
    return tuple(RoundAt(**row) for row in (await conn.execute(newest)).mappings())


async def find_round(conn: AsyncConnection, servers: Collection[str], file_id: int) -> RoundAt | None:
    """Read the round of a file; None where it belongs to none of these servers."""
    query = select(*_ROUND_AT).where(rounds.c.server.in_(servers), rounds.c.file_id == file_id)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else RoundAt(**row)


async def newest_files(
    conn: AsyncConnection, servers: Collection[str], part: str, most: int
) -> tuple[FileAt, ...]:
    """Read the files that were imported or should have been and whose name holds `part`, by name, the last first."""
    query = select(*_FILE_AT).where(
        round_files.c.server.in_(servers),
        round_files.c.state.in_((FileState.IMPORTED, FileState.FAILED)),
        func.lower(round_files.c.name).contains(part.lower(), autoescape=True),
    )
    rows = await conn.execute(query.order_by(round_files.c.name.desc(), round_files.c.server).limit(most))
    return tuple(FileAt(**row) for row in rows.mappings())


async def find_file(conn: AsyncConnection, servers: Collection[str], wanted: int | str) -> FileAt | None:
    """Read a file by its number or its name; None where none of these servers, or more than one, has it."""
    is_it = round_files.c.id == wanted if isinstance(wanted, int) else round_files.c.name == wanted
    rows = (await conn.execute(select(*_FILE_AT).where(round_files.c.server.in_(servers), is_it))).mappings()
    found = [FileAt(**row) for row in rows]
    return found[0] if len(found) == 1 else None


async def maps_known(conn: AsyncConnection, servers: Collection[str]) -> tuple[str, ...]:
    """Name the maps that were played, the one played last first."""
    last = func.max(rounds.c.ended_at)
    query = select(rounds.c.map).where(rounds.c.server.in_(servers)).group_by(rounds.c.map)
    return tuple((await conn.execute(query.order_by(last.desc(), rounds.c.map))).scalars())


async def players_known(
    conn: AsyncConnection, servers: Collection[str], part: str, most: int, *, ignored: bool
) -> tuple[tuple[str, str], ...]:
    """Read who is ignored, or is not, as GUID and the newest name that holds `part`; who played last first.

    Of those who are not, only the players of the last two thousand rounds are told: nobody waits for all names.
    """
    left_out = select(ignored_players.c.guid).where(ignored_players.c.server.in_(servers))
    here = select(rounds.c.id).where(rounds.c.server.in_(servers))
    if ignored:
        among = [round_players.c.guid.in_(left_out), round_players.c.round_id.in_(here)]
    else:
        recent = here.order_by(rounds.c.ended_at.desc()).limit(MOST_ROUNDS_OF_PLAYERS)
        among = [round_players.c.guid.not_in(left_out), round_players.c.round_id.in_(recent)]
    newest = (
        select(round_players.c.guid, func.max(round_players.c.round_id).label("round_id"))
        .where(*among, func.lower(round_players.c.name).contains(part.lower(), autoescape=True))
        .group_by(round_players.c.guid)
        .order_by(func.max(round_players.c.round_id).desc())
        .limit(most)
        .subquery()
    )
    is_newest = (newest.c.guid == round_players.c.guid) & (newest.c.round_id == round_players.c.round_id)
    query = select(round_players.c.guid, round_players.c.name).join(newest, is_newest)
    rows = await conn.execute(query.order_by(round_players.c.round_id.desc(), round_players.c.guid))
    return tuple((row.guid, row.name) for row in rows)


async def name_of(conn: AsyncConnection, servers: Collection[str], guid: str) -> str | None:
    """Give the newest name of a player; None for one who never played there."""
    query = (
        select(round_players.c.name)
        .join(rounds, round_players.c.round_id == rounds.c.id)
        .where(rounds.c.server.in_(servers), round_players.c.guid == guid)
        .order_by(rounds.c.ended_at.desc(), rounds.c.id.desc())
    )
    return (await conn.execute(query.limit(1))).scalar()
