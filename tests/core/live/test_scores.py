"""The figures a policy is judged by, on histories small enough to score by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.calibration import StartChances
from bot.core.live.models import Answer
from bot.core.live.past_lives import PastLive
from bot.core.live.scores import DiscoveryCheck, Replayed, catches, figures, worst_rolling_day

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN_DAYS = Replayed(since=START, until=START + 10 * DAY, warm_up=timedelta(0))


def live(account_id: int, start_minute: float, minutes: float = 60) -> PastLive:
    start = START + start_minute * MINUTE
    return PastLive(account_id=account_id, started_at=start, ended_at=start + minutes * MINUTE)


def check(account_id: int, minute: float, answer: Answer = Answer.LIVE) -> DiscoveryCheck:
    return DiscoveryCheck(account_id=account_id, at=START + minute * MINUTE, answer=answer)


def test_figures_of_a_history_scored_by_hand() -> None:
    lives = [live(1, 0), live(1, 600, 120), live(2, 0, 100), live(2, 1000, 20)]
    checks = [
        check(1, 10),
        check(1, 620),
        check(1, 640),
        check(2, 70),
        check(2, 500, Answer.OFFLINE),
        check(2, 1010, Answer.UNKNOWN),
    ]
    found = figures(lives, checks, TEN_DAYS, resamples=0)
    assert (found.accounts, found.lives, found.caught) == (2, 4, 3)
    assert found.coverage == pytest.approx(3 / 4)
    assert found.median_delay == pytest.approx(20)
    assert found.within_15 == pytest.approx(1 / 4)
    assert found.within_30 == pytest.approx(2 / 4)
    assert found.live_minutes == pytest.approx((50 + 100 + 30) / (60 + 120 + 100 + 20))
    assert found.requests_a_day == pytest.approx(0.6)
    assert found.worst_day == 6
    assert found.hit_rate == pytest.approx(3 / 6)
    assert found.intervals == {}


def test_a_live_is_hit_from_its_start_on_and_before_its_end_by_a_check_of_its_account_that_says_live() -> (
    None
):
    lives = [live(1, 0, 60)]
    missing = [check(1, -1), check(1, 60), check(2, 30), check(1, 30, Answer.OFFLINE)]
    assert catches(lives, missing)[0].found_at is None
    assert catches(lives, [*missing, check(1, 0)])[0].delay_minutes == 0
    assert catches(lives, [check(1, 40), check(1, 20)])[0].delay_minutes == 20


def test_the_warm_up_does_not_count_but_the_budget_holds_in_it() -> None:
    lives = [live(1, 0), live(1, 16 * 1440)]
    checks = [*(check(1, minute) for minute in range(100)), check(1, 16 * 1440 + 5)]
    found = figures(lives, checks, Replayed(since=START, until=START + 20 * DAY), resamples=0)
    assert (found.lives, found.caught, found.median_delay) == (1, 1, 5)
    assert found.requests_a_day == pytest.approx(1 / 6)
    assert found.hit_rate == 1
    assert found.worst_day == 100


def test_a_live_still_on_at_the_end_counts_up_to_the_end() -> None:
    found = figures([live(1, 1380, 600)], [check(1, 1410)], replace(TEN_DAYS, until=START + DAY), resamples=0)
    assert found.live_minutes == pytest.approx(0.5)


def test_nothing_to_measure_is_told_as_nothing() -> None:
    found = figures([], [], TEN_DAYS)
    assert (found.coverage, found.median_delay, found.hit_rate, found.skill) == (None, None, None, None)
    assert (found.requests_a_day, found.worst_day, found.request_reduction) == (0, 0, None)
    assert found.intervals == {}
    assert figures([live(1, 0)], [], TEN_DAYS).coverage == 0


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_the_worst_rolling_day_is_the_most_any_day_holds(minutes: list[int]) -> None:
    instants = [START + minute * MINUTE for minute in minutes]
    by_hand = max((sum(end - DAY < one <= end for one in instants) for end in instants), default=0)
    assert worst_rolling_day(instants) == by_hand


def test_two_checks_exactly_a_day_apart_are_not_in_one_rolling_day() -> None:
    assert worst_rolling_day([START, START + DAY]) == 1
    assert worst_rolling_day([START, START + DAY - MINUTE]) == 2


def nightly(accounts: int, days: int) -> list[PastLive]:
    return [live(account, day * 1440 + 20 * 60 + 5) for account in range(accounts) for day in range(days)]


def chances(accounts: int, days: int, at_eight: float, else_: float) -> StartChances:
    table = np.full((accounts, days * 24), else_)
    table[:, 20::24] = at_eight
    return StartChances(account_ids=tuple(range(accounts)), hours_from=START, chances=table)


def test_who_knows_the_hour_has_skill_and_who_tells_the_flat_rate_has_none() -> None:
    replayed, lives = replace(TEN_DAYS, until=START + 60 * DAY, warm_up=30 * DAY), nightly(2, 60)
    knowing = figures(lives, [], replayed, forecast=chances(2, 60, 0.97, 0.001), resamples=0)
    flat = figures(lives, [], replayed, forecast=chances(2, 60, 1 / 24, 1 / 24), resamples=0)
    wrong = figures(lives, [], replayed, forecast=chances(2, 60, 0.01, 0.2), resamples=0)
    assert knowing.forecast_hours == 2 * 30 * 24
    assert knowing.skill is not None
    assert knowing.skill > 0.9
    assert flat.skill == pytest.approx(0, abs=1e-9)
    assert wrong.skill is not None
    assert wrong.skill < 0
    assert (knowing.accuracy, flat.accuracy) == (1, pytest.approx(23 / 24))
    assert knowing.accuracy_unlikely == pytest.approx(23 / 24)
    assert knowing.brier == pytest.approx((0.03**2 + 23 * 0.001**2) / 24)
    assert sum(one.forecasts for one in knowing.reliability) == knowing.forecast_hours


def test_hours_that_do_not_count_or_were_not_forecast_do_not_change_the_figures() -> None:
    replayed, lives = replace(TEN_DAYS, until=START + 40 * DAY, warm_up=30 * DAY), nightly(2, 60)
    told = chances(2, 60, 0.9, 0.01)
    other = told.chances.copy()
    other[:, : 30 * 24] = 0.7
    other[:, 40 * 24 :] = 0.7
    first = figures(lives, [], replayed, forecast=told, resamples=0)
    assert figures(lives, [], replayed, forecast=replace(told, chances=other), resamples=0) == first
    other[1, :] = np.nan
    half = figures(lives, [], replayed, forecast=replace(told, chances=other), resamples=0)
    assert half.forecast_hours == first.forecast_hours / 2
    assert half.log_loss == pytest.approx(first.log_loss)


def test_the_reduction_is_against_fixed_at_the_same_coverage() -> None:
    lives = [live(1, day * 1440) for day in range(10)]
    checks = [check(1, day * 1440 + 1) for day in range(5)]
    found = figures(lives, checks, TEN_DAYS, fixed={1.0: 0.25, 3.0: 0.75}, resamples=0)
    assert found.request_reduction == pytest.approx(1 - 0.5 / 2)


def test_intervals_hold_the_figure_and_are_the_same_each_time() -> None:
    lives = nightly(12, 10)
    checks = [
        check(one.account_id, day * 1440 + 1210) for one in lives[::10] for day in range(one.account_id)
    ]
    first = figures(lives, checks, TEN_DAYS, seed=5)
    assert first == figures(lives, checks, TEN_DAYS, seed=5)
    assert first.coverage is not None
    low, high = first.intervals["coverage"]
    assert low < first.coverage < high
    # Two draws of twelve accounts whose coverage is 0, 0.1 .. 1: the standard error is about 0.1.
    assert 0.2 < high - low < 0.6
    assert first.intervals["median_delay"] == (5, 5)


def test_accounts_that_are_all_alike_leave_no_doubt() -> None:
    lives = nightly(5, 10)
    checks = [check(account, 1210) for account in range(5)]
    assert figures(lives, checks, TEN_DAYS).intervals["coverage"] == pytest.approx((0.1, 0.1))
