"""The only reader of the wall clock, and the only way to wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time as the bot sees it; tests and simulations give their own."""

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Give seconds that never step back, from an arbitrary start."""

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number of seconds only yields."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place

    def monotonic(self) -> float:
        """Give the machine's monotonic seconds."""
        return time.monotonic()  # noqa: TID251 - this is the one place

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(max(0.0, seconds))  # noqa: TID251 - this is the one place


SLACK = timedelta(seconds=1)
"""Wall and monotonic clock may drift apart by so much between two looks without being a step."""


class SteadyClock:
    """A clock that goes on evenly when the wall clock steps, until `adopt` takes the step over.

    What is stored is stamped with this time. So a step can be hidden until `bot.services.timekeeping` has
    moved the stamps along with it, and no span of time comes out longer or shorter than it was. A sleep of
    the machine looks like a step forward: then budgets err on the careful side.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._adopted_at, self._adopted_after = clock.now(), clock.monotonic()

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC, as if the wall clock had not stepped."""
        return self._clock.now() - self.step()

    def monotonic(self) -> float:
        """Give seconds that never step back, from an arbitrary start."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number of seconds only yields."""
        await self._clock.sleep(seconds)

    def step(self) -> timedelta:
        """Give how far the wall clock has stepped since `adopt`; nothing within `SLACK`."""
        passed = timedelta(seconds=self._clock.monotonic() - self._adopted_after)
        step = self._clock.now() - self._adopted_at - passed
        return step if abs(step) > SLACK else timedelta(0)

    def adopt(self, step: timedelta) -> None:
        """Take over a step that `step` told; with none, forget what the clocks have drifted apart."""
        self._adopted_at, self._adopted_after = self.now() + step, self._clock.monotonic()


async def wait_for_event(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set or `seconds` have passed; true when it was set.

    The event is cleared, so that the next wait is for the next signal.
    """
    sleeper = asyncio.ensure_future(clock.sleep(seconds))
    waiter = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        for task in (sleeper, waiter):
            task.cancel()
        event.clear()
