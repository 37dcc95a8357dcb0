"""Several policies as one: each account by its own, what admins asked for, and `fixed` where a model fails.

An account that is pinned or boosted is checked at its own distance; what that takes of the day is taken from
the allowance of all others. The rest is divided among the policies by their accounts. A policy that raises, or
answers with what is no plan, is `failing`: its accounts are checked evenly spread until it works again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from bot.core.live.budget import DAY
from bot.core.live.factors import FactorsPolicy
from bot.core.live.history import Event
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Policy, Watched, jittered
from bot.core.live.predictions import POLICIES
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.roadmap import RoadmapPolicy
from bot.texts import text

T = TypeVar("T")
FIXED = "fixed"
PINNED_PART = 0.8
"""Pins and boosts take at most this part of the allowance (and of a guild's share); more is stretched."""
PLENTY = 144
"""With more checks a day for each account than models plan (one in 10 minutes), all are evenly spread."""
PATIENCE = timedelta(days=2)
"""Nobody waits longer for a check than this, or than twice the even distance, but under the rule `roadmap`."""
STARVING = frozenset({"roadmap"})
LATEST = timedelta(days=31)
"""A plan that looks further ahead is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """An account with a distance of its own, and the checks that takes of the next 24 hours."""

    interval: timedelta
    checks: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What a policy raised. Copies share it: not every exception can be copied."""

    error: Exception

    @property
    def words(self) -> str:
        """Give the kind of error and its text."""
        return f"{type(self.error).__name__}: {self.error}"

    def __deepcopy__(self, memo: object) -> Failure:
        """Give itself."""
        return self


class Policies:
    """The policies by their names (`fixed` is always there); `default` plans accounts that name none.

    `failures` are those of the policies that do not work; `reserved` is how many checks of the next 24 hours
    pins, boosts and accounts under `fixed` take.
    """

    def __init__(self, models: Mapping[str, Policy], default: str = POLICIES[0]) -> None:
        self.default = default
        self.failures: dict[str, Failure] = {}
        self.reserved = 0.0
        self._policies: dict[str, Policy] = {**models, FIXED: models.get(FIXED) or EvenlySpread()}
        self._unlearned: set[str] = set()
        self._own: Mapping[int, Own] = {}
        self._parts: dict[str, Allowance] = {}
        self._slower: Mapping[int, float] = {}
        self._plenty: set[str] = set()
        self._patience = PATIENCE

    @property
    def names(self) -> tuple[str, ...]:
        """Give the policies there are."""
        return tuple(self._policies)

    @property
    def failing(self) -> Mapping[str, str]:
        """Give the policies that do not work, with the reason."""
        return {name: failure.words for name, failure in self.failures.items()}

    def working(self, name: str) -> Policy | None:
        """Give a policy that works; None for one that is not there or fails."""
        return None if name in self.failures else self._policies.get(name)

    def name_of(self, account: Watched) -> str:
        """Give the policy that plans an account now."""
        name = account.policy or self.default
        return FIXED if self.working(name) is None else name

    def learn(self, event: Event) -> None:
        """Let every policy learn; one that cannot has lost its thread, and stands aside until it is rebuilt."""
        for name, policy in self._policies.items():
            if name not in self._unlearned:
                attempt(partial(policy.learn, event), partial(self._stand_aside, name))

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live (and not frozen)."""
        watched = [account for account in watched if not account.frozen]
        self._own = own_distances(now, watched, allowance)
        rest = [account for account in watched if account.account_id not in self._own]
        plans = [self.plan_one(now, one, allowance) for one in watched if one.account_id in self._own]
        self._slower = _slower_guilds(watched, self._own, allowance)
        self.failures = {name: why for name, why in self.failures.items() if name in self._unlearned}
        self._parts = {}
        left = allowance.checks_per_day - sum(own.checks for own in self._own.values())
        self._patience = max(PATIENCE, 2 * DAY * len(rest) / max(left, 1.0))
        for name in dict.fromkeys(map(self.name_of, rest)):
            group = [account for account in rest if self.name_of(account) == name]
            part = _part(allowance, left * len(group) / len(rest))
            self._plenty.discard(name)
            if part.checks_per_day > PLENTY * len(group):
                self._plenty.add(name)
            elif name != FIXED:
                self._parts[name] = part
                plans += self._try_plan(name, now, group, part)
        plans += self._plan_fixed(now, rest, left, allowance)
        accounts = {account.account_id: account for account in watched}
        return [self._bounded(now, accounts[plan.account_id], plan) for plan in plans if plan is not None]

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan the next check of one account after an event of its own, as the last `plan` divided the day."""
        if account.is_live or account.frozen:
            return None
        own = _own_distance(now, account) and self._own.get(account.account_id)
        if own is not None:
            return _own_plan(now, account, own)
        name = self.name_of(account)
        part = self._parts.get(name, allowance)
        plan = None if self._is_spread(account) else self._try_one(name, now, account, part)
        plan = plan or self._policies[FIXED].plan_one(now, account, part)
        return None if plan is None else self._bounded(now, account, plan)

    def _bounded(self, now: datetime, account: Watched, plan: CheckPlan) -> CheckPlan:
        """Keep a check within the shares of guilds (what they pin the rest must wait for) and within patience."""
        last = account.last_checked_at
        if last is None or account.account_id in self._own:
            return plan
        factor = min((self._slower.get(guild, 1.0) for guild in account.guild_ids), default=1.0)
        waits = min((plan.at - last) * factor, LATEST)
        if self.name_of(account) not in STARVING:
            waits = min(waits, self._patience)
        return replace(plan, at=max(now, last + waits)) if last + waits != plan.at else plan

    def _try_one(self, name: str, now: datetime, account: Watched, part: Allowance) -> CheckPlan | None:
        def ask() -> Sequence[CheckPlan]:
            plan = self._policies[name].plan_one(now, account, part)
            return _checked(now, [account], [] if plan is None else [plan])

        return next(iter(attempt(ask, partial(self._fail, name))), None)

    def _try_plan(
        self, name: str, now: datetime, group: Sequence[Watched], part: Allowance
    ) -> Sequence[CheckPlan]:
        policy = self._policies[name]
        return attempt(lambda: _checked(now, group, policy.plan(now, group, part)), partial(self._fail, name))

    def _plan_fixed(
        self, now: datetime, rest: Sequence[Watched], left: float, allowance: Allowance
    ) -> Sequence[CheckPlan]:
        """Plan whoever is under `fixed`, whoever's own policy has failed, and whoever has plenty."""
        group = [account for account in rest if self._is_spread(account)]
        checks = left * len(group) / len(rest) if rest else 0.0
        self._parts[FIXED] = _part(allowance, checks)
        self.reserved = checks + sum(own.checks for own in self._own.values())
        return self._policies[FIXED].plan(now, group, self._parts[FIXED])

    def _is_spread(self, account: Watched) -> bool:
        name = self.name_of(account)
        return name == FIXED or name in self._plenty

    def _fail(self, name: str, error: Exception) -> Sequence[CheckPlan]:
        """Note that a policy has failed; `fixed` takes its place until the next plan of all accounts."""
        self.failures[name] = Failure(error=error)
        return []

    def _stand_aside(self, name: str, error: Exception) -> None:
        self._unlearned.add(name)
        self._fail(name, error)


def attempt(ask: Callable[[], T], failed: Callable[[Exception], T]) -> T:
    """Ask a model something: the border of whatever it can do wrong."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - so that checks go on without it
        return failed(error)


def own_distances(now: datetime, watched: Sequence[Watched], allowance: Allowance) -> dict[int, Own]:
    """Give the distance of each pinned or boosted account; where they ask too much, all are stretched alike.

    Too much is more than `PINNED_PART` of the allowance, or of the share of a guild that follows them.
    """
    asked = {
        account.account_id: own
        for account in watched
        if (own := _own_distance(now, account)) is not None and not account.is_live
    }
    most = PINNED_PART * allowance.checks_per_day
    total = sum(own.checks for own in asked.values())
    by_guild = _by_guild(watched, asked)
    stretched = {}
    for account in watched:
        if account.account_id in asked:
            shares = [by_guild[guild_id] / allowance.guild_share for guild_id in account.guild_ids]
            factor = max(1.0, max([total, *shares]) / most)
            own = asked[account.account_id]
            stretched[account.account_id] = Own(interval=own.interval * factor, checks=own.checks / factor)
    return stretched


def _slower_guilds(
    watched: Sequence[Watched], own: Mapping[int, Own], allowance: Allowance
) -> dict[int, float]:
    """Give how much longer other checks of a guild must wait, so that with its pins it stays within its share."""
    share, day = allowance.guild_share, allowance.checks_per_day
    if share >= 1:
        return {}
    taken = _by_guild(watched, own)
    left = day - sum(one.checks for one in own.values())
    return {guild_id: max(1.0, share * left / (share * day - used)) for guild_id, used in taken.items()}


def _by_guild(watched: Sequence[Watched], own: Mapping[int, Own]) -> dict[int, float]:
    taken: dict[int, float] = {}
    for account in watched:
        for guild_id in account.guild_ids if account.account_id in own else ():
            checks = own[account.account_id].checks / len(account.guild_ids)
            taken[guild_id] = taken.get(guild_id, 0.0) + checks
    return taken


def _own_distance(now: datetime, account: Watched) -> Own | None:
    """Give what admins asked for one account; while it is boosted, the shorter of boost and pin counts."""
    day = DAY if account.interval is None else account.interval
    boosted_until = account.boosted_until
    boosted = max(boosted_until - now, timedelta(0)) if boosted_until is not None else timedelta(0)
    boosted = min(boosted, DAY)
    if not boosted:
        return None if account.interval is None else Own(interval=day, checks=DAY / day)
    every = min(account.boosted_every, day)
    after = 0.0 if account.interval is None else (DAY - boosted) / day
    return Own(interval=every, checks=boosted / every + after)


def _own_plan(now: datetime, account: Watched, own: Own) -> CheckPlan:
    if account.last_checked_at is None:
        return CheckPlan(account_id=account.account_id, at=now, reason=text("never checked before"))
    minutes = round(own.interval.total_seconds() / 60)
    boosted = account.boosted_until is not None and account.boosted_until > now
    words = (
        text("an admin asked for more checks, every {minutes} min", minutes=minutes)
        if boosted
        else text("an admin set it to every {minutes} min", minutes=minutes)
    )
    return CheckPlan(account_id=account.account_id, at=jittered(now, account, own.interval), reason=words)


def _part(allowance: Allowance, checks: float) -> Allowance:
    """Give a part of the day's checks, with as large a part of the checks made already."""
    part = min(1.0, max(0.0, checks / allowance.checks_per_day))
    count = round(len(allowance.asked) * part)
    asked = [allowance.asked[number * len(allowance.asked) // count] for number in range(count)]
    return replace(allowance, checks_per_day=max(1, round(checks)), asked=asked)


def _checked(now: datetime, group: Sequence[Watched], plans: Sequence[CheckPlan]) -> list[CheckPlan]:
    """Give the plan of each account of a group that is not live; raises `ValueError` for what is no plan.

    An account the policy leaves out is looked at in a day, so that nobody is forgotten.
    """
    by_account = {plan.account_id: plan for plan in plans}
    wanted = [account.account_id for account in group if not account.is_live and not account.frozen]
    if len(by_account) != len(plans) or not by_account.keys() <= set(wanted):
        raise ValueError("a plan for an account that was not asked for")
    if wanted and not plans:
        raise ValueError("no plan at all")
    for plan in plans:
        if plan.at.tzinfo is None or not now - LATEST < plan.at < now + LATEST:
            raise ValueError(f"a check at {plan.at}")
    return [by_account.get(one) or _left_out(now, one) for one in wanted]


def _left_out(now: datetime, account_id: int) -> CheckPlan:
    return CheckPlan(account_id=account_id, at=now + DAY, reason=text("hardly ever live"))


PROVIDED: Mapping[str, Callable[[], Policy]] = {
    "probability": ProbabilityPolicy,
    "roadmap": RoadmapPolicy,
    "factors": FactorsPolicy,
    FIXED: EvenlySpread,
}
"""Makes each policy there is, as one that knows nothing yet."""


def provided_policies() -> Policies:
    """Give all policies there are."""
    return Policies({name: make() for name, make in PROVIDED.items()})
