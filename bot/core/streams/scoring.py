"""The simple scores of the minutes of a live while it is recorded: each minute is scored once it is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.core.streams.models import StreamMinute
from bot.core.streams.scores import SimpleScore, SimpleScores


class MinuteScores:
    """What is usual in a live so far, taken up after a restart from the minutes that were `scored`.

    A minute may be asked for again, because what was saved of it was rolled back; it is a part of the past once.
    """

    def __init__(self, scored: Iterable[StreamMinute] = ()) -> None:
        self._scores = SimpleScores.resumed(scored)
        self._last: dict[datetime, SimpleScore] = {}

    def of(self, finished: Sequence[StreamMinute]) -> dict[datetime, SimpleScore]:
        """Score minutes that are over, in order of time."""
        given = {}
        for row in finished:
            score = self._last.get(row.minute)
            if score is None:
                score = self._scores.of(row)
                self._scores.remember(row)
            given[row.minute] = score
        self._last = given
        return given
