"""How anything the bot says reaches people: services tell what happened, here it is decided where, when and how.

`tell` works in the transaction of whatever happened: each place gets a row of the outbox, that waits for the
deliverer, is held, or says why nothing is posted. What is held is told again by the service when something changes,
and by `NotificationDesk` when its time comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.core.notifications.kinds import Kind
from bot.core.notifications.news import News, Place
from bot.services.notification_choices import Choices
from bot.services.notification_telling import tell_noted
from bot.storage import notified
from bot.storage.engine import Connection

__all__ = ["News", "Place", "places_of", "tell"]


async def tell(conn: Connection, news: News, places: Iterable[Place], now: datetime) -> bool:
    """Say what happened, or how it is now, where it may be told; gives whether anything was put or changed.

    A place that knows of it already need not know its guild.
    """
    by_channel: dict[int, Place] = {}
    for place in places:
        by_channel.setdefault(place.channel_id, place)
    if not by_channel:
        return False
    noted = await notified.of_event(conn, news.event_key)
    return await tell_noted(conn, news, list(by_channel.values()), noted, now)


async def places_of(
    conn: Connection,
    kind: Kind,
    subject: str,
    defaults: Iterable[tuple[int, int]],
    guild_ids: Collection[int],
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) where a kind of message about a subject is told: the defaults and what admins chose.

    A channel in which the narrowest choice is off is left out.
    """
    return (await Choices.load(conn, kind, subject, guild_ids)).places(defaults)
