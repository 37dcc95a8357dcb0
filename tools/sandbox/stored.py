"""What a bot has stored, looked at from outside: by the drivers alone, on whichever engine its URL names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

Row = tuple[Any, ...]


async def rows_of(url: str, query: str) -> list[Row]:
    """Read rows."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(f"file:{_file_of(url)}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()
    return await _on_server(url, query)


async def change(url: str, statement: str) -> None:
    """Change rows behind the bot's back; let none be running on an embedded database."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(f"file:{_file_of(url)}?mode=rw", uri=True)) as database, database:
            database.execute(statement)
    else:
        await _on_server(url, statement)


def _file_of(url: str) -> str:
    return url.partition(":///")[2]


async def _on_server(url: str, statement: str) -> list[Row]:
    import asyncpg  # noqa: PLC0415 - only the sandbox of a database server needs it

    server = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await server.fetch(statement)]
    finally:
        await server.close()
