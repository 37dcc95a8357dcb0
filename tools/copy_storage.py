"""Move the bot's database to another engine: ``python -m tools.copy_storage --from URL --to URL``.

From SQLite to PostgreSQL, or back. Stop the bot first. All rows come from one snapshot of the source and go
into one transaction of the target, which is compared with the source before it is committed: killed at any
moment, it leaves the target without a row, and can simply be run again. A password is better left out of the
URL: PGPASSWORD or ~/.pgpass hold it where no list of processes shows it. Exit code 0 means: all is there.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from sqlalchemy import Column, MetaData, Table, func, insert, select, text
from sqlalchemy.types import TypeDecorator

from bot.clock import SystemClock
from bot.errors import StorageError, VedetteError
from bot.storage.engine import Connection, Database, database_url, embedded_file
from bot.storage.migrate import HEAD_REVISION, current_revision, require_current, upgrade
from bot.storage.only_bot import only_bot
from bot.storage.tables import metadata
from bot.storage.types import Flag

CHUNK = 500
"""Rows read and written at once; a round's file is some 10 KB."""
_HASH_SPACE = 1 << 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """What a table holds: its rows, counted, and the sum of their SHA-256, whatever their order."""

    rows: int = 0
    checksum: int = 0

    def plus(self, rows: Sequence[Mapping[str, Any]]) -> Sum:
        """Give the sum with more rows."""
        hashes = sum(_hash(row) for row in rows)
        return Sum(rows=self.rows + len(rows), checksum=(self.checksum + hashes) % _HASH_SPACE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """One table, as it was read and as it stands in the target."""

    table: str
    source: Sum
    target: Sum

    @property
    def is_same(self) -> bool:
        """Whether the copy is whole."""
        return self.source == self.target


class CopyDiffers(StorageError):
    """The target did not hold what was written to it; `tables` tells which. Nothing was committed."""

    def __init__(self, tables: tuple[Copied, ...]) -> None:
        super().__init__("the copy is not the same as the source; nothing was kept")
        self.tables = tables


async def copy_storage(source_url: str, target_url: str) -> tuple[Copied, ...]:
    """Copy every table and prove it. Raises `CopyDiffers` and `StorageError`."""
    if database_url(source_url) == database_url(target_url):
        raise StorageError("the source and the target are the same database")
    async with AsyncExitStack() as stack:
        for url in (source_url, target_url):
            await stack.enter_async_context(_nobody_else(url))
        source, target = Database.open(source_url), Database.open(target_url, migrating=True)
        stack.push_async_callback(source.close)
        stack.push_async_callback(target.close)
        await require_current(source)
        await _make_schema(target_url)
        reading = await stack.enter_async_context(source.read())
        writing = await stack.enter_async_context(target.write("copy"))
        await _refuse_rows(writing)
        tables = [_raw(table) for table in metadata.sorted_tables]
        read = [await _copy(table, reading, writing) for table in tables]
        copied = [
            Copied(table=table.name, source=sum_, target=await _sum_of(table, writing))
            for table, sum_ in zip(tables, read, strict=True)
        ]
        if not all(table.is_same for table in copied):
            raise CopyDiffers(tuple(copied))
        await _move_sequences(writing)
    return tuple(copied)


@asynccontextmanager
async def _nobody_else(url: str) -> AsyncIterator[None]:
    """Keep bots out while the copy runs. Raises `StorageError` where one is running."""
    file = embedded_file(url)
    if file is not None and not file.parent.is_dir():
        yield  # nobody can be there, and what is no source makes no folder
        return
    async with only_bot(url, SystemClock()):
        yield


async def _make_schema(target_url: str) -> None:
    """Bring an empty target to this version's schema; a database with an older one is not empty."""
    target = Database.open(target_url)
    try:
        async with target.read() as connection:
            found = await current_revision(connection)
    finally:
        await target.close()
    if found not in {None, HEAD_REVISION}:
        raise StorageError(f"the target is not empty: it has schema {found}")
    with tempfile.TemporaryDirectory() as nowhere:  # an empty database needs no backup
        await upgrade(target_url, Path(nowhere), SystemClock().now(), keep=1)


async def _refuse_rows(target: Connection) -> None:
    for table in metadata.sorted_tables:
        if (await target.execute(select(func.count()).select_from(table))).scalar_one():
            raise StorageError(f"the target is not empty: it has rows in {table.name}")


def _raw(table: Table) -> Table:
    """Give a table whose values are those of the database itself, only that flags are booleans."""
    columns = []
    for column in table.columns:
        kind = column.type
        if isinstance(kind, TypeDecorator) and not isinstance(kind, Flag):
            kind = kind.impl_instance
        columns.append(Column(column.name, kind))
    return Table(table.name, MetaData(), *columns)


async def _copy(table: Table, source: Connection, target: Connection) -> Sum:
    found = Sum()
    async for rows in _chunks(table, source):
        await target.execute(insert(table), rows)
        found = found.plus(rows)
    return found


async def _sum_of(table: Table, connection: Connection) -> Sum:
    found = Sum()
    async for rows in _chunks(table, connection):
        found = found.plus(rows)
    return found


async def _chunks(table: Table, connection: Connection) -> AsyncIterator[list[dict[str, Any]]]:
    query = select(table).execution_options(yield_per=CHUNK)
    async with connection.stream(query) as result:
        async for part in result.mappings().partitions():
            yield [{name: _storable(value) for name, value in row.items()} for row in part]


def _storable(value: Any) -> Any:
    """PostgreSQL's texts hold no NUL: SQLite's may, where an older version let one in."""
    return value.replace("\x00", "") if isinstance(value, str) else value


def _hash(row: Mapping[str, Any]) -> int:
    return int.from_bytes(hashlib.sha256(repr(sorted(row.items())).encode()).digest(), "big")


async def _move_sequences(target: Connection) -> None:
    """Let new ids begin behind the copied ones; SQLite needs nothing for that."""
    if target.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
            last = f"(SELECT max({column.name}) FROM {table.name})"  # noqa: S608 - names of our own
            await target.execute(text(f"SELECT setval({sequence}, {last}) WHERE {last} IS NOT NULL"))


def _show(console: Console, tables: Sequence[Copied]) -> None:
    grid = Grid("table", "rows read", "rows there", "checksum")
    for table in tables:
        same = "same" if table.source.checksum == table.target.checksum else "[bold red]DIFFERS[/]"
        grid.add_row(table.table, f"{table.source.rows:,}", f"{table.target.rows:,}", same)
    console.print(grid)


def main(arguments: list[str] | None = None) -> int:
    """Copy as the command line says; 1 where it was refused or anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.copy_storage", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--from", dest="source", required=True, metavar="URL", help="sqlite:///data/vedette.db"
    )
    parser.add_argument(
        "--to", dest="target", required=True, metavar="URL", help="postgresql://user@host/name"
    )
    asked = parser.parse_args(arguments)
    console = Console()
    try:
        tables = asyncio.run(copy_storage(asked.source, asked.target))
    except VedetteError as error:
        if isinstance(error, CopyDiffers):
            _show(console, error.tables)
        print(error, file=sys.stderr)
        return 1
    _show(console, tables)
    print("Every row is there. Set DATABASE_URL to the new database and start the bot.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
