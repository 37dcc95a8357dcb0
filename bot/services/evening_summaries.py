"""The summary of an evening in each channel: opened once, and true for as long as it stands.

`evening_posts` keeps for every round the key of the summary that tells of it, in the transaction that puts it.
So a late round finds the summary that stands there. Where it joins two evenings, both have one: the older tells
the whole evening and the other points to it. Where it parts one, the earlier part keeps the summary.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.announcements import Message
from bot.core.guilds import GuildSettings
from bot.core.rounds.evening_post import evening_message, joined_message
from bot.services.evening_reading import KeptEvening
from bot.storage import evenings as store
from bot.storage import guilds, outbox
from bot.storage.engine import Connection
from bot.storage.evenings import Told


async def open_summary(
    conn: Connection,
    evening: KeptEvening,
    targets: Iterable[tuple[int, int]],
    now: datetime,
    *,
    expires_at: datetime,
) -> None:
    """Put the summary of an evening that has none into these channels (guild, channel)."""
    key = f"evening:{evening.rounds[0].id}"
    for guild_id, channel_id in targets:
        await outbox.put(
            conn,
            event_key=key,
            guild_id=guild_id,
            channel_id=channel_id,
            message=await _summary(conn, evening, guild_id),
            now=now,
            expires_at=expires_at,
        )
    await store.keep_summary(conn, [one.id for one in evening.rounds], key)


async def renew_summary(conn: Connection, evening: KeptEvening, now: datetime) -> bool:
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
    for one in placed:
        is_first = tells.get(one.channel_id, one) == one
        message = await _summary(conn, evening, one.guild_id) if is_first else joined_message(evening.server)
        await outbox.put(
            conn,
            event_key=one.event_key,
            guild_id=one.guild_id,
            channel_id=one.channel_id,
            message=message,
            now=now,
        )
    return True


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
