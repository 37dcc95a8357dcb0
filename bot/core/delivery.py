"""How a message leaves the outbox: its states, what can happen to it, when it is tried again.

The state machine of an outbox message; an empty cell leaves the state as it is::

    what happens        pending    delivered  parked     held     skipped  removed  dead, expired
    ----------------    ---------  ---------  ---------  -------  -------  -------  -------------
    changed                        pending
    sent                delivered             delivered
    edited, gone        delivered             delivered
    done                delivered             delivered
    removed             removed               removed
    blocked             parked                parked
    opened                                    pending
    transient, limited  pending               pending
    aged                pending               pending
    refused, exhausted  dead                  dead
    expired             expired               expired    expired
    held                held                                      held     held
    released                                             pending  pending  pending
    skipped             skipped               skipped    skipped

- changed: another text was put, or more is to be done; opened: the channel accepts messages again
- done: what belongs to a posted message was done, or cannot be done: it was published, has its thread, the post
  it came instead of is gone
- aged: Discord takes no edit of a message so old for now; after some tries it is posted anew and the old one deleted
- held, released, skipped: what a rule of the subscription says (`bot.core.notifications.deciding`); only what
  nobody tried to post; a live that goes on after all was skipped, or its message deleted, too early
- removed: the bot has deleted the message, as its subscription wants it after a while
- gone: people deleted the message; it counts as delivered and is never posted again
- blocked: the channel is not there or not allowed; transient: nobody knows, try again
- limited: Discord wants all of us to stop; refused: this text will never be accepted
- exhausted: transient for a whole day, a bug at each of some tries, or a channel that is gone for days
- expired: too old to be worth a first post

dead, expired, skipped and removed are final. A message that was posted once does not expire, and one that may
have been posted does so only when it was looked for in its channel. What is posted and still pending or parked
has something left to do: `next_step` says what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.announcements import Message, nonce_for
from bot.core.notifications.placement import Placement
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
LATE_AFTER = timedelta(minutes=5)
"""A first post that waited so long is looked at again before it pings."""
OLD_AFTER = timedelta(hours=1)
"""How old a message is whose edits Discord counts by a limit of their own (specs/discord.md 4)."""
OLD_EDITS_EVERY = timedelta(minutes=5)
"""How far apart edits of so old a message are at least."""
OLD_EDIT_TRIES = 3
"""After so many refusals a message is posted anew instead of being edited."""
OLD_EDIT_PAUSE_SECONDS = 60.0
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
        """Whether no other text, and nothing that Discord does, can change it any more."""
        return self in {OutboxState.SKIPPED, OutboxState.REMOVED} or not _TABLE[self]


class Event(StrEnum):
    """What can happen to a message; the table in the module's docstring says what follows."""

    CHANGED = "changed"
    SENT = "sent"
    EDITED = "edited"
    GONE = "gone"
    DONE = "done"
    BLOCKED = "blocked"
    OPENED = "opened"
    TRANSIENT = "transient"
    LIMITED = "limited"
    AGED = "aged"
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
    Event.DONE: OutboxState.DELIVERED,
    Event.BLOCKED: OutboxState.PARKED,
    Event.TRANSIENT: OutboxState.PENDING,
    Event.LIMITED: OutboxState.PENDING,
    Event.AGED: OutboxState.PENDING,
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
    OutboxState.SKIPPED: {Event.HELD: OutboxState.HELD, Event.RELEASED: OutboxState.PENDING},
    OutboxState.REMOVED: {Event.HELD: OutboxState.HELD, Event.RELEASED: OutboxState.PENDING},
}


def after(state: OutboxState, event: Event) -> OutboxState:
    """Give the state that follows; the same one where the table says nothing."""
    return _TABLE[state].get(event, state)


