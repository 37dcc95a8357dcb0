"""The health of each outside source, kept so that a restart forgets neither a block nor a failure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import sources
from bot.storage.upsert import Insert, insert_for, insert_on
from bot.texts import cut

ERROR_LENGTH = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceHealth:
    """What is known of a source; `failures` counts those in a row, `closed_until` forbids requests."""

    name: str
    failures: int = 0
    down_since: datetime | None = None
    closed_until: datetime | None = None
    last_ok_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""
    last_blocked_at: datetime | None = None

    def was_well(self, since: datetime, now: datetime) -> bool:
        """Tell whether it answered between two instants, and nothing went wrong after that."""
        has_answered = self.last_ok_at is not None and since <= self.last_ok_at <= now
        return has_answered and self.failures == 0 and self.closed_until is None


# Made once: they run several times with every request, and making one costs more than running it.
_HEALTH = select(sources).where(sources.c.name == bindparam("name"))


@cache
def _well(dialect: str) -> Insert:
    well: dict[str, Any] = {
        "failures": 0,
        "down_since": None,
        "closed_until": None,
        "last_ok_at": bindparam("at"),
    }
    insert = insert_on(dialect, sources).values(name=bindparam("source"), last_error="", **well)
    return insert.on_conflict_do_update(
        index_elements=["name"], set_={name: insert.excluded[name] for name in well}
    )


async def load(conn: AsyncConnection, name: str) -> SourceHealth:
    """Read the health of one source; one never heard of is well."""
    row = (await conn.execute(_HEALTH, {"name": name})).mappings().first()
    return SourceHealth(name=name) if row is None else SourceHealth(**row)


async def load_all(conn: AsyncConnection) -> tuple[SourceHealth, ...]:
    """Read the health of every source, by name."""
    rows = (await conn.execute(select(sources).order_by(sources.c.name))).mappings()
    return tuple(SourceHealth(**row) for row in rows)


async def record_ok(conn: AsyncConnection, name: str, now: datetime) -> None:
    """Note an answer: the source is up, nothing is closed; what last went wrong stays readable."""
    await conn.execute(_well(conn.dialect.name), {"source": name, "at": now})


async def record_failure(
    conn: AsyncConnection,
    name: str,
    reason: str,
    now: datetime,
    closed_until: datetime | None = None,
    *,
    blocked: bool = False,
) -> int:
    """Note a failure and give how many there were in a row; `closed_until` replaces an earlier one.

    `blocked` notes that the source refused us on purpose.
    """
    error: dict[str, object] = {
        "last_error": cut(reason, ERROR_LENGTH),
        "last_error_at": now,
        "closed_until": closed_until,
    }
    if blocked:
        error["last_blocked_at"] = now
    insert = insert_for(conn, sources).values(name=name, failures=1, down_since=now, **error)
    statement = insert.on_conflict_do_update(
        index_elements=["name"],
        set_={
            **error,
            "failures": sources.c.failures + 1,
            "down_since": func.coalesce(sources.c.down_since, insert.excluded.down_since),
        },
    )
    await conn.execute(statement)
    return (await load(conn, name)).failures


async def hold(conn: AsyncConnection, name: str, until: datetime) -> None:
    """Let nobody else ask until then: one probe at a time after a block. Any answer takes this back."""
    await conn.execute(update(sources).where(sources.c.name == name).values(closed_until=until))
