"""Figures from sums are those of the hours themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.calibration import BINS, LIKELY, brier_terms, reliability, right_words
from bot.core.live.outcomes import account_accuracy, false_alarms, reliability_of
from tests.predicted import outcome_sums


@given(st.lists(st.tuples(st.integers(0, 1_000_000), st.booleans()), min_size=1, max_size=60))
def test_sums_give_what_the_hours_give(said: list[tuple[int, bool]]) -> None:
    pairs = [(millionths / 1e6, started) for millionths, started in said]
    sums = outcome_sums(*pairs)
    chances, happened = np.array([chance for chance, _ in pairs]), np.array([started for _, started in pairs])
    told = account_accuracy(sums)
    assert told.hours == len(pairs)
    assert told.right == pytest.approx(np.mean(right_words(chances, happened)))
    assert told.always_unlikely == pytest.approx(np.mean(~happened))
    assert told.brier == pytest.approx(np.mean(brier_terms(chances, happened)))
    assert false_alarms(sums) == np.sum((chances >= LIKELY) & ~happened)
    for ours, theirs in zip(reliability_of(sums), reliability(chances, happened), strict=True):
        assert (ours.low, ours.high, ours.forecasts) == (theirs.low, theirs.high, theirs.forecasts)
        assert (ours.predicted, ours.observed) == pytest.approx((theirs.predicted, theirs.observed))


def test_of_nothing_nothing_is_said() -> None:
    assert account_accuracy([]).brier is None
    assert account_accuracy([]).hours == 0
    assert [one.forecasts for one in reliability_of([])] == [0] * BINS
