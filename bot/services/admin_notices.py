"""Notices to the admins of guilds: said once per trouble, and said anew in the same message when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.announcements import Message
from bot.storage import guilds, outbox
from bot.storage.engine import Connection


def outage_key(source: str, since: datetime) -> str:
    """Name the notice about an outage in the outbox: two of them may well begin within a second."""
    return f"notice:{source}:{since.isoformat()}"


def began_at(key: str, source: str) -> datetime:
    """Give since when the outage lasted whose notice has this key."""
    return datetime.fromisoformat(key.removeprefix(f"notice:{source}:"))


async def tell_admins(
    conn: Connection, event_key: str, guild_ids: Iterable[int], message: Message, now: datetime
) -> None:
    """Put a notice where the admins of each guild read it; a guild where nobody is known hears nothing."""
    for guild_id in sorted(set(guild_ids)):
        target = await guilds.admin_target(conn, guild_id)
        if target is not None:
            await outbox.put(
                conn,
                event_key=event_key,
                guild_id=guild_id,
                channel_id=target[0],
                direct=target[1],
                message=message,
                now=now,
            )


async def tell_again(conn: Connection, event_key: str, message: Message, now: datetime) -> None:
    """Replace a notice wherever it was put."""
    for channel_id in await outbox.channels_of(conn, event_key):
        # The guild is that of the message that stands there already.
        await outbox.put(
            conn, event_key=event_key, guild_id=0, channel_id=channel_id, message=message, now=now
        )
