"""A replay shows a policy only what its checks find, and never passes the budget."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from bot.core.live.budget import DAY
from bot.core.live.history import Ended, Event, Followed, Found, Missed
from bot.core.live.planner import EvenlySpread
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import SPACING, Check, Course, Span, replay
from tests.core.live.fleets import BEGIN, HOUR, lives


class Listening(EvenlySpread):
    """The plainest policy, with the events it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def learn(self, event: Event) -> None:
        self.events.append(event)


def worst_day(checks: list[Check]) -> int:
    asked = [check.at for check in checks]
    return max(sum(at - DAY < other <= at for other in asked) for at in asked)


def test_a_policy_hears_of_a_live_only_when_a_check_hits_it_and_of_its_end_when_it_ends() -> None:
    fleet = {1: lives(1, 6, lambda _: (20.0,), chance=1.0), 2: lives(2, 6, lambda _: (9.0, 15.0), chance=1.0)}
    policy = Listening()
    checks = replay(policy, fleet, Course(start=BEGIN, end=BEGIN + 6 * DAY, per_day=40))
    told = [event for event in policy.events if not isinstance(event, Followed)]
    assert [event for event in told if isinstance(event, Found)] == [
        Found(account_id=check.account_id, started_at=check.found.start, found_at=check.at)
        for check in checks
        if check.found is not None
    ]
    assert len([event for event in told if isinstance(event, Missed)]) == sum(c.found is None for c in checks)
    spans = {(account, span.start): span.end for account, spans in fleet.items() for span in spans}
    ends = [event for event in told if isinstance(event, Ended)]
    assert len(ends) >= 5
    assert all(spans[event.account_id, event.started_at] == event.ended_at for event in ends)


def test_a_live_that_is_known_is_not_checked_until_it_ends() -> None:
    fleet = {1: [Span(start=BEGIN + HOUR, end=BEGIN + 20 * HOUR)]}
    checks = replay(EvenlySpread(), fleet, Course(start=BEGIN, end=BEGIN + 2 * DAY, per_day=100))
    found = next(check for check in checks if check.found)
    assert [check for check in checks if found.at < check.at < BEGIN + 20 * HOUR] == []
    assert [check for check in checks if check.at > BEGIN + 20 * HOUR]


@pytest.mark.parametrize("seed", range(3))
def test_no_day_is_over_the_budget_whenever_the_bot_is_down(seed: int) -> None:
    random = np.random.default_rng(seed)
    begins = BEGIN + HOUR * np.sort(random.uniform(0, 24 * 5, 6))
    down = [Span(start=at, end=at + HOUR * float(random.uniform(0, 14))) for at in begins]
    fleet = {number: lives(number, 5, lambda _, at=number: (at * 2.0,)) for number in range(10)}
    course = Course(start=BEGIN, end=BEGIN + 5 * DAY, per_day=30, down=down)
    checks = replay(ProbabilityPolicy(), fleet, course)
    assert worst_day(checks) <= 30
    assert len(checks) > 30
    assert not [check for check in checks for span in down if span.start < check.at < span.end]


def test_checks_of_one_account_keep_their_distance() -> None:
    fleet = {1: lives(1, 1, lambda _: (12.0,))}
    checks = replay(ProbabilityPolicy(), fleet, Course(start=BEGIN, end=BEGIN + DAY, per_day=400))
    gaps = [later.at - earlier.at for earlier, later in pairwise(checks)]
    assert min(gaps) >= SPACING


def test_lives_that_overlap_or_end_before_they_start_are_put_right() -> None:
    broken = [
        Span(start=BEGIN + 2 * HOUR, end=BEGIN + HOUR),
        Span(start=BEGIN + 4 * HOUR, end=BEGIN + 9 * HOUR),
        Span(start=BEGIN + 5 * HOUR, end=BEGIN + 6 * HOUR),
    ]
    course = Course(start=BEGIN, end=BEGIN + DAY, per_day=200)
    found = [check.found for check in replay(EvenlySpread(), {1: broken}, course) if check.found]
    assert found == [Span(start=BEGIN + 4 * HOUR, end=BEGIN + 9 * HOUR)]


def test_two_replays_are_alike() -> None:
    fleet = {number: lives(number, 3, lambda _: (20.0,)) for number in range(5)}
    course = Course(start=BEGIN, end=BEGIN + timedelta(days=3), per_day=30)
    assert replay(ProbabilityPolicy(), fleet, course) == replay(ProbabilityPolicy(), fleet, course)
