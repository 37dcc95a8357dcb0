"""How many lives went by unseen, as the model tells people, beside the truth that the replay knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.core.live.budget import DAY
from bot.core.live.history import Ended, Event, Followed, Found, Missed
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import Course, Replay, Span
from tests.core.live.fleets import BEGIN, HOUR, anytime, coverage, lives

WARM_UP, END = BEGIN + 10 * DAY, BEGIN + 30 * DAY
REGULAR = {n: lives(n, 30, lambda _, at=n: ((5.0 * at) % 23,), chance=1.0, lasts=1.0) for n in range(6)}
IRREGULAR = {n: anytime(n, 30, 1.0) for n in range(6)}


class _Evenly(EvenlySpread):
    """Checks at even distances, beside a model that learns from them."""

    def __init__(self, model: ProbabilityPolicy) -> None:
        super().__init__()
        self._model = model

    def learn(self, event: Event) -> None:
        self._model.learn(event)

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        self._model.plan(now, watched, allowance)
        return super().plan(now, watched, allowance)


def told(fleet: dict[int, list[Span]], per_day: int, *, evenly: bool) -> tuple[float, float]:
    """Give the coverage since the warm-up, as it is told from the missed lives expected, and as it is."""
    model, missed = ProbabilityPolicy(), 0.0

    def note(now: datetime) -> None:
        nonlocal missed
        if now <= WARM_UP:
            missed = sum(map(model.expected_missed, fleet))

    policy = _Evenly(model) if evenly else model
    checks = Replay(policy, fleet, Course(start=BEGIN, end=END, per_day=per_day), before_hour=note).run()
    found = {(one.account_id, one.found.start) for one in checks if one.found and one.found.start >= WARM_UP}
    missed = sum(map(model.expected_missed, fleet)) - missed
    return len(found) / (len(found) + missed), coverage(checks, fleet, WARM_UP, END)


@pytest.mark.parametrize(
    ("fleet", "per_day", "evenly", "error"),
    [
        (REGULAR, 36, True, 0.1),
        (IRREGULAR, 60, True, 0.1),
        (IRREGULAR, 150, False, 0.1),
        # Hours at which nobody looks are never quite believed to be quiet, so it says less than is true.
        (REGULAR, 36, False, 0.22),
    ],
)
def test_the_coverage_told_is_near_the_true_one(
    fleet: dict[int, list[Span]], per_day: int, evenly: bool, error: float
) -> None:
    said, true = told(fleet, per_day, evenly=evenly)
    assert said == pytest.approx(true, abs=error)


def test_of_an_account_with_one_hour_a_day_no_more_than_one_live_a_day_is_missed() -> None:
    model = ProbabilityPolicy()
    model.learn(Followed(account_id=1, at=BEGIN))
    for day in range(20):
        start = BEGIN + day * DAY + 20 * HOUR
        model.learn(Missed(account_id=1, at=start - HOUR / 4))
        model.learn(Found(account_id=1, started_at=start, found_at=start + HOUR / 4))
        model.learn(Ended(account_id=1, started_at=start, ended_at=start + HOUR))
    before, days = model.expected_missed(1), 10
    for day in range(20, 20 + days):
        model.learn(Missed(account_id=1, at=BEGIN + day * DAY + 12 * HOUR))
    assert days / 2 < model.expected_missed(1) - before < days * 1.3


def test_the_lives_of_a_long_time_without_checks_are_missed_too() -> None:
    def missed_with_a_check_each(distance: timedelta) -> float:
        model = ProbabilityPolicy()
        model.learn(Followed(account_id=1, at=BEGIN))
        for one in range(1, 20 * DAY // distance + 1):
            model.learn(Missed(account_id=1, at=BEGIN + one * distance))
        return model.expected_missed(1)

    assert missed_with_a_check_each(5 * DAY) == pytest.approx(missed_with_a_check_each(2 * DAY), rel=0.3)
