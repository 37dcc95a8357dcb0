"""What is a server's own: it goes away and comes back, it freezes, it is asked for by a URL of many forms."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text

from bot.errors import StorageError
from bot.storage import postgresql as dialect
from bot.storage.engine import Database, database_url
from tests.databases import LOGIN, OWNER, PostgreSQL
from tests.storage.test_engine import add_one, count, turn
from tests.storage.toys import counters, things, toys


@pytest.fixture
async def url(postgresql: PostgreSQL) -> AsyncIterator[str]:
    async with postgresql.empty_database() as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database.open(url)
    async with database.write("test.create") as conn:
        await conn.run_sync(toys.create_all)
        await conn.execute(counters.insert().values(name="c", value=0))
    yield database
    await database.close()


async def test_a_server_that_restarts_under_a_transaction_is_an_error_and_the_next_one_works(
    database, postgresql
):
    await asyncio.gather(count(database), count(database))  # connections that will be found dead

    async def change() -> None:
        async with database.write("test.cut") as conn:
            await conn.execute(counters.update().values(value=7))
            postgresql.stop()
            postgresql.start()
            await conn.execute(counters.update().values(value=8))

    with pytest.raises(StorageError, match=r"^test\.cut: .*connection"):
        await change()
    assert await count(database) == 0
    await asyncio.gather(*(add_one(database) for _ in range(5)))
    assert await count(database) == 5


async def test_while_the_server_is_away_every_transaction_says_so_and_none_hangs(database, postgresql):
    postgresql.stop()
    try:
        with pytest.raises(StorageError, match=r"cannot be reached|connection"):
            await count(database)
        with pytest.raises(StorageError, match=r"cannot be reached|connection"):
            await add_one(database)
    finally:
        postgresql.start()
    await add_one(database)
    assert await count(database) == 1


async def test_a_session_the_server_ends_is_replaced(database, postgresql):
    await add_one(database)
    await postgresql.order(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vedette'"
    )
    await add_one(database)
    assert await count(database) == 2


async def test_a_server_that_freezes_does_not_freeze_the_bot(url, postgresql, monkeypatch):
    monkeypatch.setattr(dialect, "STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr(dialect, "CONNECT_SECONDS", 0.3)
    database = Database.open(url)
    async with database.write("test.create") as conn:
        await conn.run_sync(toys.create_all)
        await conn.execute(counters.insert().values(name="c", value=0))
    with postgresql.frozen():
        for _ in range(2):
            with pytest.raises(StorageError, match="in time"):
                await add_one(database)
    await add_one(database)
    assert await count(database) == 1
    await database.close()


async def test_a_write_cancelled_while_it_waits_for_another_process_frees_its_place(database, url):
    second = Database.open(url)
    async with database.write("test.first"):
        waiting = asyncio.create_task(add_one(second))
        while not await is_waiting(database):
            await turn()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await add_one(database)
    await add_one(second)
    await second.close()
    assert await count(database) == 2


async def is_waiting(database: Database) -> bool:
    async with database.read() as conn:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool((await conn.execute(text(query))).scalar())


async def test_a_stuck_process_loses_its_transaction_and_the_others_go_on(url, database, monkeypatch):
    monkeypatch.setitem(dialect.SESSION, "idle_in_transaction_session_timeout", "200")
    stuck = Database.open(url)

    async def change() -> None:
        async with stuck.write("test.stuck") as conn:
            await conn.execute(counters.update().values(value=7))
            await add_one(database)  # waits until the server ends the stuck one
            await conn.execute(counters.update().values(value=8))

    with pytest.raises(StorageError, match=r"^test\.stuck: "):
        await change()
    await stuck.close()
    assert await count(database) == 1


async def test_more_readers_than_connections_take_turns(database):
    assert await asyncio.gather(*(count(database) for _ in range(50))) == [0] * 50


async def test_text_with_a_nul_is_refused_in_words_and_leaves_the_connection_usable(database):
    with pytest.raises(StorageError, match="a value cannot be stored"):
        async with database.write("test.nul") as conn:
            await conn.execute(counters.insert().values(name="a\x00b", value=1))
    await add_one(database)


async def test_json_may_hold_what_text_may_not(database):
    data = {"title": "a\x00b\ud800"}
    async with database.write("test.json") as conn:
        await conn.execute(things.insert().values(id=1, data=data))
    async with database.read() as conn:
        assert (await conn.execute(select(things.c.data))).scalar_one() == data


async def test_flags_are_booleans_and_ids_count_on(database):
    async with database.write("test.flag") as conn:
        await conn.execute(things.insert().values(flag=True))
        await conn.execute(things.insert().values(flag=False))
        raw = (
            await conn.execute(text("SELECT id, flag, pg_typeof(flag)::text FROM things ORDER BY id"))
        ).all()
    assert raw == [(1, True, "boolean"), (2, False, "boolean")]


async def test_a_wrong_password_is_said_without_repeating_it(url):
    database = Database.open(url.replace(LOGIN, f"{OWNER}:canary-wrong"))
    with pytest.raises(StorageError, match="password authentication failed") as caught:
        await count(database)
    assert "canary" not in str(caught.value)
    assert "canary" not in str(database.url)
    await database.close()


def test_urls_as_hosters_write_them_are_understood():
    for text_ in ("postgres://u:p@h/d?sslmode=require", "postgresql+psycopg2://u:p@h/d?ssl=require"):
        url = database_url(text_)
        assert url.drivername == "postgresql+asyncpg"
        assert dict(url.query) == {"ssl": "require"}


def test_an_option_nobody_reads_is_refused():
    with pytest.raises(StorageError, match="channel_binding"):
        database_url("postgresql://u:p@h/d?channel_binding=require")


def test_a_bot_on_sqlite_does_not_load_the_driver_of_the_server():
    code = "import sys, bot.app; sys.exit('asyncpg' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
