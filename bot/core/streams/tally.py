"""The account of one recorded live: events go in, one batch of changes comes out whenever there is time to save.

Everything in a batch is an increase, so that nothing of the past has to be held: what counts once (a streak, a person
in a minute, a person in a live) is settled against the kept rows when the batch is booked (`bot.core.streams.booking`),
inside the transaction that saves it. So the sums are right in every order of events, and over every restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.core.streams.events import (
    Comment,
    Ended,
    Follow,
    Gift,
    Join,
    Likes,
    Share,
    StreamEvent,
    Subscription,
    Viewer,
    ViewerCount,
)
from bot.core.streams.gifts import GiftKey, Streak
from bot.core.streams.minutes import MinutePart, minute_of
from bot.core.streams.models import StreamMinute
from bot.core.streams.scoring import MinuteScores
from bot.core.streams.watching import Watching

NOBODY = 0
"""The person of everything that is counted without knowing, or without keeping, whose it was."""

UNKNOWN_GUEST = -1
"""A guest on the stage without an id, or who asked to be forgotten: 0 would be the host."""

REMEMBERED_IDS = 256
"""So many comments are known again after a restart; a room replays some dozens."""

RECENT_IDS = 2048
MOST_WAITING = 5000
"""With so many people waiting to be saved joins are dropped and likes lose their person; with `_HARD` times as many
comments, follows and shares lose it too."""

_HARD = 4


def nobody_is(person_id: int) -> bool:
    """Say of nobody that they asked to be forgotten."""
    del person_id
    return False


@dataclass(slots=True)
class PersonPart:
    """What one person did since the last save, but for gifts. The minutes are those they did it in."""

    first_at: datetime
    last_at: datetime
    handle: str = ""
    nickname: str = ""
    comments: int = 0
    likes: int = 0
    follows: int = 0
    shares: int = 0
    joins: int = 0
    subscriptions: int = 0
    minutes: tuple[datetime, ...] = ()  # hardly ever more than one or two
    comment_minutes: tuple[datetime, ...] = ()
    last_comment_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptComment:
    """The words of a comment, for where an admin has them kept."""

    message_id: int
    person_id: int
    at: datetime
    words: str


@dataclass(slots=True)
class Memory:
    """What a restarted recorder must know: the last message ids; likes and entries of each room, as it told them."""

    ids: list[int] = field(default_factory=list)
    likes: dict[int, int] = field(default_factory=dict)
    entered: dict[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give what is stored."""
        return {"ids": self.ids, "likes": _paired(self.likes), "entered": _paired(self.entered)}

    @classmethod
    def from_json(cls, stored: dict[str, Any] | None) -> Memory:
        """Read what was stored."""
        if not stored:
            return cls()
        return cls(list(stored["ids"]), dict(stored["likes"]), dict(stored["entered"]))


