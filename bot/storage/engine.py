"""The database as two contexts: `read()` for a snapshot, `write(name)` for one short transaction.

On SQLite there are two engines on one file: one writing connection that begins IMMEDIATE, and a small
pool of readers that cannot write. Every write transaction, over all processes, holds an inter-process
lock on a file of its own, so that there is never more than one writer (design/dependencies.md 2.4: the
WAL-reset bug). On PostgreSQL one pool of connections serves both, and an advisory lock does the same
(`bot.storage.postgresql`).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import portalocker
from sqlalchemy import event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import StorageError
from bot.storage.postgresql import (
    ANOTHER_WRITES,
    reason_of,
    server_engine,
    snapshots_of,
    wait_for_turn,
    with_known_options,
)
from bot.texts import join, text

BUSY_TIMEOUT_MS = 5000
READERS = 4
LOCK_TIMEOUT_SECONDS = 30.0
WAL_SIZE_LIMIT_BYTES = 16 * 1024 * 1024


Connection = AsyncConnection
"""What `read` and `write` give; the services name it without knowing SQLAlchemy."""

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",  # as some hosters write it
}

PAGES_AT_ONCE = 500
"""So many pages are given back to the disk at once; others want to write."""
_INCREMENTAL = 2

# What a driver raises besides its own errors. SQLite's: for an integer over 64 bits, for a lone surrogate.
# PostgreSQL's: where the server cannot be reached or does not answer (OSError).
_STATEMENT_ERRORS = (SQLAlchemyError, sqlite3.Error, OverflowError, UnicodeEncodeError, OSError)


def sqlite_url(file: Path) -> URL:
    """Give the URL of an embedded database."""
    return URL.create(DRIVERS["sqlite"], database=str(file))


def database_url(written: URL | str) -> URL:
    """Read a database URL, whichever driver it names. Raises `StorageError` without repeating it."""
    try:
        url = make_url(written)
    except ArgumentError:
        raise StorageError("the database URL cannot be read; one looks like sqlite:///folder/file") from None
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise StorageError(f"there is no support for {backend}; use one of {', '.join(DRIVERS)}")
    if backend == "sqlite" and (not url.database or url.database == ":memory:"):
        raise StorageError("an embedded database needs a file; memory is not shared between connections")
    url = url.set(drivername=DRIVERS[backend])
    return url if backend == "sqlite" else with_known_options(url)


def embedded_file(url: URL | str) -> Path | None:
    """Give the file of an embedded database, None for one on a server."""
    url = database_url(url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """How large an SQLite file is and how much of that nothing uses, in bytes; `by_steps` if it can shrink so."""

    size: int
    free: int
    by_steps: bool


class Database:
    """Transactions on one database. Build it with `Database.open`, end it with `close`."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, lock: WriterLock | None) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[Any] | None = None

    @classmethod
    def open(cls, url: URL | str, *, migrating: bool = False) -> Database:
        """Make the engines; nothing is connected before the first transaction.

        `migrating` is for work on the schema or on all rows: the writer does not enforce foreign keys on
        SQLite, where tables are rebuilt and dropping the old one would cascade; a server may take any time.
        Raises `StorageError` for a URL or a folder that cannot be used.
        """
        url = database_url(url)
        file = embedded_file(url)
        if file is None:
            engine = server_engine(url, patient=migrating)
            return cls(engine, snapshots_of(engine), None)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the database's folder cannot be made: {error}") from error
        lock = WriterLock(file.with_name(file.name + ".lock"))
        return cls(_sqlite_writer(url, foreign_keys=not migrating), _sqlite_reader(url), lock)

    @property
    def url(self) -> URL:
        """Where the database is; its text form hides a password."""
        return self._writer.url

    @property
    def embedded_file(self) -> Path | None:
        """The SQLite file, None on a database server."""
        return embedded_file(self.url)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction: everything read in it is of one instant.

        Raises `StorageError` where the database cannot be used.
        """
        with storage_errors("read", self.embedded_file):
            async with self._reader.connect() as connection, connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self, name: str) -> AsyncIterator[AsyncConnection]:
        """Open the one write transaction; it commits on leaving, and rolls back on an error.

        `name` says what is written ("live.observe"), for logs and for tests that stop at it. Nothing but
        this connection may be awaited inside. Raises `StorageError`, and RuntimeError for one inside another.
        """
        with storage_errors(name, self.embedded_file):
            async with self._exclusive(), self._writer.begin() as connection:
                if self._lock is None:
                    await wait_for_turn(connection)
                yield connection

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        """Be the only writer: of this process by turns, of all processes by the lock beside the file."""
        if self._writing is asyncio.current_task():
            raise RuntimeError("a write transaction inside a write transaction would wait for itself")
        async with self._turn:
            if self._lock is not None:
                await self._lock.acquire()
            self._writing = asyncio.current_task()
            try:
                yield
            finally:
                self._writing = None
                if self._lock is not None:
                    await self._lock.release()

    async def checkpoint(self) -> None:
        """Fold SQLite's write-ahead log back into the file, as the only writer."""
        if self._lock is None:
            return
        with storage_errors("checkpoint"):
            async with self._exclusive(), self._writer.connect() as connection:
                # Past SQLAlchemy, which would begin a transaction: a checkpoint cannot run inside one.
                driver = (await connection.get_raw_connection()).driver_connection
                if driver is not None:
                    await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()

    async def free_space(self) -> Space | None:
        """Look how much of an SQLite file is not used; None on a server, which sees to that itself."""
        if self._lock is None:
            return None
        async with self.read() as connection:
            numbers = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
            }
        return Space(
            size=numbers["page_size"] * numbers["page_count"],
            free=numbers["page_size"] * numbers["freelist_count"],
            by_steps=numbers["auto_vacuum"] == _INCREMENTAL,
        )

    async def make_smaller(self, *, by_steps: bool) -> None:
        """Give free pages of an SQLite file back to the disk: some of them, or by making the whole file anew.

        Making it anew holds up all who write, and lets the next times go by steps.
        """
        with storage_errors("make smaller"):
            async with self._exclusive(), self._writer.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                if driver is None:
                    return
                if by_steps:
                    # Fetched, because each row that is asked for frees one page.
                    await (await driver.execute(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")).fetchall()
                else:
                    await (await driver.execute("VACUUM")).close()

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
            taking.add_done_callback(lambda future: future.cancelled() or future.exception())
            raise
        except portalocker.LockException as error:
            raise StorageError(ANOTHER_WRITES) from error
        except OSError as error:
            raise StorageError(
                text("the lock file beside the database cannot be used: {error}", error=str(error))
            ) from error

    async def release(self) -> None:
        """Give the lock back, even when the caller is being cancelled."""
        await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._lock.release)))

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)


