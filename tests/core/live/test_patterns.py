"""Habits of an account: windows on the day circle, weekdays, durations, changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.past_lives import PastLive
from bot.core.live.patterns import StartWindow, apart, circular_mean, on_the_clock, patterns_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def lives_at(
    hours: Sequence[float], days: int, spread: float = 0.5, moved: tuple[int, float] = (0, 0.0)
) -> list[PastLive]:
    """Give a live a day, its hour drawn from `hours`; in the last moved[0] days it is moved[1] hours later."""
    chance = np.random.default_rng(4)
    lives = []
    for day in range(days, 0, -1):
        hour = float(chance.choice(hours)) + float(chance.normal(0, spread))
        start = NOW.replace(hour=0) - day * DAY + (hour + (moved[1] if day <= moved[0] else 0)) * HOUR
        lives.append(PastLive(account_id=1, started_at=start, ended_at=start + HOUR / 2))
    return lives


def holds(window: StartWindow, hour: float) -> bool:
    return (hour - window.since) % 24 <= (window.until - window.since) % 24


def test_an_evening_account_has_one_window_round_its_hour() -> None:
    found = patterns_of(lives_at([20], 60), "", NOW)
    (window,) = found.windows
    assert window.centre == pytest.approx(20, abs=0.2)
    assert window.since == pytest.approx(20 - 1.28 * 0.5, abs=0.3)
    assert window.until == pytest.approx(20 + 1.28 * 0.5, abs=0.3)
    assert window.share == 1
    assert found.consistency > 0.95
    assert found.confidence == pytest.approx(found.consistency)
    assert (found.lives, found.changed_on) == (60, None)


def test_two_shifts_give_two_windows() -> None:
    found = patterns_of(lives_at([9, 9, 20], 80), "", NOW)
    assert [window.centre for window in found.windows] == pytest.approx([9, 20], abs=0.3)
    assert [window.share for window in found.windows] == pytest.approx([2 / 3, 1 / 3], abs=0.12)
    assert found.consistency > 0.9
    assert found.changed_on is None


def test_midnight_is_an_hour_like_any_other() -> None:
    (window,) = patterns_of(lives_at([0], 60, spread=1), "", NOW).windows
    assert abs(float(apart(0, window.centre))) < 0.3
    assert window.since > 22
    assert window.until < 2
    assert holds(window, 0)


@given(st.integers(0, 23), st.integers(4, 60))
def test_the_window_turns_with_the_clock(hour: int, days: int) -> None:
    (window,) = patterns_of(lives_at([hour], days), "", NOW).windows
    assert abs(float(apart(hour, window.centre))) < 1
    assert holds(window, window.centre)


def test_who_goes_live_at_any_hour_has_no_usual_one() -> None:
    found = patterns_of(lives_at(range(24), 96, spread=3), "", NOW)
    assert found.windows == ()
    assert found.consistency < 0.2
    assert found.confidence < 0.2


def test_few_lives_are_believed_less() -> None:
    few, many = patterns_of(lives_at([20], 5), "", NOW), patterns_of(lives_at([20], 30), "", NOW)
    assert few.consistency == pytest.approx(many.consistency, abs=0.05)
    assert few.confidence == pytest.approx(many.confidence * 5 / 14, rel=0.05)


def test_nothing_known_is_told_as_nothing() -> None:
    nothing = patterns_of([], "", NOW)
    assert (nothing.lives, nothing.windows, nothing.durations) == (0, (), None)
    assert (nothing.consistency, nothing.confidence, nothing.rate_per_week) == (0, 0, 0)
    assert (nothing.last_start, nothing.changed_on, nothing.active_weekdays) == (None, None, ())


@pytest.mark.parametrize(("days", "later"), [(6, 4), (10, -5), (30, 12), (15, 3)])
def test_a_change_of_hours_is_noticed_within_days_and_the_new_hours_are_the_habit(
    days: int, later: float
) -> None:
    found = patterns_of(lives_at([20], 100, moved=(days, later)), "", NOW)
    assert found.changed_on is not None
    assert abs((NOW.date() - found.changed_on).days - days) <= 1
    (window,) = found.windows
    assert abs(float(apart(20 + later, window.centre))) < 0.5


def test_hours_that_only_scatter_are_no_change() -> None:
    for hours, spread in (([20], 2.5), ([9, 20], 1.0), (range(24), 3.0)):
        assert patterns_of(lives_at(hours, 110, spread=spread), "", NOW).changed_on is None


def test_a_silence_is_no_change_of_hours() -> None:
    lives = [live for live in lives_at([20], 100) if not NOW - 60 * DAY < live.started_at < NOW - 25 * DAY]
    assert patterns_of(lives, "", NOW).changed_on is None


def test_a_habit_of_the_clock_on_the_wall_is_one_across_the_change_to_winter_time() -> None:
    paris = ZoneInfo("Europe/Paris")
    lives = []
    for day in range(15, 32):
        start = datetime(2026, 10, day, 20, 0, tzinfo=paris).astimezone(UTC)
        lives.append(PastLive(account_id=1, started_at=start, ended_at=start + HOUR))
    (window,) = patterns_of(lives, "Europe/Paris", NOW).windows
    assert (window.since, window.until) == (pytest.approx(20), pytest.approx(20))
    (window,) = patterns_of(lives, "", NOW).windows
    assert 18 <= window.centre <= 19


def test_a_zone_that_does_not_exist_is_utc() -> None:
    assert patterns_of(lives_at([20], 20), "Nowhere/Atlantis", NOW).zone == "UTC"


def test_weekdays_are_those_of_the_local_clock() -> None:
    # 23:00 UTC on Fridays is Saturday in Tokyo.
    friday = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    lives = [
        PastLive(
            account_id=1,
            started_at=friday - week * 7 * DAY,
            ended_at=friday - week * 7 * DAY + HOUR,
        )
        for week in range(8)
    ]
    assert patterns_of(lives, "", NOW).active_weekdays == (4,)
    tokyo = patterns_of(lives, "Asia/Tokyo", NOW)
    assert tokyo.active_weekdays == (5,)
    assert tokyo.weekdays[5] == 1
    assert tokyo.rate_per_week == pytest.approx(1)
    assert tokyo.last_start == friday


def test_the_rate_is_that_of_the_last_four_weeks() -> None:
    old = [live for live in lives_at([20], 100) if live.started_at < NOW - 40 * DAY]
    assert patterns_of(old, "", NOW).rate_per_week == 0
    assert patterns_of(lives_at([20], 100), "", NOW).rate_per_week == pytest.approx(7, abs=0.3)
    assert patterns_of(lives_at([20], 10), "", NOW).rate_per_week == pytest.approx(7, rel=0.1)


def test_durations_peaks_and_quality_are_the_middle_of_those_known() -> None:
    lives = []
    for number, minutes in enumerate([20, 40, 60, 80, 300]):
        start = NOW - (number + 1) * DAY
        lives.append(
            PastLive(
                account_id=1,
                started_at=start,
                ended_at=start + minutes * HOUR / 60,
                peak_viewers=100 * number if number else None,
                diamonds=minutes if number < 2 else None,
            )
        )
    found = patterns_of(lives, "", NOW)
    assert found.durations is not None
    assert (found.durations.quarter, found.durations.median, found.durations.three_quarters) == (40, 60, 80)
    assert found.peak_viewers == 250
    assert found.diamonds_per_hour == pytest.approx(60)


def test_lives_of_long_ago_are_no_habit_any_more() -> None:
    long_ago = [
        PastLive(account_id=1, started_at=live.started_at - 150 * DAY, ended_at=live.ended_at - 150 * DAY)
        for live in lives_at([8], 60)
    ]
    (window,) = patterns_of(long_ago + lives_at([20], 30), "", NOW).windows
    assert window.centre == pytest.approx(20, abs=0.3)


def test_lives_that_cannot_be_true_change_nothing_but_the_count_of_those_set_aside() -> None:
    good = lives_at([20], 30)
    bad = [
        PastLive(account_id=1, started_at=NOW + DAY, ended_at=NOW + 2 * DAY),
        PastLive(account_id=1, started_at=NOW - DAY, ended_at=NOW - 2 * DAY),
        PastLive(account_id=1, started_at=good[3].started_at + HOUR / 4, ended_at=good[3].ended_at + HOUR),
    ]
    clean, mixed = patterns_of(good, "", NOW), patterns_of([*bad, *good[::-1]], "", NOW)
    assert mixed.set_aside.total == 3
    assert mixed.windows == clean.windows
    assert mixed.durations == clean.durations


spans = st.tuples(st.floats(-3, 150), st.floats(-5, 60))


@given(st.lists(spans, max_size=40), st.sampled_from(["", "Europe/Paris", "Asia/Kathmandu", "x"]))
def test_no_history_breaks_it(days_and_hours: list[tuple[float, float]], zone: str) -> None:
    lives = [
        PastLive(account_id=1, started_at=NOW - days * DAY, ended_at=NOW - days * DAY + hours * HOUR)
        for days, hours in days_and_hours
    ]
    found = patterns_of(lives, zone, NOW)
    assert 0 <= found.confidence <= found.consistency <= 1
    assert sum(window.share for window in found.windows) <= 1 + 1e-9
    assert all(0 <= window.since < 24 and 0 <= window.until < 24 for window in found.windows)
    assert all(holds(window, window.centre) for window in found.windows)
    assert found.lives + found.set_aside.total <= len(lives)
    assert found.changed_on is None or date(2026, 7, 1) < found.changed_on <= date(2026, 11, 22)


@given(st.lists(st.floats(0, 23.99), min_size=1, max_size=20), st.floats(0, 24))
def test_the_mean_hour_turns_with_the_hours(hours: list[float], turn: float) -> None:
    angles = np.exp(2j * np.pi * np.array(hours) / 24)
    if abs(np.mean(angles)) < 0.05:
        return
    moved = circular_mean((np.array(hours) + turn) % 24)
    assert abs(float(apart(circular_mean(np.array(hours)) + turn, moved))) < 1e-6


def test_the_day_has_no_twenty_fourth_hour() -> None:
    assert [on_the_clock(hour) for hour in (-1e-17, 24.0, 25.0, -1.0)] == [0, 0, 1, 23]
