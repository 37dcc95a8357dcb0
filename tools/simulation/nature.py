"""Time, luck and weather of one seed, and the trace of what happened."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tools.simulation.faults import DAY, Spell, Weather, luck_of
from tools.simulation.loop import VirtualLoop, WallClock


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A promise that was not kept, at a true instant."""

    invariant: str
    at: float
    text: str


class Nature:
    """What all places of a simulated world share."""

    def __init__(self, seed: int, start: datetime, days: float) -> None:
        self.loop = VirtualLoop()
        self.clock = WallClock(self.loop, start)
        self.seconds = days * DAY
        self.weather = Weather(seed, self.seconds)
        self.luck = luck_of(seed, "luck")
        self.trace: list[tuple[float, str]] = []
        self.broken: list[Broken] = []
        self.on_commit: list[Callable[[str], None]] = []
        self._faults: dict[str, Counter[str]] = {}
        for spell in self.weather.spells:
            self.loop.call_at(spell.start, self._turn, spell, 1)
            self.loop.call_at(spell.end, self._turn, spell, -1)

    @property
    def time(self) -> float:
        """The true seconds since the start."""
        return self.loop.time()

    def note(self, text: str) -> None:
        """Add a line to the trace."""
        self.trace.append((self.time, text))

    def fail(self, invariant: str, text: str) -> None:
        """Note a promise that was not kept."""
        self.broken.append(Broken(invariant=invariant, at=self.time, text=text))
        self.note(f"BROKEN {invariant}: {text}")

    def digest(self) -> str:
        """Give a number for the whole trace: the same one means the same history."""
        lines = "\n".join(f"{at:.6f} {text}" for at, text in self.trace)
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    def faults(self, place: str) -> Counter[str] | frozenset[str]:
        """Give the faults a place has now."""
        return self._faults.get(place, frozenset())

    def happens(self, chance: float) -> bool:
        """Toss a coin."""
        return self.luck.random() < chance

    def delay(self, shortest: float, longest: float) -> float:
        """Draw how long something takes."""
        return self.luck.uniform(shortest, longest)

    def database_delay(self) -> float:
        """Draw how long one side of a commit takes."""
        return self.delay(0.5, 8.0) if "slow" in self.faults("database") else 0.0

    def committed(self, name: str) -> None:
        """Tell whoever watches that a write is durable."""
        for watch in self.on_commit:
            watch(name)

    def _turn(self, spell: Spell, by: int) -> None:
        now = self._faults.setdefault(spell.place, Counter())
        now[spell.fault] += by
        if not now[spell.fault]:
            del now[spell.fault]
        self.note(f"{spell.place}: {spell.fault} {'begins' if by > 0 else 'ends'}")
