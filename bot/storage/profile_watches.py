"""Statements about who watches a profile, and where the end of a run is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.requester import Requester
from bot.storage.post_tables import profile_run_askers, profile_runs, profile_watches, profiles
from bot.storage.upsert import insert_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """A channel in which somebody waits for the end of a run."""

    run_id: int
    channel_id: int
    guild_id: int
    user_id: int


async def watch(
    conn: AsyncConnection,
    account_id: int,
    by: Requester,
    *,
    interval_hours: int,
    next_run_at: datetime,
    now: datetime,
) -> None:
    """Watch a profile in a guild, or change how often it does; a paused one goes on.

    It is read at `next_run_at`, or before where that is planned already.
    """
    profile = insert_for(conn, profiles).values(account_id=account_id, next_run_at=next_run_at)
    await conn.execute(profile.on_conflict_do_nothing(index_elements=["account_id"]))
    late = (profiles.c.account_id == account_id) & (profiles.c.next_run_at > next_run_at)
    await conn.execute(update(profiles).where(late).values(next_run_at=next_run_at))
    chosen = {"interval_hours": interval_hours, "paused": False}
    row = {"account_id": account_id, "guild_id": by.guild_id, "created_by": by.user_id, "created_at": now}
    await conn.execute(
        insert_for(conn, profile_watches)
        .values(row | chosen)
        .on_conflict_do_update(index_elements=["account_id", "guild_id"], set_=chosen)
    )


async def unwatch(conn: AsyncConnection, account_id: int, guild_id: int) -> None:
    """Let a guild watch a profile no more; what was read stays."""
    table = profile_watches.c
    await conn.execute(
        delete(profile_watches).where(table.account_id == account_id, table.guild_id == guild_id)
    )


async def set_paused(conn: AsyncConnection, account_id: int, guild_id: int, *, paused: bool) -> None:
    """Pause or resume a profile in a guild."""
    table = profile_watches.c
    this = (table.account_id == account_id) & (table.guild_id == guild_id)
    await conn.execute(update(profile_watches).where(this).values(paused=paused))


async def wait_for(conn: AsyncConnection, run_id: int, by: Requester, channel_id: int, now: datetime) -> None:
    """Note that the end of a run is waited for in a channel."""
    row = {
        "run_id": run_id,
        "channel_id": channel_id,
        "guild_id": by.guild_id,
        "user_id": by.user_id,
        "asked_at": now,
    }
    await conn.execute(insert_for(conn, profile_run_askers).values(row).on_conflict_do_nothing())


async def was_told(conn: AsyncConnection, run_id: int, channel_id: int) -> None:
    """Note that the end of a run is not waited for any more: it was told there."""
    table = profile_run_askers.c
    await conn.execute(
        delete(profile_run_askers).where(table.run_id == run_id, table.channel_id == channel_id)
    )


async def waiting_for_ended(conn: AsyncConnection) -> Sequence[Asker]:
    """Read where the end of a run is waited for that is over, in the order in which the runs ended."""
    query = (
        select(*[profile_run_askers.c[name] for name in Asker.__dataclass_fields__])
        .join(profile_runs, profile_runs.c.id == profile_run_askers.c.run_id)
        .where(profile_runs.c.finished_at.is_not(None))
        .order_by(profile_runs.c.finished_at, profile_run_askers.c.run_id, profile_run_askers.c.channel_id)
    )
    return [Asker(**row) for row in (await conn.execute(query)).mappings()]
