"""A clock that a test moves by hand, or that jumps by itself to the end of every wait."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.clock import Clock

START = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


class ManualClock(Clock):
    """`sleep` waits until `advance` has passed its end; with `auto` it moves the time there and goes on."""

    def __init__(self, now: datetime = START, *, auto: bool = False) -> None:
        self.auto = auto
        self.slept: list[float] = []
        self._start = now
        self._passed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        # The end is set by when it is asked: a task that is to sleep begins later, and a test may advance in between.
        return self._sleep(seconds, self._passed + max(0.0, seconds))

    async def _sleep(self, seconds: float, end: float) -> None:
        self.slept.append(seconds)
        if self.auto:
            end = self._passed + max(0.0, seconds)
        if self.auto or end <= self._passed:
            self.advance(max(0.0, end - self._passed))
            await asyncio.sleep(0)  # noqa: TID251 - the loop's other tasks must come to their turn
            return
        sleeper = (end, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        self._changed.set()
        try:
            await sleeper[1]
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Let time pass; whoever waited for less goes on, earliest first."""
        self._passed += seconds
        due = sorted((one for one in self._sleepers if one[0] <= self._passed), key=lambda one: one[0])
        for sleeper in due:
            self._sleepers.remove(sleeper)
            if not sleeper[1].done():
                sleeper[1].set_result(None)

    async def asleep(self, count: int = 1) -> list[float]:
        """Wait until `count` sleepers wait; give how many seconds each still has to wait, shortest first."""
        while len(self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()
        return sorted(end - self._passed for end, _ in self._sleepers)


class FastClock(ManualClock):
    """The time of a world; `advance` lets so many seconds of the machine pass, and `speed` times as many here."""

    def __init__(self, speed: float, now: datetime = START + timedelta(days=1000)) -> None:
        super().__init__(now)
        self.speed = speed
        self._machine = ManualClock()

    @property
    def machine(self) -> Clock:
        return self._machine

    def advance(self, seconds: float) -> None:
        self._machine.advance(seconds)
        super().advance(seconds * self.speed)
