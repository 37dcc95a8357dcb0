"""What a bot has stored, looked at from outside: by the drivers alone, on whichever engine its URL names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


async def rows_of(url: str, query: str) -> list[Row]:
    """Read rows."""
    file = file_of(url)
    if file is not None:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()
    return await _on_server(url, query)


async def tables_of(url: str) -> frozenset[str]:
    """Name the tables; none while there is no file yet."""
    file = file_of(url)
    if file is None:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    elif file.exists():
        query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    else:
        return frozenset()
    return frozenset(name for (name,) in await rows_of(url, query))


async def change(url: str, statement: str) -> None:
    """Change rows behind the bot's back; let none be running on an embedded database."""
    file = file_of(url)
    if file is not None:
        with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True)) as database, database:
            database.execute(statement)
    else:
        await _on_server(url, statement)


def file_of(url: str) -> Path | None:
    """Give the file of an embedded database, None for one on a server."""
    return Path(url.partition(":///")[2]) if url.startswith("sqlite") else None


async def _on_server(url: str, statement: str) -> list[Row]:
    import asyncpg  # noqa: PLC0415 - only the sandbox of a database server needs it

    server = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await server.fetch(statement)]
    finally:
        await server.close()
