"""What was let out before the night and is posted in it, because its channel or Discord was shut, pings nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.delivery import Outgoing
from bot.core.notifications.deciding import hushed
from bot.services.notification_choices import Choices
from bot.services.notification_drafts import Stored
from bot.storage import notified
from bot.storage.engine import Connection
from bot.storage.types import compact


async def hush(conn: Connection, message: Outgoing, now: datetime) -> bool:
    """Take the ping from a message where quiet hours or a pause have begun meanwhile; gives whether they have."""
    place = (message.event_key, message.channel_id)
    row = (await notified.of_channels(conn, {place[0]}, {place[1]})).get(place)
    stored = Stored()
    news = None if row is None else stored.news(row)
    if row is None or news is None or news.is_urgent:
        return False
    choices = await Choices.load(conn, news.kind, news.subject, [row.guild_id])
    options = choices.options(row.guild_id, row.channel_id)
    why = hushed(options, choices.paused_until(row.channel_id), now, choices.zone(row.guild_id))
    if why:
        silent = replace(message.message, mention_role_id=None).to_json()
        kept = {**stored.facts(row), "pings": False, "pinged": None}
        changed = replace(row, message=compact(silent), facts=compact(kept), why=why)
        await notified.write(conn, [replace(changed, revision=row.revision + 1)])
    return bool(why)
