"""The clock of the past: it shows what it is set to."""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.clock import Clock


class SetClock(Clock):
    """A `bot.clock.Clock` for services that are asked to do something as of an instant; waiting takes no time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def set(self, now: datetime) -> None:
        """Let it be `now`."""
        self._now = now

    def now(self) -> datetime:
        """Give the instant it is set to."""
        return self._now

    def monotonic(self) -> float:
        """Give the same in seconds."""
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Only let others have their turn."""
        del seconds
        await asyncio.sleep(0)  # noqa: TID251 - the past has no time to wait
