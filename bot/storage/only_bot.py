"""One bot on its data: two would both deliver what is in the outbox.

In a data folder, and beside an embedded database wherever it is, a locked file says who it is. On a database
server the right to be it is a session's advisory lock: it ends with the process, however that ends. A session
can be cut off without the process knowing (design/dependencies.md 3.4), so `keep` looks after it, and takes the
right again or ends the bot. Nor need the server know of a cut: our own session would stand there for a minute
and keep the right from us, so it is ended by the name that only this process gives. What happens in between
does no harm: work is claimed, messages have nonces.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import portalocker
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.clock import Clock
from bot.errors import StorageError
from bot.storage.engine import database_url, embedded_file, storage_errors
from bot.storage.postgresql import BOT_LOCK, server_engine

LOOK_SECONDS = 5.0
TRIES = 20
PAUSE_SECONDS = 0.25

_NAME = text("SELECT set_config('application_name', :name, false)")
_END_OUR_OLD = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = :name AND datname = current_database() AND pid <> pg_backend_pid()"
)
_TAKE = text("SELECT pg_try_advisory_lock(:key)")

log = logging.getLogger(__name__)


class OnlyBot:
    """The right to be the one bot of a database server; make it with `only_bot`."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._session: AsyncConnection | None = None
        self._name = f"vedette {secrets.token_hex(8)}"

    async def take(self) -> None:
        """Take the right. Raises `StorageError` where another bot has it, or the server cannot be used."""
        if not await self._has_it():
            raise self._refusal()

    def _refusal(self) -> StorageError:
        return StorageError(f"another Vedette is running on the database {self._engine.url}")

    async def keep(self) -> None:
        """Look after the right until cancelled. Raises `StorageError` when another bot has taken it."""
        is_cut_off = False
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                has_it = await self._has_it()
            except StorageError as error:
                log.log(logging.DEBUG if is_cut_off else logging.WARNING, "%s; it is tried again", error)
                is_cut_off = True
                await self.leave()
                continue
            if not has_it:
                raise self._refusal()
            if is_cut_off:
                log.info("The database is back")
                is_cut_off = False

    async def _has_it(self) -> bool:
        """See whether our session lives; without one, open one and take the right if it is free.

        A bot that was killed has it for a moment longer: the server must notice.
        """
        with storage_errors("database"):
            if self._session is not None:
                await self._session.execute(text("SELECT 1"))
                return True
            self._session = await self._engine.connect()
            # The name comes before the right: no session of ours can have it and not be found.
            for statement in (_NAME, _END_OUR_OLD):
                await self._session.execute(statement, {"name": self._name})
            for _ in range(TRIES):
                if (await self._session.execute(_TAKE, {"key": BOT_LOCK})).scalar():
                    return True
                await self._clock.sleep(PAUSE_SECONDS)
        await self.leave()
        return False

    async def leave(self) -> None:
        """Give the right back by ending the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.invalidate()
            await session.close()


@contextmanager
def only_bot_of(data_folder: Path) -> Iterator[None]:
    """Be the one bot of a data folder. Raises `StorageError` where another one is it, or nothing can be written."""
    refusal = f"another Vedette is running on the data folder {data_folder}"
    with _locked(data_folder / "bot.lock", refusal, "the setting DATA_FOLDER names a folder"):
        yield


@contextmanager
def _locked(file: Path, refusal: str, folder: str) -> Iterator[None]:
    """Hold the lock on a file. Raises `StorageError`: `refusal`, or that the `folder` cannot be used."""
    lock = portalocker.Lock(file, "a", flags=portalocker.LOCK_EX | portalocker.LOCK_NB)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except portalocker.LockException:
        raise StorageError(refusal) from None
    except OSError as error:
        raise StorageError(f"{folder} that cannot be used: {error}") from error
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def only_bot(url: URL | str, clock: Clock) -> AsyncIterator[OnlyBot | None]:
    """Be the one bot of a database; None for an embedded one, whose lock cannot be cut off.

    Raises `StorageError` where another bot is it.
    """
    file = embedded_file(url)
    if file is not None:
        # The file itself, by whatever name it was given: two bots may know it by two.
        lock = file.resolve().with_name(file.resolve().name + ".bot")
        refusal = f"another Vedette is running on the database {file}"
        with _locked(lock, refusal, "the setting DATABASE_URL names a file in a folder"):
            yield None
        return
    engine = server_engine(database_url(url)).execution_options(isolation_level="AUTOCOMMIT")
    right = OnlyBot(engine, clock)
    try:
        await right.take()
        yield right
    finally:
        await right.leave()
        await engine.dispose()
