from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.live.planner import Allowance, EvenlySpread, Watched
from bot.core.live.policies import provided_policies
from bot.core.live.projection import project

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def accounts(count: int, **values: object) -> list[Watched]:
    values = {"guild_ids": frozenset({1}), "last_checked_at": NOW - HOUR, **values}
    return [Watched(account_id=number, **values) for number in range(count)]


def allowance(checks: int, asked: int = 0) -> Allowance:
    instants = [NOW - DAY + number * DAY / max(asked, 1) for number in range(asked)]
    return Allowance(checks_per_day=checks, guild_share=1.0, asked=instants)


def test_an_even_spread_goes_on_evenly_until_the_end():
    planned = project(EvenlySpread(), NOW, NOW + DAY / 2, accounts(4), allowance(48))
    assert len(planned) == pytest.approx(24, abs=4)
    assert planned == sorted(planned)
    assert NOW <= planned[0] <= planned[-1] < NOW + DAY / 2


def test_no_window_holds_more_than_the_budget_with_what_was_asked_before():
    given = allowance(20, asked=20)
    planned = project(provided_policies(), NOW, NOW + 2 * DAY, accounts(10), given)
    asked = [*given.asked, *planned]
    assert planned
    assert all(later - early >= DAY for early, later in zip(asked, asked[20:], strict=False))


def test_the_policy_itself_is_left_as_it_was():
    policy = EvenlySpread()
    policy.plan(NOW, accounts(2), allowance(10))
    before = policy.plan_one(NOW, accounts(2)[0], allowance(10))
    project(policy, NOW, NOW + DAY, accounts(2), allowance(500))
    assert policy.plan_one(NOW, accounts(2)[0], allowance(10)) == before


def test_nobody_live_or_frozen_is_looked_at():
    assert project(EvenlySpread(), NOW, NOW + DAY, accounts(3, is_live=True), allowance(24)) == []
    assert project(EvenlySpread(), NOW, NOW + DAY, accounts(3, frozen=True), allowance(24)) == []
