"""When the next live is expected, as people are told."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from bot.core.live.budget import DAY
from bot.core.live.forecast import Window
from bot.core.live.foresight import soonest
from bot.core.live.history import Missed
from bot.core.live.replay import Span
from tests.core.live.fleets import BEGIN, HOUR, MINUTE, lives, taught

TODAY = BEGIN + 40 * DAY


def expected(spans: list[Span], *instants: datetime) -> list[Window]:
    """The windows told at instants of a day, of an account that was looked at until each and not found that day."""
    policy, checked = taught(spans, TODAY), TODAY
    told: list[Window] = []
    for at in instants:
        while checked < at:
            checked = min(checked + HOUR, at)
            policy.learn(Missed(account_id=1, at=checked))
        window = policy.outlook(at, 1).window
        assert window is not None
        told.append(window)
    return told


def shifts(morning: float, evening: float) -> list[Span]:
    """An account that goes live at 8:00 and at 20:00, each with a chance of its own."""
    both = lives(3, 40, lambda _: (8.0,), chance=morning) + lives(4, 40, lambda _: (20.0,), chance=evening)
    return sorted(both, key=lambda span: span.start)


def test_todays_stretch_comes_before_a_somewhat_likelier_one_of_tomorrow() -> None:
    (window,) = expected(shifts(0.9, 0.6), TODAY + 11 * HOUR)
    assert TODAY + 18 * HOUR <= window.start <= TODAY + 20 * HOUR


def test_a_stretch_that_is_much_less_likely_is_passed_over() -> None:
    (window,) = expected(shifts(0.15, 0.9), TODAY + HOUR)
    assert TODAY + 18 * HOUR <= window.start <= TODAY + 20 * HOUR


def test_the_stretch_that_is_going_on_is_not_put_off_to_tomorrow() -> None:
    instants = [TODAY + minutes * MINUTE for minutes in range(18 * 60, 20 * 60 + 31, 10)]
    windows = expected(lives(8, 40, lambda _: (20.0,), chance=0.8), *instants)
    for now, window in zip(instants, windows, strict=True):
        assert now <= window.start <= max(now, TODAY + 20 * HOUR)


def test_once_the_hour_has_passed_the_next_stretch_is_tomorrows() -> None:
    (window,) = expected(lives(8, 40, lambda _: (20.0,), chance=0.8), TODAY + 23 * HOUR)
    assert TODAY + 42 * HOUR <= window.start <= TODAY + 44 * HOUR


@pytest.mark.parametrize(
    ("today", "tomorrow", "told"),
    [(0.14, 0.28, "tomorrow"), (0.16, 0.28, "today"), (0.06, 0.11, "today"), (0.3, 0.9, "tomorrow")],
)
def test_a_stretch_too_unlikely_to_be_expected_does_not_hide_one_that_is(
    today: float, tomorrow: float, told: str
) -> None:
    """Else the account stood as unlikely on a board, beside others of a chance no greater than tomorrow's."""
    chances = np.full(144, 0.01)
    chances[36], chances[120] = today, tomorrow
    assert {36: "today", 120: "tomorrow"}[soonest(chances)] == told
