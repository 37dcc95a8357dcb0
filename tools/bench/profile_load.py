"""A hundred profiles that are due in one hour: half of ``python -m tools.bench profiles``."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from bot.clock import Clock
from bot.core.jobs import PROFILE_QUEUE
from bot.core.posts.coverage import Wanted
from bot.core.posts.models import Counts, Page, ProfileRef, ReadPost, ReadProfile, RunReason
from bot.core.requester import Requester
from bot.jobs.catalog import AT_ONCE, kinds_of
from bot.jobs.loops import keep_running
from bot.jobs.queue import EmbeddedQueue
from bot.jobs.worker import Worker
from bot.services.announcements import Announcements
from bot.services.media import Media
from bot.services.post_monitor import PostMonitor
from bot.services.profile_schedule import put_run
from bot.services.profiles import ProfileRules, Profiles
from bot.settings import Settings
from bot.storage.engine import Connection, Database
from bot.storage.post_tables import profile_watches, profiles
from bot.storage.tables import accounts, metadata
from tools.bench.report import Figure, percentile

PROFILES, POSTS, PER_PAGE = 100, 300, 15
PAUSE_SECONDS = 1.0
SPEED = 5.0
"""So many seconds of the bot pass in one of the machine: the pauses are virtual, the work is not."""
HOUR_MINUTES = 60.0
ACKNOWLEDGED_MS = 300.0
STALL_MS = 50.0
GROWTH_MB = 10.0
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = Requester(guild_id=1, user_id=1)
_MEGABYTE = 1 << 20
_OPEN = "SELECT count(*) FROM profile_runs WHERE finished_at IS NULL"
_COMPLETED = "SELECT count(*) FROM profile_runs WHERE state = 'completed'"
QUIET_SECONDS = 2.0
_LOOK_SECONDS = 0.02
_COMMAND_SECONDS = 0.1


class FastClock(Clock):
    """A clock that goes `SPEED` times as fast as the machine's."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def now(self) -> datetime:
        """Give the instant."""
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Give the seconds since it began."""
        return (time.perf_counter() - self._began) * SPEED

    async def sleep(self, seconds: float) -> None:
        """Wait, a fraction of the time."""
        await asyncio.sleep(max(0.0, seconds) / SPEED)  # noqa: TID251 - this is the clock


@dataclass
class Listings:
    """Implements `bot.ports.PostSource`: every profile has as many posts, a page each second."""

    clock: Clock
    name: str = "bench"
    lists_all: bool = True
    at_once: int = 0
    most_at_once: int = 0

    async def pages(self, profile: ProfileRef) -> AsyncGenerator[Page, None]:
        """Give the pages of a profile."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for first in range(0, POSTS, PER_PAGE):
                await self.clock.sleep(PAUSE_SECONDS)
                yield self._page(profile, first)
        finally:
            self.at_once -= 1

    def _page(self, profile: ProfileRef, first: int) -> Page:
        now = self.clock.now()
        return Page(
            posts=tuple(_post(profile, number, now) for number in range(first, first + PER_PAGE)),
            read_at=now,
            is_last=first + PER_PAGE >= POSTS,
            requests=1,
            profile=ReadProfile(handle=profile.handle, platform_id=profile.platform_id, posts=POSTS),
        )


@dataclass
class _Watch:
    """What is seen beside the work: how late the loop is, and how long commands take."""

    stalls: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


async def measure_load(url: str, folder: Path) -> list[Figure]:
    """Read all profiles of an empty database. Raises `RuntimeError` where something is missing in the end."""
    database, clock = Database.open(url), FastClock()
    try:
        async with database.write("bench.tables") as conn:
            await conn.run_sync(metadata.create_all)
            for number in range(1, PROFILES + 1):
                await _watch_profile(conn, number, clock.now())
        announcements = Announcements(database, clock)
        queue = EmbeddedQueue(database, clock, queues=())
        service = Profiles(
            database=database,
            media=Media(database=database, folder=folder / "media", clock=clock, megabytes=0),
            announcements=announcements,
            clock=clock,
            rules=ProfileRules(),
            queue=queue,
        )
        gc.collect()
        gc.freeze()  # as the bot does once it is built
        alone = _Watch()
        async with _watching(service, alone):
            await asyncio.sleep(QUIET_SECONDS)  # noqa: TID251 - real seconds, in which nothing else is done
        listings, beside = Listings(clock), _Watch()
        worker = _worker(database, listings, announcements, clock, queue)
        async with _watching(service, beside):
            minutes = await _read_all(database, worker, clock)
        return _figures(minutes, listings, alone, beside)
    finally:
        await database.close()


def _worker(
    database: Database, listings: Listings, announcements: Announcements, clock: Clock, queue: EmbeddedQueue
) -> Worker:
    monitor = PostMonitor(
        database=database,
        sources=[listings],
        announcements=announcements,
        clock=clock,
        wanted=Wanted(newest=100, recent=timedelta(days=30)),
    )
    return Worker(
        database=database,
        kinds=kinds_of(Settings.model_construct(profile_timeout_minutes=240)),
        handlers={PROFILE_QUEUE: monitor},
        at_once=AT_ONCE,
        name="bench",
        clock=clock,
        chance=lambda: 0.5,
        changed=queue.changed,
    )


