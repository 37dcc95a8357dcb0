"""A process with a worker, for tests that kill it: `python -m tests.jobs.worker_process NAME AHEAD`.

The standard input's first line is the database's URL. The clock goes `AHEAD` seconds ahead. Each job tells when it
has begun and when it is done; one with `hangs` never ends at its first start.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta

from bot.clock import SystemClock
from bot.core.jobs import Job, RetryStrategy
from bot.jobs.catalog import Kind
from bot.jobs.loops import keep_running
from bot.jobs.stopping import until_stopped
from bot.jobs.worker import Worker
from bot.storage import jobs, status
from bot.storage.engine import Database

AT_ONCE = {"reading": 3}


class AheadClock(SystemClock):
    def __init__(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self.ahead


class Reading:
    """Writes half of its work, waits, and writes the rest."""

    def __init__(self, database: Database, clock: SystemClock) -> None:
        self.database, self.clock = database, clock

    async def run(self, job: Job) -> None:
        number, began = job.args["number"], self.clock.monotonic()
        async with self.database.write("test.half") as conn:
            await jobs.require(conn, job)
            await status.write_note(conn, f"half {number}", str(job.attempts))
        say("begun", number)
        if job.args.get("hangs") and job.attempts == 1:
            await asyncio.Event().wait()
        await self.clock.sleep(0.02)
        async with self.database.write("test.rest") as conn:
            await jobs.require(conn, job)
            await status.write_note(
                conn, f"done {number} {job.attempts}", f"{began} {self.clock.monotonic()}"
            )
            await jobs.finish(conn, job, self.clock.now())
        say("done", number)

    async def given_up(self, conn: object, job: Job, error: str, now: datetime) -> None:
        """Leave nothing behind."""


def say(what: str, number: int) -> None:
    sys.stdout.write(f"{what} {number}\n")
    sys.stdout.flush()


async def main(url: str, name: str, ahead: float) -> None:
    database, clock = Database.open(url), AheadClock(ahead)
    worker = Worker(
        database=database,
        kinds={"read": Kind(queue="reading", longest=timedelta(minutes=15), retry=RetryStrategy())},
        handlers={"read": Reading(database, clock)},
        at_once=AT_ONCE,
        name=name,
        clock=clock,
        chance=lambda: 0.5,
        changed=asyncio.Event(),
    )
    try:
        await until_stopped([asyncio.create_task(keep_running(loop, clock)) for loop in worker.loops()])
    finally:
        await worker.close()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.stdin.readline().strip(), sys.argv[1], float(sys.argv[2])))
