"""The raw bytes rounds are made of, and what is made of them: for all that makes rounds anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.files import FileState, RoundName
from bot.storage.round_tables import (
    evening_members,
    evening_teams,
    round_awards,
    round_duels,
    round_files,
    round_players,
    round_weapons,
    rounds,
    voided_rounds,
)
from bot.storage.rounds import AT_ONCE

_ANY_ZONE = timedelta(hours=30)
"""So far from its wall clock, read as UTC, a round can have ended: 14 hours, and a document that tells another time."""
_CHOSEN_BY_FILE = (voided_rounds, evening_teams, evening_members)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A file of a round whose raw bytes are kept. The last four are of the round made of it, None without one."""

    id: int
    name: str
    round_id: int | None
    map: str | None
    ended_at: datetime | None
    partner_round_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedRound:
    """A stored round and the name of its file."""

    id: int
    file_id: int
    name: str
    ended_at: datetime


async def stamps(conn: AsyncConnection, server: str) -> dict[str, datetime]:
    """Read when each file of a server that was ever listed was modified, by name."""
    query = select(round_files.c.name, round_files.c.modified_at).where(round_files.c.server == server)
    found: dict[str, datetime] = {}
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.partitions():
            found |= {row.name: row.modified_at for row in part}
    return found


async def kept_files(conn: AsyncConnection, server: str) -> tuple[KeptFile, ...]:
    """Read which files of a server have raw bytes that rounds are to be made of, by name.

    A file that has changed and cannot be read any more still has the bytes of its round.
    """
    query = _kept_files().where(round_files.c.server == server).order_by(round_files.c.name)
    found: list[KeptFile] = []
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.mappings().partitions():
            found += [KeptFile(**row) for row in part]
    return tuple(found)


async def believed_times(conn: AsyncConnection, server: str) -> AsyncIterator[tuple[str, datetime]]:
    """Give file by file when the rounds of a server are believed to have ended, without holding up anything."""
    query = (
        select(round_files.c.name, rounds.c.ended_at)
        .join(round_files, rounds.c.file_id == round_files.c.id)
        .where(rounds.c.server == server)
    )
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.partitions():
            for row in part:
                yield row.name, row.ended_at


def _kept_files() -> Select[tuple[object, ...]]:
    return (
        select(
            round_files.c.id,
            round_files.c.name,
            rounds.c.id.label("round_id"),
            rounds.c.map,
            rounds.c.ended_at,
            rounds.c.partner_round_id,
        )
        .outerjoin(rounds, rounds.c.file_id == round_files.c.id)
        .where(
            round_files.c.content.is_not(None),
            or_(round_files.c.state != FileState.IGNORED, rounds.c.id.is_not(None)),
        )
    )


async def contents(conn: AsyncConnection, file_ids: Iterable[int]) -> dict[int, bytes]:
    """Read the raw bytes of files by their id."""
    wanted, found = list(file_ids), {}
    for start in range(0, len(wanted), AT_ONCE):
        part = round_files.c.id.in_(wanted[start : start + AT_ONCE])
        for row in await conn.execute(select(round_files.c.id, round_files.c.content).where(part)):
            found[row.id] = row.content
    return found


async def servers_with_files(conn: AsyncConnection) -> tuple[str, ...]:
    """Name the servers whose files' raw bytes are kept."""
    query = select(round_files.c.server).where(round_files.c.content.is_not(None)).distinct()
    return tuple((await conn.execute(query.order_by(round_files.c.server))).scalars())


async def rounds_by_clock(conn: AsyncConnection, server: str, name: RoundName) -> tuple[NamedRound, ...]:
    """Read the rounds of a server that can have ended when a name says, in whatever zone it was written."""
    at = name.wall_clock.replace(tzinfo=UTC)
    query = (
        select(rounds.c.id, rounds.c.file_id, round_files.c.name, rounds.c.ended_at)
        .join(round_files, rounds.c.file_id == round_files.c.id)
        .where(
            rounds.c.server == server,
            rounds.c.ended_at.between(at - _ANY_ZONE, at + _ANY_ZONE),
        )
        .order_by(rounds.c.id)
    )
    return tuple(NamedRound(**row) for row in (await conn.execute(query)).mappings())


async def take_over(conn: AsyncConnection, round_: NamedRound, file_id: int, reason: str) -> None:
    """Let another file have a round and ignore the one it was made of.

    Its messages stay, and so does what admins chose about it.
    """
    old = round_files.c.id == round_.file_id
    await conn.execute(
        update(round_files).where(old).values(state=FileState.IGNORED, reason=reason, next_try_at=None)
    )
    await conn.execute(update(rounds).where(rounds.c.id == round_.id).values(file_id=file_id))
    for table in _CHOSEN_BY_FILE:
        await conn.execute(update(table).where(table.c.file_id == round_.file_id).values(file_id=file_id))


async def derived_rows(
    conn: AsyncConnection, round_ids: Collection[int] | None = None
) -> Mapping[int, tuple[object, ...]]:
    """Read what is made of the raw bytes, of these rounds or of all: by round its rows, to compare."""
    parts: dict[int, list[tuple[object, ...]]] = {}
    for table in (round_players, round_weapons, round_awards, round_duels):
        query = select(table).order_by(*table.primary_key)
        if round_ids is not None:
            query = query.where(table.c.round_id.in_(round_ids))
        for row in await conn.execute(query):
            parts.setdefault(row.round_id, []).append(tuple(row))
    query = select(rounds).order_by(rounds.c.id)
    found = await conn.execute(query if round_ids is None else query.where(rounds.c.id.in_(round_ids)))
    return {row.id: (repr(tuple(row)), *parts.get(row.id, ())) for row in found}
