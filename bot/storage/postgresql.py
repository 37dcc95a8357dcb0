"""What a PostgreSQL server needs that an embedded database does not.

Every write transaction first takes one advisory lock, which plays the part of SQLite's writer lock: over
all processes there is one writer at a time. So what a transaction reads stays true until it commits, and
none can fail because of another one (no deadlock, no serialization failure, nothing to try again).
"""

from __future__ import annotations

import re

from sqlalchemy import text as sql
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import StorageError
from bot.texts import text

# Advisory locks are numbers, one space for each database; these are "VEDETTE" read as one, plus what is held.
WRITER_LOCK = 0x56_45_44_45_54_54_45_00
BOT_LOCK = WRITER_LOCK + 1
PROOF_LOCK = WRITER_LOCK + 2

ANOTHER_WRITES = text("another process has been writing to the database for too long")
CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
# The server gives up a lock or a transaction of a client that is stuck; in milliseconds.
SESSION = {
    "application_name": "vedette",
    "lock_timeout": "30000",
    "idle_in_transaction_session_timeout": "60000",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
CONNECTIONS = 5

_OPTIONS = {"host", "port", "ssl"}
_DRIVER_CLASS = re.compile(r"^<class '[^']*'>: ")
_BAD_ARGUMENT = re.compile(r"query argument (\$\d+)")
_LOCK_NOT_AVAILABLE = "55P03"
_DATA_EXCEPTION = "22"


def with_known_options(url: URL) -> URL:
    """Give the URL as the driver reads it: libpq's `sslmode` is its `ssl`. Raises `StorageError`."""
    query = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    if unknown := sorted(query.keys() - _OPTIONS):
        raise StorageError(f"the database URL has options nobody reads: {', '.join(unknown)}")
    return url.set(query=query)


def server_engine(url: URL, *, patient: bool = False) -> AsyncEngine:
    """Make the engine; `patient` lets a statement and a pause take any time, for migrations and copies."""
    session = SESSION | ({"idle_in_transaction_session_timeout": "0"} if patient else {})
    try:
        return create_async_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "server_settings": session,
                "timeout": CONNECT_SECONDS,
                "command_timeout": None if patient else STATEMENT_SECONDS,
            },
        )
    except ImportError as error:
        raise StorageError(f"the driver for this database is not installed: {error.name}") from error


def snapshots_of(engine: AsyncEngine) -> AsyncEngine:
    """Give the engine for reading: all of a transaction sees one instant, and it cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


async def wait_for_turn(connection: AsyncConnection) -> None:
    """Be the only writer of the database until this transaction ends."""
    await connection.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def reason_of(error: BaseException) -> str:
    """Say in one line what the driver or the server said, without the values it may have put into it."""
    said = _DRIVER_CLASS.sub("", str(error)).partition("\n")[0]
    code = getattr(error, "sqlstate", None) or ""
    if code == _LOCK_NOT_AVAILABLE:
        return ANOTHER_WRITES
    if argument := _BAD_ARGUMENT.search(said):
        return text("a value cannot be stored (argument {argument})", argument=argument[1])
    if code.startswith(_DATA_EXCEPTION):
        return text("a value cannot be stored (error {code})", code=code)
    if isinstance(error, TimeoutError):
        return text("the database server does not answer in time")
    if isinstance(error, OSError):
        return text("the database server cannot be reached: {said}", said=said)
    return said or type(error).__name__
