"""What can be said about a database before it is used, for `python3 tools/run.py check`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bot.errors import StorageError
from bot.storage.backup_server import why_no_backup
from bot.storage.engine import Connection, Database, embedded_file
from bot.storage.migrate import current_revision, refuse_unknown

# STRICT tables came with it.
OLDEST_SQLITE = (3, 37, 0)
# Two connections that write or checkpoint at once could corrupt the file (design/dependencies.md 2.4);
# 3.52.0 was withdrawn.
WAL_RESET_MENDED = (3, 51, 3)


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseState:
    """`revision` is None for a database without tables; `made` is false where there is not even a file.

    `remark` is what is to be known of a server, "" for nothing.
    """

    place: str
    made: bool
    revision: str | None = None
    remark: str = ""


async def examine_database(url: str) -> DatabaseState:
    """Open the database, read its schema's revision and prove that it can be written to; make nothing.

    Raises `StorageError`, and `SchemaTooNew` for a schema of a newer version.
    """
    file = embedded_file(url)
    if file is not None and not file.exists():
        return DatabaseState(place=str(file), made=False)
    database = Database.open(url)
    try:
        async with database.read() as connection:
            revision = await current_revision(connection)
            place, remark = (str(file), "") if file else await _examine_server(connection)
        refuse_unknown(revision)
        async with database.write("check"):
            pass  # to begin one is the proof
        return DatabaseState(place=place, made=True, revision=revision, remark=remark)
    finally:
        await database.close()


async def _examine_server(connection: Connection) -> tuple[str, str]:
    """Give the server's name with its version, and why there can be no backups ("" if there can)."""
    version, encoding = [
        (await connection.execute(text(f"SHOW {name}"))).scalar_one()
        for name in ("server_version", "server_encoding")
    ]
    if encoding != "UTF8":
        raise StorageError(
            f"the database stores {encoding}, which lacks letters: make one with ENCODING 'UTF8'"
        )
    return f"{connection.engine.url} (PostgreSQL {version})", await why_no_backup(connection)


def sqlite_remark(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str:
    """Say what is to be known of this version of SQLite, "" for nothing. Raises `StorageError` if too old."""
    name = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        raise StorageError(
            f"SQLite {name} is too old, {'.'.join(map(str, OLDEST_SQLITE))} is needed: update Python"
        )
    if version < WAL_RESET_MENDED or version[:2] == (3, 52):
        return (
            f"SQLite {name} needs one writer at a time, and Vedette keeps to that: nothing to do, but let no other "
            "tool write to the file while it runs"
        )
    return ""


def is_embedded(url: str) -> bool:
    """Whether the database is an SQLite file. Raises `StorageError` for a URL that cannot be used."""
    return isinstance(embedded_file(url), Path)
