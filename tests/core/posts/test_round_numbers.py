from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.milestones import (
    OF_PROFILE,
    THRESHOLDS,
    Passed,
    ProfileMilestone,
    Standing,
    highest,
    newly_passed,
)


def _views(value: int, *, was_known: bool = True) -> Standing:
    return Standing(measure=Passed.TOTAL_VIEWS, post_id=OF_PROFILE, value=value, was_known=was_known)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40))
def test_whatever_counts_do_nothing_is_told_twice(values: list[int]) -> None:
    written: dict[tuple[Passed, int], int] = {}
    told: list[int] = []
    for number, value in enumerate(values):
        for one in newly_passed([_views(value, was_known=number > 0)], written):
            written[one.measure, one.post_id] = one.value
            told += [one.value] if one.is_news else []

    assert told == sorted(set(told))
    assert (max(written.values(), default=0) or None) == highest(Passed.TOTAL_VIEWS, max(values))


def test_the_highest_of_several_is_told() -> None:
    assert newly_passed([_views(600_000)], {(Passed.TOTAL_VIEWS, OF_PROFILE): 100_000}) == (
        ProfileMilestone(measure=Passed.TOTAL_VIEWS, post_id=OF_PROFILE, value=500_000, is_news=True),
    )


def test_what_was_passed_before_anybody_looked_is_no_news() -> None:
    (one,) = newly_passed([_views(600_000, was_known=False)], {})

    assert (one.value, one.is_news) == (500_000, False)


def test_round_numbers_are_round() -> None:
    assert THRESHOLDS[Passed.FOLLOWERS][:5] == (1000, 2500, 5000, 10_000, 25_000)
    assert THRESHOLDS[Passed.TOTAL_VIEWS][:4] == (100_000, 250_000, 500_000, 1_000_000)
    assert THRESHOLDS[Passed.POST_VIEWS][:4] == (10_000, 50_000, 100_000, 500_000)
    assert highest(Passed.POST_VIEWS, 9999) is None
