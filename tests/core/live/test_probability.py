"""Knowing when to look: what the policy finds out by itself, from nothing but its own checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.live.budget import DAY
from bot.core.live.history import Ended, Event, Followed, Forgotten, Found, Missed
from bot.core.live.planner import Allowance, EvenlySpread, Watched
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import Course, Span, replay
from tests.core.live.fleets import BEGIN, HOUR, MINUTE, anytime, coverage, lives, taught


def watched(account_id: int, last: datetime | None = None, *guilds: int, **other: Any) -> Watched:
    return Watched(account_id=account_id, guild_ids=frozenset(guilds or {1}), last_checked_at=last, **other)


def allowance(checks: int = 120, share: float = 1.0, asked: Sequence[datetime] = ()) -> Allowance:
    return Allowance(checks_per_day=checks, guild_share=share, asked=asked)


def test_finds_more_than_even_spread_among_accounts_of_habit() -> None:
    fleet = {n: lives(n, 18, lambda _, at=n: ((17.0 + at % 5),), chance=0.5, lasts=1.0) for n in range(5)}
    course = Course(start=BEGIN, end=BEGIN + 18 * DAY, per_day=20)
    since = BEGIN + 8 * DAY
    ours = coverage(replay(ProbabilityPolicy(), fleet, course), fleet, since, course.end)
    even = coverage(replay(EvenlySpread(), fleet, course), fleet, since, course.end)
    assert ours > even + 0.3


def test_an_account_that_cannot_be_predicted_is_looked_at_at_most_hours_and_never_given_up() -> None:
    fleet = {1: anytime(1, 15, 1.5), 2: anytime(2, 15, 1.5)}
    course = Course(start=BEGIN, end=BEGIN + 15 * DAY, per_day=24)
    checks = [check for check in replay(ProbabilityPolicy(), fleet, course) if check.at > BEGIN + 8 * DAY]
    for account_id in fleet:
        hours = {check.at.hour // 4 for check in checks if check.account_id == account_id}
        assert len(hours) >= 5


def test_at_the_start_everybody_is_looked_at_soon() -> None:
    fleet: dict[int, list[Span]] = {number: [] for number in range(30)}
    checks = replay(ProbabilityPolicy(), fleet, Course(start=BEGIN, end=BEGIN + DAY, per_day=60))
    assert {check.account_id for check in checks} == set(fleet)


def test_an_account_with_two_shifts_has_two_likely_windows() -> None:
    policy = taught(lives(3, 40, lambda _: (8.0, 20.0), lasts=0.8), BEGIN + 40 * DAY)
    by_hour = policy.heat(1).mean(axis=0)
    shifts = by_hour[7:10].sum() + by_hour[19:22].sum()
    assert by_hour[7:10].max() > 5 * by_hour[12:17].max()
    assert by_hour[19:22].max() > 5 * by_hour[12:17].max()
    assert shifts > 0.8 * by_hour.sum()


def test_a_new_schedule_is_noticed_within_days() -> None:
    moved = lives(5, 50, lambda day: (9.0 if day < 40 else 18.0,), chance=0.95)
    before, after = (taught(moved, BEGIN + days * DAY) for days in (40, 46))
    midnights = (BEGIN + 40 * DAY, BEGIN + 46 * DAY)
    old, new = (
        policy.forecast(now, [1], 24).starts[0]
        for policy, now in zip((before, after), midnights, strict=True)
    )
    assert old[8:11].sum() > 10 * old[17:20].sum()
    assert new[17:20].sum() > new[8:11].sum()


def test_nobody_is_looked_for_at_the_hours_of_others_for_ever() -> None:
    fleet = {
        number: lives(number, 30, lambda _, hour=4.0 * number: (hour,), chance=1.0) for number in range(6)
    }
    checks = replay(
        ProbabilityPolicy(), fleet, Course(start=BEGIN, end=BEGIN + 30 * DAY, per_day=36, replan_every=HOUR)
    )
    for number, spans in fleet.items():
        assert coverage(checks, {number: spans}, BEGIN + 20 * DAY, BEGIN + 30 * DAY) > 0.5, number


@pytest.mark.parametrize(("apart", "alike"), [(0.0, True), (3.0, False)])
def test_whether_accounts_keep_the_hours_of_the_others_is_learned(apart: float, alike: bool) -> None:
    """Whoever is new is first looked for where the others are, as far as their hours are alike at all."""
    fleet = {
        number: lives(number, 30, lambda _, hour=apart * number: (20.0 + hour,), chance=0.7)
        for number in range(8)
    }
    policy = ProbabilityPolicy()
    replay(policy, fleet, Course(start=BEGIN, end=BEGIN + 30 * DAY, per_day=80, replan_every=HOUR))
    now = BEGIN + 30 * DAY
    policy.learn(Followed(account_id=99, at=now))
    by_hour = policy.forecast(now, [99], 24).starts[0]
    share = by_hour[18:23].sum() / by_hour.sum()
    assert share > 0.75 if alike else share < 0.45


def test_accounts_in_zones_of_their_own_are_found() -> None:
    fleet = {
        number: lives(number, 40, lambda _, hour=2.4 * number: (hour,), chance=0.5, lasts=1.0)
        for number in range(10)
    }
    course = Course(start=BEGIN, end=BEGIN + 40 * DAY, per_day=60, replan_every=HOUR)
    since = BEGIN + 14 * DAY
    ours = coverage(replay(ProbabilityPolicy(), fleet, course), fleet, since, course.end)
    even = coverage(replay(EvenlySpread(), fleet, course), fleet, since, course.end)
    assert ours > even + 0.3


def test_chances_are_what_happens() -> None:
    policy = taught(lives(8, 60, lambda _: (20.0,), chance=0.5), BEGIN + 60 * DAY)
    now = BEGIN + 60 * DAY
    assert policy.forecast(now, [1], 24).starts[0].sum() == pytest.approx(0.5, abs=0.2)
    outlook = policy.outlook(now, 1)
    assert outlook.window is not None
    assert outlook.window.start.hour in {18, 19, 20}
    assert 0.25 < outlook.window.probability < 0.75
    assert outlook.confidence > 0.5
    assert outlook.live_now < 0.05


def test_habits_are_kept_on_the_clock_of_the_account() -> None:
    """20:30 in Berlin is 19:30 UTC in winter and 18:30 in summer; the clocks go forward on 29 March 2026."""
    spans = [
        Span(start=start, end=start + HOUR)
        for day in range(70)
        for start in [datetime(2026, 1, 19, 19, 30, tzinfo=UTC) + timedelta(days=day) - HOUR * (day >= 69)]
    ]
    since = datetime(2026, 1, 19, tzinfo=UTC)
    summer = datetime(2026, 4, 1, tzinfo=UTC)
    berlin = taught(spans, datetime(2026, 3, 28, 12, tzinfo=UTC), zone="Europe/Berlin", since=since)
    assert berlin.heat(1).mean(axis=0).argmax() == 20
    assert berlin.forecast(summer, [1], 24).starts[0].argmax() == 18
    nowhere = taught(spans, datetime(2026, 3, 28, 12, tzinfo=UTC), zone="Mars/Olympus", since=since)
    assert nowhere.forecast(summer, [1], 24).starts[0].argmax() == 19
    assert [policy.zone(1) for policy in (berlin, nowhere)] == ["Europe/Berlin", "UTC"]


def test_a_habit_of_midnight_is_one_habit() -> None:
    policy = taught(lives(4, 40, lambda _: (24.0,), chance=0.9, lasts=0.8), BEGIN + 40 * DAY)
    by_hour = policy.heat(1).mean(axis=0)
    assert by_hour[[22, 23, 0, 1]].sum() > 0.8 * by_hour.sum()


def test_a_plan_remade_does_not_put_the_check_off() -> None:
    """Obeying a plan that is remade every ten minutes comes to as many checks as are planned."""
    policy = ProbabilityPolicy()
    policy.learn(Followed(account_id=1, at=BEGIN))
    policy.learn(Followed(account_id=2, at=BEGIN))
    last = {1: BEGIN, 2: BEGIN}
    now, made = BEGIN, list[datetime]()
    while now < BEGIN + 5 * DAY:
        asked = [at for at in made if at > now - DAY]
        for plan in policy.plan(now, [watched(*one) for one in last.items()], allowance(20, asked=asked)):
            if plan.at <= now + 10 * MINUTE:
                last[plan.account_id] = max(plan.at, now)
                policy.learn(Missed(account_id=plan.account_id, at=last[plan.account_id]))
                made.append(last[plan.account_id])
        now += 10 * MINUTE
    spent = sum(at >= BEGIN + 2 * DAY for at in made)
    assert 3 * 20 * 0.85 <= spent <= 3 * 20 * 1.25


def test_the_next_check_of_one_account_is_the_one_of_the_full_plan() -> None:
    policy = taught(lives(6, 20, lambda _: (20.0,)), BEGIN + 20 * DAY)
    now = BEGIN + 20 * DAY
    account = watched(1, now)
    (plan,) = policy.plan(now, [account], allowance(6))
    assert policy.plan_one(now, account, allowance(6)) == plan
    assert str(plan.reason).endswith("% likely to be live then")


def test_whoever_is_live_or_frozen_gets_no_check() -> None:
    policy = ProbabilityPolicy()
    for account in (watched(1, is_live=True), watched(2, frozen=True)):
        assert policy.plan(BEGIN, [account], allowance()) == []
        assert policy.plan_one(BEGIN, account, allowance()) is None


def test_priority_brings_checks() -> None:
    last = {1: BEGIN, 2: BEGIN}
    policy, count = ProbabilityPolicy(), {1: 0, 2: 0}
    now = BEGIN
    while now < BEGIN + 2 * DAY:
        accounts = [watched(1, last[1], priority=2.0), watched(2, last[2])]
        for plan in policy.plan(now, accounts, allowance(20)):
            if plan.at <= now + HOUR:
                last[plan.account_id] = plan.at
                count[plan.account_id] += 1
                policy.learn(Missed(account_id=plan.account_id, at=plan.at))
        now += HOUR
    assert count[1] > 1.3 * count[2] > 0


def test_no_guild_is_planned_more_than_its_share() -> None:
    accounts = [watched(number, BEGIN, 1) for number in range(6)] + [watched(9, BEGIN, 2)]
    policy, now, due = ProbabilityPolicy(), BEGIN, dict.fromkeys(range(10), BEGIN)
    spent, made = {1: 0, 2: 0}, list[datetime]()
    while now < BEGIN + 2 * DAY:
        accounts = [watched(one.account_id, due[one.account_id], *one.guild_ids) for one in accounts]
        asked = [at for at in made if at > now - DAY]
        for plan in policy.plan(now, accounts, allowance(40, share=0.5, asked=asked)):
            if plan.at <= now + HOUR:
                due[plan.account_id] = plan.at
                made.append(plan.at)
                policy.learn(Missed(account_id=plan.account_id, at=plan.at))
                spent[2 if plan.account_id == 9 else 1] += now >= BEGIN + DAY
        now += HOUR
    assert spent[1] <= 20 * 1.35
    assert spent[2] >= 8


def instants() -> st.SearchStrategy[datetime]:
    return st.floats(-40_000, 40_000).map(lambda minute: BEGIN + timedelta(minutes=minute))


def events() -> st.SearchStrategy[Event]:
    who = st.integers(1, 3)
    return st.one_of(
        st.builds(
            Followed,
            account_id=who,
            at=instants(),
            zone=st.sampled_from(["", "Asia/Tokyo", "No/Such", "../x"]),
        ),
        st.builds(Missed, account_id=who, at=instants()),
        st.builds(Found, account_id=who, started_at=instants(), found_at=instants()),
        st.builds(Ended, account_id=who, started_at=instants(), ended_at=instants()),
        st.builds(Forgotten, account_id=who),
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events(), max_size=25), st.lists(instants(), min_size=1, max_size=3))
def test_whatever_the_history_plans_are_made_and_chances_are_chances(
    told: list[Event], instants_of_plans: list[datetime]
) -> None:
    policy = ProbabilityPolicy()
    accounts = [watched(number, BEGIN) for number in (1, 2, 3)]
    for event in told:
        policy.learn(event)
    for now in instants_of_plans:
        plans = policy.plan(now, accounts, allowance(20))
        plans = [*plans, *filter(None, (policy.plan_one(now + HOUR, one, allowance()) for one in accounts))]
        assert len(plans) == 6
        assert all(now <= plan.at <= now + timedelta(hours=26) for plan in plans)
        forecast = policy.forecast(now, [1, 2, 3], 5)
        chances = [forecast.starts, forecast.live, forecast.confidence, policy.heat(1)]
        assert all(((part >= 0) & (part <= 1)).all() for part in chances)
        assert np.isfinite(policy.expected_missed(1))


def test_memory_of_a_forgotten_account_is_given_to_the_next() -> None:
    policy = taught(lives(6, 30, lambda _: (20.0,), chance=1.0), BEGIN + 30 * DAY)
    now = BEGIN + 30 * DAY
    assert policy.outlook(now, 1).confidence > 0.5
    policy.learn(Forgotten(account_id=1))
    policy.learn(Followed(account_id=2, at=now))
    assert policy.outlook(now, 2).confidence == 0.0
