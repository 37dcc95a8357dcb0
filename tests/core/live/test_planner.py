"""Evenly spread: what people can count on, whoever follows whom."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.planner import JITTER, Allowance, EvenlySpread, Watched, checks_per_day

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def watched(account_id: int, *guilds: int, ago_minutes: int | None = 0, is_live: bool = False) -> Watched:
    last = None if ago_minutes is None else NOW - timedelta(minutes=ago_minutes)
    return Watched(
        account_id=account_id,
        guild_ids=frozenset(guilds or {1}),
        last_checked_at=last,
        is_live=is_live,
    )


def allowance(checks: int = 120, share: float = 1.0) -> Allowance:
    return Allowance(checks_per_day=checks, guild_share=share)


def test_an_account_never_checked_is_due_at_once() -> None:
    (plan,) = EvenlySpread().plan(NOW, [watched(1, ago_minutes=None)], allowance())
    assert plan.at == NOW


def test_a_live_account_costs_no_discovery_check() -> None:
    assert EvenlySpread().plan(NOW, [watched(1, is_live=True)], allowance()) == []


def test_the_distance_is_the_day_divided_by_the_checks_give_or_take_the_jitter() -> None:
    accounts = [watched(number) for number in range(20)]
    interval = timedelta(days=1) / 6
    for plan in EvenlySpread().plan(NOW, accounts, allowance()):
        assert interval * (1 - JITTER) <= plan.at - NOW <= interval * (1 + JITTER)
    assert len({plan.at for plan in EvenlySpread().plan(NOW, accounts, allowance())}) > 15


def test_making_the_plan_again_later_does_not_move_the_check() -> None:
    (first,) = EvenlySpread().plan(NOW, [watched(1)], allowance())
    (again,) = EvenlySpread().plan(NOW + timedelta(minutes=5), [watched(1)], allowance())
    assert again.at == first.at


def test_a_clock_that_was_set_back_does_not_put_a_check_off_for_long() -> None:
    """Also where the plan is remade before each check, as it is every hour: it must not recede."""
    policy, due = EvenlySpread(), 0
    for quarter in range(12):
        now = NOW + quarter * timedelta(minutes=15)
        (plan,) = policy.plan(now, [watched(1, ago_minutes=-5000)], allowance(checks=12))
        due += plan.at <= now + timedelta(minutes=15)
    assert due


def test_a_day_of_obeying_the_plan_spends_about_the_budget() -> None:
    policy, last, spent = EvenlySpread(), dict.fromkeys(range(10)), Counter()
    now = NOW
    while now < NOW + timedelta(days=10):
        accounts = [
            Watched(account_id=number, guild_ids=frozenset({1}), last_checked_at=at)
            for number, at in last.items()
        ]
        plan = min(policy.plan(now, accounts, allowance()), key=lambda one: one.at)
        now = max(now, plan.at)
        last[plan.account_id] = now
        spent[plan.account_id] += 1
    assert 0.95 <= sum(spent.values()) / 1200 <= 1.08
    assert min(spent.values()) > 0.85 * 120


guild_lists = st.lists(st.sets(st.integers(1, 4), min_size=1), min_size=1, max_size=25)


@given(guild_lists, st.integers(1, 1000), st.floats(0.05, 1.0))
def test_no_guild_gets_more_than_its_share_and_nobody_starves(
    lists: list[set[int]], checks: int, share: float
) -> None:
    accounts = [watched(number, *guilds) for number, guilds in enumerate(lists)]
    rates = checks_per_day(accounts, allowance(checks, share))
    assert sum(rates.values()) <= checks * 1.0001 + 0.001 * len(accounts)
    assert all(rate > 0 for rate in rates.values())
    for guild in {guild for guilds in lists for guild in guilds}:
        spent = sum(rates[one.account_id] / len(one.guild_ids) for one in accounts if guild in one.guild_ids)
        assert spent <= checks * share * 1.0001 + 0.001 * len(accounts)


def test_what_one_guild_may_not_use_goes_to_the_others() -> None:
    accounts = [watched(1, 1), watched(2, 1), watched(3, 1), watched(4, 2)]
    rates = checks_per_day(accounts, allowance(120, 0.5))
    assert rates == pytest.approx({1: 20, 2: 20, 3: 20, 4: 60})
