"""The rule people already know, `roadmap` (specs/scheduling.md 5): sweeps every 30, 60 or 120 minutes.

It is here to be compared with. Its hours are plain means, so lives around midnight mislead it, and an account
it is not sure of is never swept, so it never learns: both are the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.live.budget import DAY
from bot.core.live.histories import Histories
from bot.core.live.history import Event
from bot.core.live.past_lives import local_hour
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.texts import text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepRule:
    """With at least `accounts` over the probability `over`, sweep every `every`."""

    accounts: int
    over: float
    every: timedelta


SWEEPS = (
    SweepRule(accounts=3, over=0.6, every=timedelta(minutes=30)),
    SweepRule(accounts=1, over=0.6, every=timedelta(minutes=60)),
    SweepRule(accounts=2, over=0.3, every=timedelta(minutes=60)),
)
OLDER_SWEEPS = (
    SweepRule(accounts=6, over=0.7, every=timedelta(minutes=30)),
    SweepRule(accounts=3, over=0.7, every=timedelta(minutes=60)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoadmapRules:
    """The numbers of the rule. The first of `sweeps` that holds decides, else it is `rarest`.

    For `warm_up` after an account was followed it is checked as by `fixed`.
    """

    memory: timedelta = timedelta(days=30)
    least_lives: int = 5
    lives_for_trust: int = 14
    trusted_from: float = 0.3
    sweeps: tuple[SweepRule, ...] = SWEEPS
    rarest: timedelta = timedelta(minutes=120)
    least_change: timedelta = timedelta(minutes=10)
    look_over: timedelta = timedelta(minutes=15)
    swept_over: float = 0.4
    warm_up: timedelta = timedelta(days=14)


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanHours:
    """When an account is live: plain means of local hours 0..24, consistency and confidence 0..1."""

    start: float = 0.0
    end: float = 0.0
    consistency: float = 0.0
    confidence: float = 0.0

    def probabilities(self, hours: Floats, trusted_from: float = 0.3) -> Floats:
        """Give the probability at local hours: 0.8 x confidence within an hour of the means, else little."""
        if self.confidence < trusted_from:
            return np.full_like(hours, 0.1)
        within = (hours >= self.start - 1) & (hours <= self.end + 1)
        outside = np.where(hours < self.start - 1, 0.2, 0.1)
        return np.where(within, 0.8 * self.confidence, outside)


def mean_hours(starts: Sequence[float], ends: Sequence[float], rules: RoadmapRules) -> MeanHours:
    """Give the means of the local hours (0..24) of starts and ends, and how far they are to be trusted.

    consistency = max(0, 1 - variance of the start hours / 12), confidence = consistency x
    min(1, lives / 14); with fewer than 5 lives nothing is known.
    """
    if len(starts) < rules.least_lives:
        return MeanHours()
    consistency = max(0.0, 1 - float(np.var(starts)) / 12)
    return MeanHours(
        start=float(np.mean(starts)),
        end=float(np.mean(ends)),
        consistency=consistency,
        confidence=consistency * min(1.0, len(starts) / rules.lives_for_trust),
    )


def next_interval(probabilities: Floats, current: timedelta, rules: RoadmapRules) -> timedelta:
    """Give the distance of sweeps by how many accounts are likely, where it changes by enough."""
    wanted = next(
        (rule.every for rule in rules.sweeps if np.count_nonzero(probabilities > rule.over) >= rule.accounts),
        rules.rarest,
    )
    return wanted if abs(wanted - current) > rules.least_change else current


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A sweep at `at`, while they are `every` apart."""

    at: datetime
    every: timedelta


