"""The two simple scores of a minute that people know (specs/scheduling.md 5); `influence` has the honest analysis.

- activity: the sum over comments, likes, gifts, follows and shares of weight x min(1, count / the session's own 95th
  percentile so far), 0..1;
- correlation: the same weights summed over the activities that spiked, signed by the change of viewers, -1..1.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.core.streams.activities import WEIGHTS, Activity
from bot.core.streams.models import StreamMinute
from bot.core.streams.spikes import HIGH, Spike, SpikeWatch


@dataclass(frozen=True, kw_only=True, slots=True)
class SimpleScore:
    """The scores of one row. `correlation` is None where the change of viewers is unknown."""

    activity: float
    correlation: float | None


@dataclass(slots=True)
class SimpleScores:
    """The scores of a live as it goes on.

    `of` may be asked of a row again and again while it grows; `remember` is said once, when the row is over. After a
    restart `resumed` takes up from the rows that were stored.
    """

    _watch: SpikeWatch = field(default_factory=SpikeWatch)
    _past: dict[Activity, list[int]] = field(default_factory=lambda: {one: [] for one in WEIGHTS})
    _before: StreamMinute | None = None

    @classmethod
    def resumed(cls, rows: Iterable[StreamMinute]) -> SimpleScores:
        """Take up after finished rows of this live, in order of time."""
        scores = cls()
        for row in rows:
            scores.remember(row)
        return scores

    def of(self, row: StreamMinute) -> SimpleScore:
        """Give the scores of a row, compared with the rows before it and with itself."""
        activity = sum(
            weight * _share(getattr(row, name), self._past[name]) for name, weight in WEIGHTS.items()
        )
        moved = _moved(self._before, row)
        signed = None
        if moved is not None:
            spiking = {spike.activity for spike in self._watch.of(row)}
            weights = sum(weight for name, weight in WEIGHTS.items() if name in spiking)
            signed = math.copysign(weights, moved) if moved else 0.0
        return SimpleScore(activity=min(activity, 1.0), correlation=signed)

    def remember(self, row: StreamMinute) -> None:
        """Take a finished row for a part of the past."""
        self._watch.remember(row)
        for name, past in self._past.items():
            insort(past, getattr(row, name))
        self._before = row


def _moved(before: StreamMinute | None, row: StreamMinute) -> int | None:
    """Give by how many the viewers changed since the end of the row before; None where that is unknown."""
    start = row.viewers_first
    if before is not None and before.viewers_last is not None and _adjoin(before, row):
        start = before.viewers_last
    return None if start is None or row.viewers_last is None else row.viewers_last - start


def _adjoin(before: StreamMinute, row: StreamMinute) -> bool:
    return before.minute + timedelta(minutes=before.minutes) == row.minute


def simple_by_activity(rows: Iterable[StreamMinute], spikes: Iterable[Spike]) -> dict[Activity, float]:
    """Give the mean simple correlation of the rows in which each activity spiked, for that activity alone.

    What never spiked, or only while the change of viewers was unknown, is missing.
    """
    moved, before = dict[datetime, int | None](), None
    for row in rows:
        moved[row.minute] = _moved(before, row)
        before = row
    signs: dict[Activity, list[int]] = {}
    for spike in spikes:
        change = moved[spike.at]
        if change is not None and spike.activity in WEIGHTS:
            signs.setdefault(spike.activity, []).append((change > 0) - (change < 0))
    return {name: WEIGHTS[name] * sum(found) / len(found) for name, found in signs.items()}


def _share(count: int, past: Sequence[int]) -> float:
    """Give a count as a share of the 95th percentile (nearest rank) of the past and itself, 0..1."""
    if not count:
        return 0.0
    ordered = list(past)
    insort(ordered, count)
    high = ordered[math.ceil(HIGH * len(ordered)) - 1]
    return min(1.0, count / high) if high else 1.0
