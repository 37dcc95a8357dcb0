from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.errors import BackupFailed
from bot.storage.backup import list_backups, make_backup, verify_backup
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import known_revisions, upgrade
from bot.storage.tables import notes

NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)
KNOWN = known_revisions()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vedette.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
async def database(file: Path, folder: Path) -> AsyncIterator[Database]:
    await upgrade(sqlite_url(file), folder, NOW, keep=3)
    database = Database.open(sqlite_url(file))
    async with database.write("test.fill") as conn:
        await conn.execute(notes.insert(), [{"name": name, "value": "0"} for name in "ab"])
    yield database
    await database.close()


def values(backup: Path) -> list[str]:
    with closing(sqlite3.connect(backup)) as plain:
        return [row[0] for row in plain.execute("SELECT value FROM notes WHERE name IN ('a', 'b')")]


async def test_a_backup_made_while_the_bot_writes_is_of_one_instant(database, file, folder):
    """Two rows always change together, and the rest grows: a torn copy would show."""
    done = asyncio.Event()
    written = 0

    async def keep_writing() -> None:
        nonlocal written
        while not done.is_set():
            async with database.write("test.both") as conn:
                written += 1
                await conn.execute(update(notes).where(notes.c.name == "a").values(value=str(written)))
                await conn.execute(notes.insert().values(name=f"n{written}", value="x" * 2000))
                await conn.execute(update(notes).where(notes.c.name == "b").values(value=str(written)))

    writing = asyncio.create_task(keep_writing())
    found = []
    for second in range(5):
        before = written
        now = NOW + timedelta(seconds=second)
        backup = await asyncio.to_thread(make_backup, file, folder, now=now, keep=9)
        found.append((before, values(backup), verify_backup(backup, KNOWN).rows["notes"]))
    done.set()
    await writing
    for before, (a, b), rows in found:
        assert a == b
        assert int(a) + 2 == rows
        assert int(a) >= before - 1, "what was committed before the backup began is in it"
    assert int(found[-1][1][0]) > int(found[0][1][0]), "the bot wrote meanwhile"


async def test_a_backup_holds_what_is_still_in_the_log_only(database, file, folder):
    async with database.write("test.more") as conn:
        await conn.execute(update(notes).values(value="in the log"))
    assert b"in the log" not in file.read_bytes()
    assert values(make_backup(file, folder, now=NOW, keep=3)) == ["in the log", "in the log"]


async def test_a_restored_backup_is_a_working_database(database, file, folder, tmp_path):
    backup = make_backup(file, folder, now=NOW, keep=3)
    restored = tmp_path / "restored.db"
    restored.write_bytes(backup.read_bytes())
    await upgrade(sqlite_url(restored), folder, NOW, keep=3)
    again = Database.open(sqlite_url(restored))
    async with again.write("test.write") as conn:
        await conn.execute(update(notes).values(value="1"))
        assert (await conn.execute(select(notes.c.value))).scalars().all() == ["1", "1"]
    await again.close()


async def test_the_name_has_the_utc_time_and_the_manifest_says_what_is_in_it(database, file, folder):
    local = NOW.astimezone(timezone(timedelta(hours=-9)))
    backup = make_backup(file, folder, now=local, keep=3)
    assert backup == folder / "vedette-20261121T041500Z.db"
    manifest = verify_backup(backup, KNOWN)
    assert manifest.made_at == "2026-11-21T04:15:00+00:00"
    assert manifest.revision in KNOWN
    assert manifest.rows["notes"] == 2
    assert manifest.rows["accounts"] == 0
    assert sorted(path.name for path in folder.iterdir()) == [backup.name, backup.name + ".json"]


async def test_the_newest_are_kept_and_other_files_are_not_touched(database, file, folder):
    folder.mkdir()
    (folder / "vedette-mine.db").write_text("not a backup of ours")
    made = [make_backup(file, folder, now=NOW + timedelta(days=day), keep=3) for day in range(5)]
    assert list_backups(folder) == tuple(reversed(made[2:]))
    assert len(list(folder.iterdir())) == 7
    for backup in list_backups(folder):
        verify_backup(backup, KNOWN)


async def test_a_backup_is_never_removed_by_its_own_making(database, file, folder):
    make_backup(file, folder, now=NOW, keep=1)
    earlier = make_backup(file, folder, now=NOW - timedelta(days=1), keep=1)
    assert list_backups(folder) == (earlier,)