class RoadmapPolicy:
    """The policy `roadmap`: all accounts of a sweep at the same instant, the ledger spaces them."""

    def __init__(self, rules: RoadmapRules | None = None) -> None:
        self._rules = rules or RoadmapRules()
        self._fixed = EvenlySpread()
        self._histories = Histories(self._rules.memory + DAY)
        self._last = Sweep(at=EPOCH, every=self._rules.rarest)
        self._looked_at: datetime | None = None
        self._coming: list[Sweep] = []

    def learn(self, event: Event) -> None:
        """Remember lives and zones."""
        self._histories.learn(event)

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the sweeps of the next 24 hours, and give each account the first one that takes it."""
        self._fixed.plan(now, watched, allowance)
        ruled = [account.account_id for account in watched if not self._is_new(account.account_id, now)]
        self._go_on(now, ruled)
        plans = [self.plan_one(now, account, allowance) for account in watched]
        return [plan for plan in plans if plan is not None]

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Give the account the first sweep of the last `plan` that takes it, by what is known of it now."""
        if account.is_live or account.frozen:
            return None
        if self._looked_at is None or self._is_new(account.account_id, now):
            return self._fixed.plan_one(now, account, allowance)
        hours = self.mean_hours(account.account_id, now)
        zone = self._histories[account.account_id].zone
        for sweep in [self._last, *self._coming]:
            likely = self._probability(hours, sweep.at, zone)
            if likely > self._rules.swept_over and not self._was_seen(account, sweep.at, now):
                return _in_sweep(account, sweep, likely, now)
        reason = text("the roadmap rule finds no hour of the next 24 likely enough")
        return CheckPlan(account_id=account.account_id, at=now + DAY, reason=reason)

    def mean_hours(self, account_id: int, now: datetime) -> MeanHours:
        """Give the mean hours of the account's lives of the last 30 days, in its own zone."""
        lives = self._histories.lives(account_id, now - self._rules.memory, now)
        zone = self._histories[account_id].zone
        starts = [local_hour(live.started_at, zone) for live in lives]
        ends = [local_hour(live.ended_at, zone) for live in lives]
        return mean_hours(starts, ends, self._rules)

    def probability(self, account_id: int, at: datetime, now: datetime) -> float:
        """Give what the rule says of an account at an instant, by what is known at `now`."""
        return self._probability(self.mean_hours(account_id, now), at, self._histories[account_id].zone)

    def _probability(self, hours: MeanHours, at: datetime, zone: tzinfo) -> float:
        hour = np.array([local_hour(at, zone)])
        return float(hours.probabilities(hour, self._rules.trusted_from)[0])

    def _was_seen(self, account: Watched, at: datetime, now: datetime) -> bool:
        """Say whether the account was checked, or known to be live, at an instant or after it."""
        ends = self._histories[account.account_id].ends
        seen = [instant for instant in (account.last_checked_at, *ends.values()) if instant is not None]
        return at <= min(max(seen, default=EPOCH), now)

    def _is_new(self, account_id: int, now: datetime) -> bool:
        followed_at = self._histories[account_id].followed_at
        return followed_at is None or now - followed_at < self._rules.warm_up

    def _go_on(self, now: datetime, account_ids: Sequence[int]) -> None:
        """Look the interval over every 15 minutes: from the last look up to now, and for 24 hours ahead.

        The looks stand on a grid of their own, so that a plan remade does not move the next sweep.
        """
        step = self._rules.look_over
        due = now - (now - EPOCH) % step
        # After a start, a long sleep or a clock set back there is nothing to go on from: sweep now.
        if self._looked_at is None or not due - DAY <= self._looked_at <= due:
            self._looked_at, self._last = due - step, Sweep(at=due - self._last.every, every=self._last.every)
        past = _instants(self._looked_at + step, due, step)
        ahead = _instants(due + step, due + DAY, step)
        table = self._table(now, account_ids, [*past, *ahead])
        done = self._sweeps(self._last, past, table[:, : len(past)])
        self._last, self._looked_at = done[-1], due
        self._coming = self._sweeps(self._last, ahead, table[:, len(past) :])[1:]

    def _sweeps(self, last: Sweep, instants: Sequence[datetime], probabilities: Floats) -> list[Sweep]:
        """Give the sweeps at these looks, `last` (with its interval as it is at the end of them) first."""
        sweeps = [last]
        every = last.every
        for column, at in enumerate(instants):
            every = next_interval(probabilities[:, column], every, self._rules)
            if at - sweeps[-1].at >= every:
                sweeps.append(Sweep(at=at, every=every))
        # The next look compares with the interval as it is now, not as it was at the last sweep.
        sweeps[-1] = Sweep(at=sweeps[-1].at, every=every)
        return sweeps

    def _table(self, now: datetime, account_ids: Sequence[int], instants: Sequence[datetime]) -> Floats:
        """Give the probabilities of accounts at instants (accounts x instants)."""
        clocks: dict[tzinfo, Floats] = {}
        rows = np.zeros((len(account_ids), len(instants)))
        for row, account_id in enumerate(account_ids):
            zone = self._histories[account_id].zone
            if zone not in clocks:
                clocks[zone] = np.array([local_hour(at, zone) for at in instants])
            hours = self.mean_hours(account_id, now)
            rows[row] = hours.probabilities(clocks[zone], self._rules.trusted_from)
        return rows


def _instants(first: datetime, last: datetime, step: timedelta) -> list[datetime]:
    return [first + number * step for number in range((last - first) // step + 1)]


def _in_sweep(account: Watched, sweep: Sweep, likely: float, now: datetime) -> CheckPlan:
    return CheckPlan(
        account_id=account.account_id,
        at=max(now, sweep.at),
        reason=text(
            "roadmap: a sweep every {minutes} min, {percent} % likely by its rule",
            minutes=round(sweep.every.total_seconds() / 60),
            percent=round(100 * likely),
        ),
    )
