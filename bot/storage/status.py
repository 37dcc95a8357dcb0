"""What /status asks that belongs to no single topic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import sources
from bot.storage.round_choices import choices
from bot.storage.round_tables import rounds
from bot.storage.rounds import troubles
from bot.storage.subscriptions import IS_ACTIVE
from bot.storage.tables import accounts, lives, notes, subscriptions
from bot.storage.upsert import Insert, insert_on
from bot.texts import join


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """When the accounts of a guild were last checked and will next be; None where there are none."""

    followed: int
    last_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerRounds:
    """What was read of one game server."""

    server: str
    listed_at: datetime | None
    rounds: int
    last_round_ended_at: datetime | None
    trouble: str = ""  # the newest file that could not be imported, with its reason
    off: bool = False  # the guild that asks has switched its monitoring off


async def checks_of(conn: AsyncConnection, guild_id: int) -> Checks:
    """Sum up the checks of the accounts a guild follows."""
    mine = select(subscriptions.c.account_id).where(subscriptions.c.guild_id == guild_id, IS_ACTIVE)
    query = select(func.count(), func.max(accounts.c.last_checked_at)).where(accounts.c.id.in_(mine))
    followed, last_at = (await conn.execute(query)).one()
    on_air = select(lives.c.account_id).where(lives.c.ended_at.is_(None))
    planned = select(func.min(accounts.c.next_check_at)).where(
        accounts.c.id.in_(mine), accounts.c.id.not_in(on_air)
    )
    next_at = (await conn.execute(planned)).scalar()
    return Checks(followed=followed, last_at=last_at, next_at=next_at)


async def rounds_of(conn: AsyncConnection, server: str, guild_id: int) -> ServerRounds:
    """Sum up what was read of a game server, for one of its guilds."""
    known = select(func.count(), func.max(rounds.c.ended_at)).where(rounds.c.server == server)
    count, ended_at = (await conn.execute(known)).one()
    failed = await troubles(conn, server, limit=1)
    return ServerRounds(
        server=server,
        listed_at=(await sources.load(conn, f"ssh:{server}")).last_ok_at,
        rounds=count,
        last_round_ended_at=ended_at,
        trouble=join(": ", [failed[0].name, failed[0].reason]) if failed else "",
        off=not (await choices(conn, guild_id, server)).monitoring,
    )


# Made once: they run with every plan, and making a statement costs more than running it.
_NOTE = select(notes.c.value).where(notes.c.name == bindparam("name"))


@cache
def _keep(dialect: str) -> Insert:
    keep = insert_on(dialect, notes)
    return keep.on_conflict_do_update(index_elements=["name"], set_={"value": keep.excluded.value})


async def note(conn: AsyncConnection, name: str) -> str:
    """Read a small fact the bot keeps about itself, empty when there is none."""
    return (await conn.execute(_NOTE, {"name": name})).scalar() or ""


async def write_note(conn: AsyncConnection, name: str, value: str) -> None:
    """Keep a small fact."""
    await conn.execute(_keep(conn.dialect.name), {"name": name, "value": value})
