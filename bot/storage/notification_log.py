"""The outbox as a log of what was told where, when, and why not: rows of messages that people subscribe to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, select, type_coerce
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.announcements import Message
from bot.core.delivery import OutboxState
from bot.core.notifications.kinds import ALL, Kind
from bot.storage.tables import outbox
from bot.texts import unpacked

_NAMES = (
    "id", "channel_id", "direct", "kind", "subject", "state", "created_at", "next_try_at", "held_by", "held_until",
    "why", "error", "merged_into", "message_id", "thread_id", "in_thread", "delivered_at", "remove_at", "tries",
)  # fmt: skip
_ROWS = select(*[outbox.c[name] for name in _NAMES], type_coerce(outbox.c.message, Text).label("message"))


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRow:
    """One message in one channel as the log tells it. `why` is a rule's reason, `error` Discord's."""

    id: int
    channel_id: int
    direct: bool
    kind: Kind
    subject: str
    title: str
    pinged_role_id: int | None
    state: OutboxState
    created_at: datetime
    next_try_at: datetime
    held_by: str
    held_until: datetime | None
    why: str
    error: str
    merged_into: str
    message_id: int | None
    thread_id: int | None
    in_thread: bool
    delivered_at: datetime | None
    remove_at: datetime | None
    tries: int


async def rows(
    conn: AsyncConnection,
    guild_id: int,
    *,
    most: int,
    channel_id: int | None = None,
    kind: Kind | None = None,
    subject: str = ALL,
) -> tuple[LogRow, ...]:
    """Read the last messages of a guild, the newest first: all, of a channel, of a kind there, of a subject of it."""
    query = _ROWS.where(outbox.c.guild_id == guild_id, outbox.c.kind != "")
    if channel_id is not None:
        query = query.where(outbox.c.channel_id == channel_id)
    if kind is not None:
        query = query.where(outbox.c.kind == kind)
    if subject != ALL:
        query = query.where(outbox.c.subject == subject)
    found = (await conn.execute(query.order_by(outbox.c.id.desc()).limit(most))).mappings()
    return tuple(_row(one) for one in found)


async def row(conn: AsyncConnection, guild_id: int, number: int) -> LogRow | None:
    """Read one message of a guild; None where it has no such one."""
    query = _ROWS.where(outbox.c.guild_id == guild_id, outbox.c.kind != "", outbox.c.id == number)
    found = (await conn.execute(query)).mappings().first()
    return None if found is None else _row(found)


def _row(found: RowMapping) -> LogRow:
    title, role_id = _shown(found["message"])
    kept = {name: found[name] for name in _NAMES}
    state, kind = OutboxState(found["state"]), Kind(found["kind"])
    return LogRow(**(kept | {"state": state, "kind": kind}), title=title, pinged_role_id=role_id)


def _shown(message: str) -> tuple[str, int | None]:
    """Give the title and the role of a message; of one that a newer version wrote, nothing."""
    try:
        read = Message.from_json(unpacked(json.loads(message)))
    except (ValueError, TypeError, LookupError, AttributeError):
        return "", None
    return read.title, read.mention_role_id
