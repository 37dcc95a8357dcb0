"""Jobs for tests of the worker: each run waits to be told how it ends."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import text

from bot.core.jobs import Job, NewJob, RetryStrategy
from bot.jobs.catalog import Kind
from bot.jobs.worker import Worker
from bot.storage import jobs, status
from bot.storage.engine import Database
from tests.clocks import ManualClock

KINDS = {
    "read": Kind(queue="reading", longest=timedelta(minutes=15), retry=RetryStrategy(base_seconds=60)),
    "draw": Kind(queue="drawing", longest=timedelta(minutes=2), retry=RetryStrategy()),
}
AT_ONCE = {"reading": 2, "drawing": 1}


class Toy:
    """A handler. `running` are the numbers of the jobs that run now, `begun` of all that were begun."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.running: dict[int, asyncio.Future[None]] = {}
        self.begun: list[int] = []
        self.most_at_once = 0
        self.cancelled: list[int] = []
        self.tidied: list[str] = []
        self.error: Exception | None = None
        self._changed = asyncio.Event()

    async def run(self, job: Job) -> None:
        number = job.args["number"]
        self.begun.append(number)
        ending = self.running[number] = asyncio.get_running_loop().create_future()
        self.most_at_once = max(self.most_at_once, len(self.running))
        self._changed.set()
        try:
            await ending
            async with self.database.write("test.work") as conn:
                await jobs.require(conn, job)
                await status.write_note(conn, f"job {number}", f"done at start {job.attempts}")
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        finally:
            if self.running.get(number) is ending:
                del self.running[number]
            self._changed.set()

    async def given_up(self, conn, job: Job, error: str, now: datetime) -> None:
        if self.error is not None:
            raise self.error
        self.tidied.append(error)
        await status.write_note(conn, f"job {job.args['number']}", f"given up: {error}")

    def end(self, number: int, error: Exception | None) -> None:
        if error is None:
            self.running[number].set_result(None)
        else:
            self.running[number].set_exception(error)

    async def until_running(self, *numbers: int) -> None:
        await self.until(lambda: self.running.keys() == set(numbers))

    async def until(self, condition) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


class Place:
    """A database with a queue, and workers on it."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.toy = Toy(database)
        self.workers: list[Worker] = []

    def worker(self, name: str = "one", *, toy: Toy | None = None, at_once=AT_ONCE, kinds=KINDS) -> Worker:
        handlers = dict.fromkeys(kinds, toy or self.toy)
        worker = Worker(
            database=self.database,
            kinds=kinds,
            handlers=handlers,
            at_once=at_once,
            name=name,
            clock=self.clock,
            chance=lambda: 0.5,
            changed=asyncio.Event(),
        )
        self.workers.append(worker)
        return worker

    async def put(self, *numbers: int, **different) -> None:
        async with self.database.write("test.put") as conn:
            for number in numbers:
                values = {"queue": "reading", "kind": "read", "args": {"number": number}, **different}
                await jobs.put(conn, NewJob(**values), self.clock.now())

    async def rows(self, what: str = "state, attempts") -> list[tuple]:
        async with self.database.read() as conn:
            return [tuple(row) for row in await conn.execute(text(f"SELECT {what} FROM jobs ORDER BY id"))]

    async def notes(self) -> dict[str, str]:
        async with self.database.read() as conn:
            return dict((await conn.execute(text("SELECT name, value FROM notes"))).all())

    async def step(self, worker: Worker, *numbers: int) -> float:
        """Let a worker look; then these jobs run. Gives in how many seconds it looks again."""
        again_at = await worker.step()
        await self.toy.until_running(*numbers)
        return (again_at - self.clock.now()).total_seconds()

    async def end(self, worker: Worker, number: int, error: Exception | None = None) -> None:
        """Let a job end, and its worker write what became of it."""
        worker.changed.clear()
        self.toy.end(number, error)
        await worker.changed.wait()

    async def close(self) -> None:
        for worker in self.workers:
            await worker.close()
