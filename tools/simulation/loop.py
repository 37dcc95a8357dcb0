"""An event loop whose time is a number: where others wait, it jumps to the next timer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock

_MOST_TURNS = 100_000
"""So many turns of the loop at one instant are no work any more, but a loop that spins."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks in an order that only they decide; nothing outside the process can wake it."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self  # what BaseEventLoop asks to wait
        self._seconds = 0.0
        self._turns = 0

    def time(self) -> float:
        """Give the true seconds since the start."""
        return self._seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Stand for the wait of a real loop. Raises RuntimeError when nobody will ever wake, or all spin."""
        if timeout is None:
            raise RuntimeError("every task waits for ever")
        self._turns = 0 if timeout > 0 else self._turns + 1
        if self._turns > _MOST_TURNS:
            raise RuntimeError("a task spins: no time passes any more")
        self._seconds += timeout
        return []

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none from outside."""


class WallClock(Clock):
    """A machine's clock: `now` can be set wrong by `error` seconds, `monotonic` cannot."""

    def __init__(self, loop: VirtualLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start
        self.error = 0.0

    def now(self) -> datetime:
        """Give what the wall clock shows."""
        return self.true() + timedelta(seconds=self.error)

    def true(self) -> datetime:
        """Give the instant it really is; the bot cannot see it."""
        return self.at(self._loop.time())

    def at(self, seconds: float) -> datetime:
        """Give the true instant so many seconds after the start."""
        return self._start + timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Give the seconds since the start."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(max(0.0, seconds))  # noqa: TID251 - the loop's time is virtual
