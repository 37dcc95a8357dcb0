"""Guilds: what their admins chose, whether the bot is still in them, whom to tell about trouble."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Column, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.guilds import GuildSettings
from bot.core.requester import Requester
from bot.storage.tables import guilds, metadata, requests, subscriptions
from bot.storage.upsert import insert_for

# Made once: they run with every message and every look, and making a statement costs more than running it.
_LOAD = select(*[guilds.c[name] for name in GuildSettings.__dataclass_fields__]).where(
    guilds.c.guild_id == bindparam("guild_id")
)
_LOAD_SOME = select(*_LOAD.selected_columns).where(
    guilds.c.guild_id.in_(bindparam("guild_ids", expanding=True))
)
_PRESENT = select(guilds.c.guild_id).where(guilds.c.left_at.is_(None)).order_by(guilds.c.guild_id)


async def load(conn: AsyncConnection, guild_id: int) -> GuildSettings | None:
    """Read a guild; None when it was never seen."""
    row = (await conn.execute(_LOAD, {"guild_id": guild_id})).mappings().first()
    return None if row is None else GuildSettings(**row)


async def load_some(conn: AsyncConnection, guild_ids: Collection[int]) -> dict[int, GuildSettings]:
    """Read guilds; one that was never seen is left out."""
    rows = (await conn.execute(_LOAD_SOME, {"guild_ids": list(guild_ids)})).mappings()
    return {row["guild_id"]: GuildSettings(**row) for row in rows}


async def zones(conn: AsyncConnection, guild_ids: Collection[int]) -> dict[int, ZoneInfo]:
    """Give the time zones of guilds; one that was never seen is left out."""
    query = select(guilds.c.guild_id, guilds.c.time_zone).where(guilds.c.guild_id.in_(guild_ids))
    return {row.guild_id: ZoneInfo(row.time_zone) for row in await conn.execute(query)}


async def choose(conn: AsyncConnection, by: Requester, chosen: Mapping[str, object], now: datetime) -> None:
    """Write what an admin of a known guild chose, by column; the other columns stay as they are."""
    this = guilds.c.guild_id == by.guild_id
    await conn.execute(update(guilds).where(this).values(**chosen, set_up_by=by.user_id, set_up_at=now))


async def change(conn: AsyncConnection, guild_id: int, chosen: Mapping[str, object]) -> None:
    """Write columns of a known guild; the others stay as they are."""
    await conn.execute(update(guilds).where(guilds.c.guild_id == guild_id).values(**chosen))


async def joined(conn: AsyncConnection, guild_id: int, time_zone: str) -> None:
    """Note that the bot is in a guild; a new one begins with `time_zone`, a known one keeps its choices."""
    statement = insert_for(conn, guilds).values(guild_id=guild_id, time_zone=time_zone)
    await conn.execute(statement.on_conflict_do_update(index_elements=["guild_id"], set_={"left_at": None}))


async def left(conn: AsyncConnection, guild_id: int, now: datetime) -> None:
    """Note that the bot was removed from a guild; what is known of it is kept for a while."""
    await conn.execute(
        update(guilds).where(guilds.c.guild_id == guild_id, guilds.c.left_at.is_(None)).values(left_at=now)
    )


async def left_all_but(conn: AsyncConnection, present: Collection[int], now: datetime) -> None:
    """Note the guilds that removed the bot while it was not running."""
    await conn.execute(
        update(guilds)
        .where(guilds.c.guild_id.not_in(present), guilds.c.left_at.is_(None))
        .values(left_at=now)
    )


async def forget_left_before(conn: AsyncConnection, instant: datetime) -> tuple[int, ...]:
    """Delete all that is kept of the guilds that removed the bot before an instant; gives which.

    That is whatever bears their id, but for the ledger: its requests were made. Accounts stay, with their lives.
    """
    query = select(guilds.c.guild_id).where(guilds.c.left_at < instant).order_by(guilds.c.guild_id)
    gone = tuple((await conn.execute(query)).scalars())
    for table in reversed(metadata.sorted_tables) if gone else ():
        if "guild_id" in table.c and table is not requests:
            await conn.execute(delete(table).where(table.c.guild_id.in_(gone)))
    return gone


async def all_present(conn: AsyncConnection) -> tuple[int, ...]:
    """Give every guild the bot is in."""
    return tuple((await conn.execute(_PRESENT)).scalars())


async def present_among(conn: AsyncConnection, guild_ids: Collection[int]) -> tuple[int, ...]:
    """Give those of these guilds that the bot is in."""
    return tuple(guild_id for guild_id in await all_present(conn) if guild_id in guild_ids)


async def readers_of_weeks(conn: AsyncConnection) -> tuple[tuple[int, int | None, str], ...]:
    """Give the guilds that want the table of each week, with their channel for rounds and their time zone."""
    return await _readers(conn, guilds.c.rounds_channel_id, guilds.c.weekly_players)


async def readers_of_lives(conn: AsyncConnection) -> tuple[tuple[int, int | None, str], ...]:
    """Give the guilds that want to read of each week's lives, with their channel for lives and their time zone."""
    return await _readers(conn, guilds.c.lives_channel_id, guilds.c.weekly_streams)


