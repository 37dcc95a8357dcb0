"""Values of a live: who, in which room, what a check answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bot.errors import SourceError, SourceUnavailable


class Answer(StrEnum):
    """What a check can answer. A block is UNKNOWN, never OFFLINE."""

    LIVE = "live"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class ProfileState(StrEnum):
    """What a profile page tells of an account."""

    ACTIVE = "active"
    NEVER_LIVE = "never_live"
    PRIVATE = "private"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who an answer is about. `platform_id` is stable; the handle can change."""

    platform_id: int
    handle: str
    nickname: str = ""
    followers: int | None = None
    total_likes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A room seen live (or paused). `viewers` is None where the source did not say."""

    room_id: int
    started_at: datetime
    title: str = ""
    cover_url: str = ""
    viewers: int | None = None
    paused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One answer to "is this account live?".

    `sighting` is there exactly when the answer is LIVE. `reason` says in a few words why an answer is
    UNKNOWN; `blocked` and `retry_after_seconds` are for the circuit breaker. `person` is None where the
    answer did not name anybody; `not_found` is true when the platform says it knows no such handle. `odd`
    is true when the platform did answer, but not in a form that is understood.
    """

    answer: Answer
    seen_at: datetime
    sighting: Sighting | None = None
    person: Person | None = None
    reason: str = ""
    blocked: bool = False
    retry_after_seconds: float | None = None
    not_found: bool = False
    odd: bool = False

    def __post_init__(self) -> None:
        """Refuse naive instants and a sighting that contradicts the answer."""
        if self.seen_at.tzinfo is None:
            raise ValueError("seen_at must be aware")
        if (self.sighting is not None) != (self.answer is Answer.LIVE):
            raise ValueError("a sighting belongs to the answer LIVE, and only to it")


def unknown(error: SourceError, now: datetime) -> Observation:
    """Give the answer that trouble with the source is: unknown, with what it said of itself."""
    unavailable = error if isinstance(error, SourceUnavailable) else None
    return Observation(
        answer=Answer.UNKNOWN,
        seen_at=now,
        reason=error.words,
        blocked=unavailable is not None and unavailable.blocked,
        retry_after_seconds=None if unavailable is None else unavailable.retry_after_seconds,
        odd=unavailable is None,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What the profile page said; `person` is None when there is nobody."""

    state: ProfileState
    person: Person | None = None


def room_started_at(room_id: int) -> datetime:
    """Give the second a room was opened: the upper 32 bits of its id (specs/tiktok-live.md 3)."""
    return datetime.fromtimestamp(room_id >> 32, UTC)
