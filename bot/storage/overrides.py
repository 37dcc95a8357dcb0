"""Statements about what admins asked of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.predictions import Override
from bot.core.requester import Requester
from bot.storage.tables import account_overrides
from bot.storage.upsert import insert_for

_IN_ORDER = select(account_overrides).order_by(account_overrides.c.set_at, account_overrides.c.guild_id)
# Made once: it runs with every check, and making a statement costs more than running it.
_OF_ACCOUNT = _IN_ORDER.where(account_overrides.c.account_id == bindparam("account_id"))


async def all_overrides(conn: AsyncConnection) -> Mapping[int, Mapping[int, Override]]:
    """Read what is asked for each account by each guild: account -> guild -> override, the latest last."""
    found: dict[int, dict[int, Override]] = {}
    for row in (await conn.execute(_IN_ORDER)).mappings():
        found.setdefault(row["account_id"], {})[row["guild_id"]] = _override(row)
    return found


async def of_account(conn: AsyncConnection, account_id: int) -> Mapping[int, Override]:
    """Read what is asked for one account: guild -> override, the latest last."""
    rows = (await conn.execute(_OF_ACCOUNT, {"account_id": account_id})).mappings()
    return {row["guild_id"]: _override(row) for row in rows}


async def load(conn: AsyncConnection, account_id: int, guild_id: int) -> Override:
    """Read what a guild asks for an account; a plain one where it asks for nothing."""
    return (await of_account(conn, account_id)).get(guild_id, Override())


async def change(
    conn: AsyncConnection, by: Requester, account_id: int, now: datetime, **changed: object
) -> Override:
    """Change what a guild asks for an account by the fields of `Override`; gives what it asks for then."""
    asked = replace(await load(conn, account_id, by.guild_id), **changed)  # type: ignore[arg-type]
    values = {
        "policy": asked.policy,
        "priority": asked.priority,
        "pinned_seconds": _seconds(asked.pinned),
        "boosted_until": asked.boosted_until,
        "boosted_seconds": _seconds(asked.boosted_every),
        "frozen": asked.frozen,
        "set_by": by.user_id,
        "set_at": now,
    }
    await conn.execute(
        insert_for(conn, account_overrides)
        .values(account_id=account_id, guild_id=by.guild_id, **values)
        .on_conflict_do_update(index_elements=["account_id", "guild_id"], set_=values)
    )
    return asked


async def hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    """Give the overrides of one account to another, but for guilds that asked something of that one too."""
    table = account_overrides.c
    taken = select(table.guild_id).where(table.account_id == to_id)
    move = update(account_overrides).where(table.account_id == from_id, table.guild_id.not_in(taken))
    await conn.execute(move.values(account_id=to_id))


async def forget(conn: AsyncConnection, account_id: int, guild_id: int) -> None:
    """Drop what a guild asked for an account it follows no more."""
    table = account_overrides.c
    await conn.execute(
        delete(account_overrides).where(table.account_id == account_id, table.guild_id == guild_id)
    )


def _override(row: RowMapping) -> Override:
    return Override(
        policy=row["policy"],
        priority=row["priority"],
        pinned=_span(row["pinned_seconds"]),
        boosted_until=row["boosted_until"],
        boosted_every=_span(row["boosted_seconds"]),
        frozen=row["frozen"],
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