async def _readers(
    conn: AsyncConnection, channel: Column[int | None], wanted: Column[bool]
) -> tuple[tuple[int, int | None, str], ...]:
    query = select(guilds.c.guild_id, channel, guilds.c.time_zone).where(guilds.c.left_at.is_(None), wanted)
    return tuple((row[0], row[1], row[2]) for row in await conn.execute(query.order_by(guilds.c.guild_id)))


async def readers_of_scores(conn: AsyncConnection) -> tuple[tuple[int, int | None], ...]:
    """Give the guilds that want to read every day how the day before went, with their admin channel."""
    query = select(guilds.c.guild_id, guilds.c.admin_channel_id, guilds.c.daily_scores).where(
        guilds.c.left_at.is_(None)
    )
    return tuple(
        (row.guild_id, row.admin_channel_id) for row in (await conn.execute(query)).all() if row.daily_scores
    )


async def admin_target(
    conn: AsyncConnection, guild_id: int, *, avoid: int | None = None
) -> tuple[int, bool] | None:
    """Give where a notice to the admins goes: (channel, False) or (user, True) for a direct message.

    The admin channel first, unless it is the channel to `avoid`; then whoever set the bot up, then whoever
    subscribed last. None when nobody is known, and for a guild that removed the bot: a direct message kept
    back for it would be missing to whoever is an admin of another guild as well.
    """
    if await _is_left(conn, guild_id):
        return None
    settings = await load(conn, guild_id)
    if settings is not None and settings.admin_channel_id not in {None, avoid}:
        return settings.admin_channel_id or 0, False
    if settings is not None and settings.set_up_by is not None:
        return settings.set_up_by, True
    query = select(subscriptions.c.created_by).where(subscriptions.c.guild_id == guild_id)
    person = (await conn.execute(query.order_by(subscriptions.c.id.desc()).limit(1))).scalar()
    return None if person is None else (person, True)


async def audit_target(conn: AsyncConnection, guild_id: int) -> tuple[int, bool] | None:
    """Give where it is told what admins changed: the audit channel, else where their notices go."""
    settings = await load(conn, guild_id)
    if settings is None or settings.audit_channel_id is None or await _is_left(conn, guild_id):
        return await admin_target(conn, guild_id)
    return settings.audit_channel_id, False


async def _is_left(conn: AsyncConnection, guild_id: int) -> bool:
    left = select(guilds.c.guild_id).where(guilds.c.guild_id == guild_id, guilds.c.left_at.is_not(None))
    return (await conn.execute(left)).first() is not None
