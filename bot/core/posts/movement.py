"""Unusual movement of a post's views: far more than its own age curve promises, or views that were taken away.

Posts grow quickly, then ever slower. `expected` (in `age_curve`) says what a post of this age and this history
should gain from one reading to another, and how far off such a promise usually is. A gain is told as unusual where
it is over `SCORE` of these scales above it, at least `TIMES` the promise, and worth a word. What lifts all posts
of a reading together (a weekend, a count that was late) lifts the promise of each.

Measured on `tests/core/posts/invented.py`: 60 profiles of 30 posts for each way of growing, read daily for 40 days,
with other seeds than it was set up on, and but for the first in ways that it was not set up on. False alarms are
those in a whole daily report of 30 posts; found are days on which a post brought 5 to 12 times what it would have.

    power of age (set up on this way)   0.007 false alarms a report   82 % found
    saturating, busy weekends           0.000                         51 %
    wandering, heavy tails              0.050                         80 %
    evergreen                           0.019                         82 %
    small (tens of views a day)         0.000                          5 %

What is not found mostly is not worth a word (`LEAST_VIEWS`, `LEAST_SHARE`), or came within a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import exp, log
from statistics import median

from bot.core.posts.age_curve import USUAL_NOISE, Forecast, expected, noise_of
from bot.core.posts.growth import DAY, Growth, Point, steps

SCORE = 3.0
TIMES = 2.5
LEAST_VIEWS = 100  # a difference of fewer says nothing to anybody
LEAST_SHARE = 0.02  # of the views that a post had
LOST_SHARE = 0.01
LOST_TIMES = 3  # as much as any earlier fall of the post: some counts are corrected up and down all the time
SHORTEST_STEP = timedelta(hours=20)  # shorter ones would show the time of day
_HISTORY = 14  # steps; what was before says nothing about now
_TOGETHER = timedelta(hours=1)  # readings so near to each other are of one run
_LEAST_TOGETHER = 8  # posts, before what they have in common is believed


@dataclass(frozen=True, kw_only=True, slots=True)
class PostHistory:
    """What is known of the views of a post, the oldest point first."""

    post_id: int
    posted_at: datetime
    views: Sequence[Point]


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """A gain of a post that is unusual; `expected` views were promised for the same time, None where it fell."""

    post_id: int
    growth: Growth
    expected: int | None

    @property
    def is_fall(self) -> bool:
        """Tell whether views were taken away."""
        return self.growth.gained < 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    post: PostHistory
    growth: Growth
    forecast: Forecast

    @property
    def residual(self) -> float:
        return log((max(self.growth.gained, 0) + 1) / (self.forecast.gain + 1))


def unusual(
    histories: Iterable[PostHistory], since: datetime, until: datetime, *, longest: timedelta = 2.5 * DAY
) -> tuple[Movement, ...]:
    """Find what moved unusually between two instants, what matters most first; each post at most once.

    Looked at are the steps between real samples of about a day, the first from the last sample at or before
    `since`; of the earlier ones the promise is made. Spans that follow each other have no step in common. A step
    of more than `longest` is a gap, of which nothing is told.
    """
    whole = list(histories)
    usual = _usual_noise(whole, since)
    judged: list[_Judged] = []
    found: list[Movement] = []
    for post in whole:
        for growth, before in _looked_at(post, since, until):
            if growth.span > longest:
                continue
            if (fall := _fall(post, growth, before)) is not None:
                found.append(fall)
            elif (forecast := expected(post.posted_at, before, growth, usual)) is not None:
                judged.append(_Judged(post=post, growth=growth, forecast=forecast))
    found += [movement for together in _runs(judged) for movement in _risen(together)]
    best: dict[int, Movement] = {}
    for movement in sorted(found, key=_weight, reverse=True):
        best.setdefault(movement.post_id, movement)
    return tuple(best.values())


def _looked_at(
    post: PostHistory, since: datetime, until: datetime
) -> list[tuple[Growth, tuple[Growth, ...]]]:
    """Give the steps of a span, each with those before it."""
    seen = [point for point in post.views if point.at <= until]
    begin = max((number for number, point in enumerate(seen) if point.at <= since), default=0)
    looked = steps(seen[begin:], least=SHORTEST_STEP)
    return [
        (growth, _backwards([point for point in seen if point.at <= growth.first.at])) for growth in looked
    ]


def _backwards(known: Sequence[Point]) -> tuple[Growth, ...]:
    """Give the last steps up to the last point, none shorter than it must be."""
    kept = list(known[-1:])
    for point in reversed(known[:-1]):
        if kept[-1].at - point.at >= SHORTEST_STEP:
            kept.append(point)
        if len(kept) > _HISTORY:
            break
    return tuple(Growth(first=first, last=last) for first, last in pairwise(reversed(kept)))


def _usual_noise(histories: Sequence[PostHistory], since: datetime) -> float:
    """Give how far posts of this profile usually are off their curves."""
    own = [
        noise
        for post in histories
        if (noise := noise_of(post.posted_at, _backwards([one for one in post.views if one.at <= since])))
    ]
    return median(own) if len(own) >= _LEAST_TOGETHER else USUAL_NOISE


def _fall(post: PostHistory, growth: Growth, before: Sequence[Growth]) -> Movement | None:
    lost = -growth.gained
    earlier = max((-step.gained for step in before), default=0)
    if not before or lost < max(LEAST_VIEWS, LOST_SHARE * growth.first.value, LOST_TIMES * earlier):
        return None
    return Movement(post_id=post.post_id, growth=growth, expected=None)


def _runs(judged: Sequence[_Judged]) -> list[list[_Judged]]:
    """Part what was judged by the run that read it."""
    runs: list[list[_Judged]] = []
    for one in sorted(judged, key=lambda one: one.growth.last.at):
        if runs and one.growth.last.at - runs[-1][-1].growth.last.at <= _TOGETHER:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _risen(together: Sequence[_Judged]) -> list[Movement]:
    common = median(one.residual for one in together) if len(together) >= _LEAST_TOGETHER else 0.0
    lift = exp(max(common, 0.0))
    return [movement for one in together if (movement := _rise(one, lift)) is not None]


def _rise(one: _Judged, lift: float) -> Movement | None:
    promised, gained = one.forecast.gain * lift, one.growth.gained
    worth = max(LEAST_VIEWS, LEAST_SHARE * one.growth.first.value)
    if gained < TIMES * promised or gained - promised < worth:
        return None
    if log((gained + 1) / (promised + 1)) < SCORE * one.forecast.noise:
        return None
    return Movement(post_id=one.post.post_id, growth=one.growth, expected=round(promised))


def _weight(movement: Movement) -> float:
    return abs(movement.growth.gained - (movement.expected or 0))
