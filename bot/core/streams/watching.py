"""How long a live was watched, and by how many: the time-weighted viewers of each minute.

A count holds from when it was told until the next one, over the borders of minutes, and no longer than the connection.
Time only goes forward: a count that was told in time already accounted for holds from now on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.core.streams.minutes import MINUTE, MinutePart, minute_of


class Watching:
    """The connection to a live and the count that holds; `part_of` gives the part of a minute to add to."""

    def __init__(self, part_of: Callable[[datetime], MinutePart]) -> None:
        self._part_of = part_of
        self._until: datetime | None = None  # connected, and accounted for, up to here
        self._viewers: int | None = None
        self._told_at: datetime | None = None

    @property
    def is_connected(self) -> bool:
        """Tell whether time counts."""
        return self._until is not None

    def connected(self, at: datetime) -> None:
        """Begin to count."""
        self._until = at

    def disconnected(self, at: datetime) -> None:
        """Count up to here; what the viewers do from now on is unknown."""
        self.advance(at)
        self._until = self._viewers = None

    def clock_moved(self, before: datetime, after: datetime) -> None:
        """Go on at another time, with what is known: our clock was set, and no time passed."""
        self.advance(before)
        if self._until is not None:
            self._until = after
        if self._told_at is not None:
            self._told_at += after - before

    def advance(self, now: datetime) -> None:
        """Account for the time up to now."""
        while self._until is not None and self._until < now:
            minute = minute_of(self._until)
            until = min(now, minute + MINUTE)
            seconds = (until - self._until).total_seconds()
            part = self._part_of(minute)
            part.connected_seconds += seconds
            if self._viewers is not None:
                part.show(self._viewers)
                part.watched_seconds += seconds
                part.viewer_seconds += seconds * self._viewers
            self._until = until

    def told(self, viewers: int, at: datetime) -> bool:
        """Take a count; false for one that is older than the last, which changes nothing."""
        if self._told_at is not None and at < self._told_at:
            return False
        self._told_at = at
        if self._until is None:
            self._part_of(minute_of(at)).show(viewers)
            return True
        self.advance(at)
        self._viewers = viewers
        self._part_of(minute_of(self._until)).show(viewers)
        return True
