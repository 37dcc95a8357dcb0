"""Replays lives that are known against a policy that is shown only what its own checks find."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.live.budget import DAY, Limit
from bot.core.live.history import Ended, Followed, Found, Missed
from bot.core.live.planner import Allowance, CheckPlan, Policy, Watched

HOUR = timedelta(hours=1)
SPACING = timedelta(minutes=5)
"""The least distance of two checks of one account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One live, from its true start to its true end."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A check that was made; `found` is the live it hit, None for an account that was offline."""

    account_id: int
    at: datetime
    found: Span | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """What is replayed: from when to when, within which limits, and how often all plans are remade.

    Within a stretch of `down` the bot does not run: nothing is checked, and what ends is told afterwards.
    """

    start: datetime
    end: datetime
    per_day: int = 120
    per_minute: int = 4
    replan_every: timedelta = HOUR
    down: Sequence[Span] = ()


@dataclass(slots=True)
class _Account:
    """An account under replay: its lives in order, and the state of its plan."""

    starts: list[datetime]
    lives: list[Span]
    watched: Watched
    due: datetime | None = None

    def live_at(self, instant: datetime) -> Span | None:
        """Give the live that is on at an instant."""
        index = bisect_right(self.starts, instant) - 1
        live = self.lives[index] if index >= 0 else None
        return live if live is not None and instant < live.end else None


class _Ledger:
    """The instants of all checks, in order."""

    def __init__(self, course: Course) -> None:
        self.asked: list[datetime] = []
        self._limits = (
            Limit(requests=course.per_day, window=DAY),
            Limit(requests=course.per_minute, window=timedelta(minutes=1)),
        )

    def free_at(self, instant: datetime) -> datetime:
        """Give the first instant from `instant` on at which a check keeps all limits."""
        for limit in self._limits:
            if len(self.asked) >= limit.requests:
                instant = max(instant, self.asked[-limit.requests] + limit.window)
        return instant

    def last_day(self, now: datetime) -> Sequence[datetime]:
        """Give the checks of the 24 hours before `now`."""
        return self.asked[bisect_right(self.asked, now - DAY) :]


class Replay:
    """One replay; `run` gives the checks in the order of their instants."""

    def __init__(
        self,
        policy: Policy,
        lives: Mapping[int, Sequence[Span]],
        course: Course,
        *,
        zones: Mapping[int, str] | None = None,
        before_hour: Callable[[datetime], None] | None = None,
    ) -> None:
        """`before_hour` is called at each full plan, with the policy as it is then (for forecasts)."""
        self._policy = policy
        self._course = course
        self._zones = zones or {}
        self._before_hour = before_hour
        self._ledger = _Ledger(course)
        self._accounts = {account_id: _account(account_id, spans) for account_id, spans in lives.items()}
        self._ends: list[tuple[datetime, int, datetime]] = []
        self._due: list[tuple[datetime, int]] = []

    def run(self) -> list[Check]:
        """Replay from the start of the course to its end."""
        course, checks = self._course, list[Check]()
        for account_id in self._accounts:
            zone = self._zones.get(account_id, "")
            self._policy.learn(Followed(account_id=account_id, at=course.start, zone=zone))
        now = replan_at = course.start
        while True:
            check_at = self._ledger.free_at(max(self._due[0][0], now)) if self._due else course.end
            end_at = self._ends[0][0] if self._ends else course.end
            now = max(now, self._awake(min(check_at, end_at, replan_at)))
            if now >= course.end:
                return checks
            if end_at <= now:
                self._end_live(now)
            elif replan_at <= now:
                self._replan(now)
                replan_at = max(replan_at + course.replan_every, now)
            elif self._ledger.free_at(now) <= now:
                checks += self._check(now)

    def _awake(self, instant: datetime) -> datetime:
        for span in self._course.down:
            if span.start <= instant < span.end:
                return span.end
        return instant

    def _allowance(self, now: datetime) -> Allowance:
        asked = self._ledger.last_day(now)
        return Allowance(checks_per_day=self._course.per_day, guild_share=1.0, asked=asked)

    def _replan(self, now: datetime) -> None:
        if self._before_hour is not None:
            self._before_hour(now)
        watched = [account.watched for account in self._accounts.values()]
        for plan in self._policy.plan(now, watched, self._allowance(now)):
            self._set_due(plan.account_id, plan)

    def _replan_one(self, now: datetime, account_id: int) -> None:
        watched = self._accounts[account_id].watched
        self._set_due(account_id, self._policy.plan_one(now, watched, self._allowance(now)))

    def _set_due(self, account_id: int, plan: CheckPlan | None) -> None:
        account = self._accounts[account_id]
        due = plan.at if plan else None
        last = account.watched.last_checked_at
        if due is not None and last is not None:
            due = max(due, last + SPACING)
        if due is not None and due != account.due:
            heapq.heappush(self._due, (due, account_id))
        account.due = due
        self._drop_stale()

    def _drop_stale(self) -> None:
        while self._due and self._accounts[self._due[0][1]].due != self._due[0][0]:
            heapq.heappop(self._due)

    def _end_live(self, now: datetime) -> None:
        end, account_id, start = heapq.heappop(self._ends)
        account = self._accounts[account_id]
        account.watched = replace(account.watched, is_live=False)
        self._policy.learn(Ended(account_id=account_id, started_at=start, ended_at=end))
        self._replan_one(now, account_id)

    def _check(self, now: datetime) -> list[Check]:
        """Make the check that is due at `now`, if one is."""
        if not self._due or self._due[0][0] > now:
            return []
        _, account_id = heapq.heappop(self._due)
        account = self._accounts[account_id]
        self._ledger.asked.append(now)
        live = account.live_at(now)
        account.watched = replace(account.watched, last_checked_at=now, is_live=live is not None)
        if live is None:
            self._policy.learn(Missed(account_id=account_id, at=now))
        else:
            self._policy.learn(Found(account_id=account_id, started_at=live.start, found_at=now))
            heapq.heappush(self._ends, (live.end, account_id, live.start))
        account.due = None
        self._replan_one(now, account_id)
        return [Check(account_id=account_id, at=now, found=live)]


def replay(
    policy: Policy,
    lives: Mapping[int, Sequence[Span]],
    course: Course,
    *,
    zones: Mapping[int, str] | None = None,
) -> list[Check]:
    """Replay `lives` (account id -> its lives) under a policy; gives the checks it made, in order."""
    return Replay(policy, lives, course, zones=zones).run()


def in_order(spans: Sequence[Span]) -> list[Span]:
    """Keep lives that make sense, in order; one that overlaps the one before starts when that ends."""
    lives: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        start = max(span.start, lives[-1].end) if lives else span.start
        if span.end > start:
            lives.append(Span(start=start, end=span.end))
    return lives


def _account(account_id: int, spans: Sequence[Span]) -> _Account:
    lives = in_order(spans)
    watched = Watched(account_id=account_id, guild_ids=frozenset({1}), last_checked_at=None)
    return _Account(starts=[live.start for live in lives], lives=lives, watched=watched)
