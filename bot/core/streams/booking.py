"""A batch of a tally becomes rows: what counts once is settled against what is kept.

All numbers of the rows are increases, but for those of gifts, which are read before and written as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from bot.core.streams.events import Viewer
from bot.core.streams.gifts import GiftKey, Increase, KeptGift, raised
from bot.core.streams.minutes import MinutePart, minute_of
from bot.core.streams.tally import NOBODY, Batch, PersonPart
from bot.core.streams.values import worth

COUNTED = ("comments", "likes", "follows", "shares", "joins", "subscriptions")
"""What a minute and a person count alike."""

UNIQUE = ("people", "commenters", "gifters")
"""Who is counted once in a minute, and once in a live."""

OF_GIFTS = ("gifts", "diamonds", "estimated_diamonds", "guest_gifts", "guest_diamonds")

_ACTS = ("comments", "likes", "follows", "shares", "subscriptions")
_DROPPED = ("dropped_joins", "coalesced_likes")


class KnownPerson(NamedTuple):
    """What is kept of a person in this live. `acted`: they did more than come in."""

    commented: bool
    liked: bool
    gave: bool
    acted: bool
    first_at: datetime
    last_at: datetime
    last_comment_at: datetime | None
    last_gift_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GiftKind:
    """What is known of a gift, whoever gives it."""

    gift_id: int
    name: str
    diamonds: int | None
    streakable: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is kept of everything that a batch touches."""

    people: Mapping[int, KnownPerson] = field(default_factory=dict)
    gifts: Mapping[GiftKey, KeptGift] = field(default_factory=dict)
    kinds: Mapping[int, GiftKind] = field(default_factory=dict)


@dataclass(slots=True)
class Sums:
    """What gifts add to a minute, a person or the live."""

    gifts: int = 0
    diamonds: int = 0
    estimated_diamonds: int = 0
    guest_gifts: int = 0
    guest_diamonds: int = 0
    unvalued_gifts: int = 0

    def add(self, one: Increase, *, guest: bool) -> None:
        """Add what a gift grew by, to the host's side or to that of the guests."""
        if guest:
            self.guest_gifts += one.count
            self.guest_diamonds += one.diamonds
            return
        self.gifts += one.count
        self.diamonds += one.diamonds
        self.estimated_diamonds += one.estimated_diamonds
        self.unvalued_gifts += one.unvalued


_SUMS = tuple(Sums.__dataclass_fields__)
Row = dict[str, Any]


class PersonRow(NamedTuple):
    """What is added to the row of a person; the instants are those of the row as it is then."""

    person_id: int
    comments: int
    likes: int
    follows: int
    shares: int
    joins: int
    subscriptions: int
    gifts: int
    diamonds: int
    estimated_diamonds: int
    guest_gifts: int
    guest_diamonds: int
    first_at: datetime
    last_at: datetime
    last_comment_at: datetime | None
    last_gift_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Booked:
    """The rows, each table's sorted by its key; `totals` are the increases of the live itself."""

    totals: Row
    minutes: Sequence[Row]
    people: Sequence[PersonRow]
    gifts: Mapping[GiftKey, KeptGift]
    of_kinds: Mapping[tuple[int, int], tuple[int, int]]  # person and gift: count and diamonds
    names: Mapping[int, Viewer]
    last_at: datetime | None  # of everybody's last event


def kinds_of(batch: Batch, kept: Mapping[int, GiftKind]) -> tuple[GiftKind, ...]:
    """Give what the batch says of kinds of gifts, where it is more or other than what is kept."""
    told: dict[int, GiftKind] = {}
    for key, streak in batch.gifts.items():
        before = told.get(key.gift_id) or kept.get(key.gift_id)
        if before is None:
            before = GiftKind(gift_id=key.gift_id, name="", diamonds=None, streakable=None)
        told[key.gift_id] = GiftKind(
            gift_id=key.gift_id,
            name=streak.name or before.name,
            diamonds=before.diamonds if streak.diamonds is None else streak.diamonds,
            streakable=before.streakable if streak.streakable is None else streak.streakable,
        )
    return tuple(kind for number, kind in sorted(told.items()) if kind != kept.get(number))


def book(batch: Batch, known: Known) -> Booked:
    """Make the rows of a batch."""
    gifts = _Gifts(batch, known)
    touched = sorted(batch.people.keys() | gifts.of_people.keys())
    unique: dict[datetime, dict[str, int]] = defaultdict(lambda: dict.fromkeys(UNIQUE, 0))
    totals = dict.fromkeys((*UNIQUE, "likers"), 0)
    rows, names = [], {}
    for person_id in touched:
        part, kept = batch.people.get(person_id), known.people.get(person_id)
        mine = gifts.of_people.get(person_id)
        rows.append(_person_row(person_id, part, mine, kept))
        _count_once(totals, unique, part, mine, kept)
        if person_id != NOBODY and (name := _name(person_id, part, kept)):
            names[person_id] = name
    minutes = batch.minutes.keys() | gifts.of_minutes.keys() | unique.keys()
    return Booked(
        totals=totals | _totals(batch) | {name: getattr(gifts.total, name) for name in _SUMS},
        minutes=[_minute_row(minute, batch, gifts, unique) for minute in sorted(minutes)],
        people=rows,
        gifts=dict(sorted(gifts.rows.items())),
        of_kinds=dict(sorted(gifts.of_kinds.items())),
        names=dict(sorted((names | batch.names).items())),
        last_at=max((row.last_at for row in rows), default=batch.last_event_at),
    )


