from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.discord.speech import Speaker
from bot.errors import BackupFailed
from bot.storage import backup_server
from bot.storage.backup import list_backups
from bot.storage.backup_server import back_up, verify
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import known_revisions, upgrade
from bot.storage.tables import notes
from tests.databases import LOGIN, PASSWORD, PostgreSQL

NOW = datetime(2026, 11, 21, 4, 15, tzinfo=UTC)
KNOWN = known_revisions()
ROOT = Path(__file__).parents[2]
RESTORED = "SELECT datname FROM pg_database WHERE datname LIKE 'vedette_restore%'"
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from bot.storage import backup_server
from bot.storage.migrate import known_revisions

backup_server._run = lambda *command: os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(backup_server.verify(sys.argv[1], Path(sys.argv[2]), known_revisions()))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def tools(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own tools come first on the PATH."""
    monkeypatch.setenv("PATH", f"{postgresql.programs}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
async def url(postgresql: PostgreSQL, tools: None, folder: Path) -> AsyncIterator[str]:
    async with postgresql.empty_database() as url:
        await upgrade(url, folder, NOW, keep=3)
        database = Database.open(url)
        async with database.write("test.fill") as conn:
            await conn.execute(notes.insert(), [{"name": name, "value": "0"} for name in "ab"])
        await database.close()
        yield url


async def test_a_backup_is_restored_elsewhere_and_holds_every_row(url, folder):
    backup = await back_up(url, folder, now=NOW, keep=3)
    assert backup == folder / "vedette-20261121T041500Z.dump"
    proof = await verify(url, backup, KNOWN)
    assert proof.restored
    assert proof.manifest.rows["notes"] == 2
    assert proof.manifest.revision in KNOWN


async def test_a_backup_made_while_the_bot_writes_is_of_one_instant(url, folder):
    """The manifest is counted and the dump is made at different moments, of one snapshot."""
    database, done, written = Database.open(url), asyncio.Event(), 0

    async def keep_writing() -> None:
        nonlocal written
        while not done.is_set():
            async with database.write("test.both") as conn:
                written += 1
                await conn.execute(update(notes).values(value=str(written)))
                await conn.execute(notes.insert().values(name=f"n{written}", value="x"))

    writing = asyncio.create_task(keep_writing())
    found = []
    for second in range(3):
        before = written
        backup = await back_up(url, folder, now=NOW + timedelta(seconds=second), keep=9)
        rows = (await verify(url, backup, KNOWN)).manifest.rows["notes"]
        assert before + 2 <= rows <= written + 2
        found.append(rows)
    done.set()
    await writing
    await database.close()
    assert found[-1] > found[0]


async def test_the_restored_rows_are_the_rows(url, folder, postgresql):
    backup = await back_up(url, folder, now=NOW, keep=3)
    async with postgresql.empty_database() as other:
        await asyncio.to_thread(
            backup_server._run,
            "pg_restore",
            Database.open(other).url,
            "--dbname",
            other.rsplit("/", 1)[1],
            str(backup),
        )
        restored = Database.open(other)
        async with restored.read() as conn:
            assert set((await conn.execute(select(notes.c.name))).scalars()) == {"a", "b"}
        async with restored.write("test.on") as conn:
            await conn.execute(notes.insert().values(name="c", value="new"))
        await restored.close()


async def test_no_password_is_in_the_arguments_of_a_tool(url, folder, monkeypatch):
    seen = []

    def run(command, **more):
        seen.append(command)
        return original(command, **more)

    original = backup_server.subprocess.run
    monkeypatch.setattr(backup_server.subprocess, "run", run)
    await verify(url, await back_up(url, folder, now=NOW, keep=3), KNOWN)
    assert {Path(command[0]).name for command in seen} == {"pg_dump", "pg_restore"}
    assert PASSWORD not in str(seen)
    assert PASSWORD.encode() not in b"".join(file.read_bytes() for file in folder.iterdir())


async def test_the_newest_are_kept(url, folder):
    made = [await back_up(url, folder, now=NOW + timedelta(days=day), keep=2) for day in range(3)]
    assert list_backups(folder) == (made[2], made[1])
    assert len(list(folder.iterdir())) == 4


async def test_without_pg_dump_it_says_how_to_get_it(url, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BackupFailed, match=r"pg_dump is not on this machine; install it \(Debian: postgresql-client-18\)"
    ):
        await back_up(url, folder, now=NOW, keep=3)
    assert not list_backups(folder)


async def test_an_admin_reads_why_there_is_no_backup_in_their_language(url, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupFailed) as caught:
        await back_up(url, folder, now=NOW, keep=3)
    said = Speaker(language="id").say(caught.value.words)
    assert said.startswith(
        "tidak ada cadangan: pg_dump tidak ada di mesin ini; pasanglah (Debian: postgresql-"
    )


async def test_an_old_pg_dump_is_not_tried(url, folder, monkeypatch, tmp_path):
    tool = tmp_path / "pg_dump"
    tool.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 11.2 (Debian 11.2)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(BackupFailed, match="pg_dump 11 is too old for PostgreSQL 18"):
        await back_up(url, folder, now=NOW, keep=3)


def change_a_byte(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[-20] ^= 255
    backup.write_bytes(content)


def claim_another_row(backup: Path) -> None:
    manifest = backup.with_name(backup.name + ".json")
    found = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**found, "rows": {**found["rows"], "notes": 3}}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [(change_a_byte, "hash"), (claim_another_row, "does not hold"), (Path.unlink, "no backup")],
)
async def test_a_backup_that_cannot_be_trusted_is_reported(url, folder, harm, said):
    backup = await back_up(url, folder, now=NOW, keep=3)
    harm(backup)
    with pytest.raises(BackupFailed, match=said):
        await verify(url, backup, KNOWN)


async def test_nothing_of_a_proof_is_left_on_the_server(url, folder, postgresql):
    backup = await back_up(url, folder, now=NOW, keep=3)
    claim_another_row(backup)
    with pytest.raises(BackupFailed):
        await verify(url, backup, KNOWN)
    assert await postgresql.ask(RESTORED) == []


async def test_what_a_killed_proof_left_on_the_server_is_gone_after_the_next_one(url, folder, postgresql):
    backup = await back_up(url, folder, now=NOW, keep=3)
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, url, backup], check=False, cwd=ROOT
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(await postgresql.ask(RESTORED)) == 1
    assert (await verify(url, backup, KNOWN)).restored
    assert await postgresql.ask(RESTORED) == []


async def test_two_proofs_at_once_do_not_disturb_each_other(url, folder):
    backup = await back_up(url, folder, now=NOW, keep=3)
    proofs = await asyncio.gather(*(verify(url, backup, KNOWN) for _ in range(2)))
    assert [proof.restored for proof in proofs] == [True, True]


async def test_a_role_that_may_make_no_database_still_gets_its_file_read(url, folder, postgresql):
    backup = await back_up(url, folder, now=NOW, keep=3)
    await postgresql.order("CREATE ROLE humble LOGIN PASSWORD 'humble'")
    humble = url.replace(LOGIN, "humble:humble")
    try:
        assert not (await verify(humble, backup, KNOWN)).restored
    finally:
        await postgresql.order("DROP ROLE humble")


async def test_a_servers_backup_cannot_be_proven_without_a_server(url, folder, tmp_path):
    backup = await back_up(url, folder, now=NOW, keep=3)
    with pytest.raises(BackupFailed, match="DATABASE_URL"):
        await verify(sqlite_url(tmp_path / "x.db"), backup, KNOWN)


async def test_an_embedded_database_is_copied_as_ever(folder, tmp_path):
    file = tmp_path / "vedette.db"
    await upgrade(sqlite_url(file), folder, NOW, keep=3)
    backup = await back_up(sqlite_url(file), folder, now=NOW, keep=3)
    assert backup.suffix == ".db"
    assert (await verify(sqlite_url(file), backup, KNOWN)).restored
