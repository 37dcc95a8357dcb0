"""What past rounds teach of the next: how soon one follows another, and at which hours games begin.

Nothing is known at first: then rounds follow each other as on a server that plays ten-minute limits, and a
game begins at any hour alike, every other day. What is seen outweighs that as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from math import exp

from bot.core.rounds.evenings import GAP

GAP_MINUTES = GAP // timedelta(minutes=1)
HOURS_MEMORY_DAYS, RATE_MEMORY_DAYS = (
    84.0,
    28.0,
)  # hours drift slowly, the rate changes often (3. of the spec)
FORGOTTEN = timedelta(days=5 * HOURS_MEMORY_DAYS)
SLOTS = 96
"""Of a day, so a quarter of an hour each."""
_SLOT_MINUTES = 24 * 60 / SLOTS
_FIRST_GAP_MINUTES, _FIRST_GAPS = 10.0, 10.0
_FIRST_RATE, _FIRST_DAYS = 0.5, 3.0  # games a day, and the days that this guess counts for
_ANY_HOUR_GAMES = 2.0  # games that "any hour" counts for
_FLOOR = 0.1  # part of the games that may begin at any hour, for exploring
_KERNEL_HOURS = 1.0
_BLUR = (0.25, 0.5, 0.25)  # a gap tells of its neighbours, too: minutes before, at and after it


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """Chances per minute: of a file so many whole minutes after the last, and of the first one by local quarter hour."""

    after: tuple[float, ...]
    first: tuple[float, ...]
    playing: float

    def next_round(self, since_last: timedelta) -> float:
        """Give the chance, per minute, that a file appears so long after the last; 0 after the evening's gap."""
        minute = int(since_last.total_seconds() // 60)
        return self.after[minute] if 0 <= minute < GAP_MINUTES else 0.0

    def first_round(self, local: datetime) -> float:
        """Give the chance, per minute, that the first file of a game appears at a local time."""
        return self.first[int((local.hour * 60 + local.minute) // _SLOT_MINUTES)]


def rhythm_of(rounds: Sequence[datetime], now: datetime, zone: tzinfo) -> Rhythm:
    """Learn from the times of round files (oldest first), all of them before `now`; `zone` has the local hours."""
    remembered = [at for at in rounds if now - FORGOTTEN < at <= now]
    gaps = [(after - before) / timedelta(minutes=1) for before, after in pairwise(remembered)]
    if remembered:  # the last gap is not over yet: what is known is that it lasts
        gaps.append(GAP_MINUTES if now - remembered[-1] >= GAP else -1.0)
    begun = [at for number, at in enumerate(remembered) if number == 0 or at - remembered[number - 1] >= GAP]
    known_days = (now - remembered[0]) / timedelta(days=1) if remembered else 0.0
    ended = sum(0 <= gap < GAP_MINUTES for gap in gaps)
    minutes = sum(gap for gap in gaps if 0 <= gap < GAP_MINUTES)
    return Rhythm(
        after=_after(gaps),
        first=_first(begun, known_days, now, zone),
        playing=(ended + _FIRST_GAPS) / (minutes + _FIRST_GAPS * _FIRST_GAP_MINUTES),
    )


def _after(gaps: Sequence[float]) -> tuple[float, ...]:
    """Give the chance per minute of a file in each minute after the last, for those that lasted until then."""
    rate = 1 / _FIRST_GAP_MINUTES
    ends = [0.0] * (GAP_MINUTES + 2)
    for gap in gaps:
        if 0 <= gap < GAP_MINUTES:
            for offset, share in enumerate(_BLUR):
                ends[max(int(gap) + offset - 1, 0)] += share
    lasting = sum(gap >= 0 for gap in gaps)
    awaited = 0.0
    chances = []
    for minute in range(GAP_MINUTES):
        first = _FIRST_GAPS * exp(-rate * minute)
        there = max(lasting - awaited, 0.0)
        chances.append((ends[minute] + first * rate) / (there + first))
        awaited += ends[minute]
    return tuple(chances)


def _first(begun: Sequence[datetime], known_days: float, now: datetime, zone: tzinfo) -> tuple[float, ...]:
    """Give the chance per minute that a game's first file appears, by local quarter hour."""
    profile = [_ANY_HOUR_GAMES] * SLOTS
    weight, recent = _ANY_HOUR_GAMES, 0.0
    kernel = _kernel()
    for at in begun:
        age = (now - at) / timedelta(days=1)
        local = at.astimezone(zone)
        slot = int((local.hour * 60 + local.minute) // _SLOT_MINUTES)
        hours = exp(-age / HOURS_MEMORY_DAYS)
        for distance, share in enumerate(kernel):
            profile[(slot + distance) % SLOTS] += hours * share
        weight += hours
        recent += exp(-age / RATE_MEMORY_DAYS)
    exposed = RATE_MEMORY_DAYS * (1 - exp(-known_days / RATE_MEMORY_DAYS))
    a_minute = (recent + _FIRST_RATE * _FIRST_DAYS) / (exposed + _FIRST_DAYS) / (24 * 60)
    return tuple(a_minute * (_FLOOR + (1 - _FLOOR) * level / weight) for level in profile)


def _kernel() -> list[float]:
    """Give a bell around the day, by distance in quarter hours, of mean 1."""
    hours = [min(slot, SLOTS - slot) * 24 / SLOTS for slot in range(SLOTS)]
    bell = [exp(-0.5 * (distance / _KERNEL_HOURS) ** 2) for distance in hours]
    return [value * SLOTS / sum(bell) for value in bell]
