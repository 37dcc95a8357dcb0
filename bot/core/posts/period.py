"""What posts gained in a period, of what was really read in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.posts.growth import DAY, Growth, Measure, Point, points
from bot.core.posts.models import Counts, PostSample

COUNTED = (Measure.VIEWS, Measure.LIKES, Measure.COMMENTS, Measure.SHARES, Measure.SAVES)
LEAST_APART = timedelta(hours=6)
_MISSED = 2.5  # intervals: one reading may be missed, and growth over both is told with its real hours
_SHORTEST_GAP = timedelta(hours=36)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledPost:
    """A post with what it counted, the oldest sample first."""

    post_id: int
    posted_at: datetime
    caption: str
    samples: Sequence[PostSample]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The readings of a profile from which a period is told: `runs` are the instants at which each was done.

    `run_before` is the one before the first, where it is known. `gap` is the last time without readings that was
    too long for anything to be told of it; the readings then begin after it.
    """

    runs: tuple[datetime, ...]
    run_before: datetime | None
    gap: tuple[datetime, datetime] | None

    @property
    def span(self) -> timedelta:
        """Give the time that lies between the first and the last."""
        return self.runs[-1] - self.runs[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gained:
    """What a post gained in a period; `whole` where it was posted in it."""

    post: SampledPost
    views: Growth | None
    counts: Counts
    whole: bool


def longest_step(interval_hours: int) -> timedelta:
    """Give how far readings of a profile may be apart before it is a gap, given how often it should be read."""
    return max(_MISSED * timedelta(hours=interval_hours), _SHORTEST_GAP)


def reading_of(
    runs: Sequence[datetime], since: datetime, until: datetime, longest: timedelta
) -> Reading | None:
    """Choose the readings of a period: from the last one at or before `since` on, none from before a gap.

    None where nothing was read after `since` and until `until`. `runs` are in order.
    """
    seen = [at for at in runs if at <= until]
    if not seen or seen[-1] <= since:
        return None
    begin = max((number for number, at in enumerate(seen) if at <= since), default=0)
    gap = None
    for number in range(begin + 1, len(seen)):
        if seen[number] - seen[number - 1] > longest:
            begin, gap = number, (seen[number - 1], seen[number])
    return Reading(runs=tuple(seen[begin:]), run_before=seen[begin - 1] if begin else None, gap=gap)


def apart(
    runs: Sequence[datetime], ends: Iterable[datetime], *, least: timedelta = LEAST_APART
) -> tuple[datetime, ...]:
    """Choose of the readings of a profile those that are told of: not nearer to each other than `least`.

    The last at each of the `ends` of periods always is one, so that periods which follow each other have no reading
    between them that none tells of. `runs` are in order. One that is read every hour has a thousand readings in a month.
    """
    last = {runs[place - 1] for end in ends if (place := bisect_right(runs, end))}
    kept: list[datetime] = []
    for at in runs:
        if not kept or at in last or at - kept[-1] >= least:
            kept.append(at)
    return tuple(kept)


def gained_by(post: SampledPost, reading: Reading) -> Gained | None:
    """Give what a post gained from the first of the readings to the last; None where it was not read in both.

    A post that was posted in between began with nothing, which needs no reading.
    """
    if len(reading.runs) < 2:
        return None
    growths = {measure: _growth(post, points(post.samples, measure), reading) for measure in COUNTED}
    if not any(growths.values()):
        return None
    counts = {measure.value: None if one is None else one.gained for measure, one in growths.items()}
    return Gained(
        post=post,
        views=growths[Measure.VIEWS],
        counts=Counts(**counts),
        whole=post.posted_at > reading.runs[0],
    )


def together(gained: Iterable[Gained]) -> Counts:
    """Sum up what posts gained; None for what is known of none of them."""
    each = [one.counts for one in gained]
    sums: dict[str, int | None] = {}
    for measure in COUNTED:
        known = [value for one in each if (value := getattr(one, measure.value)) is not None]
        sums[measure.value] = sum(known) if known else None
    return Counts(**sums)


def a_day(gained: int, span: timedelta) -> float:
    """Give what a gain is in 24 hours."""
    return gained / (span / DAY)


def _growth(post: SampledPost, known: Sequence[Point], reading: Reading) -> Growth | None:
    """Grow from the sample of the first run to that of the last: a sample belongs to the run that was done next."""
    last = _read_in(known, reading.runs[-2], reading.runs[-1])
    if post.posted_at > reading.runs[0]:
        first: Point | None = Point(at=post.posted_at, value=0)
    else:
        first = _read_in(known, reading.run_before, reading.runs[0])
    if first is None or last is None or first.at >= last.at:
        return None
    return Growth(first=first, last=last)


def _read_in(known: Sequence[Point], after: datetime | None, until: datetime) -> Point | None:
    found = [point for point in known if point.at <= until and (after is None or point.at > after)]
    return found[-1] if found else None
