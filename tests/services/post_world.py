"""A platform of posts in memory and the monitor on a real database; a test says what is shown when."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import insert, select

from bot.core.announcements import Message
from bot.core.jobs import Job, RetryStrategy
from bot.core.posts.coverage import Wanted
from bot.core.posts.models import Counts, Page, ProfileRef, ReadPost, ReadProfile, RunReason, Trouble
from bot.errors import JobFailed, PostsUnread
from bot.services.announcements import Announcements
from bot.services.post_monitor import PostMonitor
from bot.services.profile_schedule import put_run
from bot.storage import jobs
from bot.storage.engine import Connection, Database
from bot.storage.post_tables import jobs as job_rows
from bot.storage.post_tables import post_snapshots as snapshots
from bot.storage.post_tables import posts, profile_runs, profile_snapshots, profile_watches, profiles
from bot.storage.tables import accounts, guilds, outbox
from tests.clocks import START, ManualClock

DAY = timedelta(days=1)
FIRST = 7_300_000_000_000_000_000
WANTED = Wanted(newest=100, recent=30 * DAY)


def post(number: int, *, age: timedelta = DAY, handle: str = "ana", **more: object) -> ReadPost:
    """A post by its number; `age` is at the start of the test, counts are made of the number."""
    post_id = FIRST + number
    known = ReadPost(
        post_id=post_id,
        posted_at=START - age,
        caption=f"post {number}",
        url=f"https://www.tiktok.com/@{handle}/video/{post_id}",
        cover_url=f"https://p16-sign.tiktokcdn.com/obj/{number}.jpeg?x-expires=1",
        duration_seconds=10,
        counts=Counts(views=1000 * number, likes=100 * number, comments=number, shares=number, saves=number),
    )
    return replace(known, **more)


def feed(count: int, every: timedelta = DAY) -> list[ReadPost]:
    """Posts from the newest to the oldest."""
    return [post(number, age=every * (count - number)) for number in range(count, 0, -1)]


@dataclass
class MemoryPosts:
    """Implements `bot.ports.PostSource`: `shown` in pages, then `troubles` before the pages of these numbers."""

    clock: ManualClock
    name: str = "yt-dlp"
    lists_all: bool = True
    shown: list[ReadPost] = field(default_factory=list)
    told: ReadProfile | None = None
    per_page: int = 15
    says_end: bool = True
    credits_left: int | None = None
    troubles: dict[int, Trouble] = field(default_factory=dict)
    retry_after_seconds: float | None = None
    asked: list[ProfileRef] = field(default_factory=list)
    pages_given: int = 0
    closed: int = 0

    async def pages(self, profile: ProfileRef) -> AsyncGenerator[Page]:
        self.asked.append(profile)
        try:
            parts = [self.shown[at : at + self.per_page] for at in range(0, len(self.shown), self.per_page)]
            for number, part in enumerate(parts or [[]], start=1):
                self._fail_at(number)
                self.pages_given += 1
                yield Page(
                    posts=tuple(part),
                    read_at=self.clock.now(),
                    is_last=self.says_end and number >= len(parts),
                    requests=2 if number == 1 else 1,
                    profile=self.told if number == 1 else None,
                    credits_left=self.credits_left,
                )
                self.clock.advance(1)
        finally:
            self.closed += 1

    def _fail_at(self, number: int) -> None:
        if number in self.troubles:
            trouble = self.troubles[number]
            error = PostsUnread(trouble, f"it is {trouble}", retry_after_seconds=self.retry_after_seconds)
            error.requests = 1
            raise error


class PostWorld:
    """A profile that guild 1 watches, the sources, and whoever works on the queue."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.source = MemoryPosts(clock)
        self.other = MemoryPosts(clock, name="scrapecreators", lists_all=False)
        self.sources = [self.source]
        self.wanted = WANTED
        self.retry = RetryStrategy()

    def monitor(self, database: Database | None = None) -> PostMonitor:
        return PostMonitor(
            database=database or self.database,
            sources=self.sources,
            announcements=Announcements(self.database, self.clock),
            clock=self.clock,
            wanted=self.wanted,
        )

    async def watch(self, handle: str = "ana", guild_id: int = 1, **account: object) -> int:
        now = self.clock.now()
        person = {"platform": "tiktok", "handle": handle, "profile_state": "active"}
        async with self.database.write("test.watch") as conn:
            made = insert(accounts).values(**person | account, added_at=now, next_check_at=now)
            account_id = (await conn.execute(made.returning(accounts.c.id))).scalar_one()
            await conn.execute(insert(profiles).values(account_id=account_id, next_run_at=now + DAY))
        await self.join(account_id, guild_id)
        return account_id

    async def join(self, account_id: int, guild_id: int) -> None:
        now = self.clock.now()
        watch = {"account_id": account_id, "guild_id": guild_id, "created_by": 7, "created_at": now}
        async with self.database.write("test.join") as conn:
            known = select(guilds).where(guilds.c.guild_id == guild_id)
            if (await conn.execute(known)).first() is None:
                await conn.execute(insert(guilds).values(guild_id=guild_id, admin_channel_id=10 * guild_id))
            await conn.execute(insert(profile_watches).values(**watch, interval_hours=24))

    async def put(self, account_id: int, reason: RunReason = RunReason.DUE, **more: object) -> int:
        async with self.database.write("test.put") as conn:
            return await put_run(conn, account_id, reason, self.clock.now(), **more)

    async def work(self, database: Database | None = None) -> JobFailed | None:
        """Do the next job as a worker does; gives how it failed."""
        async with self.database.write("test.claim") as conn:
            (job,) = await self.claim(conn)
        monitor = self.monitor(database)
        try:
            await monitor.run(job)
        except JobFailed as error:
            pause = self.retry.pause(job.attempts, chance=0.5, retry_after_seconds=error.retry_after_seconds)
            now = self.clock.now()
            async with self.database.write("test.failed") as conn:
                if error.retry and pause is not None:
                    await jobs.put_off(conn, job, error.words, now + timedelta(seconds=pause))
                elif await jobs.give_up(conn, job, error.words, now):
                    await monitor.given_up(conn, job, error.words, now)
            return error
        async with self.database.write("test.done") as conn:
            await jobs.finish(conn, job, self.clock.now())
        return None

    async def claim(self, conn: Connection) -> tuple[Job, ...]:
        now = self.clock.now()
        until = now + timedelta(hours=1)
        return await jobs.claim(conn, holder="x", at_once={"profile": 1}, now=now, until=until)

    async def die(self) -> None:
        """Let the job that a dead worker held go back into the queue, as its lease ends."""
        async with self.database.write("test.died") as conn:
            for job in await jobs.held_by(conn, "x"):
                await jobs.bury(conn, job, "its worker died")

    async def read(self, account_id: int, **more: object) -> int:
        """Put a run and do it; gives its id."""
        run_id = await self.put(account_id, **more)
        assert await self.work() is None
        return run_id

    async def fail(self, account_id: int) -> int:
        """Put a run and let every attempt fail; gives its id."""
        run_id = await self.put(account_id)
        while (await self.run(run_id))["state"] != "failed":
            await self.wait_for_job()
            await self.work()
        return run_id

    async def wait_for_job(self) -> None:
        """Let time pass until the next job may be done."""
        waiting = await self.rows(job_rows, job_rows.c.state == "todo", job_rows.c.queue == "profile")
        left = min(row["scheduled_at"] for row in waiting) - self.clock.now()
        self.clock.advance(max(0.0, left.total_seconds()))

    # --- What stands in the database ------------------------------------------------------------

    async def rows(self, table, *where) -> list:
        async with self.database.read() as conn:
            query = select(table).where(*where).order_by(*table.primary_key.columns)
            return list((await conn.execute(query)).mappings())

    async def run(self, run_id: int):
        (row,) = await self.rows(profile_runs, profile_runs.c.id == run_id)
        return row

    async def snapshots_of(self, run_id: int) -> dict[int, int | None]:
        """Views by the number of the post."""
        rows = await self.rows(snapshots, snapshots.c.run_id == run_id)
        return {row["post_id"] - FIRST: row["views"] for row in rows}

    async def posts(self) -> dict[int, dict]:
        return {row["post_id"] - FIRST: row for row in await self.rows(posts)}

    async def profile(self, account_id: int):
        (row,) = await self.rows(profiles, profiles.c.account_id == account_id)
        return row

    async def sums(self, run_id: int):
        (row,) = await self.rows(profile_snapshots, profile_snapshots.c.run_id == run_id)
        return row

    async def told(self, channel_id: int = 10) -> list[str]:
        """The titles of what stands in a channel, in the order in which it came."""
        rows = await self.rows(outbox, outbox.c.channel_id == channel_id)
        return [str(Message.from_json(row["message"]).title) for row in rows]
