"""The bot's database without threads: the real statements on SQLite in memory, slow or failing on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, Result, RowMapping, create_engine
from sqlalchemy.pool import NullPool

from bot.errors import StorageError
from bot.storage.engine import Connection, Database
from bot.storage.tables import metadata
from tools.simulation.life import Life
from tools.simulation.nature import Nature
from tools.simulation.statements import Executor


@cache
def _engine() -> Engine:
    """Give what makes connections, each to a database of its own; what is compiled for one serves all."""
    return create_engine(
        "sqlite://",
        poolclass=NullPool,
        connect_args={"isolation_level": None, "cached_statements": 1000},
        hide_parameters=True,
    )


@cache
def _tables() -> str:
    """Give the statements that make the tables and their indexes."""
    with _engine().connect() as connection:
        metadata.create_all(connection)
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid"
        )
        return ";".join(made.scalars())


class Disk:
    """What survives the bot's process."""

    def __init__(self) -> None:
        self.connection = _engine().connect().execution_options(isolation_level="AUTOCOMMIT")
        self.driver = cast(Any, self.connection.connection.driver_connection)
        self.driver.execute("PRAGMA foreign_keys=ON")
        self.driver.executescript(_tables())

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Look at what is stored, past the bot."""
        return list(self.driver.execute(query, values))

    def crash(self) -> None:
        """Lose what was not committed."""
        if self.driver.in_transaction:
            self.driver.execute("ROLLBACK")

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()


class PlainDatabase(Database):
    """The `Database` on a `Disk` where nothing fails and nothing waits."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._turn = asyncio.Lock()  # one writer at a time, as on a real file
        self._connection = cast(Connection, _Connection(disk.connection))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Read; as on a real file, a reader does not wait for the writer."""
        if self._disk.driver.in_transaction:
            raise AssertionError("something else than the database was awaited inside a write transaction")
        yield self._connection

    @asynccontextmanager
    async def write(self, name: str) -> AsyncIterator[Connection]:  # noqa: ARG002 - the name is for others
        """Write in one transaction."""
        async with self._turn:
            self._disk.driver.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._disk.crash()
                raise
            self._disk.driver.execute("COMMIT")

    async def checkpoint(self) -> None:
        """Fold nothing back: in memory there is no log beside the database."""


class MemoryDatabase(PlainDatabase):
    """The `Database` of one life; `committed` is told the name of each write once it is durable."""

    def __init__(self, disk: Disk, life: Life, nature: Nature) -> None:
        super().__init__(disk)
        self._connection = cast(Connection, _Connection(disk.connection, Executor(disk.connection).execute))
        self._life = life
        self._nature = nature

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Read, where the process lives and the database does not fail."""
        self._may_fail("read")
        async with super().read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, name: str) -> AsyncIterator[Connection]:
        """Write in one transaction; both sides of its commit are points at which the process may die."""
        async with self._turn:
            await self._life.point(f"begin {name}", self._nature.database_delay())
            self._may_fail(name)
            self._disk.driver.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._may_fill_up(name)
            except BaseException:
                self._disk.crash()
                raise
            self._commit(name)
            await self._life.point(f"committed {name}", self._nature.database_delay())

    def _may_fill_up(self, name: str) -> None:
        if "fails at commit" in self._nature.faults("database") and self._nature.happens(0.3):
            raise StorageError(f"{name}: database or disk is full")

    def _commit(self, name: str) -> None:
        self._disk.driver.execute("COMMIT")
        self._nature.note(f"wrote {name}")
        self._nature.committed(name)

    def _may_fail(self, name: str) -> None:
        if self._life.is_dead:
            raise asyncio.CancelledError
        if "fails" in self._nature.faults("database") and self._nature.happens(0.3):
            self._nature.note(f"database fails {name}")
            raise StorageError(f"{name}: database is locked")


class _Connection:
    """As much of an SQLAlchemy AsyncConnection as the bot's statements use."""

    def __init__(self, connection: SyncConnection, execute: Callable[..., Any] | None = None) -> None:
        self._execute = execute or connection.execute
        self.dialect = connection.dialect

    async def execute(self, statement: Any, parameters: Any = None) -> Result[Any]:
        result: Result[Any] = self._execute(statement, parameters)
        return result

    @asynccontextmanager
    async def stream(self, statement: Any, parameters: Any = None) -> AsyncIterator[_Stream]:
        yield _Stream(self._execute(statement, parameters))


class _Stream:
    def __init__(self, result: Result[Any]) -> None:
        self._result = result

    def mappings(self) -> _Stream:
        return self

    async def partitions(self) -> AsyncIterator[list[RowMapping]]:
        yield list(self._result.mappings())
