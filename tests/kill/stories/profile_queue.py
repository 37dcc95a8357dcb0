"""The queue of jobs while the bot is killed: no job is lost, none runs twice at once, each ends once.

The handler is another one here: it tells when two starts of a job run at once, and does as the job says.
"""

from __future__ import annotations

from pathlib import Path

from bot.clock import SystemClock
from bot.core.jobs import NewJob
from bot.storage import jobs
from bot.storage.engine import Database
from tests.kept_posts import keep_profile
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import Told

HANDLER = '''
import asyncio
import os

from bot.errors import JobFailed
from bot.storage import jobs, status


class PostMonitor:
    """Does as its jobs say."""

    def __init__(self, *, database, **_):
        self.database, self.running = database, set()

    async def run(self, job):
        name = f"job {job.args.get('number', job.id)}"
        how = job.args.get("how", "works")
        async with self.database.write("toy.begin") as conn:
            await jobs.require(conn, job)
            before = await status.note(conn, f"runs: {name}")
            if before and os.path.exists(f"/proc/{before}") and (before != str(os.getpid()) or name in self.running):
                await status.write_note(conn, f"twice: {name}", before)
            await status.write_note(conn, f"runs: {name}", str(os.getpid()))
        self.running.add(name)
        try:
            while how == "waits" and not await self.may_go():
                await asyncio.sleep(0.05)
            if how in {"fails", "fails untidily"}:
                raise JobFailed("as it was told", retry=how == "fails")
            async with self.database.write("toy.end") as conn:
                await jobs.require(conn, job)
                done = await status.note(conn, f"done: {name}")
                await status.write_note(conn, f"done: {name}", f"{done}x")
                if how == "ends itself":
                    await jobs.finish(conn, job, job_time())
        finally:
            self.running.discard(name)

    async def may_go(self):
        async with self.database.read() as conn:
            return await status.note(conn, "go")

    async def given_up(self, conn, job, error, now):
        if job.args["how"] == "fails untidily":
            raise KeyError("a bug")
        await status.write_note(conn, f"given up: {job.args['number']}", error)


def job_time():
    from bot.clock import SystemClock

    return SystemClock().now()
'''
FILES = {"bot/services/post_monitor.py": HANDLER}
CONSTANTS = {
    "bot/core/jobs.py MOST_STARTS": "1000",  # the bot dies more often than any job would let it
    "bot/jobs/catalog.py PROFILE_RETRY": "RetryStrategy(base_seconds=0.01, max_attempts=8)",
    "bot/jobs/worker.py HEARTBEAT": "timedelta(seconds=1)",
}
HOWS = ("works", "works", "ends itself", "ends itself", "fails untidily", "waits", "fails")


async def a_queue(bot: Mortal, _: Path) -> None:
    """Jobs of every sort, one that goes on while the bot stops, and a profile that is due."""
    await bot.run("migrate")
    now = SystemClock().now()
    database = Database.open(bot.database)
    async with database.write("test.put") as conn:
        await keep_profile(conn, runs=1, post_count=1)
        for number, how in enumerate(HOWS):
            job = NewJob(queue="profile", kind="profile", args={"number": number, "how": how})
            await jobs.put(conn, job, now)
    await database.close()
    while not await bot.has_passed("jobs.stop"):
        async with bot.alive():
            await bot.until(lambda: bot.has_passed("jobs.renew", "jobs.put_off"), "a lease was renewed")
            await bot.until(lambda: is_waiting(bot), "a job went on")
        # Given back; but on a server a bot that was killed on its way out may have left one, whose lease is over.
        assert await bot.count("jobs", "state = 'doing' AND leased_until > 0") == 0
    await bot.change("INSERT INTO notes (name, value) VALUES ('go', 'yes')")
    async with bot.alive():
        await bot.until(lambda: all_ended(bot), "all jobs have ended")
    assert await bot.count("notes", "name LIKE 'twice%'") == 0
    assert await bot.count("jobs", "state = 'succeeded'") == 6
    assert await bot.count("jobs", "state = 'failed'") == 2
    assert await bot.count("notes", "name = 'given up: 6' AND value = 'as it was told'") == 1
    assert await bot.count("profile_runs", "finished_at IS NULL") == 1
    assert await bot.count("notes", "name IN ('done: job 2', 'done: job 3') AND value = 'x'") == 2
    assert await bot.count("notes", "name LIKE 'done%'") == 6


async def is_waiting(bot: Mortal) -> bool:
    """Whether this bot, and no earlier one, does the job that goes on."""
    return bool(await bot.count("notes", f"name = 'runs: job 5' AND value = '{bot.process_id}'"))


async def all_ended(bot: Mortal) -> bool:
    return await bot.count("jobs", "finished_at IS NOT NULL") == len(HOWS) + 1  # and the profile that is due


TOLD = {
    "profile queue": Told(
        story=a_queue,
        constants=CONSTANTS,
        files=FILES,
    ),
}