class Surface(StrEnum):
    """What sort of place a channel is, as far as it matters to what is posted there."""

    TEXT = "text"
    ANNOUNCEMENT = "announcement"
    FORUM = "forum"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message of the outbox as the deliverer sees it.

    `channel_id` is the id of a user where `direct` is true. `delivered_revision` is the revision people
    see, 0 before the first post; with it above 0, `message_id` is None when people deleted the message.
    `thread_id` is the post in a forum, the thread opened below the message, or with `in_thread` the one it is in.
    `old_message_id` is what is to be deleted because the message is posted anew, as often as `generation` says;
    it is `message_id` as long as the new post is not there. `posted_at` is when it was posted last, `told_at` when
    what admins chose let it out, None where they choose nothing.
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
    placement: Placement | None = None
    thread_id: int | None = None
    in_thread: bool = False
    published: bool = False
    removing: bool = False
    generation: int = 0
    old_message_id: int | None = None
    posted_at: datetime | None = None
    remove_after_hours: int = 0
    told_at: datetime | None = None

    @property
    def is_posted(self) -> bool:
        """Whether the message was posted once, so that what follows is an edit."""
        return self.delivered_revision > 0

    def pings_late(self, now: datetime) -> bool:
        """Whether it is to ping somebody so long after it was let out that they may sleep by now."""
        is_to_ping = self.message.mention_role_id is not None and not self.is_posted
        return is_to_ping and self.told_at is not None and now - self.told_at >= LATE_AFTER

    @property
    def begins_its_thread(self) -> bool:
        """Whether the message is the first of a forum's post."""
        return self.in_thread and self.thread_id == self.message_id

    @property
    def is_to_be_posted_anew(self) -> bool:
        """Whether the message stands there and is to be posted once more, pinging nobody."""
        return self.old_message_id is not None and self.old_message_id == self.message_id

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
    REMOVE = "remove"
    DELETE_OLD = "delete_old"
    PUBLISH = "publish"
    OPEN_THREAD = "open_thread"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a try ended. `message_id` is there after SENT; `reason` is one line for people.

    `is_gone` goes with BLOCKED: the channel does not exist any more. `is_limited` goes with TRANSIENT: there were
    too many such requests. After DONE `step` is what was done, or with `is_given_up` what cannot be done. EDITED
    with `is_given_up` left the text as it was: a moderator closed the thread. After
    SENT `thread_id` is the thread in which the message stands, after DONE the one that was opened.
    """

    event: Event
    reason: str = ""
    is_gone: bool = False
    is_limited: bool = False
    message_id: int | None = None
    thread_id: int | None = None
    step: Step = Step.NOTHING
    is_given_up: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryDecision:
    """What follows an unclear try: TRANSIENT and when to try again, or EXHAUSTED."""

    event: Event
    at: datetime


def next_step(
    message: Outgoing, *, now: datetime, started_at: datetime, surface: Surface = Surface.OTHER
) -> Step:
    """Say how to bring a message to its channel without ever posting it twice.

    `started_at` is when this process began: of a try before it nobody knows how it ended. Then, and when
    the nonce may be forgotten, the channel is read first (specs/discord.md 4.1). So it is when the message
    came too late meanwhile: if it stands there, what changed since must follow as an edit. A forum knows no
    nonces, so of a second try there it is always read.
    """
    tried = message.first_tried_at
    if message.is_posted and (not message.is_to_be_posted_anew or (message.removing and tried is None)):
        return remaining(message, surface) or Step.NOTHING
    if tried is None:
        return Step.POST
    if not message.is_posted and message.expires_at is not None and message.expires_at <= now:
        return Step.LOOK_THEN_GIVE_UP
    knows_nonces = surface is not Surface.FORUM
    if knows_nonces and tried >= started_at and timedelta(0) <= now - tried <= NONCE_WINDOW:
        return Step.POST
    return Step.LOOK_THEN_POST


def remaining(message: Outgoing, surface: Surface) -> Step | None:
    """Say what is left to do for a posted message; None when it stands there as it should."""
    if message.removing:
        return Step.REMOVE
    if message.is_to_be_posted_anew:
        return Step.POST
    if message.old_message_id is not None:
        return Step.DELETE_OLD
    if message.delivered_revision < message.revision:
        return Step.EDIT
    return None if message.message_id is None or message.in_thread else _left_out(message, surface)


def _left_out(message: Outgoing, surface: Surface) -> Step | None:
    placement = message.placement or Placement(publish=False)
    if placement.publish and surface is Surface.ANNOUNCEMENT and not message.published:
        return Step.PUBLISH
    has_threads = surface in {Surface.TEXT, Surface.ANNOUNCEMENT} and not placement.in_thread_of
    if placement.opens_thread and has_threads and message.thread_id is None:
        return Step.OPEN_THREAD
    return None


def settled(message: Outgoing, result: Result, *, shown: int, now: datetime) -> Outgoing:
    """Give a message after a try that went well; `shown` is the revision people see by now."""
    match result.event:
        case Event.SENT:
            return replace(
                message,
                message_id=result.message_id,
                thread_id=result.thread_id or message.thread_id,
                in_thread=result.thread_id is not None,
                delivered_revision=shown,
                posted_at=now,
                published=False,
            )
        case Event.EDITED:
            return replace(message, delivered_revision=shown)
        case Event.GONE:
            return replace(message, message_id=None, delivered_revision=shown)
        case Event.REMOVED:
            return replace(message, message_id=None, old_message_id=None)
    return _finished(message, result)


def _finished(message: Outgoing, result: Result) -> Outgoing:
    placement = message.placement or Placement(publish=False)
    match result.step:
        case Step.DELETE_OLD:
            return replace(message, old_message_id=None)
        case Step.PUBLISH if result.is_given_up:
            return replace(message, placement=replace(placement, publish=False))
        case Step.PUBLISH:
            return replace(message, published=True)
        case Step.OPEN_THREAD if result.is_given_up:
            return replace(message, placement=replace(placement, opens_thread=False))
        case Step.OPEN_THREAD:
            return replace(message, thread_id=result.thread_id)
    return message


def anew(message: Outgoing) -> Outgoing:
    """Give a message that Discord lets nobody edit any more as it is posted once more."""
    generation = message.generation + 1
    return replace(
        message,
        generation=generation,
        nonce=nonce_for(message.event_key, message.channel_id, generation),
        old_message_id=message.message_id,
        tries=0,
        first_tried_at=None,
    )


def is_old(message: Outgoing, now: datetime) -> bool:
    """Tell whether Discord counts edits of this message by the limit for old ones."""
    return message.posted_at is not None and now - message.posted_at >= OLD_AFTER


def edit_at(
    state: OutboxState,
    *,
    stands: bool,
    posted_at: datetime | None,
    edited_at: datetime | None,
    now: datetime,
) -> datetime | None:
    """Give when a message that was changed is due; None where the errand that is on its way brings the change.

    `stands` says that people saw the text before and that nothing but a thread or its publishing was left to do.
    An old message is edited a while after its last edit, else at once.
    """
    if state is not OutboxState.DELIVERED and not (stands and state in OPEN_STATES):
        return None
    if posted_at is None or edited_at is None or now - posted_at < OLD_AFTER or edited_at > now:
        return now
    return max(now, edited_at + OLD_EDITS_EVERY)


def edit_again_in(message: Outgoing, retry_after_seconds: float | None) -> timedelta | None:
    """Give the pause before an old message is edited again; None when it is to be posted anew instead.

    What begins a forum's post is never posted anew: the post is what people found and answered.
    """
    if message.tries + 1 >= OLD_EDIT_TRIES and not message.begins_its_thread:
        return None
    pause = min(OLD_EDIT_PAUSE_SECONDS * (1 << min(message.tries, 20)), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=max(pause, retry_after_seconds or 0.0))


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
