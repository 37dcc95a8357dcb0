"""Backups of whichever database there is; those of a server are made by its own tools, where they are here.

A backup of a server is ``vedette-20261121T041500Z.dump``, pg_dump's custom format, with the manifest of
`bot.storage.backup`, whose rows were counted in the very snapshot that was dumped. To restore one, stop the
bot: ``pg_restore --clean --if-exists --no-owner --dbname DATABASE FILE``.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import func, inspect, select, table
from sqlalchemy import text as sql
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import BackupFailed
from bot.storage.backup import Copy, Manifest, compare, make_backup, read_manifest, verify_backup
from bot.storage.engine import Database, database_url, embedded_file, storage_errors
from bot.storage.postgresql import PROOF_LOCK, server_engine
from bot.texts import text

_MAY_MAKE_DATABASES = sql("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
_OWN_NUMBER = sql("SELECT oid FROM pg_database WHERE datname = current_database()")
_MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """What was checked of a backup; `restored` is false where it could only be read."""

    manifest: Manifest
    restored: bool


async def back_up(url: URL | str, folder: Path, *, now: datetime, keep: int) -> Path:
    """Copy the database into a folder, of whose backups the `keep` newest stay; gives the new one.

    Raises `BackupFailed`, which says how to get pg_dump where it is missing, and `StorageError`.
    """
    file = embedded_file(url)
    if file is not None:
        return await asyncio.to_thread(make_backup, file, folder, now=now, keep=keep)
    database = Database.open(url, migrating=True)
    try:
        async with database.read() as connection:
            why_not = await why_no_backup(connection)
            if why_not:
                raise BackupFailed(why_not)
            snapshot = (await connection.execute(sql("SELECT pg_export_snapshot()"))).scalar_one()
            held = await _describe(connection)
            copy = partial(_dump, database.url, snapshot, held)
            return await asyncio.to_thread(make_backup, copy, folder, now=now, keep=keep)
    finally:
        await database.close()


async def verify(url: URL | str, backup: Path, known_revisions: frozenset[str]) -> Proof:
    """Restore a backup into a temporary place and compare it with its manifest.

    For one of a server that place is a database beside the bot's own, which is removed again. Where the
    bot's role may not make databases, the file is read through instead. Raises `BackupFailed`.
    """
    if backup.suffix == ".db":
        manifest = await asyncio.to_thread(verify_backup, backup, known_revisions)
        return Proof(manifest=manifest, restored=True)
    manifest = await asyncio.to_thread(read_manifest, backup)
    if embedded_file(url) is not None:
        raise BackupFailed(f"{backup.name} is of a database server; DATABASE_URL must name one to restore it")
    async with _temporary_database(database_url(url)) as place:
        command = [
            "--exit-on-error",
            "--no-owner",
            *(["--dbname", place.database or ""] if place else ["--list"]),
        ]
        await asyncio.to_thread(_run, "pg_restore", place or database_url(url), *command, str(backup))
        if place is not None:
            database = Database.open(place)
            try:
                async with database.read() as connection:
                    compare(manifest, await _describe(connection), backup, known_revisions)
            finally:
                await database.close()
    return Proof(manifest=manifest, restored=place is not None)


async def why_no_backup(connection: AsyncConnection) -> str:
    """Say why pg_dump cannot copy this server's database, "" where it can."""
    version = (await connection.execute(sql("SHOW server_version_num"))).scalar_one()
    server = int(version) // 10_000
    cure = text(
        "install it (Debian: {package}) or back the server up by its own means",
        package=f"postgresql-client-{server}",
    )
    tool = await asyncio.to_thread(_major_of, "pg_dump")
    if tool is None:
        return text("no backup: pg_dump is not on this machine; {cure}", cure=cure)
    if tool < server:
        return text(
            "no backup: pg_dump {version} is too old for PostgreSQL {server}; {cure}",
            version=tool,
            server=server,
            cure=cure,
        )
    return ""


def _major_of(tool: str) -> int | None:
    """Ask a tool for its major version; None where it is not there."""
    if shutil.which(tool) is None:
        return None
    said = subprocess.run([tool, "--version"], check=False, capture_output=True, text=True)  # noqa: S603
    found = _MAJOR.search(said.stdout)
    return int(found[1]) if found else None


async def _describe(connection: AsyncConnection) -> Copy:
    """Count the rows of every table, and read the schema's revision."""
    names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    rows = {}
    for name in sorted(names):
        rows[name] = (await connection.execute(select(func.count()).select_from(table(name)))).scalar_one()
    revision = None
    if "alembic_version" in names:
        revision = (await connection.execute(sql("SELECT version_num FROM alembic_version"))).scalar()
    return Copy(file=Path(), revision=revision, rows=rows)


def _dump(url: URL, snapshot: str, held: Copy, folder: Path) -> Copy:
    file = folder / "copy.dump"
    _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={file}")
    return Copy(file=file, revision=held.revision, rows=held.rows)


def _run(tool: str, url: URL, *arguments: str) -> None:
    """Run a tool of PostgreSQL on a database. Raises `BackupFailed` with the last line it said."""
    if shutil.which(tool) is None:
        raise BackupFailed(text("{tool} is not on this machine; it comes with pg_dump", tool=tool))
    command = [tool, "--no-password", *arguments]
    ran = subprocess.run(command, check=False, env=_environment(url), capture_output=True, text=True)  # noqa: S603
    if ran.returncode:
        said = ran.stderr.strip().splitlines() or [text("exit code {code}", code=ran.returncode)]
        raise BackupFailed(text("{tool} failed: {reason}", tool=tool, reason=said[0]))


def _environment(url: URL) -> Mapping[str, str]:
    """Give what libpq reads instead of arguments, which every user of the machine could see."""
    ssl = url.query.get("ssl")
    named = {
        "PGHOST": url.host or url.query.get("host"),
        "PGPORT": url.port or url.query.get("port"),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": ssl,
    }
    return {**os.environ, **{name: str(value) for name, value in named.items() if value}}


@asynccontextmanager
async def _temporary_database(url: URL) -> AsyncIterator[URL | None]:
    """Make a database for as long as the context lasts; None where that is not allowed.

    Each database of a server has one place to be restored to: what a killed proof left there is removed, and
    two proofs wait for each other.
    """
    engine = server_engine(url, patient=True).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with storage_errors("restore"):
            async with engine.connect() as connection:
                if not (await connection.execute(_MAY_MAKE_DATABASES)).scalar():
                    yield None
                    return
                await connection.execute(sql("SET lock_timeout = 0"))
                await connection.execute(sql("SELECT pg_advisory_lock(:key)"), {"key": PROOF_LOCK})
                name = f"vedette_restore_{(await connection.execute(_OWN_NUMBER)).scalar_one()}"
                remove = sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                await connection.execute(remove)
                await connection.execute(sql(f"CREATE DATABASE {name} TEMPLATE template0"))
                try:
                    yield url.set(database=name)
                finally:
                    await connection.execute(remove)
    finally:
        await engine.dispose()
