"""What admins chose about the rounds of a server: switches by guild, and what is left out of the tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.round_tables import round_choices
from bot.storage.tables import guilds


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundChoices:
    """A guild's switches for a server. A server is watched while one of its guilds has `monitoring` on."""

    monitoring: bool = True
    posts: bool = True
    evenings: bool = True
    milestones: bool = True


_SWITCHES = [round_choices.c[field.name] for field in fields(RoundChoices)]


async def choices(conn: AsyncConnection, guild_id: int, server: str) -> RoundChoices:
    """Read the switches of a guild for a server; without a choice everything is on."""
    query = select(*_SWITCHES).where(round_choices.c.guild_id == guild_id, round_choices.c.server == server)
    row = (await conn.execute(query)).mappings().first()
    return RoundChoices(**row) if row else RoundChoices()


async def targets(
    conn: AsyncConnection, guild_ids: Collection[int], server: str, switch: str
) -> tuple[tuple[int, int], ...]:
    """Give (guild, channel) of each of these guilds that wants rounds, has `switch` on and still has the bot."""
    query = select(guilds.c.guild_id, guilds.c.rounds_channel_id).where(
        guilds.c.guild_id.in_(guild_ids), guilds.c.rounds_channel_id.is_not(None), guilds.c.left_at.is_(None)
    )
    rows = (await conn.execute(query.order_by(guilds.c.guild_id))).all()
    return tuple(
        [
            (row.guild_id, row.rounds_channel_id)
            for row in rows
            if getattr(await choices(conn, row.guild_id, server), switch)
        ]
    )
