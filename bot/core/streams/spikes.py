"""Minutes in which far more was done than is usual in this live so far.

The usual is the median, the spread the median absolute deviation (MAD) of all earlier minutes of the live, so that a
few loud minutes do not move them. Nothing later is looked at: the same spikes are found while live and afterwards.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.streams.activities import Activity
from bot.core.streams.models import StreamMinute

FIRST_MINUTES = 10
"""Before so many minutes were seen nothing is usual yet."""
FAR = 3.5
"""So many spreads above the usual is a spike (Iglewicz and Hoaglin, 1993)."""
LEAST_SPREAD: Mapping[Activity, float] = {
    Activity.COMMENTS: 2.0,
    Activity.LIKES: 10.0,
    Activity.GIFTS: 1.0,
    Activity.FOLLOWS: 0.75,
    Activity.SHARES: 0.75,
    Activity.DIAMONDS: 10.0,
}
"""Where hardly anything happens the spread is 0 and everything would be a spike."""
HIGH = 0.95
"""A spike is also among the highest of the session so far (as high as its 95th percentile): where the evening goes up
and down, or gifts come in heaps, every fifth minute is far above the median."""
_MAD_TO_SPREAD, _MEAN_TO_SPREAD = 1.4826, 1.2533  # to the standard deviation, were the counts normal
_WHOLE = 0.5  # of a row must have been connected, or its count is not compared


@dataclass(frozen=True, kw_only=True, slots=True)
class Spike:
    """One activity in one row: `count` against the `usual` of as long a time, `spreads` above it."""

    at: datetime
    activity: Activity
    count: int
    usual: float
    spreads: float


@dataclass(slots=True)
class SpikeWatch:
    """What was usual in a live so far. `of` asks about a row, `remember` takes it for a part of the past."""

    _past: dict[Activity, list[float]] = field(default_factory=lambda: {one: [] for one in Activity})

    def of(self, row: StreamMinute) -> tuple[Spike, ...]:
        """Give what spikes in a row, compared with the rows before it."""
        if len(self._past[Activity.LIKES]) < FIRST_MINUTES or not _is_whole(row):
            return ()
        found = (_spike(row, activity, past) for activity, past in self._past.items())
        return tuple(one for one in found if one is not None)

    def remember(self, row: StreamMinute) -> None:
        """Take a finished row for what is usual; one that was hardly connected tells nothing."""
        if _is_whole(row):
            for activity, past in self._past.items():
                insort(past, getattr(row, activity) / row.minutes)


def spikes(rows: Iterable[StreamMinute]) -> tuple[Spike, ...]:
    """Give all spikes of a live in order of time; rows may be of any length."""
    watch = SpikeWatch()
    found: list[Spike] = []
    for row in rows:
        found += watch.of(row)
        watch.remember(row)
    return tuple(found)


def _spike(row: StreamMinute, activity: Activity, past: Sequence[float]) -> Spike | None:
    usual = _median(past)
    # Pure chance alone spreads counts by the root of what is usual, fewer the longer the row.
    least = max(LEAST_SPREAD[activity], math.sqrt(usual)) / math.sqrt(row.minutes)
    count: int = getattr(row, activity)
    above = count / row.minutes - usual
    if above < FAR * least or count / row.minutes < past[math.ceil(HIGH * len(past)) - 1]:
        return None  # what most rows are is told without looking through all the past
    far = above / max(_spread(past, usual), least)
    if far < FAR:
        return None
    return Spike(at=row.minute, activity=activity, count=count, usual=usual * row.minutes, spreads=far)


def _spread(past: Sequence[float], usual: float) -> float:
    """Give the robust spread. Where over half of the counts are the same the MAD is 0: then by the mean deviation."""
    away = sorted(abs(one - usual) for one in past)
    return _MAD_TO_SPREAD * _median(away) or _MEAN_TO_SPREAD * sum(away) / len(away)


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _is_whole(row: StreamMinute) -> bool:
    return row.connected_seconds >= _WHOLE * 60 * row.minutes
