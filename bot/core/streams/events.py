"""What happens in a live while it is watched, as plain values.

People are known by their numeric id, which never changes; handles do. Counts that the platform did not tell
are None, never 0. Diamonds are the platform's unit of a gift's value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody in the audience, as the platform names them now."""

    id: int
    handle: str = ""
    nickname: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamEvent:
    """Anything that happened. `at` is when, by the platform's clock, held within the last minutes of ours.

    `message_id` is the platform's, the same when a message comes twice; 0 where there was none.
    """

    at: datetime
    message_id: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Connected(StreamEvent):
    """The connection to the room stands; what follows comes through it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment(StreamEvent):
    """Somebody wrote. `replayed`: it is from before we connected, and may have been seen already."""

    viewer: Viewer
    words: str
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Likes(StreamEvent):
    """Taps of one person, sent together. `total` is what the room shows since it was opened."""

    viewer: Viewer
    count: int
    total: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gift(StreamEvent):
    """One message of a gift.

    A streak counts up: several messages of one `group_id` with a growing `count`, the last one `closes` it (and may
    be lost). Any other gift is one message of a group of its own. `diamonds` is the value of one piece, `name` may be
    empty and `streakable` None where the message did not describe the gift. `to` is a guest on the stage, None
    when the gift is the host's.
    """

    viewer: Viewer
    gift_id: int
    group_id: int
    count: int
    closes: bool
    diamonds: int | None = None
    name: str = ""
    streakable: bool | None = None
    to: Viewer | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Follow(StreamEvent):
    """Somebody began to follow the host."""

    viewer: Viewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Share(StreamEvent):
    """Somebody shared the live."""

    viewer: Viewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Join(StreamEvent):
    """Somebody came in."""

    viewer: Viewer


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription(StreamEvent):
    """Somebody pays for a subscription to the host."""

    viewer: Viewer
    months: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerCount(StreamEvent):
    """So many watch now; `entered` is how many came in since the room was opened."""

    viewers: int
    entered: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Paused(StreamEvent):
    """The host paused; the room stays open."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resumed(StreamEvent):
    """The host goes on after a pause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended(StreamEvent):
    """The live is over; `suspended` when the platform ended it."""

    suspended: bool = False
