"""Notices to the admins of guilds: said once per trouble, and said anew in the same message when it is over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from bot.core.announcements import Message
from bot.core.notifications.kinds import Kind
from bot.services.notifications import News, Place, places_of, tell
from bot.storage import guilds, outbox
from bot.storage.engine import Connection

NOTICE = "notice:"
"""With this begin the keys of notices in the outbox."""
_SINCE = re.compile(r":\d{4}-\d{2}-\d{2}T")


def outage_key(source: str, since: datetime) -> str:
    """Name the notice about an outage in the outbox: two of them may well begin within a second."""
    return f"{NOTICE}{source}:{since.isoformat()}"


def began_at(key: str, source: str) -> datetime:
    """Give since when the outage lasted whose notice has this key."""
    return datetime.fromisoformat(key.removeprefix(f"{NOTICE}{source}:"))


async def tell_admins(
    conn: Connection,
    event_key: str,
    guild_ids: Iterable[int],
    message: Message,
    now: datetime,
    *,
    urgent: bool = True,
) -> None:
    """Tell a notice where the admins of each guild read it; a guild where nobody is known hears nothing.

    One that is `urgent` tells of something that does not work meanwhile: no quiet hours hold it.
    """
    known = sorted(set(guild_ids))
    channels: list[tuple[int, int]] = []
    direct: list[tuple[int, int]] = []
    for guild_id in known:
        target = await guilds.admin_target(conn, guild_id)
        if target is not None:
            (direct if target[1] else channels).append((guild_id, target[0]))
    news = _news(event_key, now, urgent=urgent)
    wanted = await places_of(conn, Kind.NOTICE, news.subject, channels, known)
    places = [
        Place(guild_id=guild_id, channel_id=channel_id, message=message, direct=is_direct)
        for is_direct, some in ((False, wanted), (True, direct))
        for guild_id, channel_id in some
    ]
    await tell(conn, news, places, now)


def _news(event_key: str, now: datetime, *, urgent: bool) -> News:
    """Give a notice as news; what it is about stands in its key: who has trouble."""
    return News(
        kind=Kind.NOTICE,
        subject=f"trouble:{_SINCE.split(event_key.removeprefix(NOTICE))[0]}",
        event_key=event_key,
        began_at=now,
        is_urgent=urgent,
    )


async def tell_again(conn: Connection, event_key: str, message: Message, now: datetime) -> None:
    """Replace a notice wherever it was put."""
    # The guild is that of the message that stands there already.
    told = await outbox.channels_of(conn, event_key)
    places = [Place(guild_id=0, channel_id=channel_id, message=message) for channel_id in told]
    await tell(conn, _news(event_key, now, urgent=False), places, now)
