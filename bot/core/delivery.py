"""How a message leaves the outbox: its states, what can happen to it, when it is tried again.

The state machine of an outbox message; an empty cell leaves the state as it is::

    what happens        pending    delivered  parked     held     dead, expired, skipped, removed
    ----------------    ---------  ---------  ---------  -------  -------------------------------
    changed                        pending
    sent                delivered             delivered
    edited, gone        delivered             delivered
    removed             removed               removed
    blocked             parked                parked
    opened                                    pending
    transient, limited  pending               pending
    refused, exhausted  dead                  dead
    expired             expired               expired    expired
    held                held
    released                                             pending
    skipped             skipped               skipped    skipped

- changed: another text was put; opened: the channel accepts messages again
- held, released, skipped: what a rule of the subscription says (`bot.core.notifications.deciding`); only what
  nobody tried to post
- removed: the bot has deleted the message, as its subscription wants it after a while
- gone: people deleted the message; it counts as delivered and is never posted again
- blocked: the channel is not there or not allowed; transient: nobody knows, try again
- limited: Discord wants all of us to stop; refused: this text will never be accepted
- exhausted: transient for a whole day, a bug at each of some tries, or a channel that is gone for days
- expired: too old to be worth a first post

dead, expired, skipped and removed are final. A message that was posted once does not expire, and one that may have been
posted does so only when it was looked for in its channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.announcements import Message
from bot.texts import text

NONCE_WINDOW = timedelta(minutes=2)
"""How long a repeated nonce surely gives the first message again (specs/discord.md 4.1)."""
GIVE_UP_AFTER = timedelta(hours=24)
FEWEST_TRIES = 20
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 600.0
FIRST_BLOCK = timedelta(minutes=5)
LONGEST_BLOCK = timedelta(hours=24)
GIVE_UP_GONE_AFTER = timedelta(days=3)
"""How long a channel must refuse messages that is not there any more: Discord has answered so in error."""
TOO_LATE = text("too late to be news")
MARKER_LENGTH = 8


class OutboxState(StrEnum):
    """Where a message is on its way."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    HELD = "held"
    DEAD = "dead"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    REMOVED = "removed"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the message any more."""
        return not _TABLE[self]


class Event(StrEnum):
    """What can happen to a message; the table in the module's docstring says what follows."""

    CHANGED = "changed"
    SENT = "sent"
    EDITED = "edited"
    GONE = "gone"
    BLOCKED = "blocked"
    OPENED = "opened"
    TRANSIENT = "transient"
    LIMITED = "limited"
    REFUSED = "refused"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    REMOVED = "removed"
    HELD = "held"
    RELEASED = "released"
    SKIPPED = "skipped"


OPEN_STATES = (OutboxState.PENDING, OutboxState.PARKED)
"""What the deliverer has still to bring to its channel."""
WAITING_STATES = (*OPEN_STATES, OutboxState.HELD)
"""What may still be posted."""

_OPEN_TABLE = {
    Event.SENT: OutboxState.DELIVERED,
    Event.EDITED: OutboxState.DELIVERED,
    Event.GONE: OutboxState.DELIVERED,
    Event.BLOCKED: OutboxState.PARKED,
    Event.TRANSIENT: OutboxState.PENDING,
    Event.LIMITED: OutboxState.PENDING,
    Event.REFUSED: OutboxState.DEAD,
    Event.EXHAUSTED: OutboxState.DEAD,
    Event.EXPIRED: OutboxState.EXPIRED,
    Event.REMOVED: OutboxState.REMOVED,
    Event.SKIPPED: OutboxState.SKIPPED,
}
_TABLE: Mapping[OutboxState, Mapping[Event, OutboxState]] = {
    OutboxState.PENDING: {**_OPEN_TABLE, Event.HELD: OutboxState.HELD},
    OutboxState.PARKED: {**_OPEN_TABLE, Event.OPENED: OutboxState.PENDING},
    OutboxState.DELIVERED: {Event.CHANGED: OutboxState.PENDING},
    OutboxState.HELD: {
        Event.RELEASED: OutboxState.PENDING,
        Event.SKIPPED: OutboxState.SKIPPED,
        Event.EXPIRED: OutboxState.EXPIRED,
    },
    OutboxState.DEAD: {},
    OutboxState.EXPIRED: {},
    OutboxState.SKIPPED: {},
    OutboxState.REMOVED: {},
}


