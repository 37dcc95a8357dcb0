"""The database as two contexts: `read()` for a snapshot, `write(name)` for one short transaction.

On SQLite there are two engines on one file: one writing connection that begins IMMEDIATE, and a small
pool of readers that cannot write. Every write transaction, over all processes, holds an inter-process
lock on a file of its own, so that there is never more than one writer (design/dependencies.md 2.4: the
WAL-reset bug). On another engine both contexts use the one engine.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import portalocker
from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import StorageError

BUSY_TIMEOUT_MS = 5000
READERS = 4
LOCK_TIMEOUT_SECONDS = 30.0
WAL_SIZE_LIMIT_BYTES = 16 * 1024 * 1024


def sqlite_url(file: Path) -> URL:
    """Give the URL of an embedded database."""
    return URL.create("sqlite+aiosqlite", database=str(file))


class Database:
    """Transactions on one database. Build it with `Database.open`, end it with `close`."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, lock: WriterLock | None) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self._turn = asyncio.Lock()

    @classmethod
    def open(cls, url: URL | str) -> Database:
        """Make the engines; nothing is connected before the first transaction."""
        url = make_url(url)
        if url.get_backend_name() != "sqlite":
            engine = create_async_engine(url, pool_pre_ping=True)
            return cls(engine, engine, None)
        if not url.database:
            raise StorageError("an embedded database needs a file; memory is not shared between connections")
        file = Path(url.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        return cls(_sqlite_writer(url), _sqlite_reader(url), WriterLock(file.with_name(file.name + ".lock")))

    @property
    def url(self) -> URL:
        """Where the database is; its text form hides a password."""
        return self._writer.url

    @property
    def embedded_file(self) -> Path | None:
        """The SQLite file, None on a database server."""
        return Path(self.url.database) if self._lock and self.url.database else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction: everything read in it is of one instant.

        Raises `StorageError` where the database cannot be used.
        """
        with _storage_errors("read"):
            async with self._reader.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self, name: str) -> AsyncIterator[AsyncConnection]:
        """Open the one write transaction; it commits on leaving, and rolls back on an error.

        `name` says what is written ("live.observe"), for logs and for tests that stop at it. Nothing but
        this connection may be awaited inside. Raises `StorageError`.
        """
        with _storage_errors(name):
            async with self._turn, self._exclusive(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        if self._lock is None:
            yield
            return
        await self._lock.acquire()
        try:
            yield
        finally:
            await self._lock.release()

    async def checkpoint(self) -> None:
        """Fold SQLite's write-ahead log back into the file, as the only writer."""
        if self._lock is None:
            return
        async with self._turn, self._exclusive(), self._writer.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if driver is not None:
                await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()
        if self._lock is not None:
            self._lock.close()


class WriterLock:
    """The inter-process writer lock; it is taken and given back in a thread of its own."""

    def __init__(self, file: Path) -> None:
        self._lock = portalocker.Lock(file, mode="a", timeout=LOCK_TIMEOUT_SECONDS, check_interval=0.005)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer-lock")

    async def acquire(self) -> None:
        """Wait for the lock. Raises `StorageError` after `LOCK_TIMEOUT_SECONDS`."""
        taking = asyncio.ensure_future(asyncio.wrap_future(self._thread.submit(self._lock.acquire)))
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread may still get the lock after we stopped waiting: give it back then.
            self._thread.submit(self._lock.release)
            raise
        except portalocker.LockException as error:
            raise StorageError("another process has been writing to the database for too long") from error
        except OSError as error:
            raise StorageError(f"the lock file beside the database cannot be used: {error}") from error

    async def release(self) -> None:
        """Give the lock back, even when the caller is being cancelled."""
        await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._lock.release)))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)


class _storage_errors:  # noqa: N801 - reads as the statement it is
    """Turn driver errors into `StorageError`, in one line without statement parameters."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            raise StorageError(f"{self._name}: {error.orig}") from error
        if isinstance(error, sqlite3.Error):
            raise StorageError(f"{self._name}: {error}") from error


def _sqlite_writer(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", _prepare_writer)
    event.listen(
        engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
    )
    return engine


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=READERS, max_overflow=0, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", _prepare_reader)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare_writer(connection: Any, _record: object) -> None:
    _prepare(
        connection,
        "journal_mode=WAL",
        "synchronous=FULL",
        f"journal_size_limit={WAL_SIZE_LIMIT_BYTES}",
    )


def _prepare_reader(connection: Any, _record: object) -> None:
    _prepare(connection, "query_only=ON")


def _prepare(connection: Any, *pragmas: str) -> None:
    """Set up a connection; the driver must not open transactions of its own (isolation_level None)."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