@contextmanager
def storage_errors(name: str, file: Path | None = None) -> Iterator[None]:
    """Turn what the driver raises into `StorageError`, in one line without statement and parameters."""
    try:
        yield
    except _STATEMENT_ERRORS as error:
        reason = error.orig if isinstance(error, StatementError) and error.orig else error
        # Neither the statement nor its parameters may reach a log through the chain of causes.
        cause = None if hasattr(reason, "sqlstate") else reason
        code = getattr(reason, "sqlite_errorcode", 0) & 0xFF
        closed = code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
        said = reason_of(reason)
        if file and closed:
            said = text("{reason} ({file} and its folder must be writable)", reason=said, file=str(file))
        raise StorageError(join(": ", (name, said))) from cause


def _sqlite_writer(url: URL, *, foreign_keys: bool) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0, hide_parameters=True
    )
    pragmas = (
        "auto_vacuum=INCREMENTAL",  # for a new file; an old one becomes so by `Database.make_smaller`
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"journal_size_limit={WAL_SIZE_LIMIT_BYTES}",
    )
    event.listen(engine.sync_engine, "connect", lambda connection, _: _prepare(connection, *pragmas))
    event.listen(
        engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
    )
    event.listen(engine.sync_engine, "invalidate", _end_transaction)
    return engine


def _end_transaction(connection: Any, *_: object) -> None:
    """End the transaction of a connection that is thrown away because its task was cancelled.

    Closing it is not enough: SQLite keeps its lock for as long as anything, be it the traceback of the
    cancellation, holds a cursor that was not read to its end.
    """
    with suppress(Exception, asyncio.CancelledError):
        connection.rollback()


def _sqlite_reader(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=READERS, max_overflow=0, hide_parameters=True
    )
    event.listen(engine.sync_engine, "connect", lambda connection, _: _prepare(connection, "query_only=ON"))
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare(connection: Any, *pragmas: str) -> None:
    """Set up a connection; the driver must not open transactions of its own (isolation_level None)."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", *pragmas):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
