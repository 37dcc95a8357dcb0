"""What is measured of the database itself: how large it is, day by day, and whether anything is being recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.recording import ACTIVE
from bot.storage.stream_tables import database_sizes, recordings
from bot.storage.upsert import insert_for

_PAGES = sql("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
_ON_SERVER = sql("SELECT pg_database_size(current_database())")
_IS_RECORDING = select(exists().where(recordings.c.state.in_(sorted(ACTIVE))))


async def is_recording(conn: AsyncConnection) -> bool:
    """Tell whether a recorder holds a room, or should."""
    return bool((await conn.execute(_IS_RECORDING)).scalar())


async def size(conn: AsyncConnection) -> int:
    """Give the size of the database in bytes, without SQLite's log of the last minutes."""
    query = _PAGES if conn.dialect.name == "sqlite" else _ON_SERVER
    return int((await conn.execute(query)).scalar_one())


async def note_size(conn: AsyncConnection, day: date, size_bytes: int) -> None:
    """Keep the size of a day; the last one of a day stays."""
    keep = insert_for(conn, database_sizes).values(day=day.isoformat(), bytes=size_bytes)
    await conn.execute(
        keep.on_conflict_do_update(index_elements=["day"], set_={"bytes": keep.excluded.bytes})
    )


async def sizes(conn: AsyncConnection, since: date) -> Mapping[date, int]:
    """Read the sizes that were kept from a day on."""
    query = select(database_sizes.c.day, database_sizes.c.bytes).where(
        database_sizes.c.day >= since.isoformat()
    )
    return {date.fromisoformat(row.day): row.bytes for row in await conn.execute(query)}
