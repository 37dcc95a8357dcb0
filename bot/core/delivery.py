"""How a message leaves the outbox: its states, what can happen to it, when it is tried again.

The state machine of an outbox message; an empty cell leaves the state as it is::

    what happens        pending    delivered  parked     dead  expired
    ----------------    ---------  ---------  ---------  ----  -------
    changed                        pending
    sent, edited, gone  delivered             delivered
    blocked             parked                parked
    opened                                    pending
    transient, limited  pending               pending
    refused, exhausted  dead                  dead
    expired             expired               expired

- changed: another text was put; opened: the channel accepts messages again
- gone: people deleted the message; it counts as delivered and is never posted again
- blocked: the channel is not there or not allowed; transient: nobody knows, try again
- limited: Discord wants all of us to stop; refused: this text will never be accepted
- exhausted: transient for a whole day; expired: too old to be worth a first post

dead and expired are final. A message that was posted once does not expire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.announcements import Message

NONCE_WINDOW = timedelta(minutes=2)
"""How long a repeated nonce surely gives the first message again (specs/discord.md 4.1)."""
GIVE_UP_AFTER = timedelta(hours=24)
FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 600.0
FIRST_BLOCK = timedelta(minutes=5)
LONGEST_BLOCK = timedelta(hours=24)
FIRST_CLOSING = timedelta(minutes=10)
LONGEST_CLOSING = timedelta(hours=2)
MARKER_LENGTH = 8


class OutboxState(StrEnum):
    """Where a message is on its way."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    DEAD = "dead"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the message any more."""
        return self in {OutboxState.DEAD, OutboxState.EXPIRED}


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


OPEN_STATES = (OutboxState.PENDING, OutboxState.PARKED)

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
}
_TABLE = {
    OutboxState.PENDING: _OPEN_TABLE,
    OutboxState.PARKED: {**_OPEN_TABLE, Event.OPENED: OutboxState.PENDING},
    OutboxState.DELIVERED: {Event.CHANGED: OutboxState.PENDING},
    OutboxState.DEAD: {},
    OutboxState.EXPIRED: {},
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

    @property
    def is_posted(self) -> bool:
        """Whether the message was posted once, so that what follows is an edit."""
        return self.delivered_revision > 0

    @property
    def marker(self) -> str:
        """What in the posted message shows that it is this one; it stands in the footer."""
        return f"ref {self.nonce[:MARKER_LENGTH]}"
