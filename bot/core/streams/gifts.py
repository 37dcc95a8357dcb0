"""Gifts by increase: lost ends of streaks, duplicates, late and out-of-order messages change nothing.

A gift is known by who gave which gift in which group to whom. Of each, the highest count ever seen is what was given;
a message counts by how much it raises that. What was counted before is always read from the kept row, so nothing has
to be remembered between two saves: a streak may go on after any pause, or after a restart, or come again from its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from bot.core.streams.events import Gift
from bot.core.streams.minutes import minute_of
from bot.core.streams.values import ValueSource, Worth, is_value


class GiftKey(NamedTuple):
    """What one gift or streak is known by within a live. `to_person_id` is 0 for the host."""

    person_id: int
    gift_id: int
    group_id: int
    to_person_id: int


@dataclass(slots=True)
class Streak:
    """What was seen of one gift since the last save.

    `steps` are the counts that were higher than all before them, each with its instant; of one minute only the
    highest is kept, so their number is bounded by minutes, not by messages.
    """

    steps: list[tuple[datetime, int]] = field(default_factory=list)
    first_at: datetime | None = None
    highest: int = 0
    diamonds: int | None = None
    name: str = ""
    streakable: bool | None = None

    def take(self, gift: Gift) -> None:
        """Add a message."""
        if is_value(gift.diamonds):
            self.diamonds = gift.diamonds
        self.name = gift.name or self.name
        self.streakable = self.streakable if gift.streakable is None else gift.streakable
        if gift.count <= self.highest:
            return
        self.highest = gift.count
        self.first_at = gift.at if self.first_at is None else min(self.first_at, gift.at)
        if self.steps and minute_of(self.steps[-1][0]) == minute_of(gift.at):
            self.steps.pop()
        self.steps.append((gift.at, gift.count))


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptGift:
    """The row of a gift or streak: `count` pieces of `worth`."""

    count: int
    worth: Worth
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Increase:
    """What a row grew by: `count` more pieces at `at`. `unvalued` are pieces whose value is unknown."""

    at: datetime
    count: int
    diamonds: int
    estimated_diamonds: int
    unvalued: int


def raised(streak: Streak, kept: KeptGift | None, worth: Worth) -> tuple[KeptGift | None, Sequence[Increase]]:
    """Add what was seen of a gift to its row; gives the row as it is now, and what it grew by.

    A value once kept stays: a row is always worth its count times the value of one piece, and so are the sums made of
    it. An unknown one is filled in for the pieces before, too.
    """
    increases = []
    seen = 0
    if kept is not None:
        seen = kept.count
        if kept.worth.each is not None:
            worth = kept.worth
        elif worth.each is not None:
            increases.append(filled(kept, worth))
    for at, count in streak.steps:
        if count > seen:
            increases.append(_more(at, count - seen, worth))
            seen = count
    if not increases:
        return kept, ()
    starts = [one.at for one in increases] + [streak.first_at or increases[0].at]
    ends = [one.at for one in increases if one.count]
    if kept is not None:
        starts.append(kept.first_at)
        ends.append(kept.last_at)
    return KeptGift(count=seen, worth=worth, first_at=min(starts), last_at=max(ends)), increases


def filled(kept: KeptGift, worth: Worth) -> Increase:
    """Give what a row of unknown value grows by once the value is known; its minute is that of its beginning."""
    now = _more(kept.first_at, kept.count, worth)
    return Increase(
        at=kept.first_at,
        count=0,
        diamonds=now.diamonds,
        estimated_diamonds=now.estimated_diamonds,
        unvalued=now.unvalued - kept.count,
    )


def _more(at: datetime, count: int, worth: Worth) -> Increase:
    diamonds = count * (worth.each or 0)
    return Increase(
        at=at,
        count=count,
        diamonds=diamonds,
        estimated_diamonds=diamonds if worth.source is ValueSource.ESTIMATE else 0,
        unvalued=count if worth.each is None else 0,
    )
