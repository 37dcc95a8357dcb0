"""Growth between real samples of a count.

Nothing is made up between two samples: a gap is as long as it was, and growth over it is told with the hours that
really lie between. Counts may fall, so growth may be negative. A sample without the count is left out, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from bot.core.posts.models import PostSample, ProfileSample

DAY = timedelta(days=1)
SHORTEST = timedelta(hours=1)  # what a shorter time brought says nothing about a day
# Growth "over 7 days" is told of samples that lie from 4 to 10 days apart: never of others under that name.
_SHARE_OFF = 0.45


class Measure(StrEnum):
    """What is counted; those after SAVES only of a profile."""

    VIEWS = "views"
    LIKES = "likes"
    COMMENTS = "comments"
    SHARES = "shares"
    SAVES = "saves"
    FOLLOWERS = "followers"
    TOTAL_LIKES = "total_likes"  # as the platform counts them, over all posts there ever were
    POSTS = "posts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A count at the instant at which it was really read."""

    at: datetime
    value: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What a count gained from one real sample to a later one; negative where it fell."""

    first: Point
    last: Point

    @property
    def gained(self) -> int:
        """Give the difference."""
        return self.last.value - self.first.value

    @property
    def span(self) -> timedelta:
        """Give the time that really lies between, over 0."""
        return self.last.at - self.first.at

    @property
    def hours(self) -> float:
        """Give the hours that really lie between."""
        return self.span / timedelta(hours=1)

    @property
    def per_day(self) -> float | None:
        """Give what that is in 24 hours; None where the samples lie less than an hour apart."""
        return self.gained / (self.span / DAY) if self.span >= SHORTEST else None

    @property
    def share(self) -> float | None:
        """Give the gain as a share of what there was (0.1 is a tenth more); None where there was nothing."""
        return self.gained / self.first.value if self.first.value > 0 else None


def points(samples: Iterable[PostSample | ProfileSample], measure: Measure) -> tuple[Point, ...]:
    """Give the samples that tell a count, the oldest first; of several of one instant the last that is given.

    Only a profile has followers, total likes and a number of posts: for samples of a post these give nothing.
    """
    known: dict[datetime, int] = {}
    for sample in samples:
        value = _value(sample, measure)
        if value is not None:
            known[sample.at] = value
    return tuple(Point(at=at, value=known[at]) for at in sorted(known))


def steps(known: Sequence[Point], *, least: timedelta = timedelta(0)) -> tuple[Growth, ...]:
    """Give the growth from each point to the next, the points being in order.

    Points that follow sooner than `least` are passed over (readings that somebody asked for in between); a rest
    that is too short belongs to the step before it. So together the steps always are the whole growth.
    """
    if len(known) < 2:
        return ()
    kept = [known[0]]
    for point in known[1:]:
        if point.at - kept[-1].at >= least:
            kept.append(point)
    if kept[-1] is not known[-1]:
        # The first point stays: without it the growth before would be lost.
        kept[max(1, len(kept) - 1) :] = [known[-1]]
    return tuple(Growth(first=first, last=last) for first, last in pairwise(kept))


def growth_over(known: Sequence[Point], days: float) -> Growth | None:
    """Give the growth over about the last `days`, up to the last of the points, which are in order.

    It begins at the real sample that is nearest to so long before; None where none lies between 0.55 and 1.45 of
    the asked time before the last, as after a gap or at the beginning.
    """
    if not known:
        return None
    last, asked = known[-1], days * DAY
    earlier = [point for point in known if point.at < last.at]
    if not earlier:
        return None
    first = min(earlier, key=lambda point: abs(last.at - point.at - asked))
    if abs(last.at - first.at - asked) > _SHARE_OFF * asked:
        return None
    return Growth(first=first, last=last)


def _value(sample: PostSample | ProfileSample, measure: Measure) -> int | None:
    whole = sample if isinstance(sample, ProfileSample) else None
    told: dict[Measure, int | None] = {
        Measure.VIEWS: sample.counts.views,
        Measure.LIKES: sample.counts.likes,
        Measure.COMMENTS: sample.counts.comments,
        Measure.SHARES: sample.counts.shares,
        Measure.SAVES: sample.counts.saves,
        Measure.FOLLOWERS: whole.followers if whole else None,
        Measure.TOTAL_LIKES: whole.total_likes if whole else None,
        Measure.POSTS: whole.posts if whole else None,
    }
    return told[measure]
