"""The looks the bot would have made in its past, what they found, and what it said of the hours beforehand.

They are made by the bot's own replay (`bot.core.live.replay`): the policy is shown only what its own checks find, so
lives are found late, and some not at all. The first weeks go by the fixed plan, as an admin had chosen it; then the
policy of probabilities takes over, with all that was learned meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.core.live.history import Event
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import Check, Course, Replay, Span
from tools.sandbox.world.lives import PlannedLive

CHECKS_PER_DAY, CHECKS_BEFORE = 120, 84
"""So many are made since the policy of probabilities plans, and before."""
LEARNED_FOR = timedelta(days=21)
"""So long the policy of probabilities has planned; before, checks were spread evenly."""
FORECAST_FOR = timedelta(days=34)
"""The bot forgets what it said of hours longer ago than 35 days."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A live that a look found; `live_id` counts them in the order in which they were found.

    Within the stretches of `down` the bot did not run, so that nothing was recorded.
    """

    live_id: int
    account_id: int
    live: PlannedLive
    found_at: datetime
    down: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What was said of an hour of an account before it began."""

    account_id: int
    hour: datetime
    start: float
    live: float
    confidence: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """All of it. `missed` is how many lives were expected to go by unseen, by account and hour."""

    checks: tuple[Check, ...]
    found: tuple[Found, ...]
    said: tuple[Said, ...]
    missed: Mapping[tuple[int, datetime], float]
    down: tuple[Span, ...]


def look(
    lives: Mapping[int, Sequence[PlannedLive]],
    since: datetime,
    until: datetime,
    *,
    zone: str,
    down: Sequence[Span] = (),
) -> Looks:
    """Look for lives (by account id) from `since` until `until`; what is on at the end was not found yet."""
    policy = _Switched(until - LEARNED_FOR)
    spoken = _Spoken(policy.learned, sorted(lives), until - FORECAST_FOR)
    over = {
        account_id: [Span(start=one.started_at, end=one.ended_at) for one in some if one.ended_at <= until]
        for account_id, some in lives.items()
    }
    course = Course(start=since, end=until, per_day=CHECKS_PER_DAY, down=down)
    replay = Replay(policy, over, course, zones=dict.fromkeys(lives, zone), before_hour=spoken)
    on = {
        account_id: one.started_at
        for account_id, some in lives.items()
        for one in some
        if one.ended_at > until
    }
    checks = [one for one in replay.run() if one.at < on.get(one.account_id, until)]
    return Looks(
        checks=tuple(checks),
        found=_found(checks, lives, down),
        said=tuple(spoken.said),
        missed=spoken.missed,
        down=tuple(down),
    )


def _found(
    checks: Sequence[Check], lives: Mapping[int, Sequence[PlannedLive]], down: Sequence[Span]
) -> tuple[Found, ...]:
    """Name each live by the first check that saw it."""
    starts = {account_id: [one.started_at for one in some] for account_id, some in lives.items()}
    first: dict[tuple[int, int], datetime] = {}
    for check in checks:
        if check.found is not None:
            number = bisect_right(starts[check.account_id], check.at) - 1
            first.setdefault((check.account_id, number), check.at)
    return tuple(
        Found(
            live_id=live_id,
            account_id=account_id,
            live=lives[account_id][number],
            found_at=at,
            down=tuple(down),
        )
        for live_id, ((account_id, number), at) in enumerate(
            sorted(first.items(), key=lambda one: one[1]), start=1
        )
    )


class _Switched:
    """Plans evenly until an instant, then by what was learned from the first day on."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._even = EvenlySpread()
        self.learned = ProbabilityPolicy()

    def learn(self, event: Event) -> None:
        self.learned.learn(event)

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        return self._of(now).plan(now, watched, self._before(now, allowance))

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        return self._of(now).plan_one(now, account, allowance)

    def _before(self, now: datetime, allowance: Allowance) -> Allowance:
        return allowance if now >= self._at else replace(allowance, checks_per_day=CHECKS_BEFORE)

    def _of(self, now: datetime) -> EvenlySpread | ProbabilityPolicy:
        return self._even if now < self._at else self.learned


@dataclass(kw_only=False, slots=True)
class _Spoken:
    """Called each hour: says what is expected of the next one, and what went by unseen since the last call."""

    model: ProbabilityPolicy
    account_ids: Sequence[int]
    since: datetime
    said: list[Said] = field(default_factory=list)
    missed: dict[tuple[int, datetime], float] = field(default_factory=dict)
    _before: dict[int, float] = field(default_factory=dict)

    def __call__(self, now: datetime) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        for account_id in self.account_ids:
            missed = float(self.model.expected_missed(account_id))
            self.missed[account_id, hour] = max(0.0, missed - self._before.get(account_id, missed))
            self._before[account_id] = missed
        if now < self.since:
            return
        forecast = self.model.forecast(now, self.account_ids, 2)
        for place, account_id in enumerate(forecast.account_ids):
            said = Said(
                account_id=account_id,
                hour=hour + HOUR,
                start=_share(forecast.starts[place][1]),
                live=_share(forecast.live[place][1]),
                confidence=_share(forecast.confidence[place]),
            )
            self.said.append(said)


def _share(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
