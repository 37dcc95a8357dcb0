"""The table of faults, where the database is what fails; `tests/faults/table.py` says how to add a case.

What must be done to the bot's own connection is a pragma in a file, which `hurried/sitecustomize.py` gives to
every write; the rest is done to the file from outside.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.bench import Bench, Case, Step
from tests.faults.steps import said
from tools.sandbox.scene import PATIENCE_SECONDS

FAILS = r"ERROR (\w[\w ]*): [\w.]+: {}; it is tried again$"
WORKS = r"INFO (\w[\w ]*) works again after \d+ failures$"
UNSENT = r"ERROR Delivery cannot use the database \(.*\); it is tried again$"
SENT = r"INFO Delivery can use the database again$"


def file_of(bench: Bench) -> Path:
    return bench.scene.folder / "data" / "vedette.db"


def pragma(statement: str) -> Step:
    """Give a pragma to the bot's connection before each write."""

    async def breaks(bench: Bench) -> None:
        (bench.scene.folder / "data" / "pragma").write_text(statement, "utf-8")

    return breaks


async def lock(bench: Bench) -> None:
    """Another program holds the database for longer than anybody waits."""
    with closing(sqlite3.connect(file_of(bench), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await bench.said(FAILS.format("database is locked"))
        other.execute("ROLLBACK")


async def fill(bench: Bench) -> None:
    """Let rounds end until there is no room for one more."""
    await pragma("PRAGMA max_page_count = 1")(bench)  # it takes this for the number of pages there are
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await bench.is_said(FAILS.format("database or disk is full")):
            await bench.supply.play(bench.scene)
            await bench.listed()


async def use_newer_version(bench: Bench) -> None:
    """Somebody tried a newer version, and went back to its predecessor and to the old database."""
    await bench.scene.stop_bot()
    ((before,),) = await bench.rows("SELECT version_num FROM alembic_version")
    await bench.change("UPDATE alembic_version SET version_num = '9999'")
    assert await bench.start_in_vain() == 1
    await bench.change(f"UPDATE alembic_version SET version_num = '{before}'")
    await bench.start()


async def damage(bench: Bench) -> None:
    """Lose the page on which the files of rounds begin."""
    await bench.scene.stop_bot()
    file = file_of(bench)
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'round_files'").fetchone()
    bench.whole = file.read_bytes()
    at = (page - 1) * size
    file.write_bytes(bench.whole[:at] + b"\xff" * size + bench.whole[at + size :])
    await bench.start()


async def restore(bench: Bench) -> None:
    await bench.scene.stop_bot()
    file_of(bench).write_bytes(bench.whole)
    await bench.start()


DATABASE = (
    Case(
        name="database locked by another program",
        breaks=lock,
        log=(FAILS.format("database is locked"), WORKS),
        may_log=f"(?:{UNSENT}|{SENT})",
    ),
    Case(
        name="database full",
        event="round",
        breaks=fill,
        heals=pragma("PRAGMA max_page_count = 1000000000"),
        log=(FAILS.format("database or disk is full"), WORKS),
        may_log=f"(?:{UNSENT}|{SENT})",
    ),
    Case(
        name="database read-only",
        event="round",
        breaks=pragma("PRAGMA query_only = ON"),
        looks=said(FAILS.format("attempt to write a readonly database .*must be writable.*")),
        heals=pragma("PRAGMA query_only = OFF"),
        log=(FAILS.format("attempt to write a readonly database .*must be writable.*"), WORKS),
        may_log=f"(?:{UNSENT}|{SENT})",
    ),
    Case(
        name="database of a newer version",
        event="round",
        breaks=use_newer_version,
        log=(r"not a line of the log: the database has schema 9999.* a newer Vedette wrote it",),
        may_log="INFO Connected to Discord as ",
    ),
    Case(
        name="database with a damaged page",
        event="round",
        breaks=damage,
        looks=said(FAILS.format("database disk image is malformed")),
        heals=restore,
        log=(FAILS.format("database disk image is malformed"),),
        may_log="INFO Connected to Discord as ",
    ),
)
