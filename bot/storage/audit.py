"""What admins changed: written down for good, and told where the admins of their guild read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notices import change_made
from bot.storage import guilds, outbox
from bot.storage.round_tables import audit_log


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One change: who made it and when; `what` is ready to be shown."""

    user_id: int
    at: datetime
    what: str


async def note(conn: AsyncConnection, guild_id: int, user_id: int, what: str, now: datetime) -> None:
    """Write down what somebody changed, and put it into the guild's audit channel.

    Without one it goes where notices to admins go. `what` is a sentence whose parts from outside are escaped.
    Whoever calls this wakes the announcements after the commit.
    """
    row = {"guild_id": guild_id, "user_id": user_id, "at": now, "what": what}
    number = (await conn.execute(insert(audit_log).values(row).returning(audit_log.c.id))).scalar_one()
    target = await guilds.audit_target(conn, guild_id)
    if target is not None:
        await outbox.put(
            conn,
            event_key=f"audit:{number}",
            guild_id=guild_id,
            channel_id=target[0],
            direct=target[1],
            message=change_made(user_id, what),
            now=now,
        )


async def entries(conn: AsyncConnection, guild_id: int, most: int) -> tuple[AuditEntry, ...]:
    """Read the last changes of a guild, the newest first."""
    columns = (audit_log.c.user_id, audit_log.c.at, audit_log.c.what)
    query = select(*columns).where(audit_log.c.guild_id == guild_id).order_by(audit_log.c.id.desc())
    rows = (await conn.execute(query.limit(most))).mappings()
    return tuple(AuditEntry(**row) for row in rows)
