"""What is asked of profiles over a million snapshots: half of ``python -m tools.bench profiles``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bot.clock import SystemClock
from bot.core.posts.models import RunReason, RunState
from bot.core.requester import Requester
from bot.jobs.queue import EmbeddedQueue
from bot.services.announcements import Announcements
from bot.services.media import Media
from bot.services.profiles import ProfileRules, Profiles
from bot.storage.engine import Connection, Database
from bot.storage.post_tables import (
    COUNTS,
    post_snapshots,
    posts,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from bot.storage.tables import accounts, metadata
from tools.bench.report import Figure, percentile

SNAPSHOTS, PROFILES, RUNS = 1_000_000, 40, 100
POSTS = SNAPSHOTS // PROFILES // RUNS
LIMIT_MS = 50.0
TIMES = 15
GUILD = 1
BY = Requester(guild_id=GUILD, user_id=1)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST_POST = 7_500_000_000_000_000_000
_AT_ONCE = 5_000
_DAY_US = 86_400_000_000
_WEEK_US = 7 * _DAY_US
_ROUNDING = 1e-6
_SHARES = {"views": 1.0, "likes": 0.1, "comments": 0.01, "shares": 0.005, "saves": 0.02}

# What is told of all posts of a profile, from every single snapshot of it.
_BY_SNAPSHOTS = """
SELECT post_snapshots.post_id, post_snapshots.at, post_snapshots.views
FROM post_snapshots JOIN posts ON posts.post_id = post_snapshots.post_id
WHERE account_id = {account} ORDER BY post_snapshots.post_id, post_snapshots.at
"""


class _StoppedClock(SystemClock):
    """The instant at which the history ends."""

    def now(self) -> datetime:
        """Give it."""
        return NOW


async def measure_history(url: str, engine: str) -> list[Figure]:
    """Fill an empty database, and ask what people ask. Raises `RuntimeError` where sums are not those of the snapshots."""
    database = Database.open(url)
    try:
        await fill(database, Random(7))  # noqa: S311 - the same profiles each time
        service = _service(database)
        await _refuse_other_growth(database, service)
        post = str(FIRST_POST + 1_000_000 + POSTS // 2)
        asked: dict[str, Callable[[], Awaitable[Any]]] = {
            "profile show": lambda: service.show(BY, "profile1"),
            "profile posts": lambda: service.posts(BY, "profile1"),
            "profile post": lambda: service.post(BY, post),
            "profile compare": lambda: service.compare(BY, "profile1", "profile2"),
        }
        return [
            Figure(
                name=f"{name}, {engine}",
                value=await _median_ms(ask),
                unit="ms",
                how=f"median of {TIMES}, over {SNAPSHOTS:,} snapshots of {PROFILES * POSTS:,} posts",
                limit=LIMIT_MS,
            )
            for name, ask in asked.items()
        ]
    finally:
        await database.close()


def _service(database: Database) -> Profiles:
    clock = _StoppedClock()
    return Profiles(
        database=database,
        media=Media(database=database, folder=Path("no-pictures"), clock=clock, megabytes=0),
        announcements=Announcements(database, clock),
        clock=clock,
        rules=ProfileRules(),
        queue=EmbeddedQueue(database, clock, queues=()),
    )


async def _median_ms(ask: Callable[[], Awaitable[Any]]) -> float:
    took = []
    for _ in range(TIMES):
        started = time.perf_counter()
        await ask()
        took.append(1000 * (time.perf_counter() - started))
    return percentile(took, 0.5)


async def _refuse_other_growth(database: Database, service: Profiles) -> None:
    """Hold what posts gained against the same from every single snapshot of theirs."""
    shown = await service.posts(BY, "profile1")
    query = _BY_SNAPSHOTS.format(account=shown.profile.account_id)
    async with database.read() as conn:
        rows: Sequence[Any] = (await conn.exec_driver_sql(query)).all()
    found: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append((row[1], row[2]))
    for one in shown.posts:
        samples = found[one.post.post_id]
        last_at, last = samples[-1]
        first_at, first = max(sample for sample in samples if last_at - sample[0] >= _WEEK_US)
        gained = None if one.growth is None else one.growth.per_day
        if gained is None or abs(gained - (last - first) * _DAY_US / (last_at - first_at)) > _ROUNDING:
            raise RuntimeError(f"what post {one.post.post_id} gained differs from its snapshots")


# --- The profiles ------------------------------------------------------------------------------------


async def fill(database: Database, luck: Random) -> None:
    """Write profiles that are read once a day, each with all its runs and snapshots."""
    async with database.write("bench.fill") as conn:
        await conn.run_sync(metadata.create_all)
        for number in range(1, PROFILES + 1):
            await _profile(conn, luck, number)
        if conn.dialect.name == "postgresql":  # which does so by itself within a minute (autovacuum)
            await conn.exec_driver_sql("ANALYZE")


async def _profile(conn: Connection, luck: Random, number: int) -> None:
    first = (number - 1) * RUNS + 1
    runs_at = [NOW - DAY * (RUNS - at) for at in range(RUNS)]
    await _write(conn, accounts, [_account(number)])
    await _write(conn, profiles, [_state(number, runs_at[-1])])
    await _write(conn, profile_watches, [_watch(number)])
    await _write(conn, profile_runs, [_run(number, first + at, when) for at, when in enumerate(runs_at)])
    totals = [dict.fromkeys(COUNTS, 0) for _ in runs_at]
    for place in range(POSTS):
        post_id = FIRST_POST + number * 1_000_000 + place
        size, posted_at = luck.lognormvariate(9, 1), runs_at[0] - DAY * (1 + luck.random() * 200)
        counted = [_counts(luck, size, (at - posted_at) / DAY) for at in runs_at]
        for total, counts in zip(totals, counted, strict=True):
            total |= {name: total[name] + counts[name] for name in COUNTS}
        await _write(conn, posts, [_post(number, post_id, posted_at, runs_at, counted[-1])])
        await _write(conn, post_snapshots, list(_snapshots(post_id, first, runs_at, counted)))
    samples = [
        {
            "account_id": number,
            "run_id": first + at,
            "at": when,
            "posts": POSTS,
            "source": "bench",
            **totals[at],
        }
        for at, when in enumerate(runs_at)
    ]
    await _write(conn, profile_snapshots, samples)


async def _write(conn: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        await conn.execute(table.insert(), rows[start : start + _AT_ONCE])


def _counts(luck: Random, size: float, age_days: float) -> dict[str, int]:
    views = size * (1 - 0.7 ** (age_days + 0.5)) * luck.uniform(0.99, 1.01)
    return {name: round(views * share) for name, share in _SHARES.items()}


def _snapshots(
    post_id: int, first: int, runs_at: Sequence[datetime], counted: Sequence[Mapping[str, int]]
) -> Iterator[dict[str, Any]]:
    for at, (when, counts) in enumerate(zip(runs_at, counted, strict=True)):
        yield {"post_id": post_id, "run_id": first + at, "at": when, "source": "bench", **counts}


def _account(number: int) -> dict[str, Any]:
    names = {"platform": "tiktok", "handle": f"profile{number}", "profile_state": "active"}
    return {"id": number, "platform_id": number, **names, "added_at": NOW, "next_check_at": NOW}


def _state(number: int, last_run_at: datetime) -> dict[str, Any]:
    return {"account_id": number, "last_run_at": last_run_at, "next_run_at": NOW + DAY}


def _watch(number: int) -> dict[str, Any]:
    return {"account_id": number, "guild_id": GUILD, "interval_hours": 24, "created_by": 1, "created_at": NOW}


def _run(number: int, run_id: int, at: datetime) -> dict[str, Any]:
    times = {"queued_at": at, "started_at": at, "finished_at": at}
    known = {"state": RunState.COMPLETED, "reason": RunReason.DUE, "is_full": False}
    return {"id": run_id, "account_id": number, **known, **times}


def _post(
    number: int, post_id: int, posted_at: datetime, runs_at: Sequence[datetime], counts: Mapping[str, int]
) -> dict[str, Any]:
    seen = {"first_seen_at": runs_at[0], "last_seen_at": runs_at[-1], "counted_at": runs_at[-1]}
    return {"post_id": post_id, "account_id": number, "posted_at": posted_at, "url": "", **seen, **counts}
