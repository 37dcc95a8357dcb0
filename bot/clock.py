"""The only reader of the wall clock, and the only way to wait."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
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
