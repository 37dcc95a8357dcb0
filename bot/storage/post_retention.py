"""Statements that thin the snapshots of posts and profiles: all but the last of a day or a week leave the database.

What leaves is deleted by what is written in a verified archive, row by row: nothing that is not in it can go.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Delete, Select, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.thinning import Period, Reach, Stage
from bot.storage.post_tables import COUNTS, post_archives, post_snapshots, profile_snapshots
from bot.storage.status import note, write_note

AT_ONCE = 250
"""So many rows are read or deleted at once: others want their turn."""
_OWNERS = {post_snapshots.name: "post_id", profile_snapshots.name: "account_id"}
_TABLES: Mapping[str, Table] = {one.name: one for one in (post_snapshots, profile_snapshots)}


@dataclass(frozen=True, kw_only=True, slots=True)
class PostArchive:
    """A verified file whose rows may still be in the database."""

    id: int
    file: str
    sha256: str


# --- How far it has come ---------------------------------------------------------------------------


async def done_until(conn: AsyncConnection) -> dict[Stage, datetime]:
    """Say up to which instant each stage has thinned."""
    found = {stage: await note(conn, _note_of(stage)) for stage in Stage}
    return {stage: datetime.fromisoformat(written) for stage, written in found.items() if written}


async def note_done(conn: AsyncConnection, stage: Stage, until: datetime) -> None:
    """Note that a stage has thinned everything up to an instant."""
    await write_note(conn, _note_of(stage), until.isoformat())


def _note_of(stage: Stage) -> str:
    return f"thinned {stage}"


async def first_in(conn: AsyncConnection, reach: Reach) -> datetime | None:
    """Give the instant of the first snapshot of a reach, None where there is none."""
    firsts = []
    for table in _TABLES.values():
        query = select(func.min(table.c.at)).where(table.c.at < reach.ends_at)
        if reach.begins_at is not None:
            query = query.where(table.c.at >= reach.begins_at)
        firsts.append((await conn.execute(query)).scalar())
    return min((one for one in firsts if one is not None), default=None)


# --- What leaves -----------------------------------------------------------------------------------


def _surplus(table: Table, period: Period) -> Select[Any]:
    """Select the snapshots of a period that are not the last of their post or profile in it."""
    owner = table.c[_OWNERS[table.name]]
    newest_first = func.row_number().over(
        partition_by=owner, order_by=[table.c.at.desc(), table.c.run_id.desc()]
    )
    inside = and_(table.c.at >= period.begins_at, table.c.at < period.ends_at)
    ranked = select(table, newest_first.label("place")).where(inside).subquery()
    columns = [ranked.c[column.name] for column in table.c]
    return select(*columns).where(ranked.c.place > 1)


async def expected(conn: AsyncConnection, period: Period) -> dict[str, int]:
    """Count and sum what leaves, where it is, to compare an archive with; named as `archive.Content` does."""
    found: dict[str, int] = {}
    for table in _TABLES.values():
        leaving = _surplus(table, period).subquery()
        sums = [func.coalesce(func.sum(leaving.c[name]), 0) for name in COUNTS]
        row = (await conn.execute(select(func.count(), *sums).select_from(leaving))).one()
        names = [f"{table.name}.{name}" for name in ("rows", *COUNTS)]
        found |= {name: int(value) for name, value in zip(names, row, strict=True)}
    return found


async def leaving(conn: AsyncConnection, period: Period) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Give what leaves, part by part, each with the name of its table."""
    for table in _TABLES.values():
        query = _surplus(table, period).execution_options(yield_per=AT_ONCE)
        async with conn.stream(query) as result:
            async for part in result.mappings().partitions():
                yield table.name, [dict(row) for row in part]


async def delete_rows(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Delete rows as an archive holds them, as far as they are still there."""
    for name, owner in _OWNERS.items():
        keys = [
            {"owner": row[owner], "run": row["run_id"], "instant": datetime.fromisoformat(row["at"])}
            for row in rows
            if row["table"] == name
        ]
        if keys:
            # One by one: SQLite looks at the whole table for a list of keys of several columns.
            await conn.execute(_one_of(name), keys)


@cache
def _one_of(name: str) -> Delete:
    table, owner = _TABLES[name], _OWNERS[name]
    return delete(table).where(
        table.c[owner] == bindparam("owner"),
        table.c.run_id == bindparam("run"),
        table.c.at == bindparam("instant"),
    )


# --- Archives --------------------------------------------------------------------------------------


async def archive_files(conn: AsyncConnection) -> set[str]:
    """Name the archives that were ever made."""
    return set((await conn.execute(select(post_archives.c.file))).scalars())


async def keep_archive(
    conn: AsyncConnection, *, file: str, period: Period, rows: int, sha256: str, now: datetime
) -> None:
    """Note a verified archive; from now on what it holds may be deleted."""
    span = {"begins_at": period.begins_at, "ends_at": period.ends_at}
    values = {"file": file, "rows": rows, "sha256": sha256, "verified_at": now, **span}
    await conn.execute(insert(post_archives).values(values))


async def open_archive(conn: AsyncConnection) -> PostArchive | None:
    """Give an archive whose rows may still be in the database."""
    query = select(post_archives.c.id, post_archives.c.file, post_archives.c.sha256)
    waiting = query.where(post_archives.c.deleted_at.is_(None)).order_by(post_archives.c.id).limit(1)
    row = (await conn.execute(waiting)).mappings().first()
    return None if row is None else PostArchive(**row)


async def close_archive(conn: AsyncConnection, archive_id: int, now: datetime) -> None:
    """Note that nothing more is deleted because of an archive."""
    done = update(post_archives).where(post_archives.c.id == archive_id)
    await conn.execute(done.values(deleted_at=now))
