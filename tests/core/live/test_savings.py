"""Estimates: what was missed, and what was saved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.arrays import Floats
from bot.core.live.savings import (
    request_reduction,
    requests_of_fixed,
    requests_when_evenly_spread,
)


def coverage_when_evenly_spread(minutes: Floats, accounts: int, requests_a_day: float) -> float:
    """With one check every T minutes, a live of d minutes is hit with probability min(1, d / T)."""
    return float(np.mean(np.minimum(minutes * requests_a_day / (accounts * 1440), 1.0)))


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
