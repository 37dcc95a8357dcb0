"""How often lives start in an ordinary week, as the heat map of an account shows it."""

from __future__ import annotations

import numpy as np
import pytest

from bot.core.live.budget import DAY
from bot.core.live.probability import ProbabilityPolicy
from bot.core.live.replay import Span
from tests.core.live.fleets import BEGIN, lives, taught


def a_week(policy: ProbabilityPolicy) -> float:
    """Give the starts in a week that the heat map comes to."""
    return float(-np.log1p(-policy.heat(1)).sum())


def evenings(days: int, chance: float, hour: float = 20.0) -> list[Span]:
    return lives(8, days, lambda _: (hour,), chance=chance)


@pytest.mark.parametrize("hour", [4.0, 13.0, 20.0])
def test_the_week_of_an_account_found_once_a_day_has_seven_starts(hour: float) -> None:
    policy = taught(evenings(50, 1.0, hour), BEGIN + 50 * DAY)
    assert a_week(policy) == pytest.approx(7, rel=0.25)


@pytest.mark.parametrize("chance", [0.15, 0.5])
def test_the_ordinary_week_has_as_many_starts_as_the_coming_one_is_expected_to_have(chance: float) -> None:
    now = BEGIN + 60 * DAY
    policy = taught(evenings(60, chance), now)
    coming = -np.log1p(-policy.forecast(now, [1], 7 * 24).starts[0]).sum()
    assert a_week(policy) == pytest.approx(coming, rel=0.2)


def test_an_account_of_which_nothing_is_known_has_an_even_week() -> None:
    policy = taught([], BEGIN)
    assert policy.heat(1).max() < 1.5 * policy.heat(1).min()
    assert a_week(policy) == pytest.approx(0.7 * 7, rel=0.25)