def after(state: OutboxState, event: Event) -> OutboxState:
    """Give the state that follows; the same one where the table says nothing."""
    return _TABLE[state].get(event, state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message of the outbox as the deliverer sees it.

    `channel_id` is the id of a user where `direct` is true. `delivered_revision` is the revision people
    see, 0 before the first post; with it above 0, `message_id` is None when people deleted the message.
    """

    id: int
    event_key: str
    guild_id: int
    channel_id: int
    message: Message
    nonce: str
    state: OutboxState
    direct: bool = False
    revision: int = 1
    delivered_revision: int = 0
    tries: int = 0
    first_tried_at: datetime | None = None
    message_id: int | None = None
    expires_at: datetime | None = None
    remove_after_hours: int = 0

    @property
    def is_posted(self) -> bool:
        """Whether the message was posted once, so that what follows is an edit."""
        return self.delivered_revision > 0

    @property
    def marker(self) -> str:
        """What in the posted message shows that it is this one; it stands in the footer."""
        return f"ref {self.nonce[:MARKER_LENGTH]}"


class Step(StrEnum):
    """What to do for a message next."""

    POST = "post"
    LOOK_THEN_POST = "look_then_post"
    LOOK_THEN_GIVE_UP = "look_then_give_up"
    EDIT = "edit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a try ended. `message_id` is there after SENT; `reason` is one line for people.

    `is_gone` goes with BLOCKED: the channel does not exist any more.
    """

    event: Event
    reason: str = ""
    is_gone: bool = False
    message_id: int | None = None
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryDecision:
    """What follows an unclear try: TRANSIENT and when to try again, or EXHAUSTED."""

    event: Event
    at: datetime


def next_step(message: Outgoing, *, now: datetime, started_at: datetime) -> Step:
    """Say how to bring a message to its channel without ever posting it twice.

    `started_at` is when this process began: of a try before it nobody knows how it ended. Then, and when
    the nonce may be forgotten, the channel is read first (specs/discord.md 4.1). So it is when the message
    came too late meanwhile: if it stands there, what changed since must follow as an edit.
    """
    if message.is_posted:
        return Step.EDIT
    tried = message.first_tried_at
    if tried is not None and message.expires_at is not None and message.expires_at <= now:
        return Step.LOOK_THEN_GIVE_UP
    if tried is None or (tried >= started_at and timedelta(0) <= now - tried <= NONCE_WINDOW):
        return Step.POST
    return Step.LOOK_THEN_POST


def shown_revision(message: Outgoing, event: Event) -> int:
    """Give the revision people surely see after SENT, EDITED or GONE.

    An earlier try may have posted an earlier text, which a repeated nonce or a look then finds. So after
    more than one try the post counts as the first revision, and an edit brings the newest.
    """
    return 1 if event is Event.SENT and message.tries > 0 else message.revision


def retry(
    message: Outgoing, *, now: datetime, jitter: float, retry_after_seconds: float | None = None
) -> RetryDecision:
    """Decide after an unclear try. `message` is as it was before that try, `jitter` in 0..1 spreads tries.

    The pause doubles from 2 s to 10 min and is never shorter than what Discord asked for. Giving up needs
    a whole day and enough tries: a machine that slept for a day has not tried.
    """
    tried_for = now - (message.first_tried_at or now)
    if tried_for >= GIVE_UP_AFTER and message.tries >= FEWEST_TRIES:
        return RetryDecision(event=Event.EXHAUSTED, at=now)
    pause = min(FIRST_RETRY_SECONDS * (1 << min(message.tries, 20)), LONGEST_RETRY_SECONDS)
    seconds = max(pause * (0.75 + 0.25 * jitter), retry_after_seconds or 0.0)
    return RetryDecision(event=Event.TRANSIENT, at=now + timedelta(seconds=seconds))


def block_for(tries: int) -> timedelta:
    """Give how long to leave a channel alone that refused `tries` times in a row: 5 min doubling to 24 h."""
    return min(FIRST_BLOCK * (1 << min(tries - 1, 20)), LONGEST_BLOCK)
