"""Copies of the database, made while it is used, and the proof that a copy can be restored.

A backup is ``vedette-20261121T041500Z.db`` with its manifest ``….db.json`` beside it: when it was made, the
schema's revision, the SHA-256 of the file and the number of rows of every table. To restore one, stop the
bot and copy the file over the database. Backups of a server are ``….dump`` (`bot.storage.backup_server`).
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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bot.errors import BackupFailed
from bot.texts import join, text

_NAME = re.compile(r"vedette-\d{8}T\d{6}Z(_\d+)?\.(db|dump)")
_BUSY_TIMEOUT_SECONDS = 30.0
_UNFINISHED = ".unfinished-"
_UNFINISHED_KEPT = timedelta(days=1)

Copier = Callable[[Path], "Copy"]
"""Makes a copy in the folder it is given; raises `BackupFailed`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """A finished copy of a database and what it holds; `rows` maps each table to its number of rows."""

    file: Path
    revision: str | None
    rows: dict[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a backup must hold. `made_at` is ISO 8601 in UTC; `rows` maps each table to its number of rows."""

    made_at: str
    revision: str | None
    sha256: str
    rows: dict[str, int]


def make_backup(source: Path | Copier, folder: Path, *, now: datetime, keep: int) -> Path:
    """Copy a database as it is at one instant; readers and the writer go on meanwhile.

    `source` is the file of an embedded one, or what copies one on a server. The `keep` newest backups of
    the folder stay. Blocks: call it in a thread. Raises `BackupFailed`.
    """
    if isinstance(source, Path) and not source.is_file():
        raise BackupFailed(text("there is no database at {file}", file=str(source)))
    copy = partial(_copy_file, source) if isinstance(source, Path) else source
    with failures(text("no backup was made in {folder}", folder=str(folder))):
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, now)
        with tempfile.TemporaryDirectory(dir=folder, prefix=_UNFINISHED) as unfinished:
            backup = _publish(copy(Path(unfinished)), folder, now)
        for old in list_backups(folder, but=backup)[max(0, keep - 1) :]:
            old.unlink()  # the manifest last, so that no backup lacks one
            _manifest_of(old).unlink(missing_ok=True)
    return backup


def verify_backup(backup: Path, known_revisions: frozenset[str]) -> Manifest:
    """Restore a backup into a temporary place and check all of it there; give its manifest.

    Checked are: the file's hash, SQLite's own integrity and foreign keys, a revision this version can
    start from, and the number of rows of each table. Blocks. Raises `BackupFailed` with what is wrong.
    """
    manifest = read_manifest(backup)
    with (
        failures(f"{backup.name} is damaged"),
        tempfile.TemporaryDirectory(prefix="vedette-restore-") as place,
    ):
        restored = Path(shutil.copy(backup, Path(place) / "restored.db"))
        compare(manifest, _described(restored), backup, known_revisions)
    return manifest


def read_manifest(backup: Path) -> Manifest:
    """Read what a backup must hold and check its file by its hash. Blocks. Raises `BackupFailed`."""
    if not backup.is_file():
        raise BackupFailed(f"there is no backup at {backup}")
    try:
        manifest = Manifest(**json.loads(_manifest_of(backup).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BackupFailed(f"the manifest beside {backup.name} cannot be read") from error
    if _sha256(backup) != manifest.sha256:
        raise BackupFailed(f"{backup.name} is damaged: its hash is not the one in the manifest")
    return manifest


def compare(manifest: Manifest, found: Copy, backup: Path, known_revisions: frozenset[str]) -> None:
    """Raise `BackupFailed` where a restored copy is not what its manifest says, or of a newer version."""
    if found.rows != manifest.rows or found.revision != manifest.revision:
        raise BackupFailed(f"{backup.name} does not hold what its manifest says")
    if found.revision not in known_revisions:
        raise BackupFailed(f"{backup.name} has schema {found.revision}, which this version does not know")


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


def _copy_file(database: Path, unfinished: Path) -> Copy:
    copy = unfinished / "copy.db"
    with closing(sqlite3.connect(database, timeout=_BUSY_TIMEOUT_SECONDS)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
    return _described(copy)


def _publish(copy: Copy, folder: Path, now: datetime) -> Path:
    """Move a finished copy to its name; the manifest first, so that no backup lacks one."""
    stamp = now.astimezone(UTC)
    manifest = Manifest(
        made_at=stamp.isoformat(timespec="seconds"),
        revision=copy.revision,
        sha256=_sha256(copy.file),
        rows=copy.rows,
    )
    target = _free_name(folder, f"vedette-{stamp:%Y%m%dT%H%M%SZ}", copy.file.suffix)
    written = copy.file.with_suffix(".json")
    written.write_text(json.dumps(asdict(manifest), indent=1) + "\n", encoding="utf-8")
    for file, name in ((written, _manifest_of(target)), (copy.file, target)):
        flush(file)
        file.replace(name)
    if os.name == "posix":  # elsewhere a folder cannot be opened to be flushed
        flush(folder)
    return target


def _described(file: Path) -> Copy:
    """Check a database that nobody writes to and count its rows. Raises `BackupFailed`."""
    with closing(sqlite3.connect(file)) as database:
        faults = [row[0] for row in database.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
        faults += [
            text("a dangling reference in {table}", table=row[0])
            for row in database.execute("PRAGMA foreign_key_check")
        ]
        if faults:
            raise BackupFailed(text("the copy is damaged: {faults}", faults=join("; ", faults[:5])))
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
    return Copy(file=file, revision=revision, rows=rows)


def _manifest_of(backup: Path) -> Path:
    return backup.with_name(backup.name + ".json")


def _free_name(folder: Path, stem: str, suffix: str) -> Path:
    more = (f"{stem}_{number}{suffix}" for number in itertools.count(2))
    names = itertools.chain([stem + suffix], more)
    return next(file for file in (folder / name for name in names) if not file.exists())


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Make the operating system write a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def failures(what: str) -> Iterator[None]:
    """Turn errors of files and of SQLite into `BackupFailed`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(join(": ", (what, str(error)))) from error
