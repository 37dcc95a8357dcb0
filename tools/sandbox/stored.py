"""What a bot has stored, looked at from outside: by the drivers alone, on whichever engine its URL names."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from contextvars import ContextVar
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
    kept = _KEPT.get(None)
    if kept is not None and kept.url == url:
        return await kept.fetch(statement)
    connection = await _connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def _connect(url: str) -> Any:
    import asyncpg  # noqa: PLC0415 - only the sandbox of a database server needs it

    # No statement is prepared: the bot changes the tables meanwhile.
    return await asyncpg.connect(url, statement_cache_size=0)


class _Kept:
    """A connection that serves one statement after the other."""

    def __init__(self, url: str, connection: Any) -> None:
        self.url = url
        self._connection = connection
        self._turn = asyncio.Lock()

    async def fetch(self, statement: str) -> list[Row]:
        async with self._turn:
            return [tuple(row) for row in await self._connection.fetch(statement)]


_KEPT: ContextVar[_Kept] = ContextVar("kept")


@asynccontextmanager
async def kept_open(url: str) -> AsyncIterator[None]:
    """Let all that is read and changed on this server meanwhile, by this task and those it starts, share a connection.

    A new one costs both sides 3 ms of processor time, and a driver that waits looks again and again.
    """
    connection = await _connect(url)
    token = _KEPT.set(_Kept(url, connection))
    try:
        yield
    finally:
        _KEPT.reset(token)
        await connection.close()
