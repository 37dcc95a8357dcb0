"""What a plan is made of: the followed accounts as a policy sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.overrides import steered
from bot.core.live.planner import Watched
from bot.core.live.predictions import Override
from bot.storage import overrides
from bot.storage.subscriptions import IS_ACTIVE
from bot.storage.tables import accounts, lives, subscriptions

AT_ONCE = 500
"""So many rows at a time, so that others get a turn in between."""
POLICY_NOTE, SHADOW_NOTE = "predictions.policy", "predictions.shadow"
"""Where the choices of the deployment are kept."""

_followed = exists().where(subscriptions.c.account_id == accounts.c.id, IS_ACTIVE)
_is_live = exists().where(lives.c.account_id == accounts.c.id, lives.c.ended_at.is_(None))
# Made once: they run with every check, and making a statement costs more than running it.
_ONE = (
    select(accounts.c.last_checked_at, _is_live.label("is_live"), subscriptions.c.guild_id)
    .join(subscriptions, subscriptions.c.account_id == accounts.c.id)
    .where(accounts.c.id == bindparam("account_id"), IS_ACTIVE)
)
_FOLLOWED = (
    select(
        accounts.c.id,
        accounts.c.last_checked_at,
        accounts.c.next_check_at,
        accounts.c.last_answer,
        _is_live.label("is_live"),
    )
    .where(_followed)
    .order_by(accounts.c.id)
)
_PAGE = _FOLLOWED.where(accounts.c.id > bindparam("after_id")).limit(AT_ONCE)
_GUILDS = select(subscriptions.c.account_id, subscriptions.c.guild_id).where(
    subscriptions.c.account_id.in_(bindparam("account_ids", expanding=True)), IS_ACTIVE
)
_SET = update(accounts).where(accounts.c.id == bindparam("account_id")).values(next_check_at=bindparam("at"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A followed account, its next check as planned, and what it last answered."""

    watched: Watched
    next_check_at: datetime
    last_answer: str | None


async def load_all(conn: AsyncConnection, now: datetime, policy: str) -> tuple[Planned, ...]:
    """Read every followed account; `policy` plans those that name none."""
    asked = await overrides.all_overrides(conn)
    found: list[Planned] = []
    last_id = 0
    while page := (await conn.execute(_PAGE, {"after_id": last_id})).all():
        last_id = page[-1].id
        found += await _planned(conn, page, asked, now, policy)
    return tuple(found)


async def load_some(
    conn: AsyncConnection, account_ids: Collection[int], now: datetime, policy: str
) -> tuple[Planned, ...]:
    """Read those of some accounts that are followed, as `load_all` does."""
    rows = (await conn.execute(_FOLLOWED.where(accounts.c.id.in_(account_ids)))).all()
    return tuple(await _planned(conn, rows, await overrides.all_overrides(conn), now, policy))


async def load_one(conn: AsyncConnection, account_id: int, now: datetime, policy: str) -> Watched | None:
    """Read one account; None where nobody follows it."""
    rows = (await conn.execute(_ONE, {"account_id": account_id})).all()
    if not rows:
        return None
    account = Watched(
        account_id=account_id,
        guild_ids=frozenset(row.guild_id for row in rows),
        last_checked_at=rows[0].last_checked_at,
        is_live=bool(rows[0].is_live),
        policy=policy,
    )
    return steered(account, await overrides.of_account(conn, account_id), now)


async def set_next_checks(conn: AsyncConnection, checks: Sequence[tuple[int, datetime]]) -> None:
    """Write when accounts are due."""
    for first in range(0, len(checks), AT_ONCE):
        some = checks[first : first + AT_ONCE]
        await conn.execute(_SET, [{"account_id": account_id, "at": at} for account_id, at in some])


async def _planned(
    conn: AsyncConnection,
    rows: Sequence[Row[Any]],
    asked: Mapping[int, Mapping[int, Override]],
    now: datetime,
    policy: str,
) -> list[Planned]:
    guilds = await _guilds(conn, [row.id for row in rows])
    found = []
    for row in rows:
        account = Watched(
            account_id=row.id,
            guild_ids=guilds[row.id],
            last_checked_at=row.last_checked_at,
            is_live=bool(row.is_live),
            policy=policy,
        )
        found.append(
            Planned(
                watched=steered(account, asked.get(row.id, {}), now),
                next_check_at=row.next_check_at,
                last_answer=row.last_answer,
            )
        )
    return found


async def _guilds(conn: AsyncConnection, account_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for account_id, guild_id in (await conn.execute(_GUILDS, {"account_ids": account_ids})).all():
        found.setdefault(account_id, set()).add(guild_id)
    return {account_id: frozenset(guilds) for account_id, guilds in found.items()}
