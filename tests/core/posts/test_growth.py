from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.growth import Growth, Measure, Point, growth_over, points, steps
from bot.core.posts.models import Counts, PostSample, ProfileSample

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _point(hours: float, value: int) -> Point:
    return Point(at=NOON + hours * HOUR, value=value)


def _sample(hours: float, views: int | None) -> PostSample:
    return PostSample(post_id=1, at=NOON + hours * HOUR, counts=Counts(views=views), source="yt-dlp")


# Real readings: from minutes to weeks apart, and counts that fall as well as rise.
series = st.lists(st.tuples(st.integers(1, 40_000), st.integers(0, 10**10)), min_size=1, max_size=30).map(
    lambda pairs: tuple(
        Point(at=NOON + timedelta(minutes=sum(gap for gap, _ in pairs[: number + 1])), value=value)
        for number, (_, value) in enumerate(pairs)
    )
)


@given(series, st.integers(0, 60 * 24 * 9))
def test_steps_together_are_the_whole_growth(known: tuple[Point, ...], least_minutes: int) -> None:
    found = steps(known, least=timedelta(minutes=least_minutes))

    assert sum(step.gained for step in found) == known[-1].value - known[0].value
    assert sum((step.span for step in found), timedelta(0)) == known[-1].at - known[0].at
    assert all(one.last == after.first for one, after in pairwise(found))
    assert all(step.first in known and step.last in known for step in found)
    if len(found) > 1:
        assert min(step.span for step in found) >= timedelta(minutes=least_minutes)


@given(series, st.floats(0.25, 60))
def test_growth_over_some_days_lies_between_real_samples_about_so_far_apart(
    known: tuple[Point, ...], days: float
) -> None:
    growth = growth_over(known, days)
    distances = [abs((known[-1].at - point.at) / DAY - days) for point in known[:-1]]

    if growth is None:
        assert all(distance > 0.44 * days for distance in distances)
    else:
        assert growth.last == known[-1]
        assert growth.first in known
        assert 0.54 * days <= growth.span / DAY <= 1.46 * days
        assert abs(growth.span / DAY - days) == pytest.approx(min(distances), abs=1e-6)


@given(series, st.integers(-(10**6), 10**6))
def test_a_gain_depends_on_differences_of_counts_only(known: tuple[Point, ...], shift: int) -> None:
    shifted = tuple(Point(at=point.at, value=point.value + shift) for point in known)

    assert [step.gained for step in steps(shifted)] == [step.gained for step in steps(known)]


@given(st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 100)), max_size=12))
def test_a_sample_without_the_count_is_left_out(samples: list[tuple[int, int | None]]) -> None:
    found = points([_sample(hour, views) for hour, views in samples], Measure.VIEWS)

    told = {NOON + hour * HOUR: views for hour, views in samples if views is not None}
    assert {point.at: point.value for point in found} == told
    assert [point.at for point in found] == sorted(told)


def test_a_gap_is_told_with_its_real_hours() -> None:
    growth = Growth(first=_point(0, 1000), last=_point(120, 2000))

    assert (growth.gained, growth.hours) == (1000, 120)
    assert growth.per_day == pytest.approx(200)
    assert growth.share == pytest.approx(1.0)


def test_a_fall_is_negative_growth() -> None:
    growth = Growth(first=_point(0, 1000), last=_point(12, 900))

    assert growth.gained == -100
    assert growth.per_day == pytest.approx(-200)


def test_minutes_say_nothing_about_a_day() -> None:
    assert Growth(first=_point(0, 1000), last=_point(0.5, 1100)).per_day is None


def test_a_share_of_nothing_is_unknown() -> None:
    assert Growth(first=_point(0, 0), last=_point(24, 1100)).share is None


def test_a_day_is_not_told_over_a_gap_of_five() -> None:
    known = (_point(0, 10), _point(24, 20), _point(144, 900))

    assert growth_over(known, 1) is None
    week = growth_over(known, 7)
    assert week is not None
    assert (week.gained, week.hours) == (890, 144)


def test_a_week_is_not_told_after_three_days() -> None:
    assert growth_over([_point(24 * day, day) for day in range(4)], 7) is None
    assert growth_over([_point(0, 5)], 1) is None
    assert growth_over([], 1) is None


def test_a_late_run_does_not_hide_the_growth_of_a_day() -> None:
    growth = growth_over((_point(0, 5), _point(24.5, 8), _point(25.5, 9)), 1)

    assert growth is not None
    assert (growth.gained, growth.hours) == (4, 25.5)


def test_readings_that_were_asked_for_in_between_are_passed_over() -> None:
    known = tuple(_point(hour, int(hour)) for hour in (0, 24, 24.2, 25, 48, 49))

    assert [(step.first.at, step.last.at) for step in steps(known, least=20 * HOUR)] == [
        (NOON, NOON + 24 * HOUR),
        (NOON + 24 * HOUR, NOON + 49 * HOUR),
    ]


def test_a_post_has_no_followers() -> None:
    assert points([_sample(0, 5)], Measure.FOLLOWERS) == ()


def test_a_profile_has_followers_and_a_number_of_posts() -> None:
    samples = [
        ProfileSample(
            at=NOON + day * DAY,
            posts=3 + day,
            counts=Counts(views=100),
            followers=None if day == 1 else 50 + day,
            total_likes=None,
            source="yt-dlp",
        )
        for day in range(3)
    ]

    assert [point.value for point in points(samples, Measure.FOLLOWERS)] == [50, 52]
    assert [point.value for point in points(samples, Measure.POSTS)] == [3, 4, 5]
    assert points(samples, Measure.TOTAL_LIKES) == ()
