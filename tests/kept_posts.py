"""Watched profiles in a database, for tests of what reads them: made from a seed, as the monitor writes them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select

from bot.core.posts.models import RunReason, RunState
from bot.storage.engine import Connection
from bot.storage.post_tables import (
    COUNTS,
    post_snapshots,
    posts,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from bot.storage.tables import accounts

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
FIRST_POST = 7_500_000_000_000_000_000
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class KeptProfile:
    """What was written: by post the counts of each run in order, and the instants of the runs."""

    account_id: int
    run_ids: tuple[int, ...]
    runs_at: tuple[datetime, ...]
    post_ids: tuple[int, ...]
    counts: dict[int, list[dict[str, int]]]

    def total(self, name: str, run: int = -1) -> int:
        """Sum a count over the posts that were known at a run."""
        at = range(len(self.runs_at))[run]
        return sum(samples[at][name] for samples in self.counts.values() if samples[at])


async def keep_profile(
    conn: Connection,
    *,
    handle: str = "ana",
    guild_id: int | None = 1,
    seed: int = 1,
    started_at: datetime = START,
    runs: int = 10,
    post_count: int = 8,
    every: timedelta = DAY,
    source: str = "yt-dlp",
    followers: int | None = 5000,
) -> KeptProfile:
    """Write a profile with `runs` completed runs; posts appear one every other day, from before the first run."""
    chance = random.Random(f"{handle} {seed}")
    account_id = await _account(conn, handle, followers, started_at)
    runs_at = tuple(started_at + every * number for number in range(runs))
    await _profile(conn, account_id, guild_id, runs_at[-1], every, followers)
    run_ids = [await _run(conn, account_id, number, at, source) for number, at in enumerate(runs_at)]
    counts: dict[int, list[dict[str, int]]] = {}
    for number in range(post_count):
        posted_at = started_at - 2 * DAY * (post_count // 2) + 2 * DAY * number
        post_id = FIRST_POST + account_id * 1_000_000 + number
        size = chance.lognormvariate(9, 1)
        counts[post_id] = [_count(chance, size, (at - posted_at) / DAY) for at in runs_at]
        if not any(counts[post_id]):
            del counts[post_id]
            continue
        await _post(conn, account_id, post_id, posted_at, runs_at, counts[post_id])
        rows = [
            {"post_id": post_id, "run_id": run_id, "at": at, "source": source, **count}
            for run_id, at, count in zip(run_ids, runs_at, counts[post_id], strict=True)
            if count
        ]
        await conn.execute(insert(post_snapshots), rows)
    kept = KeptProfile(
        account_id=account_id,
        run_ids=tuple(run_ids),
        runs_at=runs_at,
        post_ids=tuple(counts),
        counts=counts,
    )
    await _profile_samples(conn, kept, followers, source)
    return kept


async def _account(conn: Connection, handle: str, followers: int | None, now: datetime) -> int:
    query = select(accounts.c.id).where(accounts.c.handle == handle)
    known = (await conn.execute(query)).scalar()
    if known is not None:
        return known
    values = {
        "platform": "tiktok",
        "platform_id": random.Random(handle).randrange(10**17, 10**18),
        "handle": handle,
        "nickname": handle.title(),
        "followers": followers,
        "profile_state": "active",
        "added_at": now,
        "next_check_at": now,
    }
    return (await conn.execute(insert(accounts).values(values).returning(accounts.c.id))).scalar_one()


async def _profile(
    conn: Connection,
    account_id: int,
    guild_id: int | None,
    last: datetime,
    every: timedelta,
    followers: int | None,
) -> None:
    values = {
        "account_id": account_id,
        "followers": followers,
        "counted_at": None if followers is None else last,
        "last_run_at": last,
        "full_read_at": last,
        "next_run_at": last + every,
    }
    await conn.execute(insert(profiles).values(values))
    if guild_id is not None:
        watch = {
            "account_id": account_id,
            "guild_id": guild_id,
            "interval_hours": round(every / timedelta(hours=1)),
            "created_by": 7,
            "created_at": last,
        }
        await conn.execute(insert(profile_watches).values(watch))


async def _run(conn: Connection, account_id: int, number: int, at: datetime, source: str) -> int:
    values = {
        "account_id": account_id,
        "state": RunState.COMPLETED,
        "reason": RunReason.DUE if number else RunReason.FIRST,
        "is_full": not number,
        "queued_at": at - timedelta(seconds=5),
        "started_at": at - timedelta(seconds=4),
        "finished_at": at,
        "attempts": 1,
        "pages": 1,
        "requests": 2,
        "source": source,
        "is_complete": True,
    }
    return (await conn.execute(insert(profile_runs).values(values).returning(profile_runs.c.id))).scalar_one()


def _count(chance: random.Random, size: float, age_days: float) -> dict[str, int]:
    """Count a post of an age, as posts grow: quickly, then ever slower; nothing before it was posted."""
    if age_days <= 0:
        return {}
    views = size * (1 - 0.7 ** (age_days + 0.5)) * chance.uniform(0.98, 1.02)
    shares = {"views": 1.0, "likes": 0.1, "comments": 0.01, "shares": 0.005, "saves": 0.02}
    return {name: round(views * shares[name]) for name in COUNTS}


async def _post(
    conn: Connection,
    account_id: int,
    post_id: int,
    posted_at: datetime,
    runs_at: tuple[datetime, ...],
    counts: list[dict[str, int]],
) -> None:
    seen = [at for at, count in zip(runs_at, counts, strict=True) if count]
    values = {
        "post_id": post_id,
        "account_id": account_id,
        "posted_at": posted_at,
        "caption": f"post {post_id % 1000} #dance",
        "url": f"https://www.tiktok.com/@ana/video/{post_id}",
        "cover_url": f"https://p16-sign.tiktokcdn.com/{post_id}.jpeg",
        "duration_seconds": 15 + post_id % 40,
        "first_seen_at": seen[0],
        "last_seen_at": seen[-1],
        "counted_at": seen[-1],
        **counts[-1],
    }
    await conn.execute(insert(posts).values(values))


async def _profile_samples(conn: Connection, kept: KeptProfile, followers: int | None, source: str) -> None:
    rows = []
    for number, (run_id, at) in enumerate(zip(kept.run_ids, kept.runs_at, strict=True)):
        known = [samples[number] for samples in kept.counts.values() if samples[number]]
        totals = {name: sum(count[name] for count in known) if known else None for name in COUNTS}
        fans = None if followers is None else followers + 10 * (number - len(kept.runs_at) + 1)
        rows.append(
            {
                "account_id": kept.account_id,
                "run_id": run_id,
                "at": at,
                "posts": len(known),
                "followers": fans,
                "total_likes": None,
                "source": source,
                **totals,
            }
        )
    await conn.execute(insert(profile_snapshots), rows)
