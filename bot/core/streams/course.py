"""The course of a live as arrays, a place for every minute: NaN where nothing is known, never 0."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.streams.activities import WEIGHTS
from bot.core.streams.models import StreamMinute

ACTIVITIES = tuple(WEIGHTS)
MOST_MINUTES = 720
"""Of a live that goes on longer, the last twelve hours are looked at."""
_CONNECTED = 45.0  # seconds: with less of a minute seen its counts say too little
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """`viewers` at the end of each minute and `counts` in it (minutes, activities), both as square roots.

    The root makes chance about as large in a loud hour as in a quiet one, and tames a streak of a thousand roses.
    """

    viewers: Floats
    counts: Floats
    seen: tuple[int, ...]  # in how many minutes there was any of each activity

    @property
    def change(self) -> Floats:
        """Give by how much the viewers changed in each minute."""
        return self.viewers - lagged(self.viewers, 1)

    @property
    def known(self) -> int:
        """Give in how many minutes both the change of viewers and the activities are known."""
        return int((~np.isnan(self.change)).sum())

    @property
    def seed(self) -> int:
        """Give a number that is the same for the same course: what is drawn by chance hangs on nothing else."""
        return zlib.crc32(self.counts.tobytes(), zlib.crc32(self.viewers.tobytes()))


def course_of(rows: Sequence[StreamMinute]) -> Course:
    """Lay rows of one minute out in time; longer rows, and minutes hardly connected, are left out."""
    single = sorted((row for row in rows if row.minutes == 1), key=lambda row: row.minute)
    places = [(row.minute - single[0].minute) // _MINUTE for row in single]
    length = places[-1] + 1 if places else 0
    viewers, counts = np.full(length, np.nan), np.full((length, len(ACTIVITIES)), np.nan)
    for place, row in zip(places, single, strict=True):
        if row.connected_seconds >= _CONNECTED:
            counts[place] = [getattr(row, name) for name in ACTIVITIES]
            viewers[place] = _viewers(row)
    viewers, counts = viewers[-MOST_MINUTES:], counts[-MOST_MINUTES:]
    return Course(
        viewers=np.sqrt(viewers),
        counts=np.sqrt(counts),
        seen=tuple(int(number) for number in (counts > 0).sum(axis=0)),
    )


def lagged(series: Floats, lag: int) -> Floats:
    """Give, for each minute, what was `lag` minutes before it; the first axis is time."""
    moved = np.full_like(series, np.nan)
    if lag == 0:
        moved[:] = series
    else:
        moved[lag:] = series[:-lag]
    return moved


def _viewers(row: StreamMinute) -> float:
    if row.viewers_last is not None:
        return row.viewers_last
    return np.nan if row.viewers is None else row.viewers
