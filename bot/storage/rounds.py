"""Round files and the rounds made of them, by server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.rounds.files import FileRecord, FileState, forgotten
from bot.core.rounds.resolve import ResolvedRound, may_count
from bot.storage.round_tables import (
    ignored_maps,
    round_files,
    round_players,
    round_weapons,
    rounds,
    voided_rounds,
)
from bot.storage.upsert import insert_for

AT_ONCE = 300
"""So many rows are read or written before the event loop gets its turn; a folder may hold thousands."""

_RECORD = [round_files.c[field.name] for field in fields(FileRecord)]
# Made once: it runs with every look at a folder.
_FILES = (
    select(round_files.c.name, *_RECORD)
    .where(round_files.c.server == bindparam("server"))
    .execution_options(yield_per=AT_ONCE)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A file that was not imported, and why. `next_try_at` is None where it is not tried again."""

    name: str
    state: FileState
    reason: str
    tries: int
    next_try_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """An imported file; `silent` forbids to post its round."""

    id: int
    silent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredRound:
    """A round with the raw bytes it was made of; `name` is that of its file."""

    id: int
    file_id: int
    name: str
    map: str
    ended_at: datetime
    content: bytes


async def load_files(conn: AsyncConnection, server: str) -> dict[str, FileRecord]:
    """Read what is known of every file of a server, by name."""
    found: dict[str, FileRecord] = {}
    async with conn.stream(_FILES, {"server": server}) as result:
        async for part in result.mappings().partitions():
            found |= {row["name"]: _record(row) for row in part}
    return found


async def save_files(
    conn: AsyncConnection, server: str, records: Mapping[str, FileRecord], *, now: datetime, silent: bool
) -> None:
    """Write what a listing changed; `silent` marks the files that are new in it."""
    insert = insert_for(conn, round_files)
    statement = insert.on_conflict_do_update(
        index_elements=["server", "name"],
        set_={column.name: insert.excluded[column.name] for column in _RECORD},
    )
    same = {"server": server, "first_seen_at": now, "silent": silent}
    names = list(records)
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        await conn.execute(statement, [{**same, "name": name, **_values(records[name])} for name in part])


async def save_file(conn: AsyncConnection, server: str, name: str, record: FileRecord) -> None:
    """Write where one known file stands."""
    await conn.execute(update(round_files).where(_file(server, name)).values(**_values(record)))


async def fetch_again(conn: AsyncConnection, server: str, name: str) -> bool:
    """Have the next look fetch a known file once more, whatever became of it; false where it is not known."""
    row = (await conn.execute(select(*_RECORD).where(_file(server, name)))).mappings().first()
    if row is not None:
        await save_file(conn, server, name, forgotten(_record(row)))
    return row is not None


async def start_backfill(conn: AsyncConnection, server: str) -> None:
    """Make whatever is not imported yet silent."""
    waiting = (round_files.c.server == server) & (round_files.c.state != FileState.IMPORTED)
    await conn.execute(update(round_files).where(waiting).values(silent=True))


async def retry_failed(conn: AsyncConnection, server: str, now: datetime) -> None:
    """Make the files that failed due at once."""
    failed = (round_files.c.server == server) & (round_files.c.state == FileState.FAILED)
    await conn.execute(update(round_files).where(failed).values(next_try_at=now))


async def find_copy(conn: AsyncConnection, server: str, name: str, sha256: str) -> str | None:
    """Give the name of another imported file of the server with the same content."""
    query = select(round_files.c.name).where(
        round_files.c.server == server,
        round_files.c.sha256 == sha256,
        round_files.c.state == FileState.IMPORTED,
        round_files.c.name != name,
    )
    return (await conn.execute(query.limit(1))).scalar()


async def count_by_state(conn: AsyncConnection, server: str) -> dict[FileState, int]:
    """Count the files of a server by state."""
    query = (
        select(round_files.c.state, func.count())
        .where(round_files.c.server == server)
        .group_by(round_files.c.state)
    )
    return {FileState(state): count for state, count in (await conn.execute(query)).all()}


async def troubles(conn: AsyncConnection, server: str, limit: int = 5) -> tuple[Trouble, ...]:
    """Read the files that were not imported for a reason, the newest name first.

    A gather's document of a round that another script told as well is none of them.
    """
    columns = [round_files.c[field.name] for field in fields(Trouble)]
    query = (
        select(*columns)
        .where(
            round_files.c.server == server,
            round_files.c.state.in_((FileState.FAILED, FileState.IGNORED)),
            round_files.c.reason != "",
            ~((round_files.c.state == FileState.IGNORED) & round_files.c.name.startswith("gamestats-")),
        )
        .order_by(round_files.c.name.desc())
        .limit(limit)
    )
    rows = (await conn.execute(query)).mappings()
    return tuple(Trouble(**{**row, "state": FileState(row["state"])}) for row in rows)


async def keep_content(
    conn: AsyncConnection, server: str, name: str, record: FileRecord, *, sha256: str, content: bytes
) -> StoredFile:
    """Write a file's raw bytes beside where it stands."""
    await conn.execute(
        update(round_files)
        .where(_file(server, name))
        .values(**_values(record), sha256=sha256, content=content)
    )
    row = (
        await conn.execute(select(round_files.c.id, round_files.c.silent).where(_file(server, name)))
    ).one()
    return StoredFile(id=row.id, silent=row.silent)


