"""The summary of an evening in each channel: opened once, and true for as long as it stands.

`evening_posts` keeps for every round the key of the summary that tells of it, in the transaction that puts it.
So a late round finds the summary that stands there. Where it joins two evenings, both have one: the older tells
the whole evening and the other points to it. Where it parts one, the earlier part keeps the summary.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.announcements import Message
from bot.core.guilds import GuildSettings
from bot.core.markup import escape
from bot.core.notifications.kinds import Kind, server_subject
from bot.core.rounds.evening_post import evening_message, joined_message
from bot.services.evening_reading import KeptEvening
from bot.services.notifications import News, Place, tell
from bot.storage import evenings as store
from bot.storage import guilds
from bot.storage.engine import Connection
from bot.storage.evenings import Told


async def open_summary(
    conn: Connection,
    evening: KeptEvening,
    targets: Iterable[tuple[int, int]],
    now: datetime,
    *,
    expires_after: timedelta,
) -> None:
    """Put the summary of an evening that has none into these channels (guild, channel)."""
    key = f"evening:{evening.rounds[0].id}"
    places = [
        Place(guild_id=guild_id, channel_id=channel_id, message=await _summary(conn, evening, guild_id))
        for guild_id, channel_id in targets
    ]
    await tell(conn, _news(evening, key, expires_after), places, now)
    await store.keep_summary(conn, [one.id for one in evening.rounds], key)


async def renew_summary(
    conn: Connection, evening: KeptEvening, now: datetime, *, expires_after: timedelta
) -> bool:
    """Bring the summary of an evening up to date where one was put; gives whether there is one."""
    keys = await _own_keys(conn, evening)
    placed = await store.told(conn, keys)
    if not placed:
        return False
    has_key = await store.summary_keys(conn, [one.id for one in evening.rounds])
    new = [one.id for one in evening.rounds if one.id not in has_key]
    await store.keep_summary(conn, new, placed[0].event_key)
    tells: dict[int, Told] = {}
    for one in placed:
        if one.stands:
            tells.setdefault(one.channel_id, one)
    by_key: dict[str, list[Place]] = {}
    for one in placed:
        is_first = tells.get(one.channel_id, one) == one
        message = await _summary(conn, evening, one.guild_id) if is_first else joined_message(evening.server)
        place = Place(guild_id=one.guild_id, channel_id=one.channel_id, message=message)
        by_key.setdefault(one.event_key, []).append(place)
    for key, places in by_key.items():
        await tell(conn, _news(evening, key, expires_after), places, now)
    return True


def _news(evening: KeptEvening, key: str, expires_after: timedelta) -> News:
    return News(
        kind=Kind.EVENING,
        subject=server_subject(evening.server),
        event_key=key,
        facts={"server": escape(evening.server, 60)},
        began_at=evening.rounds[0].told.began_at,
        expires_after=expires_after,
    )


async def _own_keys(conn: Connection, evening: KeptEvening) -> list[str]:
    """Give the summaries that tell of this evening, and let go of one that an earlier evening has kept."""
    ids = [one.id for one in evening.rounds]
    keys = []
    for key in dict.fromkeys((await store.summary_keys(conn, ids)).values()):
        if await store.first_round_of(conn, key) in ids:
            keys.append(key)
        else:
            await store.forget_summary(conn, ids, key)
    return keys


async def _summary(conn: Connection, evening: KeptEvening, guild_id: int) -> Message:
    chosen = await guilds.load(conn, guild_id) or GuildSettings(guild_id=guild_id)
    return evening_message(evening.scored, server=evening.server, zone=ZoneInfo(chosen.time_zone))
