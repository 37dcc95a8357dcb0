"""Milestones of profiles: round numbers of followers, of views together, and of views of one post, once ever.

Written down is the highest number that was passed of each; whatever is not above it was told or needs no telling.
So counts that fall and rise again tell nothing twice. What was passed before anybody looked is written down without
an instant: when it was passed is unknown, and it is never told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

OF_PROFILE = 0  # in place of the number of a post


class Passed(StrEnum):
    """What has milestones."""

    FOLLOWERS = "followers"
    TOTAL_VIEWS = "total_views"
    POST_VIEWS = "post_views"


def _round_numbers(least: int, steps: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(one for power in range(13) for step in steps if (one := step * 10**power) >= least))


# In tens, so that a quarter is a whole number; posts are many, and have fewer milestones.
THRESHOLDS: Mapping[Passed, tuple[int, ...]] = {
    Passed.FOLLOWERS: _round_numbers(1000, (10, 25, 50)),
    Passed.TOTAL_VIEWS: _round_numbers(100_000, (10, 25, 50)),
    Passed.POST_VIEWS: _round_numbers(10_000, (10, 50)),
}
LEAST_POST_VIEWS = THRESHOLDS[Passed.POST_VIEWS][0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A count as it is. `was_known` is true where it was known before, or has been watched since it was 0."""

    measure: Passed
    post_id: int
    value: int
    was_known: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileMilestone:
    """A round number to write down; `is_news` where it was passed while somebody looked."""

    measure: Passed
    post_id: int
    value: int
    is_news: bool


def highest(measure: Passed, value: int) -> int | None:
    """Give the highest round number that a count has passed; None: none yet."""
    return max((one for one in THRESHOLDS[measure] if one <= value), default=None)


def newly_passed(
    standings: Iterable[Standing], written: Mapping[tuple[Passed, int], int]
) -> tuple[ProfileMilestone, ...]:
    """Decide what is to be written down; `written` is the highest number so far by measure and post.

    Of several numbers that were passed at once the highest counts.
    """
    found: list[ProfileMilestone] = []
    for one in standings:
        value = highest(one.measure, one.value)
        before = written.get((one.measure, one.post_id), 0)
        if value is not None and value > before:
            found.append(
                ProfileMilestone(
                    measure=one.measure,
                    post_id=one.post_id,
                    value=value,
                    is_news=one.was_known,
                )
            )
    return tuple(found)
