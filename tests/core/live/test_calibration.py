"""Forecasts against what happened: known answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.calibration import (
    brier_terms,
    flat_chances,
    log_loss_terms,
    reliability,
    right_words,
    start_hours,
)
from bot.core.live.past_lives import PastLive

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def live(account_id: int, hours: float) -> PastLive:
    start = MIDNIGHT + hours * HOUR
    return PastLive(account_id=account_id, started_at=start, ended_at=start + HOUR)


def test_an_hour_counts_when_a_live_starts_in_it() -> None:
    lives = [live(1, 0), live(1, 2.99), live(2, 2), live(2, 2.5), live(3, 1), live(1, -0.01), live(1, 4)]
    happened = start_hours(lives, (1, 2), MIDNIGHT, 4)
    assert happened.tolist() == [[True, False, True, False], [False, False, True, False]]


def test_the_flat_rate_is_that_of_the_28_days_before_and_of_nothing_later() -> None:
    lives = [live(1, -24 * day) for day in range(1, 15)] + [live(1, -24 * 40), live(1, 1)]
    known_from = MIDNIGHT - timedelta(days=60)
    flat = flat_chances(lives, (1, 2), MIDNIGHT, 3, known_from)
    assert flat[0].tolist() == pytest.approx([14 / 672, 14 / 672, 15 / 672])
    assert flat[1].tolist() == pytest.approx([0.5 / 672] * 3)


def test_a_truth_shorter_than_28_days_is_divided_by_what_it_covers() -> None:
    lives = [live(1, -24 * day) for day in range(1, 8)]
    assert flat_chances(lives, (1,), MIDNIGHT, 1, MIDNIGHT - timedelta(days=7))[0, 0] == pytest.approx(
        7 / 168
    )
    assert flat_chances([], (1,), MIDNIGHT, 1, MIDNIGHT)[0, 0] == pytest.approx(0.5 / 24)


def test_scores_of_forecasts_known_by_heart() -> None:
    told, came = np.array([[0.5, 1.0, 0.2]]), np.array([[True, True, False]])
    assert brier_terms(told, came)[0].tolist() == pytest.approx([0.25, 0, 0.04])
    assert log_loss_terms(told, came)[0].tolist() == pytest.approx([np.log(2), 0, -np.log(0.8)], abs=1e-5)
    assert right_words(told, came).tolist() == [[True, True, True]]
    assert right_words(told, ~came).tolist() == [[False, False, False]]


def test_a_certain_forecast_that_failed_costs_much_but_not_without_end() -> None:
    (loss,) = log_loss_terms(np.array([0.0]), np.array([True]))
    assert 10 < loss < 20


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_no_forecast_is_expected_to_beat_the_true_chance(true: float, told: float) -> None:
    def expected(chance: float) -> float:
        lost = log_loss_terms(np.array([chance, chance]), np.array([True, False]))
        return float(true * lost[0] + (1 - true) * lost[1])

    assert expected(true) <= expected(told) + 1e-9


def test_reliability_compares_the_mean_told_with_the_share_that_came() -> None:
    told = np.array([[0.0, 0.05, 0.95, 1.0, np.nan, 0.3]])
    came = np.array([[False, True, True, True, True, False]])
    bins = reliability(told, came)
    assert [one.forecasts for one in bins] == [2, 0, 0, 1, 0, 0, 0, 0, 0, 2]
    assert (bins[0].predicted, bins[0].observed) == (pytest.approx(0.025), 0.5)
    assert (bins[9].low, bins[9].high, bins[9].observed) == (0.9, 1.0, 1.0)
    assert bins[1].predicted is None
    assert bins[1].observed is None


def test_calibrated_forecasts_lie_on_the_diagonal() -> None:
    chance = np.random.default_rng(1)
    told = chance.random((20, 1000))
    for one in reliability(told, chance.random(told.shape) < told):
        assert one.observed == pytest.approx(one.predicted, abs=0.05)
