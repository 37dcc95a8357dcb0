"""Roles around notifications: those that members take by a button, and those the bot keeps for an account."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import notification_rules
from bot.storage.tables import guilds, offered_roles, personal_roles, subscriptions
from bot.storage.upsert import insert_for


async def offered(conn: AsyncConnection, guild_id: int) -> tuple[int, ...]:
    """Read the roles that members of a guild may take."""
    table = offered_roles.c
    query = select(table.role_id).where(table.guild_id == guild_id).order_by(table.role_id)
    return tuple((await conn.execute(query)).scalars())


async def offer(conn: AsyncConnection, guild_id: int, role_id: int) -> bool:
    """Let members take a role; false where they might already."""
    row = {"guild_id": guild_id, "role_id": role_id}
    statement = insert_for(conn, offered_roles).values(**row).on_conflict_do_nothing()
    return bool((await conn.execute(statement)).rowcount)


async def withdraw(conn: AsyncConnection, guild_id: int, role_id: int) -> bool:
    """Let members take a role no more; false where they might not."""
    table = offered_roles.c
    this = (table.guild_id == guild_id) & (table.role_id == role_id)
    return bool((await conn.execute(delete(offered_roles).where(this))).rowcount)


async def forget_personal(conn: AsyncConnection, guild_id: int, role_id: int) -> None:
    """Forget a role the bot kept for an account: it is gone."""
    table = personal_roles.c
    this = (table.guild_id == guild_id) & (table.role_id == role_id)
    await conn.execute(delete(personal_roles).where(this))


async def is_pinged(conn: AsyncConnection, guild_id: int, role_id: int) -> bool:
    """Tell whether something in a guild was chosen to ping a role."""
    table = subscriptions.c
    query = select(table.id).where(table.guild_id == guild_id, table.role_id == role_id).limit(1)
    if (await conn.execute(query)).first() is not None:
        return True
    chosen = [rule.options for rule in await notification_rules.of_guilds(conn, [guild_id])]
    chosen += (await notification_rules.all_defaults(conn, guild_id)).values()
    return any(options.role_id == role_id for options in chosen)


async def may_make_roles(conn: AsyncConnection, guild_id: int) -> bool:
    """Tell whether the admins of a guild let the bot keep roles of its own."""
    query = select(guilds.c.personal_roles).where(guilds.c.guild_id == guild_id)
    return bool((await conn.execute(query)).scalar())


async def let_make_roles(conn: AsyncConnection, guild_id: int, *, on: bool) -> None:
    """Write whether the bot may keep roles of its own in a known guild."""
    this = guilds.c.guild_id == guild_id
    await conn.execute(update(guilds).where(this).values(personal_roles=on))


async def personal(conn: AsyncConnection, guild_id: int) -> dict[int, int]:
    """Read the roles the bot keeps in a guild, by account."""
    table = personal_roles.c
    query = select(table.account_id, table.role_id).where(table.guild_id == guild_id)
    return {row.account_id: row.role_id for row in await conn.execute(query)}


async def keep_personal(conn: AsyncConnection, guild_id: int, account_id: int, role_id: int) -> None:
    """Write which role the bot keeps for an account in a guild."""
    statement = insert_for(conn, personal_roles).values(
        guild_id=guild_id, account_id=account_id, role_id=role_id
    )
    key = ["guild_id", "account_id"]
    await conn.execute(statement.on_conflict_do_update(index_elements=key, set_={"role_id": role_id}))
