"""When to check whom: the interface every policy has, and the plainest policy.

A policy gets what is known of the accounts and the budget, and answers with one `CheckPlan` per account.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.live.budget import DAY
from bot.texts import text

JITTER = 0.3
"""Checks are moved by up to this share of their interval (specs/tiktok-live.md 4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """An account as a policy sees it. `guild_ids` are the guilds that follow it and pay for its checks."""

    account_id: int
    guild_ids: frozenset[int]
    last_checked_at: datetime | None
    is_live: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckPlan:
    """The next check of an account: not before `at`, and why."""

    account_id: int
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What may be spent: `checks_per_day` in all, and at most `guild_share` (0..1] of it by one guild."""

    checks_per_day: int
    guild_share: float


class Policy(Protocol):
    """Decides the next check of every account that is not live."""

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live."""


class EvenlySpread:
    """Every account is checked at the same distance: the day divided by the checks it gets."""

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live; one never checked is due now."""
        rates = checks_per_day(watched, allowance)
        return [
            _plan_one(now, account, DAY / rates[account.account_id])
            for account in watched
            if not account.is_live
        ]


def _plan_one(now: datetime, account: Watched, interval: timedelta) -> CheckPlan:
    if account.last_checked_at is None:
        return CheckPlan(account_id=account.account_id, at=now, reason=text("never checked before"))
    moved = interval * (1 + JITTER * _scatter(account))
    minutes = round(interval.total_seconds() / 60)
    return CheckPlan(
        account_id=account.account_id,
        at=max(now, min(account.last_checked_at, now) + moved),
        reason=text("evenly spread, about every {minutes} min", minutes=minutes),
    )


def _scatter(account: Watched) -> float:
    """Give a number in -1..1 that is the same however often the plan is remade, and new after each check."""
    return zlib.crc32(f"{account.account_id} {account.last_checked_at}".encode()) / 2**31 - 1


def checks_per_day(watched: Sequence[Watched], allowance: Allowance) -> dict[int, float]:
    """Divide the day's checks: evenly over accounts, no guild above its share, the rest to the others.

    An account that several guilds follow is paid by them in equal parts. A guild over its share has its
    accounts cut in proportion; what that frees is not spent when every guild is at its share.
    """
    if not watched:
        return {}
    cap = allowance.checks_per_day * allowance.guild_share
    rates = dict.fromkeys((account.account_id for account in watched), 0.0)
    open_accounts = list(watched)
    left = float(allowance.checks_per_day)
    while open_accounts and left > 1e-9:
        step = left / len(open_accounts)
        spent = _spent_by_guild(watched, rates)
        asked = _spent_by_guild(open_accounts, dict.fromkeys(rates, step))
        part = min((1.0, *((cap - spent.get(guild, 0.0)) / asks for guild, asks in asked.items() if asks)))
        for account in open_accounts:
            rates[account.account_id] += step * max(part, 0.0)
        left -= step * max(part, 0.0) * len(open_accounts)
        spent = _spent_by_guild(watched, rates)
        full = {guild for guild, amount in spent.items() if amount >= cap - 1e-9}
        open_accounts = [account for account in open_accounts if not account.guild_ids & full]
    return {account_id: max(rate, 1e-3) for account_id, rate in rates.items()}


def _spent_by_guild(watched: Sequence[Watched], rates: Mapping[int, float]) -> dict[int, float]:
    spent: dict[int, float] = {}
    for account in watched:
        for guild in account.guild_ids:
            spent[guild] = spent.get(guild, 0.0) + rates[account.account_id] / len(account.guild_ids)
    return spent
