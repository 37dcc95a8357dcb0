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
from bot.core.live.history import Event
from bot.texts import text

JITTER = 0.3
"""Checks are moved by up to this share of their interval (specs/tiktok-live.md 4)."""
SKEW = timedelta(minutes=5)
"""So far ahead may a last check lie without the clock having been set back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """An account as a policy sees it. `guild_ids` are the guilds that follow it and pay for its checks.

    What admins asked for: `policy` by its name (empty: the deployment's), `priority` weights the value of
    finding this account early, `interval` pins it to one distance, until `boosted_until` its checks are at most
    `boosted_every` apart, and `frozen` stops its planned checks.
    """

    account_id: int
    guild_ids: frozenset[int]
    last_checked_at: datetime | None
    is_live: bool = False
    policy: str = ""
    priority: float = 1.0
    interval: timedelta | None = None
    boosted_until: datetime | None = None
    boosted_every: timedelta = timedelta(minutes=15)
    frozen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckPlan:
    """The next check of an account: not before `at`, and why."""

    account_id: int
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What may be spent: `checks_per_day` in all, and at most `guild_share` (0..1] of it by one guild.

    `asked` are the instants of the discovery checks of the last 24 hours: what they used is not free yet.
    """

    checks_per_day: int
    guild_share: float
    asked: Sequence[datetime] = ()


class Policy(Protocol):
    """Decides the next check of every account that is not live, from what it has learned of all of them."""

    def learn(self, event: Event) -> None:
        """Take in what has come to be known; events of one account come in the order of their instants."""

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live (and not frozen)."""

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan the next check of one account after an event of its own, at the price of the last `plan`.

        None for an account that gets no check: it is live, or frozen.
        """


class EvenlySpread:
    """Every account is checked at the same distance: the day divided by the checks it gets."""

    def __init__(self) -> None:
        self._intervals: dict[int, timedelta] = {}

    def learn(self, event: Event) -> None:
        """Learn nothing: the distance is the same at all hours."""

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan the next check at the distance of the last `plan`; an account new since then is due now."""
        del allowance
        if account.is_live or account.frozen:
            return None
        return _plan_one(now, account, self._intervals.get(account.account_id, DAY))

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live; one never checked is due now."""
        rates = checks_per_day(watched, allowance)
        self._intervals = {account_id: DAY / rate for account_id, rate in rates.items()}
        plans = [self.plan_one(now, account, allowance) for account in watched]
        return [plan for plan in plans if plan is not None]


def _plan_one(now: datetime, account: Watched, interval: timedelta) -> CheckPlan:
    if account.last_checked_at is None:
        return CheckPlan(account_id=account.account_id, at=now, reason=text("never checked before"))
    minutes = round(interval.total_seconds() / 60)
    return CheckPlan(
        account_id=account.account_id,
        at=jittered(now, account, interval),
        reason=text("evenly spread, about every {minutes} min", minutes=minutes),
    )


def jittered(now: datetime, account: Watched, interval: timedelta) -> datetime:
    """Give the instant about `interval` after the last check of an account (due now where there was none).

    A last check that lies ahead was made before the clock was set back: counted from `now`, the next one would
    be put off with every plan until the old time has come again.
    """
    if account.last_checked_at is None or account.last_checked_at - now > SKEW:
        return now
    moved = interval * (1 + JITTER * _scatter(account))
    return max(now, min(account.last_checked_at, now) + moved)


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
