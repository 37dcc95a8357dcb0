"""What goes wrong and when: a plan made from the seed alone, whatever the bot does.

To add a fault that lasts, add a line to `SPELLS` and ask for it with `Nature.faults` where it bites.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def luck_of(seed: int, what: str) -> random.Random:
    """Give the chance that decides one thing of a seed: each has its own, so that a change to one spares the others."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - it must repeat itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Spell:
    """A time in which a place has one fault; instants are true seconds since the start."""

    place: str
    fault: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A fault of a place: so many a day, each lasting between `shortest` and `longest` seconds."""

    place: str
    fault: str
    a_day: float
    shortest: float
    longest: float


SPELLS = (
    Kind(place="tiktok", fault="429", a_day=0.4, shortest=5 * MINUTE, longest=8 * HOUR),
    Kind(place="tiktok", fault="429 with Retry-After", a_day=0.3, shortest=5 * MINUTE, longest=4 * HOUR),
    Kind(place="tiktok", fault="waf page", a_day=0.2, shortest=10 * MINUTE, longest=3 * HOUR),
    Kind(place="tiktok", fault="time-outs", a_day=0.4, shortest=MINUTE, longest=3 * HOUR),
    Kind(place="tiktok", fault="sweep empty", a_day=0.3, shortest=HOUR, longest=6 * HOUR),
    Kind(place="discord", fault="503", a_day=0.5, shortest=MINUTE, longest=HOUR),
    Kind(place="discord", fault="503 after commit", a_day=0.7, shortest=20 * MINUTE, longest=2 * HOUR),
    Kind(place="discord", fault="no answer after commit", a_day=0.5, shortest=MINUTE, longest=HOUR),
    Kind(place="discord", fault="down", a_day=0.3, shortest=MINUTE, longest=5 * HOUR),
    Kind(place="discord", fault="cloudflare", a_day=0.1, shortest=MINUTE, longest=HOUR),
    Kind(place="channel", fault="403", a_day=0.5, shortest=MINUTE, longest=12 * HOUR),
    Kind(place="game server", fault="down", a_day=0.5, shortest=MINUTE, longest=4 * HOUR),
    Kind(place="game server", fault="drops", a_day=0.5, shortest=10 * MINUTE, longest=4 * HOUR),
    Kind(place="database", fault="slow", a_day=0.5, shortest=MINUTE, longest=2 * HOUR),
    Kind(place="database", fault="fails", a_day=0.5, shortest=MINUTE, longest=HOUR),
    Kind(place="database", fault="fails at commit", a_day=0.3, shortest=MINUTE, longest=HOUR),
)
CLOCK_STEPS = (1.5, 90.0, HOUR, DAY, DAY)
"""Seconds by which a wall clock is set, in either direction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """The bot dies at the `points`-th point (`tools.simulation.life`) after `at`, and is down for a while."""

    at: float
    points: int
    down: float


class Weather:
    """The faults of one seed. The last day is calm, so that everything that can heal has healed."""

    def __init__(self, seed: int, seconds: float) -> None:
        luck = luck_of(seed, "weather")
        self.calm_from = max(seconds - 1.25 * DAY, seconds * 0.3)
        self.harshness = luck.choice((0.0, 0.5, 1.0, 1.0, 2.0))
        self.spells = [spell for kind in SPELLS for spell in self._spells(kind, luck)]
        self.kills = self._kills(luck)
        self.clock_steps = self._clock_steps(luck)

    def _times(self, a_day: float, luck: random.Random) -> list[float]:
        expected = a_day * self.harshness * self.calm_from / DAY
        count = int(expected) + (luck.random() < expected % 1)
        return sorted(luck.uniform(0, self.calm_from) for _ in range(count))

    def _spells(self, kind: Kind, luck: random.Random) -> list[Spell]:
        spells = []
        for start in self._times(kind.a_day, luck):
            lasts = kind.shortest * (kind.longest / kind.shortest) ** luck.random()
            end = min(start + lasts, self.calm_from)
            spells.append(Spell(place=kind.place, fault=kind.fault, start=start, end=end))
        return spells

    def _kills(self, luck: random.Random) -> list[Kill]:
        return [
            Kill(at=at, points=luck.randrange(1, 30), down=luck.choice((1.0, 20.0, 200.0, HOUR, 5 * HOUR)))
            for at in self._times(2.5, luck)
        ]

    def _clock_steps(self, luck: random.Random) -> list[tuple[float, float]]:
        return [(at, luck.choice((1, -1)) * luck.choice(CLOCK_STEPS)) for at in self._times(1.0, luck)]
