"""Unusual movement: what is found, what is left alone, and how often it is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.age_curve import expected
from bot.core.posts.growth import Point, steps
from bot.core.posts.movement import Movement, PostHistory, unusual
from tests.core.posts.invented import DAY, DAYS, START, WAYS, Invention, invent

SEEDS = range(2000, 2004)


def _post(*views: int, post_id: int = 1, gap_after: int = 99, gap: int = 0) -> PostHistory:
    """A post that was read every day, and not for `gap` days after one of the readings."""
    return PostHistory(
        post_id=post_id,
        posted_at=START - DAY,
        views=[
            Point(at=START + (number + (gap if number > gap_after else 0)) * DAY, value=value)
            for number, value in enumerate(views)
        ],
    )


def _last_day(post: PostHistory, *others: PostHistory) -> tuple[Movement, ...]:
    until = post.views[-1].at
    return unusual([post, *others], until - DAY, until)


CALM = (10_000, 15_000, 18_000, 20_000, 21_500, 22_700, 23_700, 24_500)


@pytest.mark.parametrize("way", WAYS)
def test_false_alarms_are_as_rare_as_the_docstring_says(way: str) -> None:
    alarms = sum(len(_found(invent(way, seed), day)) for seed in SEEDS for day in range(6, DAYS))

    assert alarms / (len(SEEDS) * (DAYS - 6)) < 0.1


@pytest.mark.parametrize("way", ["power", "wandering", "evergreen"])
def test_most_jumps_are_found_on_their_day(way: str) -> None:
    invented = [invent(way, seed, jumps=0.3) for seed in SEEDS]
    found = sum(post in _found(one, day) for one in invented for post, day in one.jumps)

    assert found / sum(len(one.jumps) for one in invented) > 0.65


def _found(invention: Invention, day: int) -> set[int]:
    return {movement.post_id for movement in unusual(invention.posts, *invention.day(day))}


def test_a_jump_is_told_with_what_was_to_be_expected() -> None:
    (movement,) = _last_day(_post(*CALM, 31_000))

    assert movement.growth.gained == 6500
    assert movement.expected is not None
    assert 500 < movement.expected < 1000
    assert not movement.is_fall


def test_a_calm_post_is_silent() -> None:
    assert _last_day(_post(*CALM, 25_200)) == ()


def test_a_new_post_is_silent_because_nothing_is_known_of_it() -> None:
    assert _last_day(_post(100, 5000, 90_000)) == ()
    assert _last_day(_post(100, 200, 300, 90_000)) == ()


def test_few_views_say_nothing() -> None:
    assert _last_day(_post(10, 12, 14, 15, 16, 17, 18, 100)) == ()


def test_nothing_is_told_of_a_gap() -> None:
    assert _last_day(_post(*CALM, 60_000, gap_after=len(CALM) - 1, gap=3)) == ()


def test_views_that_were_taken_away_are_told() -> None:
    (movement,) = _last_day(_post(*CALM, 20_000))

    assert movement.is_fall
    assert movement.growth.gained == -4500
    assert movement.expected is None


def test_counts_that_go_up_and_down_all_the_time_are_not_told() -> None:
    assert _last_day(_post(10_000, 10_600, 10_100, 10_700, 10_150, 10_800, 10_200, 10_900, 10_300)) == ()


def test_what_lifts_all_posts_together_is_not_a_movement_of_each() -> None:
    posts = [_post(*CALM, 31_000, post_id=number) for number in range(10)]
    hit = _post(*CALM, 300_000, post_id=77)

    assert [movement.post_id for movement in _last_day(hit, *posts)] == [77]


def test_what_matters_most_is_first_and_a_post_is_told_once() -> None:
    small = _post(*CALM, 31_000, 31_500, 70_000, post_id=1)
    big = _post(*CALM, 24_700, 24_900, 130_000, post_id=2)
    until = small.views[-1].at

    assert [movement.post_id for movement in unusual([small, big], until - 3 * DAY, until)] == [2, 1]


@given(st.integers(0, 10_000))
def test_days_that_follow_each_other_tell_no_step_twice(seed: int) -> None:
    invention = invent("wandering", seed, jumps=0.5)
    told = [
        (movement.post_id, movement.growth.last.at)
        for day in range(20, 24)
        for movement in unusual(invention.posts, *invention.day(day))
    ]

    assert len(told) == len(set(told))


@given(st.integers(1, 50))
def test_a_promise_grows_with_the_post(times: int) -> None:
    small, large = (steps(_post(*[value * factor for value in CALM]).views) for factor in (1, times))
    promised = [expected(START - DAY, own[:-1], own[-1]) for own in (small, large)]

    assert promised[0] is not None
    assert promised[1] is not None
    assert promised[1].gain == pytest.approx(times * promised[0].gain, rel=0.05)
    assert promised[1].noise <= promised[0].noise + 1e-9


def test_a_promise_over_a_longer_time_is_larger() -> None:
    known = steps(_post(*CALM).views)
    day = expected(START - DAY, known[:-1], known[-1])
    twice = PostHistory(
        post_id=1, posted_at=START - DAY, views=[known[-1].first, Point(at=known[-1].last.at + DAY, value=0)]
    )
    two_days = expected(START - DAY, known[:-1], steps(twice.views)[0])

    assert day is not None
    assert two_days is not None
    assert 1.5 < two_days.gain / day.gain < 2
