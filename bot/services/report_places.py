"""Where reports are told: each in the channel it is made for, and where admins chose to read reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.announcements import Message
from bot.core.notifications.kinds import ALL, Kind
from bot.services.notifications import News, Place, places_of, tell
from bot.storage import guilds
from bot.storage.engine import Connection


async def report_places(
    conn: Connection, guild_id: int, channel_id: int | None, subject: str = ALL
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) where a report is told; `channel_id` is the one it is made for.

    What is chosen for reports in another channel that has reports of its own says nothing of this one.
    """
    settings = await guilds.load(conn, guild_id)
    of_others = set()
    if settings is not None:
        of_others = {settings.lives_channel_id, settings.rounds_channel_id, settings.admin_channel_id}
    defaults = [] if channel_id is None else [(guild_id, channel_id)]
    wanted = await places_of(conn, Kind.REPORT, subject, defaults, [guild_id])
    return tuple(place for place in wanted if place[1] == channel_id or place[1] not in of_others)


async def tell_report(
    conn: Connection,
    event_key: str,
    messages: Mapping[tuple[int, int], Message],
    *,
    expires_at: datetime,
    now: datetime,
    subject: str = ALL,
) -> bool:
    """Tell a report in its places (guild, channel), with its message there; gives whether anything was put."""
    news = News(
        kind=Kind.REPORT,
        subject=subject,
        event_key=event_key,
        began_at=now,
        expires_after=max(timedelta(0), expires_at - now),
    )
    places = [
        Place(guild_id=guild_id, channel_id=channel_id, message=message)
        for (guild_id, channel_id), message in messages.items()
    ]
    return await tell(conn, news, places, now)
