"""Who follows which account: the channels that hear of it, and their guilds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, exists, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import guilds, subscriptions
from bot.storage.types import Flag
from bot.storage.upsert import insert_for

ASKED_AT_ONCE = 500
"""For so many accounts at a time: a database takes only so many values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """One channel that wants to hear of an account."""

    account_id: int
    guild_id: int
    channel_id: int
    role_id: int | None
    paused: bool


# A guild that removed the bot keeps its list for a while, and costs no request.
IS_ACTIVE = (subscriptions.c.paused == literal(value=False, type_=Flag())) & ~exists().where(
    guilds.c.guild_id == subscriptions.c.guild_id, guilds.c.left_at.is_not(None)
)
_FOLLOWING = select(subscriptions.c.guild_id).where(IS_ACTIVE).distinct()
_FOLLOWING_SOME = _FOLLOWING.where(subscriptions.c.account_id.in_(bindparam("account_ids", expanding=True)))


@cache
def _query(*, of_account: bool, of_guild: bool, active: bool) -> Select[Any]:
    # Its columns only: a popular account has thousands of rows, and an instant takes longer to read than all others.
    query = select(*[subscriptions.c[name] for name in Subscription.__dataclass_fields__])
    query = query.order_by(subscriptions.c.id)
    if of_account:
        query = query.where(subscriptions.c.account_id == bindparam("account_id"))
    if of_guild:
        query = query.where(subscriptions.c.guild_id == bindparam("guild_id"))
    return query.where(IS_ACTIVE) if active else query


async def subscribe(
    conn: AsyncConnection, subscription: Subscription, created_by: int, now: datetime
) -> bool:
    """Follow an account in a channel; false when the channel already did (its role is replaced)."""
    known = await conn.execute(
        select(subscriptions.c.id).where(
            subscriptions.c.account_id == subscription.account_id,
            subscriptions.c.channel_id == subscription.channel_id,
        )
    )
    statement = insert_for(conn, subscriptions).values(
        account_id=subscription.account_id,
        guild_id=subscription.guild_id,
        channel_id=subscription.channel_id,
        role_id=subscription.role_id,
        paused=subscription.paused,
        created_by=created_by,
        created_at=now,
    )
    fresh = {"role_id": subscription.role_id, "paused": subscription.paused}
    await conn.execute(
        statement.on_conflict_do_update(index_elements=["account_id", "channel_id"], set_=fresh)
    )
    return known.first() is None


async def unsubscribe(
    conn: AsyncConnection, guild_id: int, account_id: int, channel_id: int | None
) -> tuple[int, ...]:
    """Stop following in one channel, or in all of a guild; gives the channels that did follow."""
    statement = delete(subscriptions).where(
        subscriptions.c.guild_id == guild_id, subscriptions.c.account_id == account_id
    )
    if channel_id is not None:
        statement = statement.where(subscriptions.c.channel_id == channel_id)
    return tuple((await conn.execute(statement.returning(subscriptions.c.channel_id))).scalars())


async def set_paused(conn: AsyncConnection, guild_id: int, account_id: int, *, paused: bool) -> int:
    """Pause or resume an account in a guild; gives how many subscriptions that were."""
    statement = (
        update(subscriptions)
        .where(subscriptions.c.guild_id == guild_id, subscriptions.c.account_id == account_id)
        .values(paused=paused)
    )
    return (await conn.execute(statement)).rowcount


async def hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    """Let the channels of an account follow another one, but for those that do already."""
    taken = select(subscriptions.c.channel_id).where(subscriptions.c.account_id == to_id)
    move = update(subscriptions).where(
        subscriptions.c.account_id == from_id, subscriptions.c.channel_id.not_in(taken)
    )
    await conn.execute(move.values(account_id=to_id))


async def load(
    conn: AsyncConnection, *, account_id: int | None = None, guild_id: int | None = None, active: bool = False
) -> tuple[Subscription, ...]:
    """Read subscriptions, those of an account, of a guild, or all.

    `active` leaves out paused ones and those of guilds that removed the bot.
    """
    query = _query(of_account=account_id is not None, of_guild=guild_id is not None, active=active)
    return tuple(
        Subscription(account_id=account, guild_id=guild, channel_id=channel, role_id=role, paused=paused)
        for account, guild, channel, role, paused in await conn.execute(
            query, {"account_id": account_id, "guild_id": guild_id}
        )
    )


async def following_guilds(conn: AsyncConnection, account_ids: Collection[int] | None = None) -> set[int]:
    """Give the guilds that follow one of these accounts, or any; not those that paused it or removed the bot."""
    if account_ids is None:
        return set((await conn.execute(_FOLLOWING)).scalars())
    wanted, found = list(account_ids), set[int]()
    for first in range(0, len(wanted), ASKED_AT_ONCE):
        some = {"account_ids": wanted[first : first + ASKED_AT_ONCE]}
        found |= set((await conn.execute(_FOLLOWING_SOME, some)).scalars())
    return found