def _paired(of_rooms: dict[int, int]) -> list[tuple[int, int]]:
    return sorted(of_rooms.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What the database knows of a recording when a recorder takes it up (`bot.storage.streams.load`).

    `batches` is how many were saved; `followers` those who followed in this live; `scored` its finished minutes.
    """

    batches: int = 0
    memory: Memory = field(default_factory=Memory)
    followers: frozenset[int] = frozenset()
    scored: Sequence[StreamMinute] = ()


@dataclass(slots=True)
class Batch:
    """What a live grew by since the last save; `number` tells one from the next, so that none is saved twice."""

    number: int
    minutes: dict[datetime, MinutePart] = field(default_factory=dict)
    people: dict[int, PersonPart] = field(default_factory=dict)
    gifts: dict[GiftKey, Streak] = field(default_factory=dict)
    names: dict[int, Viewer] = field(default_factory=dict)  # of who gave or got a gift
    comments: list[KeptComment] = field(default_factory=list)
    connections: int = 0
    first_connected_at: datetime | None = None
    last_event_at: datetime | None = None
    viewers: int | None = None
    viewers_at: datetime | None = None
    peak_viewers: int | None = None
    peak_at: datetime | None = None
    memory: Memory | None = None  # None: as it was
    is_over: bool = False
    scores: MinuteScores = field(default_factory=MinuteScores)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to save."""
        return not (self.minutes or self.gifts or self.connections or self.last_event_at or self.memory)


class Tally:
    """Counts one live. `forgotten` tells of a person whether they asked not to be recorded."""

    def __init__(
        self,
        kept: Kept,
        *,
        forgotten: Callable[[int], bool] = nobody_is,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._forgotten = forgotten
        self._most_waiting = most_waiting
        self._scores = MinuteScores(kept.scored)
        self._batch = Batch(kept.batches + 1, scores=self._scores)
        self._unsaved: Batch | None = None
        self._watching = Watching(self._minute)
        self._followers = set(kept.followers)
        self._ids = _Ids(REMEMBERED_IDS, kept.memory.ids)
        self._recent = _Ids(RECENT_IDS)
        self._likes = dict(kept.memory.likes)
        self._entered = dict(kept.memory.entered)
        self._room_id = 0
        self._memory_changed = False
        self._takers: dict[type[StreamEvent], Callable[[Any], None]] = {
            Comment: self._comment,
            Likes: self._like,
            Gift: self._gift,
            Follow: self._follow,
            Share: self._share,
            Join: self._join,
            Subscription: self._subscription,
            ViewerCount: self._viewer_count,
            Ended: self._ended,
        }

    def connected(self, at: datetime, room_id: int) -> None:
        """Say that the connection to a room stands; until `disconnected` its time counts."""
        self._watching.disconnected(at)
        self._watching.connected(at)
        self._room_id = room_id
        self._batch.connections += 1
        self._batch.first_connected_at = self._batch.first_connected_at or at

    def disconnected(self, at: datetime) -> None:
        """Say that the connection is gone."""
        self._watching.disconnected(at)

    def clock_moved(self, before: datetime, after: datetime) -> None:
        """Count no time that did not pass: our clock was set."""
        self._watching.clock_moved(before, after)

    def take(self, event: StreamEvent) -> None:
        """Count an event. Those that only tell of the connection or of the room's state count nothing."""
        last = self._batch.last_event_at
        self._batch.last_event_at = event.at if last is None else max(last, event.at)
        taker = self._takers.get(type(event))
        if taker is not None:
            taker(event)

    def drain(self, now: datetime) -> Batch | None:
        """Give what is to be saved, None where there is nothing; a batch is given until `saved` is said of it."""
        self._watching.advance(now)
        if self._unsaved is None and not self._batch.is_empty:
            number = self._batch.number + 1
            self._unsaved, self._batch = self._batch, Batch(number, scores=self._scores)
            if self._memory_changed:
                self._unsaved.memory = Memory(self._ids.all(), dict(self._likes), dict(self._entered))
                self._memory_changed = False
        return self._unsaved

    def saved(self, batch: Batch) -> None:
        """Say that the transaction with this batch was committed."""
        if batch is self._unsaved:
            self._unsaved = None

    def _comment(self, event: Comment) -> None:
        if self._ids.has(event.message_id):
            return
        self._memory_changed = True
        person_id, person = self._person(event.viewer, event.at, _HARD * self._most_waiting)
        minute = minute_of(event.at)
        person.comments += 1
        if minute not in person.comment_minutes:
            person.comment_minutes += (minute,)
        if person.last_comment_at is None or event.at > person.last_comment_at:
            person.last_comment_at = event.at
        self._minute(minute).comments += 1
        if person_id and event.message_id and len(self._batch.comments) < _HARD * self._most_waiting:
            self._batch.comments.append(KeptComment(event.message_id, person_id, event.at, event.words))

    def _like(self, event: Likes) -> None:
        if event.total is not None and event.total > self._likes.get(self._room_id, -1):
            self._likes[self._room_id] = event.total
            self._memory_changed = True
        if self._recent.has(event.message_id) or event.count <= 0:
            return
        part = self._minute(minute_of(event.at))
        part.likes += event.count
        person_id, person = self._person(event.viewer, event.at, self._most_waiting)
        person.likes += event.count
        if person_id == NOBODY and self._is_crowded(self._most_waiting):
            part.coalesced_likes += event.count

    def _gift(self, event: Gift) -> None:
        giver = self._known(event.viewer.id)
        guest = NOBODY if event.to is None else self._known(event.to.id) or UNKNOWN_GUEST
        key = GiftKey(giver, event.gift_id, event.group_id or event.message_id, guest)
        streak = self._batch.gifts.get(key)
        if streak is None:
            streak = self._batch.gifts[key] = Streak()
        streak.take(event)
        for person_id, viewer in ((giver, event.viewer), (guest, event.to)):
            if person_id > NOBODY and viewer is not None and (viewer.handle or viewer.nickname):
                self._batch.names[person_id] = viewer

    def _follow(self, event: Follow) -> None:
        if event.viewer.id in self._followers or self._ids.has(event.message_id):
            return
        if event.viewer.id:
            self._followers.add(event.viewer.id)
        self._memory_changed = True
        self._person(event.viewer, event.at, _HARD * self._most_waiting)[1].follows += 1
        self._minute(minute_of(event.at)).follows += 1

    def _share(self, event: Share) -> None:
        if self._ids.has(event.message_id):
            return
        self._memory_changed = True
        self._person(event.viewer, event.at, _HARD * self._most_waiting)[1].shares += 1
        self._minute(minute_of(event.at)).shares += 1

    def _subscription(self, event: Subscription) -> None:
        if self._ids.has(event.message_id):
            return
        self._memory_changed = True
        self._person(event.viewer, event.at, _HARD * self._most_waiting)[1].subscriptions += 1
        self._minute(minute_of(event.at)).subscriptions += 1

    def _join(self, event: Join) -> None:
        if self._recent.has(event.message_id):
            return
        part = self._minute(minute_of(event.at))
        if self._is_crowded(self._most_waiting):
            part.dropped_joins += 1
            return
        part.joins += 1
        self._person(event.viewer, event.at, self._most_waiting)[1].joins += 1

    def _viewer_count(self, event: ViewerCount) -> None:
        if event.entered is not None and event.entered > self._entered.get(self._room_id, -1):
            self._entered[self._room_id] = event.entered
            self._memory_changed = True
        if not self._watching.told(event.viewers, event.at):
            return
        batch = self._batch
        batch.viewers, batch.viewers_at = event.viewers, event.at
        if batch.peak_viewers is None or event.viewers > batch.peak_viewers:
            batch.peak_viewers, batch.peak_at = event.viewers, event.at

    def _ended(self, event: Ended) -> None:
        del event
        self._batch.is_over = True

    def _known(self, person_id: int) -> int:
        return NOBODY if person_id <= NOBODY or self._forgotten(person_id) else person_id

    def _person(self, viewer: Viewer, at: datetime, most: int) -> tuple[int, PersonPart]:
        """Give who is counted, and their part: nobody for one who asked for it, or where too many wait already."""
        people = self._batch.people
        person_id, part = viewer.id, people.get(viewer.id)
        if part is None:
            person_id = NOBODY if len(people) >= most else self._known(viewer.id)
            part = people.get(person_id)
        if part is None:
            part = people[person_id] = PersonPart(at, at)
        if person_id:
            part.handle, part.nickname = viewer.handle or part.handle, viewer.nickname or part.nickname
        part.first_at, part.last_at = min(part.first_at, at), max(part.last_at, at)
        minute = minute_of(at)
        if minute not in part.minutes:
            part.minutes += (minute,)
        return person_id, part

    def _minute(self, minute: datetime) -> MinutePart:
        part = self._batch.minutes.get(minute)
        if part is None:
            part = self._batch.minutes[minute] = MinutePart()
        return part

    def _is_crowded(self, most: int) -> bool:
        return len(self._batch.people) >= most


class _Ids:
    """The last message ids, oldest first."""

    def __init__(self, most: int, ids: Iterable[int] = ()) -> None:
        self._most = most
        self._ids = dict.fromkeys(ids)

    def has(self, message_id: int) -> bool:
        """Tell whether it was seen lately, and remember it. 0 is none, and never seen."""
        if not message_id:
            return False
        if message_id in self._ids:
            return True
        self._ids[message_id] = None
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]
        return False

    def all(self) -> list[int]:
        """Give them in order."""
        return list(self._ids)
