"""Estimates: what was missed, and what was saved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.savings import (
    coverage_estimate,
    coverage_when_evenly_spread,
    expected_missed,
    request_reduction,
    requests_of_fixed,
    requests_when_evenly_spread,
)


def test_lives_shorter_than_the_wait_for_the_next_check_are_missed() -> None:
    starts = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    exactly_two_steps = np.array([1.0, 1.0, 0.0])
    # Starts in steps 0..4 wait 5, 4, 3, 2, 1 steps for the check at step 5: all but the last are over.
    assert expected_missed(starts, exactly_two_steps, [5]) == pytest.approx(4)


def test_a_start_after_the_last_check_is_not_missed_yet() -> None:
    assert expected_missed(np.ones(10), np.array([1.0, 0.0]), []) == 0
    assert expected_missed(np.ones(10), np.array([1.0, 0.0]), [0]) == 0


def test_expected_misses_agree_with_lives_drawn_by_chance() -> None:
    chance = np.random.default_rng(3)
    survival = 0.8 ** np.arange(60)
    checks = [7, 19, 20, 44, 59]
    rate, days = 0.05, 4000
    missed = 0
    for _ in range(days):
        begun = np.flatnonzero(chance.random(59) < rate)
        lengths = chance.geometric(0.2, len(begun))
        missed += sum(
            not any(start < check < start + length for check in checks)
            for start, length in zip(begun, lengths, strict=True)
        )
    assert expected_missed(np.full(59, rate), survival, checks) == pytest.approx(missed / days, rel=0.05)


def test_coverage_counts_what_was_missed_for_certain() -> None:
    assert coverage_estimate(8, 2.0) == pytest.approx(0.8)
    assert coverage_estimate(8, 2.0, known_missed=1) == pytest.approx(0.8)
    assert coverage_estimate(8, 2.0, known_missed=8) == pytest.approx(0.5)
    assert coverage_estimate(0, 0.0) is None
    assert coverage_estimate(0, 3.0) == 0


def test_evenly_spread_checks_hit_a_live_by_its_length() -> None:
    # 20 accounts and 120 checks: one every 240 minutes.
    assert coverage_when_evenly_spread(np.array([60.0, 240.0, 600.0]), 20, 120) == pytest.approx(0.75)
    assert coverage_when_evenly_spread(np.array([]), 20, 120) is None
    assert coverage_when_evenly_spread(np.array([60.0]), 20, 0) == pytest.approx(0, abs=1e-6)


@given(
    st.lists(st.floats(1, 2000), min_size=1, max_size=40),
    st.integers(1, 50),
    st.floats(0.05, 1.0),
)
def test_the_requests_for_a_coverage_give_that_coverage(
    minutes: list[float], accounts: int, coverage: float
) -> None:
    lengths = np.array(minutes)
    requests = requests_when_evenly_spread(lengths, accounts, coverage)
    assert requests is not None
    assert coverage_when_evenly_spread(lengths, accounts, requests) == pytest.approx(coverage, abs=1e-6)


def test_no_lives_need_no_figure_of_requests() -> None:
    assert requests_when_evenly_spread(np.array([]), 5, 0.5) is None
    assert requests_when_evenly_spread(np.array([0.0]), 5, 0.5) is None


def test_the_requests_of_fixed_lie_between_those_measured() -> None:
    measured = {120.0: 0.3, 240.0: 0.5, 480.0: 0.7}
    assert requests_of_fixed(0.4, measured) == pytest.approx(180)
    assert requests_of_fixed(0.15, measured) == pytest.approx(60)
    assert requests_of_fixed(0.99, measured) == pytest.approx(480)
    assert requests_of_fixed(0.4, {}) is None


def test_the_reduction_is_told_against_fixed() -> None:
    assert request_reduction(120, 480) == pytest.approx(0.75)
    assert request_reduction(120, 60) == pytest.approx(-1)
    assert request_reduction(120, None) is None
    assert request_reduction(120, 0) is None
