"""Channels that refuse our messages, and when each is tried again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.delivery import block_for
from bot.storage.tables import destinations
from bot.storage.upsert import insert_for

# Made once: it runs with every post, and making a statement costs more than running it.
_UNBLOCK = delete(destinations).where(destinations.c.channel_id == bindparam("channel"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """A blocked channel. `tries` counts its refusals in a row; with `direct` sends, a user's id."""

    channel_id: int
    guild_id: int
    reason: str
    blocked_since: datetime
    tries: int
    next_try_at: datetime


async def block(
    conn: AsyncConnection, *, channel_id: int, guild_id: int, reason: str, now: datetime
) -> Destination:
    """Note one more refusal of a channel; gives its row, whose `tries` is 1 when it was open before."""
    known = await load(conn, channel_id)
    tries = 1 if known is None else known.tries + 1
    blocked = Destination(
        channel_id=channel_id,
        guild_id=guild_id,
        reason=reason,
        blocked_since=now if known is None else known.blocked_since,
        tries=tries,
        next_try_at=now + block_for(tries),
    )
    latest = {"reason": reason, "tries": tries, "next_try_at": blocked.next_try_at}
    await conn.execute(
        insert_for(conn, destinations)
        .values(**asdict(blocked))
        .on_conflict_do_update(index_elements=["channel_id"], set_=latest)
    )
    return blocked


async def load(conn: AsyncConnection, channel_id: int) -> Destination | None:
    """Read a blocked channel; None when it is open."""
    query = select(destinations).where(destinations.c.channel_id == channel_id)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else Destination(**row)


async def of_guild(conn: AsyncConnection, guild_id: int) -> tuple[Destination, ...]:
    """Read the blocked channels of a guild."""
    query = select(destinations).where(destinations.c.guild_id == guild_id)
    rows = (await conn.execute(query.order_by(destinations.c.blocked_since))).mappings()
    return tuple(Destination(**row) for row in rows)


async def try_now(conn: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Let a blocked channel be tried at once; it stays known as blocked until a message went through."""
    await conn.execute(
        update(destinations).where(destinations.c.channel_id == channel_id).values(next_try_at=now)
    )


async def unblock(conn: AsyncConnection, channel_id: int) -> bool:
    """Forget that a channel refused us; true when it was blocked."""
    return (await conn.execute(_UNBLOCK, {"channel": channel_id})).rowcount > 0
