"""A real database, filled by the bot's own statements from real rounds, moved to the other engine and back."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from bot.clock import SystemClock
from bot.core.announcements import Message, Tone
from bot.core.live.models import Person, ProfileState
from bot.core.rounds.files import FileRecord, FileState, imported
from bot.errors import StorageError
from bot.storage import live, outbox, rounds, subscriptions
from bot.storage.engine import Database
from bot.storage.migrate import HEAD_REVISION, upgrade
from bot.storage.only_bot import only_bot
from bot.storage.tables import metadata, notes
from tests.databases import PostgreSQL
from tools import copy_storage
from tools.copy_storage import CopyDiffers, main

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 4, 15, 0, 123456, tzinfo=UTC)
NewDatabase = Callable[[str], AbstractAsyncContextManager[str]]


async def fill(url: str, folder: Path, data: Path) -> None:
    """Everything the types can hold: instants, flags, JSON, bytes, letters of all kinds, nothing."""
    await upgrade(url, folder / "backups", NOW, keep=1)
    database = Database.open(url)
    async with database.write("test.fill") as conn:
        for number, name in enumerate(("ana", "böb ☃ 🎉", "")):
            person = Person(platform_id=number * 2**40, handle=f"h{number}", nickname=name, followers=None)
            account = await live.add_account(conn, person, ProfileState.ACTIVE, NOW)
            follows = subscriptions.Subscription(
                account_id=account.id, guild_id=2**62, channel_id=number, role_id=None, paused=bool(number)
            )
            await subscriptions.subscribe(conn, follows, created_by=7, now=NOW)
        message = Message(title="Hello \x00 ☃", tone=Tone.LIVE)
        await outbox.put(conn, event_key="live:1", guild_id=1, channel_id=2, message=message, now=NOW)
        for file in sorted((data / "etlegacy").glob("*-round-*.txt"))[:1100]:
            content = file.read_bytes()
            seen = FileRecord(state=FileState.SEEN, size=len(content), modified_at=NOW, listed_at=NOW)
            await rounds.save_files(conn, "main", {file.name: seen}, now=NOW, silent=True)
            await rounds.keep_content(
                conn, "main", file.name, imported(seen), sha256=file.name, content=content
            )
        await conn.execute(insert(notes).values(name="empty", value=""))
    await database.close()


@pytest.fixture
async def source(new_database: NewDatabase, tmp_path: Path, reference_data: Path) -> AsyncIterator[str]:
    async with new_database("sqlite") as url:
        await fill(url, tmp_path, reference_data)
        yield url


@pytest.fixture
async def target(new_database: NewDatabase) -> AsyncIterator[str]:
    async with new_database("postgresql") as url:
        yield url


@asynccontextmanager
async def opened(*urls: str) -> AsyncIterator[list[Database]]:
    async with AsyncExitStack() as stack:
        databases = [Database.open(url) for url in urls]
        for database in databases:
            stack.push_async_callback(database.close)
        yield databases


async def everything(url: str) -> dict[str, list[tuple]]:
    """Every row of every table as the bot reads it."""
    async with opened(url) as (database,), database.read() as conn:
        return {
            table.name: sorted(map(tuple, (await conn.execute(select(table))).all()), key=repr)
            for table in metadata.sorted_tables
        }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tools.copy_storage", *arguments]


async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, command(*arguments), check=False, cwd=ROOT, capture_output=True, text=True
    )


async def test_every_row_arrives_and_the_bot_goes_on_there(source, target):
    done = await run("--from", source, "--to", target)
    assert done.returncode == 0, done.stderr
    assert "DIFFERS" not in done.stdout
    before = await everything(source)
    assert await everything(target) == before
    assert sum(map(len, before.values())) > 10
    async with opened(target) as (database,), database.write("test.on") as conn:
        more = await live.add_account(
            conn, Person(platform_id=5, handle="new", nickname="", followers=1), ProfileState.ACTIVE, NOW
        )
        assert more.id == 1 + len(before["accounts"])


async def test_and_back_again(source, target, new_database):
    assert (await run("--from", source, "--to", target)).returncode == 0
    async with new_database("sqlite") as home:
        assert (await run("--from", target, "--to", home)).returncode == 0
        assert await everything(home) == await everything(source)


async def test_a_target_with_rows_is_refused_and_left_alone(source, target, tmp_path):
    await upgrade(target, tmp_path, NOW, keep=1)
    async with opened(target) as (database,), database.write("test.row") as conn:
        await conn.execute(insert(notes).values(name="mine", value="x"))
    before = await everything(target)
    done = await run("--from", source, "--to", target)
    assert done.returncode == 1
    assert "not empty: it has rows in notes" in done.stderr
    assert await everything(target) == before


async def test_what_is_no_source_is_refused_and_makes_nothing(target, tmp_path, postgresql: PostgreSQL):
    done = await run("--from", f"sqlite:///{tmp_path}/none.db", "--to", target)
    assert done.returncode == 1
    assert "there is no database at" in done.stderr
    assert (
        await postgresql.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name_in(target))
        == []
    )


async def test_an_older_source_must_be_migrated_first(source, target):
    async with opened(source) as (database,), database.write("test.old") as conn:
        await conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    done = await run("--from", source, "--to", target)
    assert done.returncode == 1
    assert f"not {HEAD_REVISION}: migrate it first" in done.stderr


async def test_a_running_bot_is_not_copied(source, target):
    async with only_bot(source, SystemClock()):
        done = await run("--from", source, "--to", target)
    assert done.returncode == 1
    assert "another Vedette is running" in done.stderr


async def test_a_copy_killed_half_way_leaves_no_row_and_the_next_one_is_whole(source, target, postgresql):
    slow = (
        "import sys; from tools import copy_storage as c; seen = []\n"
        "plus = c.Sum.plus\n"
        "def halt(self, rows):\n"
        "    seen.append(len(rows))\n"
        "    if len(seen) == 5: print('half way', flush=True); sys.stdin.read()\n"
        "    return plus(self, rows)\n"
        "c.Sum.plus = halt; c.CHUNK = 2; c.main(sys.argv[1:])\n"
    )
    copying = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
        [sys.executable, "-c", slow, "--from", source, "--to", target],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert await asyncio.to_thread(copying.stdout.readline) == "half way\n"
    copying.send_signal(signal.SIGKILL)
    copying.communicate()
    assert not any((await everything(target)).values())
    assert (await run("--from", source, "--to", target)).returncode == 0
    assert await everything(target) == await everything(source)


async def test_a_difference_is_shown_and_nothing_is_kept(source, target, monkeypatch):
    original = copy_storage._sum_of

    async def one_bit_off(table, connection):
        found = await original(table, connection)
        return replace(found, checksum=found.checksum ^ 1) if table.name == "accounts" else found

    monkeypatch.setattr(copy_storage, "_sum_of", one_bit_off)
    with pytest.raises(CopyDiffers) as caught:
        await copy_storage.copy_storage(source, target)
    assert [table.table for table in caught.value.tables if not table.is_same] == ["accounts"]
    assert not any((await everything(target)).values())


def test_a_wrong_url_is_one_line_and_exit_code_1(capsys):
    assert main(["--from", "mysql://u:canary@h/d", "--to", "postgresql://h/d"]) == 1
    said = capsys.readouterr().err
    assert "there is no support for mysql" in said
    assert "canary" not in said


async def test_the_same_database_twice_is_refused(source):
    with pytest.raises(StorageError, match="the same"):
        await copy_storage.copy_storage(source, source)


def name_in(url: str) -> str:
    return url.rsplit("/", 1)[1]
