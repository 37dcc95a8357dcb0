"""How long lives last, though only long ones are found late."""

from __future__ import annotations

import numpy as np
import pytest

from bot.core.live.survival import Survival, SurvivalRules


def learned(lives: list[tuple[float, float]], rows: int = 1, row: int = 0) -> Survival:
    survival = Survival(SurvivalRules())
    survival.grow(rows)
    for found_after, lasted in lives:
        survival.learn(row, found_after, lasted)
    return survival


def alive(survival: Survival, minutes: float, row: int = 0) -> float:
    return float(survival.alive(np.array([row]), np.array([minutes]))[0, 0])


def test_before_any_live_half_of_them_last_over_an_hour() -> None:
    assert 0.3 < alive(learned([]), 80) < 0.7


def test_lives_found_late_do_not_make_lives_look_long() -> None:
    """Lives of a mean of 60 minutes, looked at every two hours: those found last 90 on average."""
    chance = np.random.default_rng(2)
    lasted = chance.exponential(60, 8000)
    looked = chance.uniform(0, 120, 8000)
    found = [(float(x), float(d)) for x, d in zip(looked, lasted, strict=True) if d > x]
    assert np.mean([d for _, d in found]) > 85
    assert alive(learned(found), 60) == pytest.approx(np.exp(-1), abs=0.04)


def test_an_account_of_which_little_is_known_is_like_the_others() -> None:
    survival = learned([(1.0, 240.0 + k) for k in range(40)], rows=2)
    assert alive(survival, 180, row=1) > 0.7
    for k in range(30):
        survival.learn(1, 1.0, 20.0 + k % 20)
    assert alive(survival, 60, row=1) < 0.2
    assert alive(survival, 180, row=0) > 0.7


@pytest.mark.parametrize(("found_after", "lasted"), [(-5.0, -10.0), (50.0, 10.0), (0.0, 1e9), (1e9, 1e9)])
def test_times_that_make_no_sense_leave_probabilities(found_after: float, lasted: float) -> None:
    survival = learned([(found_after, lasted)] * 5)
    curve = survival.alive(np.array([0]), np.array([0.0, 10.0, 100.0, 1e4, 1e7]))[0]
    assert np.isfinite(curve).all()
    assert (np.diff(curve) <= 0).all()
    assert curve[0] == 1.0
    assert curve[-1] >= 0.0


def test_a_forgotten_account_starts_anew() -> None:
    survival = learned([(1.0, 20.0)] * 30, rows=2, row=1)
    before = alive(survival, 60, row=1)
    survival.forget(1)
    assert alive(survival, 60, row=1) == pytest.approx(alive(survival, 60, row=0))
    assert alive(survival, 60, row=1) > before
