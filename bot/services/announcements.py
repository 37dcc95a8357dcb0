"""What is said, on its way out: the bookkeeping of the outbox around each try."""

from __future__ import annotations

import asyncio

from bot.clock import Clock
from bot.storage.engine import Database


class Announcements:
    """The outbox as the deliverer works through it; other services only call `wake`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Say that something was put; call it after the transaction has committed."""
        self._news.set()
