"""Statements about what admins chose for the recordings of accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.requester import Requester
from bot.core.streams.choices import StreamChoice
from bot.storage.stream_tables import stream_choices
from bot.storage.upsert import insert_for

_SWITCHES = tuple(StreamChoice.__dataclass_fields__)
# Made once: it runs with every check of a live account.
_OF_ACCOUNT = select(stream_choices).where(stream_choices.c.account_id == bindparam("account_id"))


async def of_account(conn: AsyncConnection, account_id: int) -> dict[int, StreamChoice]:
    """Read what guilds chose for an account, by guild; one without a row chose nothing."""
    rows = (await conn.execute(_OF_ACCOUNT, {"account_id": account_id})).mappings()
    return {row["guild_id"]: StreamChoice(**{name: row[name] for name in _SWITCHES}) for row in rows}


async def load(conn: AsyncConnection, account_id: int, guild_id: int) -> StreamChoice:
    """Read what a guild chose for an account."""
    return (await of_account(conn, account_id)).get(guild_id, StreamChoice())


async def change(
    conn: AsyncConnection, by: Requester, account_id: int, now: datetime, **changed: bool
) -> StreamChoice:
    """Change what a guild chose for an account by the fields of `StreamChoice`; gives how it stands then."""
    chosen = replace(await load(conn, account_id, by.guild_id), **changed)
    values = {
        **{name: getattr(chosen, name) for name in _SWITCHES},
        "set_by": by.user_id,
        "set_at": now,
    }
    await conn.execute(
        insert_for(conn, stream_choices)
        .values(account_id=account_id, guild_id=by.guild_id, **values)
        .on_conflict_do_update(index_elements=["account_id", "guild_id"], set_=values)
    )
    return chosen


async def hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    """Give the choices of one account to another, but of guilds that chose something for that one too."""
    table = stream_choices.c
    taken = select(table.guild_id).where(table.account_id == to_id)
    move = update(stream_choices).where(table.account_id == from_id, table.guild_id.not_in(taken))
    await conn.execute(move.values(account_id=to_id))


async def forget(conn: AsyncConnection, account_id: int, guild_id: int) -> None:
    """Drop what a guild chose for an account it follows no more."""
    table = stream_choices.c
    await conn.execute(
        delete(stream_choices).where(table.account_id == account_id, table.guild_id == guild_id)
    )
