"""Values of profiles and posts. A count that a source did not give is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RunState(StrEnum):
    """How far a run of a profile has come."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class RunReason(StrEnum):
    """Why a profile is read."""

    FIRST = "first"  # somebody began to watch it
    DUE = "due"
    ASKED = "asked"


class Trouble(StrEnum):
    """What keeps a profile from being read."""

    PRIVATE = "private"
    GONE = "gone"
    BLOCKED = "blocked"  # the platform refuses us for now
    CHANGED = "changed"  # an answer that cannot be read: the source must be mended or updated
    UNAVAILABLE = "unavailable"  # no answer, or an error of the other side
    NO_CREDITS = "no_credits"
    AUTH = "auth"  # our key was not accepted


class ReportEvery(StrEnum):
    """How often a profile is reported in a channel."""

    DAY = "daily"
    WEEK = "weekly"


class MediaOwner(StrEnum):
    """Whose picture it is."""

    POST = "post"  # its cover
    PROFILE = "profile"  # its avatar


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What is counted of a post, or of all posts of a profile together."""

    views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    saves: int | None = None


COUNTED = tuple(Counts.__dataclass_fields__)
"""The names of what is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRef:
    """Whom to ask for. `sec_uid` is empty until a source told it; the handle can change, the other two cannot."""

    account_id: int
    handle: str
    platform_id: int | None = None
    sec_uid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadPost:
    """A post as a source gave it."""

    post_id: int
    posted_at: datetime
    caption: str
    url: str
    cover_url: str
    duration_seconds: int | None
    counts: Counts


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadProfile:
    """What a source told of the profile itself."""

    handle: str = ""
    platform_id: int | None = None
    sec_uid: str = ""
    nickname: str = ""
    avatar_url: str = ""
    followers: int | None = None
    total_likes: int | None = None
    posts: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of a profile's listing, newest first as far as the source keeps to it.

    `requests` are those it took since the page before. `is_last` is true only where the source says that there is
    nothing after it; `credits_left` is what remains of a paid source, None where it does not say.
    """

    posts: tuple[ReadPost, ...]
    read_at: datetime
    is_last: bool
    requests: int
    profile: ReadProfile | None = None
    credits_left: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPost:
    """A post as it is known, with the last known counts."""

    post_id: int
    account_id: int
    posted_at: datetime
    caption: str
    url: str
    duration_seconds: int | None
    first_seen_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None
    counts: Counts
    counted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PostSample:
    """What a post counted at one instant."""

    post_id: int
    at: datetime
    counts: Counts
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileSample:
    """What a profile counted at one instant: sums over its `posts` known posts, and its followers where known."""

    at: datetime
    posts: int
    counts: Counts
    followers: int | None
    total_likes: int | None
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One line of the log of runs."""

    id: int
    account_id: int
    state: RunState
    reason: RunReason
    is_full: bool
    asked_by: int | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    posts: int
    pages: int
    requests: int
    new_posts: int
    credits_left: int | None
    source: str
    is_complete: bool
    error: str
