"""A recorded live as it is read back: its totals, its minutes, its people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.streams.events import Viewer
from bot.core.streams.recording import RecordingState


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamMinute:
    """One row of the course of a live: `minutes` long (1; 5 or 10 once thinned), from `minute` on.

    Viewer counts are None while none was told. `viewer_seconds` / `watched_seconds` is the time-weighted mean.
    Counts are of what was seen while connected (`connected_seconds`). Gifts and diamonds are the host's, those of
    guests are apart; `estimated_diamonds` is the part of `diamonds` that is an estimate.
    """

    minute: datetime
    minutes: int = 1
    viewers_first: int | None = None
    viewers_last: int | None = None
    viewers_min: int | None = None
    viewers_max: int | None = None
    viewer_seconds: float = 0.0
    watched_seconds: float = 0.0
    connected_seconds: float = 0.0
    comments: int = 0
    likes: int = 0
    gifts: int = 0
    diamonds: int = 0
    estimated_diamonds: int = 0
    guest_gifts: int = 0
    guest_diamonds: int = 0
    follows: int = 0
    shares: int = 0
    joins: int = 0
    subscriptions: int = 0
    people: int = 0
    commenters: int = 0
    gifters: int = 0
    dropped_joins: int = 0
    coalesced_likes: int = 0
    activity: float | None = None
    influence: float | None = None

    @property
    def viewers(self) -> float | None:
        """Give the time-weighted mean of the viewers, None where no count is known."""
        return self.viewer_seconds / self.watched_seconds if self.watched_seconds else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedLive:
    """One live with the totals of its recording. `handle` and `nickname` are the host's.

    `room_likes` and `entered` are the platform's own counts over all rooms, None where it told none; `likes` are the
    taps that were seen. `people` took part in any way.
    """

    live_id: int
    account_id: int
    handle: str
    nickname: str
    title: str
    started_at: datetime
    ended_at: datetime | None
    last_seen_at: datetime
    state: RecordingState
    trouble: str
    first_connected_at: datetime | None
    last_event_at: datetime | None
    connected_seconds: float
    connections: int
    viewers: int | None
    viewers_at: datetime | None
    peak_viewers: int | None
    peak_at: datetime | None
    viewer_seconds: float
    watched_seconds: float
    entered: int | None
    room_likes: int | None
    comments: int
    likes: int
    gifts: int
    diamonds: int
    estimated_diamonds: int
    unvalued_gifts: int
    guest_gifts: int
    guest_diamonds: int
    follows: int
    shares: int
    joins: int
    subscriptions: int
    people: int
    commenters: int
    likers: int
    gifters: int
    dropped_joins: int
    coalesced_likes: int

    @property
    def mean_viewers(self) -> float | None:
        """Give the time-weighted mean of the viewers, None where no count is known."""
        return self.viewer_seconds / self.watched_seconds if self.watched_seconds else None

    def span(self, now: datetime) -> timedelta:
        """Give how long the live lasted, or lasts already."""
        return (self.ended_at or now) - self.started_at

    def recorded_share(self, now: datetime) -> float:
        """Give the connected part of the live, 0..1; it stands beside every total."""
        seconds = self.span(now).total_seconds()
        return min(1.0, self.connected_seconds / seconds) if seconds > 0 else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Supporter:
    """What one person gave to hosts. `kinds` are different gifts, `diamonds` include `estimated_diamonds`."""

    viewer: Viewer
    diamonds: int
    estimated_diamonds: int
    gifts: int
    kinds: int
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenGift:
    """A gift, or a streak of one, that stands out: `diamonds` is what all of it was worth."""

    at: datetime
    name: str
    count: int
    diamonds: int

    @property
    def each(self) -> int:
        """Give the diamonds of one piece."""
        return self.diamonds // self.count
