from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.errors import StorageError
from bot.storage import only_bot as module
from bot.storage.engine import sqlite_url
from bot.storage.only_bot import only_bot, only_bot_of
from tests.databases import PASSWORD, PostgreSQL

ROOT = Path(__file__).parents[2]
BOT = """
import asyncio, sys
from bot.clock import SystemClock
from bot.storage.only_bot import only_bot

async def main(url):
    async with only_bot(url, SystemClock()):
        print("running", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main(sys.argv[1]))
"""
CLOCK = SystemClock()
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vedette%'"


@pytest.fixture
async def url(postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    async with postgresql.empty_database() as url:
        yield url


def other_bot(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BOT, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def start(url: str) -> None:
    async with only_bot(url, CLOCK):
        pass


async def test_a_second_bot_on_a_server_is_refused_until_the_first_has_ended(url, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 2)
    async with only_bot(url, CLOCK):
        with pytest.raises(StorageError, match="another Vedette is running") as caught:
            await start(url)
        assert PASSWORD not in str(caught.value)
    await start(url)


async def test_after_a_killed_bot_the_next_one_starts_at_once(url):
    other = other_bot(url)
    assert await asyncio.to_thread(other.stdout.readline) == "running\n"
    starting = asyncio.create_task(start(url))
    other.send_signal(signal.SIGKILL)
    other.communicate()
    await starting


async def test_bots_on_two_databases_of_one_server_do_not_mind_each_other(url, postgresql):
    async with only_bot(url, CLOCK), postgresql.empty_database() as second:
        await start(second)


async def test_a_bot_that_is_cut_off_takes_its_right_again(url, postgresql, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(module, "TRIES", 2)
    async with only_bot(url, CLOCK) as right:
        keeping = asyncio.create_task(right.keep())
        await postgresql.order(CUT_OFF)
        await until_logged(caplog, "The database is back")
        with pytest.raises(StorageError, match="another Vedette"):
            await start(url)
        assert not keeping.done()
        keeping.cancel()
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


class Proxy:
    """Stands between a bot and its server, and can forget the bot without telling the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._bots: list[asyncio.StreamWriter] = []
        self._servers: list[asyncio.StreamWriter] = []
        self._pipes: list[asyncio.Task[None]] = []

    async def __call__(self, reader: asyncio.StreamReader, bot: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", self._port)
        self._bots.append(bot)
        self._servers.append(server)
        self._pipes += [
            asyncio.create_task(pass_on(reader, server)),
            asyncio.create_task(pass_on(answers, bot)),
        ]

    def forget_the_bot(self) -> None:
        for bot in self._bots:
            bot.transport.abort()
        self._bots.clear()

    def close(self) -> None:
        for connection in self._bots + self._servers:
            connection.transport.abort()
        for pipe in self._pipes:
            pipe.cancel()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def test_a_cut_the_server_knows_nothing_of_does_not_end_the_bot(url, postgresql, caplog):
    """A router forgot the connection: the server keeps our old session, and with it the right, for a minute."""
    caplog.set_level("INFO")
    proxy = Proxy(postgresql.port)
    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with only_bot(url.replace(f":{postgresql.port}/", f":{port}/"), CLOCK) as right:
            keeping = asyncio.create_task(right.keep())
            proxy.forget_the_bot()
            await until(lambda: keeping.done() or "The database is back" in caplog.text)
            assert not keeping.done()
            keeping.cancel()
        proxy.close()


async def test_a_bot_whose_right_was_taken_meanwhile_ends(url, postgresql, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 2)
    async with only_bot(url, CLOCK) as right:
        await postgresql.order(CUT_OFF)
        async with only_bot(url, CLOCK):
            with pytest.raises(StorageError, match="another Vedette is running"):
                await right.keep()


async def test_a_bot_waits_for_a_server_that_is_away(url, postgresql, caplog):
    caplog.set_level("DEBUG", logger=module.__name__)
    async with only_bot(url, CLOCK) as right:
        keeping = asyncio.create_task(right.keep())
        postgresql.stop()
        try:
            await until_logged(caplog, "cannot be reached")
        finally:
            postgresql.start()
        await until_logged(caplog, "The database is back")
        keeping.cancel()


async def until_logged(caplog: pytest.LogCaptureFixture, line: str) -> None:
    await until(lambda: line in caplog.text)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.01)  # noqa: TID251 - as above


async def test_two_bots_with_folders_of_their_own_do_not_share_an_embedded_database(tmp_path):
    shared, other_name = tmp_path / "shared" / "vedette.db", tmp_path / "vedette.db"
    shared.parent.mkdir()
    other_name.symlink_to(shared)
    with only_bot_of(tmp_path / "a"), only_bot_of(tmp_path / "b"):
        async with only_bot(sqlite_url(shared), CLOCK):
            for file in (shared, other_name):
                with pytest.raises(StorageError, match="another Vedette is running on the database"):
                    await start(sqlite_url(file).render_as_string())
        await start(sqlite_url(other_name).render_as_string())


async def test_a_folder_no_embedded_database_can_be_in_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"DATABASE_URL .* cannot be used"):
        await start(sqlite_url(tmp_path / "file" / "vedette.db").render_as_string())