async def keep_round(
    conn: AsyncConnection,
    server: str,
    file_id: int,
    round_: ResolvedRound,
    *,
    partner_round_id: int | None,
    now: datetime,
) -> int:
    """Write the round of a file with its players, in place of an earlier reading; gives its id."""
    values = {
        "server": server,
        "map": round_.map,
        "round": round_.round,
        "ended_at": round_.ended_at,
        "played_seconds": round_.played_seconds,
        "limit_seconds": round_.limit_seconds,
        "winner_side": round_.winner_side,
        "defender_side": round_.defender_side,
        "attackers_succeeded": round_.attackers_succeeded,
        "flags": sorted(round_.flags),
        "counted": round_.counted,
        "partner_round_id": partner_round_id,
    }
    statement = insert_for(conn, rounds).values(file_id=file_id, imported_at=now, **values)
    await conn.execute(statement.on_conflict_do_update(index_elements=["file_id"], set_=values))
    round_id: int = (await conn.execute(select(rounds.c.id).where(rounds.c.file_id == file_id))).scalar_one()
    await recount_file(conn, file_id)
    await _keep_players(conn, round_id, round_)
    return round_id


async def _keep_players(conn: AsyncConnection, round_id: int, round_: ResolvedRound) -> None:
    await conn.execute(delete(round_players).where(round_players.c.round_id == round_id))
    await conn.execute(delete(round_weapons).where(round_weapons.c.round_id == round_id))
    columns = [column.name for column in round_players.c if column.name != "round_id"]
    players = [{column: getattr(player, column) for column in columns} for player in round_.players]
    if players:
        await conn.execute(insert(round_players), [{"round_id": round_id, **player} for player in players])
    weapons = [
        {"round_id": round_id, "guid": player.guid, "weapon": weapon, **asdict(counters)}
        for player in round_.players
        for weapon, counters in player.weapons.items()
    ]
    if weapons:
        await conn.execute(insert(round_weapons), weapons)


async def recount_file(conn: AsyncConnection, file_id: int) -> None:
    """Set anew whether the round of a file counts."""
    await _recount(conn, rounds.c.file_id == file_id)


async def recount_map(conn: AsyncConnection, server: str, map_name: str) -> tuple[datetime, ...]:
    """Set anew which rounds of a map count; gives when those ended for which that changed."""
    return await _recount(conn, (rounds.c.server == server) & (rounds.c.map == map_name))


async def _recount(conn: AsyncConnection, which: ColumnElement[bool]) -> tuple[datetime, ...]:
    """Make `counted` true where the flags of a round say so and no admin has left it out.

    Left out is a round that is void, or whose map is ignored. Gives when those ended that were otherwise.
    """
    void = exists().where(voided_rounds.c.file_id == rounds.c.file_id)
    ignored = exists().where(ignored_maps.c.server == rounds.c.server, ignored_maps.c.map == rounds.c.map)
    left_out = or_(void, ignored).label("left_out")
    query = select(rounds.c.id, rounds.c.ended_at, rounds.c.flags, rounds.c.counted, left_out).where(which)
    found = (await conn.execute(query.order_by(rounds.c.ended_at))).all()
    wrong = [row for row in found if row.counted != (may_count(row.flags) and not row.left_out)]
    for counted in (True, False):
        ids = [row.id for row in wrong if row.counted != counted]
        for start in range(0, len(ids), AT_ONCE):
            these = rounds.c.id.in_(ids[start : start + AT_ONCE])
            await conn.execute(update(rounds).where(these).values(counted=counted))
    return tuple(row.ended_at for row in wrong)


async def rounds_near(
    conn: AsyncConnection, server: str, map_name: str, since: datetime, until: datetime
) -> tuple[StoredRound, ...]:
    """Read the rounds of a map that ended between two instants, oldest first."""
    query = _stored_rounds().where(
        rounds.c.server == server, rounds.c.map == map_name, rounds.c.ended_at.between(since, until)
    )
    rows = (await conn.execute(query.order_by(rounds.c.ended_at, rounds.c.id))).mappings()
    return tuple(StoredRound(**row) for row in rows)


async def round_times(
    conn: AsyncConnection, server: str, since: datetime, until: datetime
) -> tuple[datetime, ...]:
    """Read when the rounds of a server ended, oldest first."""
    query = select(rounds.c.ended_at).where(
        rounds.c.server == server, rounds.c.ended_at.between(since, until)
    )
    return tuple((await conn.execute(query.order_by(rounds.c.ended_at))).scalars())


def _stored_rounds() -> Select[Any]:
    columns = (rounds.c.id, rounds.c.file_id, round_files.c.name, rounds.c.map, rounds.c.ended_at)
    return select(*columns, round_files.c.content).join(round_files, rounds.c.file_id == round_files.c.id)


def _file(server: str, name: str) -> ColumnElement[bool]:
    return (round_files.c.server == server) & (round_files.c.name == name)


def _values(record: FileRecord) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in _RECORD}


def _record(row: RowMapping) -> FileRecord:
    kept = {column.name: row[column.name] for column in _RECORD}
    return FileRecord(**{**kept, "state": FileState(kept["state"])})
