"""Invented histories of posts, to measure what is found in them. Each way of growing is another mechanism.

`movement` was set up on "power" with seeds below 100; what its docstring says was measured on all ways, with seeds
from 1000 on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.posts.growth import Point
from bot.core.posts.movement import PostHistory

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 40
POSTS = 30


@dataclass(frozen=True, kw_only=True)
class Invention:
    """Posts of a profile, and the jumps that were put in: (post, the day on which it grew so many times more)."""

    posts: tuple[PostHistory, ...]
    jumps: frozenset[tuple[int, int]]

    def day(self, number: int) -> tuple[datetime, datetime]:
        """Give the span of a day's report: the reading of the morning is the last of it."""
        return START + (number - 1) * DAY + DAY / 4, START + number * DAY + DAY / 4


Rates = Callable[[random.Random, int], Callable[[float, int], float]]
"""From the chance of a profile and the number of a post: views a day at an age [d] on a day of the profile."""


def _power(chance: random.Random, _: int) -> Callable[[float, int], float]:
    size, decay = chance.lognormvariate(8, 1.2), chance.uniform(0.8, 1.6)
    return lambda age, day: size * (age + 0.5) ** -decay * math.exp(chance.gauss(0, 0.3))


def _saturating(chance: random.Random, _: int) -> Callable[[float, int], float]:
    """Most of it comes in days, a little for ever; weekends bring more."""
    size, keeps, tail = chance.lognormvariate(9, 1), chance.uniform(0.6, 0.9), chance.uniform(0.002, 0.01)
    return lambda age, day: (
        size * (keeps**age + tail) * (1.5 if day % 7 >= 5 else 1.0) * math.exp(chance.gauss(0, 0.25))
    )


def _wandering(chance: random.Random, _: int) -> Callable[[float, int], float]:
    """What brings views stays for days, and now and then a day is far off."""
    size, decay, state = chance.lognormvariate(8, 1.5), chance.uniform(0.4, 1.8), [0.0]

    def rate(age: float, day: int) -> float:
        heavy = chance.gauss(0, 1) / math.sqrt(chance.gammavariate(2, 0.5))  # Student's t with 4 degrees
        state[0] = 0.7 * state[0] + 0.2 * heavy
        return size * (age + 1) ** -decay * math.exp(state[0])

    return rate


def _small(chance: random.Random, _: int) -> Callable[[float, int], float]:
    size = chance.lognormvariate(4, 1)
    return lambda age, day: size * (age + 0.5) ** -1.1 * math.exp(chance.gauss(0, 0.3))


def _evergreen(chance: random.Random, _: int) -> Callable[[float, int], float]:
    """Found by search: as much every day, more and less by the week."""
    size, phase = chance.lognormvariate(7, 1), chance.uniform(0, 7)
    return lambda age, day: (
        size * (1 + 0.4 * math.sin(2 * math.pi * (day + phase) / 7)) * math.exp(chance.gauss(0, 0.3))
    )


WAYS: dict[str, Rates] = {
    "power": _power,
    "saturating": _saturating,
    "wandering": _wandering,
    "small": _small,
    "evergreen": _evergreen,
}


def invent(way: str, seed: int, *, jumps: float = 0.0, times: tuple[float, float] = (5, 12)) -> Invention:
    """Make a profile that is read every morning, more or less; each post jumps once with the chance `jumps`.

    Readings are up to three hours off, one in fifteen is missed, and one count in a hundred is corrected downwards.
    """
    chance = random.Random(f"{way} {seed}")
    missed = {day for day in range(1, DAYS) if chance.random() < 1 / 15}
    at = {day: START + day * DAY + chance.uniform(-3, 3) * DAY / 24 for day in range(DAYS)}
    posts: list[PostHistory] = []
    put: set[tuple[int, int]] = set()
    for number in range(POSTS):
        posted = chance.uniform(-15, DAYS - 12)
        rate = WAYS[way](chance, number)
        jump = int(max(posted, 0)) + chance.randrange(8, 30) if chance.random() < jumps else -1
        views, known = 0.0, []
        for day in range(math.floor(posted), DAYS):
            now = (at[day] - START) / DAY if day >= 0 else float(day)
            before = max(posted, (at[day - 1] - START) / DAY if day > 0 else float(day - 1))
            if now <= posted:
                continue
            gain = rate((now + before) / 2 - posted, day) * (now - before)
            gain *= chance.uniform(*times) if day == jump else 1
            views += max(0, round(chance.gauss(gain, math.sqrt(gain))))
            if chance.random() < 0.01:
                views *= 0.998
            if day >= 0 and day not in missed:
                known.append(Point(at=at[day], value=round(views)))
                if day == jump:
                    put.add((number, day))
        posts.append(PostHistory(post_id=number, posted_at=START + posted * DAY, views=known))
    return Invention(posts=tuple(posts), jumps=frozenset(put))
