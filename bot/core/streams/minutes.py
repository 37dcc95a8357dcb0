"""What one minute of a live grew by since the last save."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


def minute_of(at: datetime) -> datetime:
    """Give the first instant of the minute."""
    return at.replace(second=0, microsecond=0)


@dataclass(slots=True)
class MinutePart:
    """What is added to a row of `stream_minutes`; gifts and people are added when it is booked.

    The viewers are those of the time that was added: the first of them counts where the row has none yet.
    """

    viewers_first: int | None = None
    viewers_last: int | None = None
    viewers_min: int | None = None
    viewers_max: int | None = None
    viewer_seconds: float = 0.0
    watched_seconds: float = 0.0
    connected_seconds: float = 0.0
    comments: int = 0
    likes: int = 0
    follows: int = 0
    shares: int = 0
    joins: int = 0
    subscriptions: int = 0
    dropped_joins: int = 0
    coalesced_likes: int = 0

    def show(self, viewers: int) -> None:
        """Say that so many watched at some instant after all before."""
        if self.viewers_first is None or self.viewers_min is None or self.viewers_max is None:
            self.viewers_first = self.viewers_min = self.viewers_max = viewers
        self.viewers_last = viewers
        self.viewers_min = min(self.viewers_min, viewers)
        self.viewers_max = max(self.viewers_max, viewers)
