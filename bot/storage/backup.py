"""Copies of the embedded database, made while it is used, and the proof that a copy can be restored.

A backup is ``vedette-20261121T041500Z.db`` with its manifest ``….db.json`` beside it: when it was made, the
schema's revision, the SHA-256 of the file and the number of rows of every table. To restore one, stop the
bot and copy the file over the database.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.errors import BackupFailed

_NAME = re.compile(r"vedette-\d{8}T\d{6}Z(_\d+)?\.db")
_BUSY_TIMEOUT_SECONDS = 30.0
_UNFINISHED = ".unfinished-"
_UNFINISHED_KEPT = timedelta(days=1)
_NOT_EMBEDDED = "this database is on a server: its own tool makes backups (pg_dump --format=custom)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup must hold. `made_at` is ISO 8601 in UTC; `rows` maps each table to its number of rows."""

    made_at: str
    revision: str | None
    sha256: str
    rows: dict[str, int]


def make_backup(database: Path | None, folder: Path, *, now: datetime, keep: int) -> Path:
    """Copy the database file as it is at one instant; readers and the writer go on meanwhile.

    The `keep` newest backups of the folder stay. Blocks: call it in a thread. Raises `BackupFailed`, which
    says so when there is no file because the database is on a server.
    """
    if database is None:
        raise BackupFailed(_NOT_EMBEDDED)
    if not database.is_file():
        raise BackupFailed(f"there is no database at {database}")
    with _failures(f"no backup was made in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, now)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_UNFINISHED) as unfinished:
            copy = Path(unfinished) / "copy.db"
            with closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_SECONDS)) as source:
                source.execute("VACUUM INTO ?", (str(copy),))
            backup = _publish(copy, folder, now)
        for old in list_backups(folder, but=backup)[max(0, keep - 1) :]:
            old.unlink()  # the manifest last, so that no backup lacks one
            _manifest_of(old).unlink(missing_ok=True)
    return backup


def verify_backup(backup: Path, known_revisions: frozenset[str]) -> Manifest:
    """Restore a backup into a temporary place and check all of it there; give its manifest.

    Checked are: the file's hash, SQLite's own integrity and foreign keys, a revision this version can
    start from, and the number of rows of each table. Blocks. Raises `BackupFailed` with what is wrong.
    """
    manifest = _read_manifest(backup)
    with (
        _failures(f"{backup.name} is damaged"),
        tempfile.TemporaryDirectory(prefix="vedette-restore-") as place,
    ):
        restored = Path(shutil.copy(backup, Path(place) / "restored.db"))
        if _sha256(restored) != manifest.sha256:
            raise BackupFailed(f"{backup.name} is damaged: its hash is not the one in the manifest")
        found = _describe(restored, manifest.made_at)
    if found.rows != manifest.rows or found.revision != manifest.revision:
        raise BackupFailed(f"{backup.name} does not hold what its manifest says")
    if found.revision not in known_revisions:
        raise BackupFailed(f"{backup.name} has schema {found.revision}, which this version does not know")
    return manifest


def list_backups(folder: Path, *, but: Path | None = None) -> tuple[Path, ...]:
    """Give the backups in a folder, newest first, without `but`."""
    if not folder.is_dir():
        return ()
    found = (file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file != but)
    return tuple(sorted(found, key=lambda file: file.name, reverse=True))


def _sweep(folder: Path, now: datetime) -> None:
    """Remove what killed backups left; a young one may still be at work."""
    manifests = [file for file in folder.glob("*.json") if _NAME.fullmatch(file.stem)]
    lonely = [manifest for manifest in manifests if not manifest.with_suffix("").exists()]
    for left in (*folder.glob(_UNFINISHED + "*"), *lonely):
        if now - datetime.fromtimestamp(left.stat().st_mtime, UTC) <= _UNFINISHED_KEPT:
            continue
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _publish(copy: Path, folder: Path, now: datetime) -> Path:
    """Check a finished copy and move it to its name; the manifest first, so that no backup lacks one."""
    stamp = now.astimezone(UTC)
    manifest = _describe(copy, stamp.isoformat(timespec="seconds"))
    target = _free_name(folder, f"vedette-{stamp:%Y%m%dT%H%M%SZ}")
    written = copy.with_suffix(".json")
    written.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    for file, name in ((written, _manifest_of(target)), (copy, target)):
        _flush(file)
        file.replace(name)
    if os.name == "posix":  # elsewhere a folder cannot be opened to be flushed
        _flush(folder)
    return target


def _describe(file: Path, made_at: str) -> Manifest:
    """Check a database that nobody writes to and count its rows. Raises `BackupFailed`."""
    with closing(sqlite3.connect(file)) as database:
        faults = [row[0] for row in database.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        faults += [
            f"a dangling reference in {row[0]}" for row in database.execute("PRAGMA foreign_key_check")
        ]
        if faults:
            raise BackupFailed(f"the copy is damaged: {'; '.join(faults[:5])}")
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = {
            name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - own names
            for name in sorted(names)
            if not name.startswith("sqlite_")
        }
        revision = None
        if "alembic_version" in names:
            revision = next(
                iter(database.execute("SELECT version_num FROM alembic_version").fetchone() or ()), None
            )
    return Manifest(made_at=made_at, revision=revision, sha256=_sha256(file), rows=rows)


def _read_manifest(backup: Path) -> Manifest:
    if not backup.is_file():
        raise BackupFailed(f"there is no backup at {backup}")
    try:
        return Manifest(**json.loads(_manifest_of(backup).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackupFailed(f"the manifest beside {backup.name} cannot be read") from error


def _manifest_of(backup: Path) -> Path:
    return backup.with_name(backup.name + ".json")


def _free_name(folder: Path, stem: str) -> Path:
    names = itertools.chain([f"{stem}.db"], (f"{stem}_{number}.db" for number in itertools.count(2)))
    return next(file for file in (folder / name for name in names) if not file.exists())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Make the operating system write a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _failures(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"{what}: {error}") from error