async def test_two_backups_of_the_same_second_are_two_files(database, file, folder):
    first, second = (make_backup(file, folder, now=NOW, keep=3) for _ in range(2))
    assert list_backups(folder) == (second, first)


async def test_a_backup_that_goes_is_whole_until_it_is_gone(database, file, folder, monkeypatch):
    make_backup(file, folder, now=NOW, keep=1)
    unlink, left = Path.unlink, []

    def watched(path: Path, *arguments: object, **named: object) -> None:
        unlink(path, *arguments, **named)
        if path.parent == folder:
            left.append([verify_backup(backup, KNOWN) for backup in list_backups(folder)])

    monkeypatch.setattr(Path, "unlink", watched)
    make_backup(file, folder, now=NOW + timedelta(days=1), keep=1)
    assert [len(whole) for whole in left] == [1, 1]
    assert len(list(folder.iterdir())) == 2


async def test_the_manifest_of_a_backup_that_was_killed_is_swept_and_one_at_work_is_not(
    database, file, folder
):
    folder.mkdir()
    old, young = folder / "vedette-20250101T000000Z.db.json", folder / "vedette-20250102T000000Z.db.json"
    for manifest in (old, young):
        manifest.write_text("{}")
    os.utime(old, (0, (NOW - timedelta(days=2)).timestamp()))
    os.utime(young, (0, NOW.timestamp()))
    make_backup(file, folder, now=NOW, keep=3)
    assert not old.exists()
    assert young.exists()


async def test_what_a_killed_backup_left_is_swept_and_one_at_work_is_not(database, file, folder):
    old, young = folder / ".unfinished-old", folder / ".unfinished-young"
    for left, age in ((old, timedelta(days=2)), (young, timedelta(minutes=1))):
        left.mkdir(parents=True)
        os.utime(left, ((NOW - age).timestamp(),) * 2)
    make_backup(file, folder, now=NOW, keep=3)
    assert (old.exists(), young.exists()) == (False, True)


def damage_page(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[8192:8292] = b"\xff" * 100  # the second page only says where the others belong
    backup.write_bytes(content)


def damage_with_matching_hash(backup: Path) -> None:
    import hashlib

    damage_page(backup)
    rewrite(backup, sha256=hashlib.sha256(backup.read_bytes()).hexdigest())


def rewrite(backup: Path, **changes: object) -> None:
    manifest = backup.with_name(backup.name + ".json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (damage_page, "hash"),
        (damage_with_matching_hash, "damaged|malformed"),
        (lambda backup: backup.write_bytes(backup.read_bytes()[:-4096]), "hash"),
        (lambda backup: rewrite(backup, rows={"notes": 3}), "does not hold"),
        (lambda backup: rewrite(backup, revision="0000"), "does not hold"),
        (lambda backup: backup.with_name(backup.name + ".json").unlink(), "manifest"),
        (lambda backup: backup.with_name(backup.name + ".json").write_text("{}"), "manifest"),
        (lambda backup: backup.unlink(), "no backup"),
    ],
)
async def test_a_backup_that_cannot_be_trusted_is_reported(database, file, folder, harm, said):
    backup = make_backup(file, folder, now=NOW, keep=3)
    verify_backup(backup, KNOWN)
    harm(backup)
    with pytest.raises(BackupFailed, match=said):
        verify_backup(backup, KNOWN)


async def test_a_backup_of_a_newer_version_is_reported(database, file, folder):
    backup = make_backup(file, folder, now=NOW, keep=3)
    with pytest.raises(BackupFailed, match="does not know"):
        verify_backup(backup, frozenset({"0000"}))


async def test_a_damaged_database_gives_no_backup_and_keeps_the_old_ones(database, file, folder):
    good = make_backup(file, folder, now=NOW, keep=1)
    await database.close()
    damage_page(file)
    with pytest.raises(BackupFailed):
        make_backup(file, folder, now=NOW + timedelta(days=1), keep=1)
    assert list_backups(folder) == (good,)


def test_no_database_no_backup_and_no_file_made(tmp_path):
    with pytest.raises(BackupFailed, match="no database"):
        make_backup(tmp_path / "x.db", tmp_path, now=NOW, keep=3)
    assert not list(tmp_path.iterdir())
