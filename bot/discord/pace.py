"""How fast requests leave: below what Discord grants a bot in all, which discord.py only learns by being refused.

Its own counting knows the bucket of each route alone. At the limit for all (50 requests a second) it goes on sending
whatever waits and tries each five times; 10,000 refusals in ten minutes are a ban of the address.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from aiohttp import ClientSession, TraceConfig, TraceRequestStartParams

from bot.clock import Clock

PER_SECOND = 45.0
"""Discord counts when requests arrive, and they do not travel equally fast."""
AHEAD = 2
"""So many may leave at once after a moment in which none could."""
_NOT_COUNTED = ("interactions", "webhooks")
"""Answers to people: they count towards no limit of the bot's, and would be too late behind others."""


class Pace:
    """Gives everybody a turn, in the order of asking and never more than `per_second` and `AHEAD` in a second."""

    def __init__(self, clock: Clock, per_second: float = PER_SECOND) -> None:
        self._clock = clock
        self._gap = 1 / per_second
        self._free_at = float("-inf")  # when the next one would leave if all did so evenly
        self._line = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until it is one's turn."""
        async with self._line:
            while (wait := self._free_at - AHEAD * self._gap - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
            self._free_at = max(self._free_at, self._clock.monotonic()) + self._gap


def paced(trace: TraceConfig, pace: Pace) -> TraceConfig:
    """Let each request of an HTTP client take its turn just before it is sent, a repeated one too; gives `trace`."""

    async def wait(_: ClientSession, __: SimpleNamespace, asked: TraceRequestStartParams) -> None:
        if asked.url.scheme.startswith("http") and not set(_NOT_COUNTED) & set(asked.url.parts):
            await pace.turn()

    trace.on_request_start.append(wait)
    return trace
