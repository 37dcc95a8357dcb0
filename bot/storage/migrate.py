"""Bring the database to the schema this version knows: after a backup, in one transaction, by one process.

Revisions live in `migrations/versions`, one file each, named by the revision: ``0002_what_changes.py``. They
go forward only; the way back is the backup made before. To change the schema: change `tables.py`, add the
revision with the next number, raise `HEAD_REVISION`; a test compares what both make. A start that finds nothing to do does not even
import Alembic (0.4 s, 38 MB).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import SchemaTooNew, StorageError
from bot.storage.backup_server import back_up, why_no_backup
from bot.storage.engine import Database

HEAD_REVISION = "0008"
SCRIPTS = Path(__file__).with_name("migrations")

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upgrade:
    """What `upgrade` found and did; `before` is None for a new database, `backup` None when none was needed."""

    before: str | None
    after: str
    backup: Path | None = None


async def upgrade(url: URL | str, backup_folder: Path, now: datetime, *, keep: int) -> Upgrade:
    """Bring the database up to `HEAD_REVISION`; of several processes at once the first does it.

    An existing database is copied to `backup_folder` first, of whose backups `keep` stay. Killed
    at any moment, it leaves the old schema or the new one. Raises `SchemaTooNew`, `BackupFailed`,
    `StorageError`.
    """
    database = Database.open(url, migrating=True)
    try:
        async with database.read() as connection:
            found = await current_revision(connection)
        if found == HEAD_REVISION:
            return Upgrade(before=found, after=found)
        return await _upgrade_as_only_writer(database, backup_folder, now, keep)
    finally:
        await database.close()


async def current_revision(connection: AsyncConnection) -> str | None:
    """Read the revision of the schema, None for an empty database."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
        return None
    return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()


async def require_current(database: Database) -> None:
    """Raise `StorageError` where there is no database yet, or one of another version than this."""
    file = database.embedded_file
    if file is not None and not file.is_file():
        raise StorageError(f"there is no database at {file}: start the bot once, or run its migrate")
    async with database.read() as conn:
        found = await current_revision(conn)
    if found != HEAD_REVISION:
        raise StorageError(
            f"the database has schema {found or 'none'}, not {HEAD_REVISION}: migrate it first"
        )


def known_revisions() -> frozenset[str]:
    """Give every revision this version can start from; a file is named by its revision."""
    return frozenset(file.stem.partition("_")[0] for file in (SCRIPTS / "versions").glob("[0-9]*.py"))


def refuse_unknown(revision: str | None) -> None:
    """Raise `SchemaTooNew` for a schema no migration of this version leads from."""
    if revision is not None and revision not in known_revisions():
        raise SchemaTooNew(
            f"the database has schema {revision}, which this version does not know (it knows up to "
            f"{HEAD_REVISION}): a newer Vedette wrote it. Update Vedette, or put back a backup made before "
            "the newer version ran. Nothing was changed."
        )


async def _upgrade_as_only_writer(
    database: Database, backup_folder: Path, now: datetime, keep: int
) -> Upgrade:
    async with database.write("migrate") as connection:
        before = await current_revision(connection)
        if before == HEAD_REVISION:  # another process was faster
            return Upgrade(before=before, after=before)
        refuse_unknown(before)
        backup = None
        if before is not None and await _can_be_copied(database, connection):
            # This transaction has written nothing yet, and nobody else can: the copy is of this instant.
            backup = await back_up(database.url, backup_folder, now=now, keep=keep)
        await connection.run_sync(_run_migrations)
        if await current_revision(connection) != HEAD_REVISION:
            raise StorageError("the migrations ended without reaching the newest schema; nothing was changed")
    return Upgrade(before=before, after=HEAD_REVISION, backup=backup)


async def _can_be_copied(database: Database, connection: AsyncConnection) -> bool:
    """Whether a backup can be made. A server has backups of its own: without pg_dump they must do."""
    why_not = "" if database.embedded_file else await why_no_backup(connection)
    if why_not:
        log.warning("The schema changes without a backup before: %s", why_not)
    return not why_not


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - heavy, and hardly ever needed
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite":  # foreign keys were off, so that tables could be rebuilt
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise StorageError(f"a migration broke {len(broken)} references; nothing was changed")