@dataclass(slots=True)
class _Given:
    """What one person gave, and when: everything, and what the host got."""

    sums: Sums = field(default_factory=Sums)
    at: list[datetime] = field(default_factory=list)
    host_at: list[datetime] = field(default_factory=list)


class _Gifts:
    """The gifts of a batch, summed up every way."""

    def __init__(self, batch: Batch, known: Known) -> None:
        self.rows: dict[GiftKey, KeptGift] = {}
        self.of_people: dict[int, _Given] = defaultdict(_Given)
        self.of_minutes: dict[datetime, Sums] = defaultdict(Sums)
        self.of_kinds: dict[tuple[int, int], tuple[int, int]] = {}
        self.total = Sums()
        learned = dict(known.kinds) | {kind.gift_id: kind for kind in kinds_of(batch, known.kinds)}
        for key, streak in batch.gifts.items():
            kind = learned[key.gift_id]
            value = worth(streak.diamonds, kind.diamonds, kind.name)
            row, increases = raised(streak, known.gifts.get(key), value)
            if row is not None and increases:
                self.rows[key] = row
            for one in increases:
                self._add(key, one)

    def _add(self, key: GiftKey, one: Increase) -> None:
        guest = key.to_person_id != NOBODY
        given = self.of_people[key.person_id]
        for sums in (given.sums, self.of_minutes[minute_of(one.at)], self.total):
            sums.add(one, guest=guest)
        given.at.append(one.at)
        if guest:
            return
        given.host_at.append(one.at)
        count, diamonds = self.of_kinds.get((key.person_id, key.gift_id), (0, 0))
        self.of_kinds[key.person_id, key.gift_id] = (count + one.count, diamonds + one.diamonds)


def _person_row(
    person_id: int, part: PersonPart | None, mine: _Given | None, kept: KnownPerson | None
) -> PersonRow:
    instants = list(mine.at) if mine else []
    if part is not None:
        instants += (part.first_at, part.last_at)
    if kept is not None:
        instants += (kept.first_at, kept.last_at)
    commented = _later(part.last_comment_at if part else None, kept.last_comment_at if kept else None)
    gave = _later(*(mine.host_at if mine else ()), kept.last_gift_at if kept else None)
    counts = (*_COUNTS(part or _NOTHING), *_GIVEN(mine.sums if mine else _NO_GIFTS))
    return PersonRow._make((person_id, *counts, min(instants), max(instants), commented, gave))


_COUNTS, _GIVEN = attrgetter(*COUNTED), attrgetter(*OF_GIFTS)
_NOTHING, _NO_GIFTS = MinutePart(), Sums()


def _later(*instants: datetime | None) -> datetime | None:
    return max((at for at in instants if at is not None), default=None)


def _count_once(
    totals: Row,
    unique: dict[datetime, dict[str, int]],
    part: PersonPart | None,
    mine: _Given | None,
    kept: KnownPerson | None,
) -> None:
    """Count a person in the live and in each minute where they are new.

    In a minute they are new when they were last seen before it: exact as long as time goes forward, and never
    too many.
    """
    gave = {minute_of(at) for at in mine.host_at} if mine else set()
    there = (part.minutes if part else set()) | ({minute_of(at) for at in mine.at} if mine else set())
    commented = part.comment_minutes if part else set()
    totals["people"] += kept is None
    totals["commenters"] += bool(commented) and not (kept and kept.commented)
    totals["likers"] += bool(part and part.likes) and not (kept and kept.liked)
    totals["gifters"] += bool(gave) and not (kept and kept.gave)
    for name, minutes, last in (
        ("people", there, kept.last_at if kept else None),
        ("commenters", commented, kept.last_comment_at if kept else None),
        ("gifters", gave, kept.last_gift_at if kept else None),
    ):
        for minute in minutes:
            unique[minute][name] += last is None or last < minute


def _name(person_id: int, part: PersonPart | None, kept: KnownPerson | None) -> Viewer | None:
    """Give the name of a person to keep: of one who does something for the first time in this live."""
    if part is None or (kept and kept.acted) or not (part.handle or part.nickname):
        return None
    acts = any(getattr(part, name) for name in _ACTS)
    return Viewer(person_id, part.handle, part.nickname) if acts else None


def _totals(batch: Batch) -> Row:
    parts = batch.minutes.values()
    summed = ("viewer_seconds", "watched_seconds", "connected_seconds", *COUNTED, *_DROPPED)
    return {name: sum(getattr(part, name) for part in parts) for name in summed}


def _minute_row(
    minute: datetime, batch: Batch, gifts: _Gifts, unique: Mapping[datetime, Mapping[str, int]]
) -> Row:
    part = batch.minutes.get(minute) or MinutePart()
    sums = gifts.of_minutes.get(minute) or Sums()
    return {
        "minute": minute,
        **{name: getattr(part, name) for name in MinutePart.__dataclass_fields__},
        **{name: getattr(sums, name) for name in OF_GIFTS},
        **(unique.get(minute) or dict.fromkeys(UNIQUE, 0)),
    }
