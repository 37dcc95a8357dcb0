from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event, select, text, update

from bot.errors import StorageError
from bot.storage import engine as engine_module
from bot.storage.engine import Database, embedded_file
from bot.storage.engine import database_url as read_url
from bot.storage.postgresql import SESSION
from tests.storage.toys import counters, things, toys

ROOT = Path(__file__).parents[2]
WRITER = """
import asyncio, sys
from sqlalchemy import text
from bot.storage.engine import Database

async def main(url, times, halt):
    database = Database.open(url)
    for _ in range(int(times)):
        async with database.write("other.add") as conn:
            value = (await conn.execute(text("SELECT value FROM counters WHERE name = 'c'"))).scalar_one()
            await conn.execute(text("UPDATE counters SET value = :v WHERE name = 'c'"), {"v": value + 1})
            if halt:
                print("inside", flush=True)
                sys.stdin.read()
    await database.close()

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3] == "halt"))
"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(database_url)
    async with database.write("test.create") as conn:
        await conn.run_sync(toys.create_all)
        await conn.execute(counters.insert().values(name="c", value=0))
    yield database
    await database.close()


def other_process(url: str, times: int, how: str = "run") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(times), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def turn() -> None:
    await asyncio.sleep(0)  # noqa: TID251 - the event loop's next turn, not time


async def add_one(database: Database) -> None:
    async with database.write("test.add") as conn:
        value = (await conn.execute(select(counters.c.value))).scalar_one()
        await turn()  # every other task tries to come between
        await conn.execute(update(counters).values(value=value + 1))


async def count(database: Database) -> int:
    async with database.read() as conn:
        return (await conn.execute(select(counters.c.value))).scalar_one()


async def test_concurrent_changes_of_one_value_lose_nothing(database):
    await asyncio.gather(*(add_one(database) for _ in range(100)))
    assert await count(database) == 100


async def test_two_processes_writing_at_once_both_succeed(database, database_url):
    other = other_process(database_url, 40)
    for _ in range(40):
        await add_one(database)
    assert await asyncio.to_thread(other.wait, 60) == 0
    other.communicate()
    assert await count(database) == 80


async def test_a_killed_writer_leaves_neither_the_lock_nor_half_a_transaction(database, database_url):
    other = other_process(database_url, 1, "halt")
    assert await asyncio.to_thread(other.stdout.readline) == "inside\n"
    waiting = asyncio.create_task(add_one(database))
    other.send_signal(signal.SIGKILL)
    other.communicate()
    await waiting
    assert await count(database) == 1


async def test_while_another_process_writes_reading_goes_on(database, database_url):
    other = other_process(database_url, 1, "halt")
    assert await asyncio.to_thread(other.stdout.readline) == "inside\n"
    assert await count(database) == 0
    await asyncio.to_thread(other.communicate, "")
    assert await count(database) == 1


async def test_waiting_for_a_writer_has_an_end_and_the_lock_is_usable_after_it(
    database, database_url, monkeypatch
):
    monkeypatch.setattr(engine_module, "LOCK_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setitem(SESSION, "lock_timeout", "50")
    second = Database.open(database_url)
    async with database.write("test.long"):
        with pytest.raises(StorageError, match="another process"):
            await add_one(second)
    await add_one(second)
    await second.close()
    assert await count(database) == 1


async def test_the_reading_side_cannot_write(database):
    with pytest.raises(StorageError, match=r"readonly|read-only"):
        async with database.read() as conn:
            await conn.execute(update(counters).values(value=7))
    assert await count(database) == 0


async def test_everything_read_in_one_transaction_is_of_one_instant(database):
    async with database.read() as conn:
        before = (await conn.execute(select(counters.c.value))).scalar_one()
        await add_one(database)
        assert (await conn.execute(select(counters.c.value))).scalar_one() == before
    assert await count(database) == before + 1


async def test_an_error_rolls_everything_back(database):
    async def change() -> None:
        async with database.write("test.fail") as conn:
            await conn.execute(update(counters).values(value=7))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()
    assert await count(database) == 0


async def test_a_cancelled_write_rolls_back_and_frees_the_lock(database, database_url):
    inside = asyncio.Event()

    async def change() -> None:
        async with database.write("test.slow") as conn:
            await conn.execute(update(counters).values(value=7))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(change())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add_one(database)
    other = other_process(database_url, 1)
    assert await asyncio.to_thread(other.wait, 30) == 0
    other.communicate()
    assert await count(database) == 2


async def test_cancelling_in_the_middle_of_a_statement_leaves_the_connection_usable(database):
    slow = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n"
    )

    async def change() -> None:
        async with database.write("test.statement") as conn:
            await conn.execute(update(counters).values(value=7))
            running.set()
            await conn.execute(slow)

    running = asyncio.Event()
    task = asyncio.create_task(change())
    await running.wait()
    await turn()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add_one(database)
    assert await count(database) == 1


async def test_a_write_cancelled_while_it_reads_frees_the_file_although_its_traceback_is_kept(database):
    many = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"
    )

    async def change() -> None:
        async with database.write("test.statement") as conn:
            await conn.execute(update(counters).values(value=7))
            event.listen(conn.sync_connection, "before_cursor_execute", lambda *_: task.cancel())
            await conn.execute(many)

    task = asyncio.create_task(change())
    with pytest.raises(asyncio.CancelledError) as kept:
        await task
    await add_one(database)
    assert kept.tb is not None
    assert await count(database) == 1


async def test_a_write_inside_a_write_is_refused_instead_of_hanging(database):
    with pytest.raises(RuntimeError, match="inside a write"):
        async with database.write("test.outer"), database.write("test.inner"):
            pass
    await add_one(database)


async def test_the_event_loop_turns_while_the_database_works_and_waits(database, database_url):
    """The other side is let go by the loop itself: if the wait blocked it, this would never end."""
    other = other_process(database_url, 1, "halt")
    assert await asyncio.to_thread(other.stdout.readline) == "inside\n"
    waiting = asyncio.create_task(add_one(database))
    turns = 0
    while turns < 1000:
        await turn()
        turns += 1
    assert not waiting.done()
    await asyncio.to_thread(other.communicate, "")
    await waiting
    assert await count(database) == 2


async def test_foreign_keys_are_enforced(database):
    with pytest.raises(StorageError, match=r"(?i)foreign key"):
        async with database.write("test.foreign") as conn:
            await conn.execute(things.insert().values(id=1, counter="nobody"))


@pytest.mark.parametrize(
    "values",
    [
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 - naive on purpose
        {"id": 2**63},
        {"counter": "canary-secret\ud800"},
        {"id": "canary-secret"},
        {"counter": "canary-secret"},
    ],
)
async def test_what_cannot_be_stored_is_an_error_without_its_values(database, values):
    with pytest.raises(StorageError, match=r"^test\.bad: ") as caught:
        async with database.write("test.bad") as conn:
            await conn.execute(things.insert().values(**{"id": 1, **values}))
    shown = "".join(traceback.format_exception(caught.value))
    assert "canary-secret" not in shown
    assert "[SQL" not in shown
    assert "\n" not in str(caught.value)
    await add_one(database)


async def test_values_come_back_as_they_went_in(database):
    at = datetime(2026, 11, 21, 4, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    row = {"id": 2**63 - 1, "at": at, "flag": True, "data": {"a": [1, None, "☃"]}, "counter": None}
    async with database.write("test.put") as conn:
        await conn.execute(things.insert().values(**row))
    async with database.read() as conn:
        found = (await conn.execute(select(things))).mappings().one()
        raw = (await conn.execute(text("SELECT at FROM things"))).one()
    assert dict(found) == row
    assert found["at"].tzinfo is UTC
    assert raw == (1795228200123456,)


async def test_a_naive_datetime_is_refused_in_a_condition_too(database):
    with pytest.raises(StorageError, match="naive"):
        async with database.read() as conn:
            await conn.execute(select(things).where(things.c.at < datetime(2026, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "wrong", ["", "sqlite://", "sqlite+aiosqlite:///:memory:", "mysql://u:canary@h/d", "::canary"]
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(wrong):
    with pytest.raises(StorageError) as caught:
        Database.open(wrong)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_url_may_leave_the_driver_out():
    assert read_url("sqlite:///a/b.db").drivername == "sqlite+aiosqlite"
    assert read_url("postgresql://h/d").drivername == "postgresql+asyncpg"
    assert embedded_file("sqlite:///a/b.db") == Path("a/b.db")
    assert embedded_file("postgresql://h/d") is None
