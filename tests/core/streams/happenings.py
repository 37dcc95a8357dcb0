"""Events of a live made short, and the rows of one live in memory, as `bot.storage.streams` keeps them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.core.streams.booking import (
    COUNTED,
    OF_GIFTS,
    GiftKind,
    Known,
    KnownPerson,
    book,
    kinds_of,
)
from bot.core.streams.events import Comment, Follow, Gift, Join, Likes, Share, Viewer, ViewerCount
from bot.core.streams.tally import Batch, Kept, Memory

START = datetime(2026, 3, 1, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
ROOM = 7_300_000_000_000_000_001
_numbers = count(1)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def viewer(person_id: int) -> Viewer:
    return Viewer(person_id, f"fan{person_id}", f"Fan {person_id}") if person_id else Viewer(0)


def _common(seconds: float, message_id: int | None) -> dict:
    return {"at": at(seconds), "message_id": next(_numbers) if message_id is None else message_id}


def comment(person_id, seconds=0.0, words="hi", *, message_id=None, replayed=False):
    return Comment(**_common(seconds, message_id), viewer=viewer(person_id), words=words, replayed=replayed)


def likes(person_id, number, seconds=0.0, *, total=None, message_id=None):
    return Likes(**_common(seconds, message_id), viewer=viewer(person_id), count=number, total=total)


def gift(
    person_id, gift_id, number=1, seconds=0.0, *, group=None, diamonds=1, to=None, name="", closes=False
):
    return Gift(
        **_common(seconds, None),
        viewer=viewer(person_id),
        gift_id=gift_id,
        group_id=next(_numbers) if group is None else group,
        count=number,
        closes=closes,
        diamonds=diamonds,
        name=name,
        streakable=group is not None,
        to=None if to is None else viewer(to),
    )


def follow(person_id, seconds=0.0):
    return Follow(**_common(seconds, None), viewer=viewer(person_id))


def share(person_id, seconds=0.0, *, message_id=None):
    return Share(**_common(seconds, message_id), viewer=viewer(person_id))


def join(person_id, seconds=0.0):
    return Join(**_common(seconds, None), viewer=viewer(person_id))


def viewers(number, seconds=0.0, *, entered=None):
    return ViewerCount(**_common(seconds, None), viewers=number, entered=entered)


class Rows:
    """What is kept of one live."""

    def __init__(self) -> None:
        self.batches = 0
        self.memory = Memory()
        self.totals: dict[str, float] = defaultdict(int)
        self.minutes: dict[datetime, dict] = defaultdict(lambda: defaultdict(int))
        self.people: dict[int, dict] = {}
        self.gifts: dict = {}
        self.kinds: dict[int, GiftKind] = {}
        self.names: dict[int, str] = {}

    def kept(self) -> Kept:
        followers = frozenset(person for person, row in self.people.items() if row["follows"])
        return Kept(batches=self.batches, memory=self.memory, followers=followers)

    def save(self, batch: Batch | None) -> None:
        if batch is None or batch.number <= self.batches:
            return
        known = Known(people=self._known_people(), gifts=self.gifts, kinds=self.kinds)
        booked = book(batch, known)
        self.kinds |= {kind.gift_id: kind for kind in kinds_of(batch, self.kinds)}
        self.batches = batch.number
        self.memory = batch.memory or self.memory
        for name, more in booked.totals.items():
            self.totals[name] += more
        for row in booked.minutes:
            _put(self.minutes[row["minute"]], row)
        for row in booked.people:
            _put(self.people.setdefault(row.person_id, defaultdict(int)), row._asdict())
        self.gifts |= booked.gifts
        self.names |= {person: viewer.handle for person, viewer in booked.names.items()}

    def _known_people(self) -> dict[int, KnownPerson]:
        return {
            person: KnownPerson(
                commented=row["comments"] > 0,
                liked=row["likes"] > 0,
                gave=row["gifts"] > 0,
                acted=any(row[name] for name in (*COUNTED, "gifts", "guest_gifts") if name != "joins"),
                **{one: row[one] for one in ("first_at", "last_at", "last_comment_at", "last_gift_at")},
            )
            for person, row in self.people.items()
        }

    def check(self) -> None:
        """Sums of minutes, of people and of gifts are the totals."""
        for name in (*COUNTED, *OF_GIFTS):
            assert sum(row[name] for row in self.minutes.values()) == self.totals[name], name
            assert sum(row[name] for row in self.people.values()) == self.totals[name], name
        for guest, number, worth in ((False, "gifts", "diamonds"), (True, "guest_gifts", "guest_diamonds")):
            mine = [row for key, row in self.gifts.items() if bool(key.to_person_id) is guest]
            assert sum(row.count for row in mine) == self.totals[number]
            assert sum(row.count * (row.worth.each or 0) for row in mine) == self.totals[worth]
        assert len(self.people) == self.totals["people"]
        for name, column in (("commenters", "comments"), ("likers", "likes"), ("gifters", "gifts")):
            assert sum(row[column] > 0 for row in self.people.values()) == self.totals[name], name


def _put(row: dict, more: dict) -> None:
    for name, value in more.items():
        if name.startswith("viewers_"):
            old = row.get(name)
            better = {"min": min, "max": max}.get(name[8:])
            known = [one for one in (old, value) if one is not None]
            row[name] = (
                known and (better(known) if better else known[0 if name[8:] == "first" else -1])
            ) or None
        elif isinstance(value, int | float) and name != "person_id":
            row[name] += value
        else:
            row[name] = value
