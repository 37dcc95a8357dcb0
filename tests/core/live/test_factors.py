"""Five factors: each says what its name promises, and the policy spends where they are high."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.factors import (
    Factors,
    FactorsPolicy,
    SpecialDays,
    hour_chances,
    record_of,
    rising_chance,
)
from bot.core.live.history import Ended, Followed, Found
from bot.core.live.past_lives import PastLive, zone_named
from bot.core.live.planner import Allowance, EvenlySpread, Watched
from bot.core.live.replay import Course, Span, replay

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALLOWANCE = Allowance(checks_per_day=120, guild_share=1.0)
NONE = SpecialDays()


def live(days_ago: float, hour: float, hours: float = 1) -> PastLive:
    start = NOON - days_ago * DAY + (hour - 12) * HOUR
    return PastLive(account_id=1, started_at=start, ended_at=start + hours * HOUR)


def watched(account_id: int, last: datetime | None, guild: int = 1, priority: float = 1.0) -> Watched:
    return Watched(
        account_id=account_id, guild_ids=frozenset({guild}), last_checked_at=last, priority=priority
    )


def taught(lives: dict[int, list[PastLive]], followed: timedelta = 60 * DAY) -> FactorsPolicy:
    policy = FactorsPolicy()
    for account_id, ones in lives.items():
        policy.learn(Followed(account_id=account_id, at=NOON - followed))
        for one in ones:
            policy.learn(Ended(account_id=account_id, started_at=one.started_at, ended_at=one.ended_at))
    return policy


def test_the_sum_is_weighted_and_clamped() -> None:
    def total(*values: float) -> float:
        names = ("time_of_day", "weekday", "recent_activity", "seasonal_trend", "special_events")
        return Factors(**dict(zip(names, values, strict=True))).total

    assert total(1, 0, 0, 0, 0) == pytest.approx(0.4)
    assert total(0, 1, 0, 0, 0) == pytest.approx(0.2)
    assert total(0, 0, 1, 0, 0) == pytest.approx(0.2)
    assert total(0, 0, 0, 1, 0) == pytest.approx(0.1)
    assert total(0, 0, 0, 0, 1) == pytest.approx(0.1)
    assert total(2, 2, 2, 2, 2) == 1
    assert total(-1, 0, 0, 0, 0) == 0


def test_the_hour_is_the_share_of_days_with_the_account_live_in_it() -> None:
    nightly = hour_chances([live(day, 20, 2) for day in range(1, 51)], UTC)
    # Two hours at every live day, smoothed (1, 2, 1) / 4 and hardly shrunk.
    assert nightly[[20, 21]] == pytest.approx([0.75, 0.75], abs=0.03)
    assert nightly[[19, 22]] == pytest.approx([0.25, 0.25], abs=0.03)
    assert nightly[3] == pytest.approx(0, abs=0.01)
    half = hour_chances(
        [live(day, 20) for day in range(2, 60, 2)] + [live(day, 8) for day in range(1, 60, 2)], UTC
    )
    assert half[20] == pytest.approx(half[8], abs=0.02)
    assert half[20] == pytest.approx(0.25, abs=0.03)


def test_hours_go_round_midnight_and_follow_the_clock_on_the_wall() -> None:
    late = hour_chances([live(day, 23.5, 1) for day in range(1, 30)], UTC)
    assert late[23] == pytest.approx(late[0])
    summer = PastLive(
        account_id=1,
        started_at=datetime(2026, 10, 20, 18, 0, tzinfo=UTC),
        ended_at=datetime(2026, 10, 20, 19, 0, tzinfo=UTC),
    )
    winter = PastLive(
        account_id=1,
        started_at=datetime(2026, 10, 27, 19, 0, tzinfo=UTC),
        ended_at=datetime(2026, 10, 27, 20, 0, tzinfo=UTC),
    )
    assert int(np.argmax(hour_chances([summer, winter], zone_named("Europe/Paris")))) == 20


def test_the_weekday_is_the_share_of_such_days_with_a_live() -> None:
    saturdays = [live(7 * week, 10) for week in range(1, 9)]
    factors = record_of(saturdays, NOON, NOON - 60 * DAY, UTC, NONE)
    assert factors.weekdays[5] > 0.8
    assert factors.weekdays[[0, 1, 2, 3, 4, 6]] == pytest.approx([0.03] * 6, abs=0.02)
    assert factors.plain_day == pytest.approx(1 / 7, abs=0.02)


def test_recent_activity_is_that_of_the_last_fourteen_days() -> None:
    busy = record_of([live(day, 10) for day in range(1, 14)], NOON, NOON - 60 * DAY, UTC, NONE)
    silent = record_of([live(day, 10) for day in range(20, 50)], NOON, NOON - 60 * DAY, UTC, NONE)
    assert busy.recent == pytest.approx(1 - np.exp(-13.5 / 15))
    assert silent.recent < 0.05


def test_the_trend_tells_rising_from_falling_rates_and_does_not_take_chance_for_either() -> None:
    assert rising_chance([0, 1, 2, 3, 4, 5, 6, 7]) > 0.99
    assert rising_chance([7, 6, 5, 4, 3, 2, 1, 0]) < 0.01
    assert rising_chance([4] * 8) == pytest.approx(0.5)
    assert rising_chance([9, 0]) == 0.5
    chance = np.random.default_rng(2)
    told = np.array([rising_chance(chance.poisson(4, 8).tolist()) for _ in range(500)])
    # Under a steady rate a calibrated chance is as often below 0.1 as that says.
    assert np.mean(told < 0.1) == pytest.approx(0.1, abs=0.04)
    assert np.mean(told > 0.9) == pytest.approx(0.1, abs=0.04)


def test_a_special_day_counts_by_what_other_special_days_were() -> None:
    days = [date(2026, month, 5) for month in range(1, 13)]
    special = SpecialDays(names=dict.fromkeys(days, "fifth"))
    on_them = [
        PastLive(
            account_id=1,
            started_at=datetime(2026, month, 5, 20, tzinfo=UTC),
            ended_at=datetime(2026, month, 5, 21, tzinfo=UTC),
        )
        for month in range(1, 12)
    ]
    learned = record_of(on_them, NOON, NOON - 360 * DAY, UTC, special)
    festive = learned.at(datetime(2026, 12, 5, 20, tzinfo=UTC), special)
    ordinary = learned.at(datetime(2026, 12, 6, 20, tzinfo=UTC), special)
    assert (festive.event, ordinary.event) == ("fifth", "")
    assert festive.special_events > 0.8
    assert ordinary.special_events < 0.1
    assert festive.total > ordinary.total


def test_special_days_are_those_of_each_account() -> None:
    policy = taught({1: [live(2, 20)], 2: []})
    policy.set_special_days({1: SpecialDays(names={NOON.date(): "Fair"})})
    assert [policy.explain(1, at).event for at in (NOON, NOON + DAY)] == ["Fair", ""]
    assert policy.explain(2, NOON).event == ""


def test_an_explanation_knows_nothing_of_what_comes_after_it() -> None:
    before = [live(day, 20) for day in range(10, 40)]
    at = NOON - 5 * DAY
    later = [live(day, 3) for day in range(1, 5)]
    assert taught({1: before}).explain(1, at) == taught({1: before + later}).explain(1, at)


@given(
    st.lists(st.tuples(st.floats(0, 400), st.floats(-24, 48)), max_size=30),
    st.integers(0, 500),
    st.integers(-48, 48),
)
def test_every_factor_is_a_chance_whatever_is_known(
    lives: list[tuple[float, float]], followed: int, hour: int
) -> None:
    ones = [live(days, 12, hours) for days, hours in lives if hours != 0]
    factors = taught({1: ones}, followed=followed * DAY).explain(1, NOON + hour * HOUR)
    values = (
        factors.time_of_day,
        factors.weekday,
        factors.recent_activity,
        factors.seasonal_trend,
        factors.special_events,
        factors.total,
    )
    assert all(0 <= value <= 1 for value in values)


def regular(accounts: int, days: int) -> dict[int, list[Span]]:
    """Give accounts that go live for an hour at nearly the same hour of each day, each at its own."""
    begin = NOON - days * DAY
    return {
        account: [
            Span(start=at, end=at + HOUR)
            for day in range(days)
            for at in [begin + day * DAY + (account * 5 % 24) * HOUR + (day * 7 % 40) * MINUTE]
        ]
        for account in range(accounts)
    }


def test_it_finds_more_of_regular_accounts_than_evenly_spread_checks() -> None:
    lives, course = regular(10, 40), Course(start=NOON - 40 * DAY, end=NOON, per_day=60)

    def found(policy: FactorsPolicy | EvenlySpread) -> int:
        return sum(c.found is not None for c in replay(policy, lives, course) if c.at > NOON - 20 * DAY)

    assert found(FactorsPolicy()) > 1.5 * found(EvenlySpread())


def test_no_account_starves_and_about_the_allowance_is_spent() -> None:
    lives = regular(6, 30) | {number: [] for number in range(6, 10)}
    course = Course(start=NOON - 30 * DAY, end=NOON, per_day=60)
    checks = [check for check in replay(FactorsPolicy(), lives, course) if check.at > NOON - 10 * DAY]
    assert 40 <= len(checks) / 10 <= 60
    for number in lives:
        assert sum(check.account_id == number for check in checks) >= 10


def test_with_nothing_known_checks_are_about_evenly_spread() -> None:
    policy = taught({number: [] for number in range(10)})
    plans = policy.plan(NOON, [watched(number, NOON) for number in range(10)], ALLOWANCE)
    for plan in plans:
        assert 1 * HOUR <= plan.at - NOON <= 3.2 * HOUR
    (first,) = policy.plan(NOON, [watched(1, None)], ALLOWANCE)
    assert first.at == NOON


def test_making_the_plan_again_later_does_not_put_the_check_off() -> None:
    policy = taught({1: [live(day, 20) for day in range(1, 40)], 2: []})
    accounts = [watched(1, NOON), watched(2, NOON)]
    few = Allowance(checks_per_day=6, guild_share=1.0)
    first = policy.plan(NOON, accounts, few)
    for hours in range(1, 4):
        for plan, then in zip(policy.plan(NOON + hours * HOUR, accounts, few), first, strict=True):
            assert abs(plan.at - then.at) <= 20 * MINUTE


def test_one_guild_takes_nothing_from_another_and_priority_brings_checks_forward() -> None:
    busy = [live(day, 13) for day in range(1, 40)]
    apart = taught({1: busy, 2: []})
    guilds = [watched(1, NOON, guild=1), watched(2, NOON, guild=2)]
    alone = taught({2: []}).plan(
        NOON, [watched(2, NOON, guild=2)], Allowance(checks_per_day=60, guild_share=1.0)
    )
    both = {plan.account_id: plan.at for plan in apart.plan(NOON, guilds, ALLOWANCE)}
    assert both[2] == alone[0].at
    same = taught({1: busy, 2: busy})
    plain = {p.account_id: p.at for p in same.plan(NOON, [watched(1, NOON), watched(2, NOON)], ALLOWANCE)}
    favoured = [watched(1, NOON, priority=3.0), watched(2, NOON)]
    assert same.plan(NOON, favoured, ALLOWANCE)[0].at < plain[1]


def test_an_event_changes_the_plan_of_its_account() -> None:
    policy = taught({1: [], 2: []})
    accounts = [watched(1, NOON), watched(2, NOON)]
    few = Allowance(checks_per_day=2, guild_share=1.0)
    before = {plan.account_id: plan.at for plan in policy.plan(NOON, accounts, few)}
    for day in range(1, 30):
        one = live(day, 16)
        policy.learn(Found(account_id=1, started_at=one.started_at, found_at=one.started_at))
        policy.learn(Ended(account_id=1, started_at=one.started_at, ended_at=one.ended_at))
    after = policy.plan_one(NOON, accounts[0], few)
    assert after is not None
    assert after.at < before[1]
    assert policy.plan_one(NOON, accounts[1], few) is not None
    live_now = Watched(account_id=1, guild_ids=frozenset({1}), last_checked_at=NOON, is_live=True)
    assert policy.plan_one(NOON, live_now, few) is None
    assert FactorsPolicy().plan_one(NOON, accounts[0], few) is not None


@given(st.lists(st.integers(-4000, 4000), min_size=1, max_size=10), st.integers(1, 200))
def test_no_clock_and_no_allowance_breaks_it(steps: list[int], checks: int) -> None:
    policy, now = taught({1: [live(day, 20) for day in range(1, 20)], 2: []}), NOON
    for step in steps:
        now += step * MINUTE
        few = Allowance(checks_per_day=checks, guild_share=0.5)
        for plan in policy.plan(now, [watched(1, NOON), watched(2, None)], few):
            assert now <= plan.at <= now + 40 * DAY
