"""What is SQLite's own: the file, its log, its lock file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.errors import StorageError
from bot.storage.engine import Database, sqlite_url
from tests.storage.test_engine import add_one, count, turn
from tests.storage.toys import counters, things, toys


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "toys.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[Database]:
    database = Database.open(sqlite_url(file))
    async with database.write("test.create") as conn:
        await conn.run_sync(toys.create_all)
        await conn.execute(counters.insert().values(name="c", value=0))
    yield database
    await database.close()


def open_files(file: Path) -> list[str]:
    """What this process still holds open of a database; nothing to see where there is no /proc."""
    folder = Path("/proc/self/fd")
    links = (
        [str(link.readlink()) for link in folder.iterdir() if link.is_symlink()] if folder.is_dir() else []
    )
    return [link for link in links if link.startswith(str(file))]


async def test_a_write_keeps_out_tools_that_do_not_know_the_lock_from_its_first_moment(database, file):
    """If it began to hold them off with its first change only, what it had read could be out of date by then."""
    with closing(sqlite3.connect(file, timeout=0)) as plain:
        async with database.write("test.read-first") as conn:
            await conn.execute(select(counters.c.value))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                plain.execute("BEGIN IMMEDIATE")
        plain.execute("BEGIN IMMEDIATE")


async def test_statements_run_outside_the_thread_of_the_loop(database):
    async with database.read() as conn:
        raw = (await conn.get_raw_connection()).driver_connection
        thread = await raw._execute(threading.get_ident)
    assert thread != threading.get_ident()


async def test_the_file_is_durable_and_waits_for_others(database, file):
    async with database.write("test.pragmas") as conn:
        found = [
            (await conn.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        ]
    assert found == ["wal", 2, 5000, 1]
    assert database.embedded_file == file


async def test_a_checkpoint_empties_the_log_and_needs_the_lock(database, file):
    await add_one(database)
    log = file.with_name(file.name + "-wal")
    assert log.stat().st_size > 0
    await database.checkpoint()
    assert log.stat().st_size == 0
    assert await count(database) == 1


async def test_a_file_that_is_no_database_is_a_storage_error(tmp_path):
    file = tmp_path / "x.db"
    file.write_bytes(b"this is not a database, it only looks like a file" * 50)
    database = Database.open(sqlite_url(file))
    with pytest.raises(StorageError, match="not a database"):
        async with database.read() as conn:
            await conn.execute(text("SELECT * FROM sqlite_schema"))
    await database.close()


async def test_a_full_disk_is_a_storage_error_and_keeps_what_was_committed(database):
    await add_one(database)

    async def fill() -> None:
        async with database.write("test.full") as conn:
            await conn.exec_driver_sql("PRAGMA max_page_count = 1")
            await conn.execute(things.insert().values(id=1, data="x" * 1_000_000))

    with pytest.raises(StorageError, match="full"):
        await fill()
    assert await count(database) == 1


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="folder"):
        Database.open(sqlite_url(tmp_path / "file" / "x.db"))


async def test_nothing_is_left_open_after_close(database, file):
    await add_one(database)
    await database.close()
    with sqlite3.connect(file) as plain:
        plain.execute("PRAGMA locking_mode = EXCLUSIVE")
        plain.execute("BEGIN EXCLUSIVE")
    plain.close()
    assert not open_files(file)


async def test_a_write_cancelled_while_it_waits_for_the_lock_leaves_the_lock_free(database, file):
    second = Database.open(sqlite_url(file))
    async with database.write("test.first"):
        waiting = asyncio.create_task(add_one(second))
        while not second._turn.locked():
            await turn()
        await turn()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    # Its thread gets the lock now that it is free, and must give it back although nobody waits any more.
    await asyncio.wrap_future(second._lock._thread.submit(lambda: None))
    await add_one(database)
    await add_one(second)
    await second.close()
    assert await count(database) == 2


async def test_instants_and_flags_are_integers_in_the_file(database):
    at = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    async with database.write("test.put") as conn:
        await conn.execute(things.insert().values(id=1, at=at, flag=True))
        raw = (await conn.execute(text("SELECT typeof(at), typeof(flag), flag FROM things"))).one()
    assert raw == ("integer", "integer", 1)
