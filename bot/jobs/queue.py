"""The embedded queue: `bot.ports.JobQueue` on a table of the bot's own database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.clock import Clock
from bot.core.jobs import QueueCounts
from bot.storage import jobs
from bot.storage.engine import Database


class EmbeddedQueue:
    """`queues` are those that are counted even while they are empty; `changed` is what a worker waits for."""

    def __init__(self, database: Database, clock: Clock, *, queues: Sequence[str]) -> None:
        self._database = database
        self._clock = clock
        self._queues = queues
        self.changed = asyncio.Event()

    def wake(self) -> None:
        """Say that something was put into the queue; without it, that is noticed seconds later."""
        self.changed.set()

    async def counts(self) -> tuple[QueueCounts, ...]:
        """Count the jobs of every queue by state. Raises `StorageError`."""
        async with self._database.read() as conn:
            found = {one.queue: one for one in await jobs.counts(conn, self._clock.now())}
        return tuple(found.get(name) or _empty(name) for name in dict.fromkeys([*self._queues, *found]))


def _empty(queue: str) -> QueueCounts:
    return QueueCounts(queue=queue, waiting=0, active=0, delayed=0, completed=0, failed=0)
