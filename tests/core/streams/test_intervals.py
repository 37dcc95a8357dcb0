"""Minutes summed into intervals: nothing is lost, nothing is counted twice, unknown is not 0."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.streams.intervals import sum_up
from bot.core.streams.models import StreamMinute

START = datetime(2026, 3, 1, 18, 3, tzinfo=UTC)  # not at a full five minutes
MINUTE = timedelta(minutes=1)
COUNTS = (
    "comments",
    "likes",
    "gifts",
    "diamonds",
    "estimated_diamonds",
    "guest_gifts",
    "guest_diamonds",
    "follows",
    "shares",
    "joins",
    "subscriptions",
    "dropped_joins",
    "coalesced_likes",
)
SECONDS = ("viewer_seconds", "watched_seconds", "connected_seconds")


def a_live(minutes: int, seed: int = 1) -> list[StreamMinute]:
    chance = random.Random(seed)
    rows = []
    for number in range(minutes):
        viewers = chance.randrange(5, 300)
        rows.append(
            StreamMinute(
                minute=START + number * MINUTE,
                viewers_first=viewers,
                viewers_last=viewers + 3,
                viewers_min=viewers - 2,
                viewers_max=viewers + 9,
                viewer_seconds=viewers * 60.0,
                watched_seconds=60.0,
                connected_seconds=60.0,
                people=chance.randrange(30),
                commenters=chance.randrange(9),
                gifters=chance.randrange(4),
                **{name: chance.randrange(50) for name in COUNTS},
            )
        )
    return rows


@pytest.mark.parametrize("interval", [5, 10])
def test_sums_and_the_mean_of_the_viewers_stay_what_they_were(interval: int) -> None:
    minutes = a_live(97)
    summed = sum_up(minutes, interval)
    for name in (*COUNTS, *SECONDS):
        assert sum(getattr(row, name) for row in summed) == sum(getattr(row, name) for row in minutes), name
    assert summed[0].minute == datetime(2026, 3, 1, 18, 0, tzinfo=UTC)  # the same steps for every live
    assert {row.minutes for row in summed} == {interval}
    first = [row for row in minutes if row.minute < summed[1].minute]
    assert summed[0].viewers == pytest.approx(sum(row.viewers or 0 for row in first) / len(first))
    assert summed[0].viewers_first == first[0].viewers_first
    assert summed[0].viewers_last == first[-1].viewers_last
    assert summed[0].viewers_min == min(row.viewers_min or 0 for row in first)
    assert summed[0].viewers_max == max(row.viewers_max or 0 for row in first)


def test_the_same_people_of_two_minutes_are_not_added() -> None:
    minutes = [
        StreamMinute(minute=START, people=7, commenters=3, gifters=1),
        StreamMinute(minute=START + MINUTE, people=5, commenters=4, gifters=0),
    ]
    [row] = sum_up(minutes, 5)
    assert (row.people, row.commenters, row.gifters) == (7, 4, 1)


def test_viewers_nobody_told_stay_unknown() -> None:
    silent = StreamMinute(minute=START, comments=2)
    told = StreamMinute(
        minute=START + MINUTE,
        viewers_first=40,
        viewers_last=50,
        viewers_min=40,
        viewers_max=50,
        viewer_seconds=1350.0,
        watched_seconds=30.0,
    )
    [row] = sum_up([silent, told, replace(silent, minute=START + 2 * MINUTE)], 10)
    assert (row.viewers_first, row.viewers_last, row.viewers_min, row.viewers_max) == (40, 50, 40, 50)
    assert row.viewers == pytest.approx(45.0)
    [row] = sum_up([silent], 5)
    assert (row.viewers_first, row.viewers_last, row.viewers_min, row.viewers_max) == (None,) * 4
    assert row.viewers is None


def test_scores_are_means_of_the_minutes_that_have_one() -> None:
    rows = [
        StreamMinute(minute=START, activity=0.2, influence=-0.4),
        StreamMinute(minute=START + MINUTE),
    ]
    [row] = sum_up(rows, 5)
    assert (row.activity, row.influence) == (0.2, -0.4)
    fives = [
        StreamMinute(minute=datetime(2026, 3, 1, 18, 0, tzinfo=UTC), minutes=5, activity=0.6),
        StreamMinute(minute=datetime(2026, 3, 1, 18, 5, tzinfo=UTC), activity=0.0, influence=0.5),
    ]
    [row] = sum_up(fives, 10)
    assert row.activity == pytest.approx(0.5)  # five minutes of 0.6, one of 0
    assert row.influence == 0.5
    [row] = sum_up([StreamMinute(minute=START)], 5)
    assert (row.activity, row.influence) == (None, None)


def test_thinned_rows_are_summed_on_but_never_split() -> None:
    minutes = a_live(97)
    fives = sum_up(minutes, 5)
    assert sum_up(fives, 5) == fives
    tens = sum_up(fives, 10)
    assert [row.minute for row in tens] == [row.minute for row in sum_up(minutes, 10)]
    assert [row.diamonds for row in tens] == [row.diamonds for row in sum_up(minutes, 10)]
    assert sum_up(tens, 5) == tens


def test_a_live_thinned_in_part_has_no_interval_twice() -> None:
    minutes = a_live(40)
    half = [*sum_up(minutes[:17], 10), *minutes[17:]]  # up to 18:20
    for interval in (5, 10):
        summed = sum_up(half, interval)
        ends = [row.minute + row.minutes * MINUTE for row in summed]
        assert all(end <= row.minute for end, row in zip(ends, summed[1:], strict=False))
        assert sum(row.diamonds for row in summed) == sum(row.diamonds for row in minutes)


def test_a_pause_leaves_its_intervals_out() -> None:
    later = StreamMinute(minute=START + 60 * MINUTE, comments=1)
    assert [row.comments for row in sum_up([StreamMinute(minute=START), later], 5)] == [0, 1]
    assert sum_up([], 5) == ()
