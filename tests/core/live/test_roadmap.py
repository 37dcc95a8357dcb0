"""The roadmap rule, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.history import Ended, Followed
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched
from bot.core.live.roadmap import (
    OLDER_SWEEPS,
    MeanHours,
    RoadmapPolicy,
    RoadmapRules,
    mean_hours,
    next_interval,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = RoadmapRules()
ALLOWANCE = Allowance(checks_per_day=120, guild_share=1.0)


def watched(account_id: int, last: datetime | None = NOON - DAY, *, is_live: bool = False) -> Watched:
    return Watched(account_id=account_id, guild_ids=frozenset({1}), last_checked_at=last, is_live=is_live)


def taught(
    hours: dict[int, float], *, days: int = 20, followed: timedelta = 40 * DAY, zone: str = ""
) -> RoadmapPolicy:
    """Give a policy that knows accounts live each day at an hour, for two hours."""
    policy = RoadmapPolicy()
    for account_id, hour in hours.items():
        policy.learn(Followed(account_id=account_id, at=NOON - followed, zone=zone))
        for day in range(days, 0, -1):
            start = NOON - day * DAY + (hour - 12) * HOUR
            policy.learn(Ended(account_id=account_id, started_at=start, ended_at=start + 2 * HOUR))
    return policy


def at_of(plans: Sequence[CheckPlan]) -> dict[int, datetime]:
    return {plan.account_id: plan.at for plan in plans}


def test_the_means_and_the_trust_are_those_of_the_rule() -> None:
    starts = [18.0, 20.0, 19.0, 19.0, 18.0, 20.0, 19.0]
    hours = mean_hours(starts, [hour + 2 for hour in starts], RULES)
    assert (hours.start, hours.end) == (pytest.approx(19), pytest.approx(21))
    assert hours.consistency == pytest.approx(1 - (4 / 7) / 12)
    assert hours.confidence == pytest.approx(hours.consistency * 7 / 14)


def test_fewer_than_five_lives_teach_nothing_and_scattered_hours_no_more() -> None:
    assert mean_hours([19.0] * 4, [21.0] * 4, RULES).confidence == 0
    assert mean_hours([19.0] * 5, [21.0] * 5, RULES).confidence == pytest.approx(5 / 14)
    assert mean_hours([0.0, 6, 12, 18, 23] * 4, [1.0] * 20, RULES).confidence == 0


@pytest.mark.parametrize(
    ("hour", "probability"),
    [(10, 0.2), (17.9, 0.2), (18, 0.72), (20, 0.72), (22, 0.72), (22.1, 0.1), (23.9, 0.1)],
)
def test_the_probability_by_the_hour(hour: float, probability: float) -> None:
    known = MeanHours(start=19, end=21, consistency=0.9, confidence=0.9)
    assert known.probabilities(np.array([hour]))[0] == pytest.approx(probability)


def test_without_trust_it_is_a_tenth_at_every_hour() -> None:
    unsure = MeanHours(start=19, end=21, consistency=0.9, confidence=0.29)
    assert unsure.probabilities(np.arange(24.0)).tolist() == [0.1] * 24


@pytest.mark.parametrize(
    ("likely", "minutes"),
    [
        ([0.7, 0.7, 0.7], 30),
        ([0.7, 0.1], 60),
        ([0.7, 0.7], 60),
        ([0.4, 0.4], 60),
        ([0.4, 0.1], 120),
        ([0.6, 0.3, 0.3], 120),
        ([], 120),
    ],
)
def test_the_distance_of_sweeps_by_the_likely_accounts(likely: list[float], minutes: int) -> None:
    assert next_interval(np.array(likely), timedelta(days=9), RULES) == minutes * MINUTE


@pytest.mark.parametrize(("count", "minutes"), [(6, 30), (5, 60), (3, 60), (2, 120)])
def test_the_older_variant_is_a_setting(count: int, minutes: int) -> None:
    rules = RoadmapRules(sweeps=OLDER_SWEEPS)
    assert next_interval(np.full(count, 0.75), 9 * DAY, rules) == minutes * MINUTE


def test_the_distance_changes_only_by_more_than_ten_minutes() -> None:
    assert next_interval(np.array([]), 110 * MINUTE, RULES) == 110 * MINUTE
    assert next_interval(np.array([]), 109 * MINUTE, RULES) == 120 * MINUTE


def test_the_accounts_of_a_sweep_are_planned_at_one_instant_within_an_hour_of_their_means() -> None:
    policy = taught({1: 19, 2: 18.9, 3: 3})
    plans = at_of(policy.plan(NOON, [watched(1), watched(2), watched(3, NOON)], ALLOWANCE))
    assert plans[1] == plans[2]
    assert NOON + 6 * HOUR <= plans[1] <= NOON + 8 * HOUR
    assert NOON + 14 * HOUR <= plans[3] <= NOON + 16 * HOUR


def test_three_likely_accounts_are_swept_every_half_hour() -> None:
    policy, accounts = taught({1: 14, 2: 14, 3: 14}), [watched(1), watched(2), watched(3)]
    swept, now = [], NOON
    while now < NOON + 12 * HOUR:
        plans = at_of(policy.plan(now, accounts, ALLOWANCE))
        if min(plans.values()) > now:
            now += 5 * MINUTE
            continue
        swept.append(now)
        accounts = [watched(number, now) for number in (1, 2, 3)]
    assert swept[0] >= NOON + HOUR
    assert swept[-1] <= NOON + 5 * HOUR
    assert {after - before for before, after in pairwise(swept[1:])} == {30 * MINUTE}


def test_making_the_plan_again_later_does_not_move_the_sweep() -> None:
    policy, accounts = taught({1: 19, 2: 20}), [watched(1), watched(2)]
    first = at_of(policy.plan(NOON, accounts, ALLOWANCE))
    for minutes in range(0, 300, 7):
        assert at_of(policy.plan(NOON + minutes * MINUTE, accounts, ALLOWANCE)) == first


def test_a_check_that_came_late_is_still_due_and_made_once() -> None:
    policy = taught({1: 19})
    (plan,) = policy.plan(NOON, [watched(1)], ALLOWANCE)
    late = plan.at + 5 * MINUTE
    (again,) = policy.plan(late, [watched(1)], ALLOWANCE)
    assert again.at == late
    after = policy.plan_one(late, watched(1, late), ALLOWANCE)
    assert after is not None
    assert after.at >= plan.at + 30 * MINUTE


def test_the_hours_are_those_of_the_accounts_own_zone() -> None:
    tokyo = taught({1: 20}, zone="Asia/Tokyo")
    assert tokyo.mean_hours(1, NOON).start == pytest.approx(5)
    assert tokyo.probability(1, NOON + 8 * HOUR, NOON) == pytest.approx(0.8)
    assert taught({1: 20}).probability(1, NOON + 8 * HOUR, NOON) == pytest.approx(0.8)


def test_lives_older_than_thirty_days_do_not_count() -> None:
    policy = taught({1: 19})
    assert policy.mean_hours(1, NOON).confidence == 1
    assert policy.mean_hours(1, NOON + 23 * DAY).confidence == pytest.approx(7 / 14)
    assert policy.mean_hours(1, NOON + 40 * DAY).confidence == 0


def test_the_first_fourteen_days_and_an_account_never_told_of_are_as_fixed() -> None:
    policy, accounts = taught({1: 19}, followed=13 * DAY), [watched(1), watched(2)]
    assert policy.plan(NOON, accounts, ALLOWANCE) == EvenlySpread().plan(NOON, accounts, ALLOWANCE)
    fixed = EvenlySpread()
    fixed.plan(NOON, accounts, ALLOWANCE)
    one = policy.plan_one(NOON, watched(1, NOON), ALLOWANCE)
    assert one == fixed.plan_one(NOON, watched(1, NOON), ALLOWANCE)
    later = at_of(policy.plan(NOON + DAY, accounts, ALLOWANCE))
    assert later[1] >= NOON + DAY + 6 * HOUR


def test_an_account_it_is_not_sure_of_is_put_off_from_day_to_day() -> None:
    policy, account = taught({1: 19}, days=3), watched(1)
    for hours in range(48):
        (plan,) = policy.plan(NOON + hours * HOUR, [account], ALLOWANCE)
        assert plan.at == NOON + hours * HOUR + DAY


def test_who_is_live_or_frozen_gets_no_check_and_who_was_live_in_the_last_sweep_waits_for_the_next() -> None:
    policy = taught({1: 11, 2: 11})
    assert policy.plan(NOON, [watched(1, is_live=True)], ALLOWANCE) == []
    (plan,) = policy.plan(NOON, [watched(2)], ALLOWANCE)
    assert plan.at == NOON
    policy.learn(Ended(account_id=1, started_at=NOON - HOUR, ended_at=NOON + 3 * MINUTE))
    after = policy.plan_one(NOON + 4 * MINUTE, watched(1, NOON - HOUR), ALLOWANCE)
    assert after is not None
    assert after.at >= NOON + 30 * MINUTE


@given(st.lists(st.integers(-4000, 4000), min_size=1, max_size=12))
def test_no_clock_breaks_it_and_no_check_is_planned_in_the_past(steps: list[int]) -> None:
    policy, now = taught({1: 19, 2: 4, 3: 12}), NOON
    for step in steps:
        now += step * MINUTE
        for plan in policy.plan(now, [watched(1), watched(2), watched(3, NOON + DAY)], ALLOWANCE):
            assert now <= plan.at <= now + 2 * DAY