async def _read_all(database: Database, worker: Worker, clock: Clock) -> float:
    """Let all be due, and wait until all is read; gives the minutes that it took by the clock."""
    began = clock.monotonic()
    async with database.write("bench.due") as conn:
        for number in range(1, PROFILES + 1):
            await put_run(conn, number, RunReason.DUE, clock.now(), is_full=True)
    work = [asyncio.create_task(keep_running(loop, clock)) for loop in worker.loops()]
    try:
        while await _open_runs(database):
            await clock.sleep(5)
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await worker.close()
    async with database.read() as conn:
        kept = (await conn.exec_driver_sql("SELECT count(*) FROM post_snapshots")).scalar_one()
        done = (await conn.exec_driver_sql(_COMPLETED)).scalar_one()
    if (done, kept) != (PROFILES, PROFILES * POSTS):
        raise RuntimeError(f"{done} runs were completed and {kept} snapshots kept")
    return (clock.monotonic() - began) / 60


async def _open_runs(database: Database) -> int:
    async with database.read() as conn:
        count: int = (await conn.exec_driver_sql(_OPEN)).scalar_one()
        return count


@asynccontextmanager
async def _watching(service: Profiles, seen: _Watch) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in (_look(seen), _use(service, seen))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _look(seen: _Watch) -> None:
    """See how late the loop comes back, and how much memory there is in use."""
    process = psutil.Process()
    while True:
        seen.sizes.append(process.memory_info().rss)
        started = time.perf_counter()
        await asyncio.sleep(_LOOK_SECONDS)  # noqa: TID251 - real time is what is measured
        seen.stalls.append(1000 * (time.perf_counter() - started - _LOOK_SECONDS))


async def _use(service: Profiles, seen: _Watch) -> None:
    """Ask what people ask."""
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: service.show(BY, "profile1"),
        lambda: service.posts(BY, "profile1"),
        service.queue,
    ]
    while True:
        for ask in asked:
            started = time.perf_counter()
            await ask()
            seen.commands.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(_COMMAND_SECONDS)  # noqa: TID251 - as people would


def _figures(minutes: float, listings: Listings, alone: _Watch, beside: _Watch) -> list[Figure]:
    many = f"{PROFILES} profiles of {POSTS} posts"
    quiet, busy = (percentile(one.commands, 0.99) for one in (alone, beside))
    third = beside.sizes[len(beside.sizes) // 3]
    return [
        Figure(
            name="all that is due in an hour is read",
            value=minutes,
            unit="min",
            how=f"{many}, {PAUSE_SECONDS:g} s between pages (virtual), nothing missing",
            limit=HOUR_MINUTES,
        ),
        Figure(
            name="profiles read at once",
            value=listings.most_at_once,
            unit="",
            how="the most seen by the source",
            limit=AT_ONCE[PROFILE_QUEUE],
        ),
        Figure(
            name="memory, from a third to the end",
            value=(max(beside.sizes[-20:]) - third) / _MEGABYTE,
            unit="MB",
            how=f"{third / _MEGABYTE:.0f} MB after a third",
            limit=GROWTH_MB,
        ),
        Figure(
            name="commands meanwhile, p99",
            value=busy,
            unit="ms",
            how=f"{quiet:.1f} ms with nothing to read: {busy / quiet:.1f} times",
            limit=ACKNOWLEDGED_MS,
        ),
        Figure(
            name="longest stall of the loop",
            value=max(beside.stalls),
            unit="ms",
            how=f"{max(alone.stalls):.1f} ms with nothing to read",
            limit=STALL_MS,
        ),
    ]


async def _watch_profile(conn: Connection, number: int, now: datetime) -> None:
    names = {"platform": "tiktok", "handle": f"profile{number}", "profile_state": "active"}
    account = {"id": number, "platform_id": number, **names, "added_at": now, "next_check_at": now}
    await conn.execute(accounts.insert().values(account))
    await conn.execute(profiles.insert().values(account_id=number, next_run_at=now))
    watch = {"account_id": number, "guild_id": 1, "interval_hours": 24, "created_by": 1, "created_at": now}
    await conn.execute(profile_watches.insert().values(watch))


def _post(profile: ProfileRef, number: int, now: datetime) -> ReadPost:
    post_id = 7_500_000_000_000_000_000 + profile.account_id * 1_000_000 + POSTS - number
    views = 1000 * (1 + number)
    return ReadPost(
        post_id=post_id,
        posted_at=now - timedelta(days=1 + number),
        caption=f"post {number} of {profile.handle} " + "#dance " * 10,
        url=f"https://www.tiktok.com/@{profile.handle}/video/{post_id}",
        cover_url="",
        duration_seconds=20,
        counts=Counts(views=views, likes=views // 10, comments=views // 100, shares=views // 200, saves=1),
    )
