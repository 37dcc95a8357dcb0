"""Statements that write what is read of profiles: posts, snapshots, and how far a run has come.

A page comes in batches, each in a transaction of its own. Until the last of them is written, the run's row holds the
posts that are not: whoever goes on with the run writes those first, so that no page is ever kept by half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, cast, exists, func, literal, null, select, update
from sqlalchemy.engine import RowMapping

from bot.core.posts.models import Counts, ProfileRef, ReadPost, RunState, Trouble
from bot.storage.engine import Connection
from bot.storage.post_tables import (
    COUNTS,
    post_snapshots,
    posts,
    profile_runs,
    profile_snapshots,
    profiles,
)
from bot.storage.tables import accounts
from bot.storage.types import BIGINT, Instant
from bot.storage.upsert import Upsert

MISSED_UNTIL_GONE = 2
"""A post that so many complete runs in a row did not find is marked as gone."""

_POST = tuple(posts.c.keys())
_SNAPSHOT = tuple(post_snapshots.c.keys())
_POSTS = Upsert(
    posts,
    # Whose it is and when it was first seen stay as they were written.
    replaced=tuple(name for name in _POST if name not in {"post_id", "account_id", "first_seen_at"}),
)
_SNAPSHOTS = Upsert(post_snapshots, replaced=("at", *COUNTS, "source"))
_PROFILE_SNAPSHOT = tuple(profile_snapshots.c.keys())
_PROFILE_SNAPSHOTS = Upsert(
    profile_snapshots,
    replaced=tuple(name for name in _PROFILE_SNAPSHOT if name not in {"account_id", "run_id"}),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A run that is at work: of whom, what is written of it already, and what is to be written first."""

    run_id: int
    profile: ProfileRef
    nickname: str
    is_full: bool
    queued_at: datetime
    started_at: datetime
    post_ids: frozenset[int]  # with a snapshot of this run
    new_ids: frozenset[int]  # of those, the posts that were not known before it
    unwritten: Unwritten | None
    trouble: str  # of the last attempt, empty where it met none or did not come to its end
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unwritten:
    """Posts of a page that was read at an instant and is not written to its end."""

    posts: tuple[ReadPost, ...]
    read_at: datetime
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a run has come: posts in all, and what is added to its pages and requests."""

    posts: int
    new_posts: int
    source: str
    pages: int = 0
    requests: int = 0
    credits_left: int | None = None
    unwritten: Unwritten | None = None


async def begin(conn: Connection, run_id: int, now: datetime) -> Work | None:
    """Note that a run is at work and give what is to be done; None where it is over or was never put."""
    is_open = (profile_runs.c.id == run_id) & profile_runs.c.finished_at.is_(None)
    started = (
        update(profile_runs)
        .where(is_open)
        .values(
            state=RunState.RUNNING,
            started_at=func.coalesce(profile_runs.c.started_at, literal(now, Instant())),
            attempts=profile_runs.c.attempts + 1,
            trouble="",
        )
        .returning(profile_runs)
    )
    run = (await conn.execute(started)).mappings().first()
    return None if run is None else await _work(conn, run)


async def open_work(conn: Connection, run_id: int) -> Work | None:
    """Give what is known of a run that is not over, None where it is or was never put."""
    is_open = (profile_runs.c.id == run_id) & profile_runs.c.finished_at.is_(None)
    run = (await conn.execute(select(profile_runs).where(is_open))).mappings().first()
    return None if run is None else await _work(conn, run)


async def _work(conn: Connection, run: RowMapping) -> Work:
    about = (
        select(accounts.c.handle, accounts.c.nickname, accounts.c.platform_id, profiles.c.sec_uid)
        .add_columns(profiles.c.full_read_at)
        .join_from(accounts, profiles, profiles.c.account_id == accounts.c.id, isouter=True)
        .where(accounts.c.id == run["account_id"])
    )
    profile = (await conn.execute(about)).mappings().one()
    written = (
        select(posts.c.post_id, posts.c.first_seen_at)
        .join(post_snapshots, post_snapshots.c.post_id == posts.c.post_id)
        .where(posts.c.account_id == run["account_id"], post_snapshots.c.run_id == run["id"])
    )
    seen = {row.post_id: row.first_seen_at for row in await conn.execute(written)}
    started_at = run["started_at"] or run["queued_at"]
    return Work(
        run_id=run["id"],
        profile=ProfileRef(
            account_id=run["account_id"],
            handle=profile["handle"],
            platform_id=profile["platform_id"],
            sec_uid=profile["sec_uid"] or "",
        ),
        nickname=profile["nickname"],
        is_full=run["is_full"] or profile["full_read_at"] is None,
        queued_at=run["queued_at"],
        started_at=started_at,
        post_ids=frozenset(seen),
        new_ids=frozenset(post_id for post_id, at in seen.items() if at >= started_at),
        unwritten=None if run["unwritten"] is None else _unpacked(run["unwritten"]),
        trouble=run["trouble"],
        error=run["error"],
    )


async def wants_all(conn: Connection, run_id: int) -> bool:
    """Tell whether a run is to read all pages, as it stands now."""
    query = select(profile_runs.c.is_full).where(profile_runs.c.id == run_id)
    return bool((await conn.execute(query)).scalar())


async def known(conn: Connection, post_ids: Sequence[int]) -> dict[int, RowMapping]:
    """Read posts as they are stored, by id."""
    query = select(posts).where(posts.c.post_id.in_(post_ids))
    return {row["post_id"]: row for row in (await conn.execute(query)).mappings()}


async def write(
    conn: Connection, work: Work, batch: Sequence[ReadPost], read_at: datetime, source: str
) -> tuple[set[int], set[int]]:
    """Write a batch of posts with their snapshots; gives which were written, and which of those were not known before.

    What the source did not give stays as it is known; in the snapshot it is empty. A post that is known as another
    account's is left alone.
    """
    before = await known(conn, [one.post_id for one in batch])
    account_id = work.profile.account_id
    own = [
        one for one in batch if one.post_id not in before or before[one.post_id]["account_id"] == account_id
    ]
    rows = [_post_row(one, before.get(one.post_id), account_id, read_at) for one in own]
    await _POSTS.put(conn, _POST, rows)
    snapshots = [
        (one.post_id, work.run_id, read_at, *[getattr(one.counts, name) for name in COUNTS], source)
        for one in own
    ]
    await _SNAPSHOTS.put(conn, _SNAPSHOT, snapshots)
    written = {one.post_id for one in own}
    return written, written - before.keys()


def _post_row(
    post: ReadPost, before: RowMapping | None, account_id: int, read_at: datetime
) -> tuple[Any, ...]:
    counts = {name: getattr(post.counts, name) for name in COUNTS}
    row: dict[str, Any] = {
        "post_id": post.post_id,
        "account_id": account_id,
        "posted_at": post.posted_at,
        "caption": post.caption,
        "url": post.url,
        "cover_url": post.cover_url,
        "duration_seconds": post.duration_seconds,
        "first_seen_at": read_at,
        "last_seen_at": read_at,
        "missed_runs": 0,
        "gone_at": None,
        **counts,
        "counted_at": read_at,
    }
    if before is not None:
        for name in ("caption", "url", "cover_url"):
            row[name] = row[name] or before[name]
        for name in ("duration_seconds", *COUNTS):
            row[name] = before[name] if row[name] is None else row[name]
        if all(count is None for count in counts.values()):
            row["counted_at"] = before["counted_at"]
    return tuple(row[name] for name in _POST)


async def note_progress(conn: Connection, run_id: int, progress: Progress) -> None:
    """Write how far a run has come."""
    values: dict[str, Any] = {
        "posts": progress.posts,
        "new_posts": progress.new_posts,
        "source": progress.source,
        "pages": profile_runs.c.pages + progress.pages,
        "requests": profile_runs.c.requests + progress.requests,
        "unwritten": null() if progress.unwritten is None else _packed(progress.unwritten),
    }
    if progress.credits_left is not None:
        values["credits_left"] = progress.credits_left
    await conn.execute(update(profile_runs).where(profile_runs.c.id == run_id).values(values))


async def note_requests(conn: Connection, run_id: int, count: int) -> None:
    """Count requests that brought no page."""
    this = profile_runs.c.id == run_id
    await conn.execute(update(profile_runs).where(this).values(requests=profile_runs.c.requests + count))


async def note_trouble(
    conn: Connection, run_id: int, trouble: Trouble, words: str, *, is_attempt: bool
) -> None:
    """Note why a run that goes on was not read this time; it counts as an attempt where anything was asked."""
    values: dict[str, Any] = {"trouble": trouble, "error": words}
    if not is_attempt:
        values["attempts"] = profile_runs.c.attempts - 1
    await conn.execute(update(profile_runs).where(profile_runs.c.id == run_id).values(values))


async def note_missing(conn: Connection, work: Work, reach: datetime, now: datetime) -> None:
    """Note which posts younger than `reach` a complete run did not find, and mark those that are gone."""
    was_found = exists().where(
        post_snapshots.c.post_id == posts.c.post_id, post_snapshots.c.run_id == work.run_id
    )
    missed = posts.c.missed_runs + 1
    await conn.execute(
        update(posts)
        .where(posts.c.account_id == work.profile.account_id, posts.c.posted_at > reach, ~was_found)
        .values(
            missed_runs=missed,
            gone_at=case(
                (missed >= MISSED_UNTIL_GONE, func.coalesce(posts.c.gone_at, literal(now, Instant()))),
                else_=posts.c.gone_at,
            ),
        )
    )


async def visible_posts(conn: Connection, account_id: int) -> int:
    """Count the posts of a profile that are not marked as gone."""
    query = select(func.count()).where(posts.c.account_id == account_id, posts.c.gone_at.is_(None))
    return (await conn.execute(query)).scalar_one()


async def _sums(conn: Connection, account_id: int) -> tuple[int, Counts]:
    """Count the known posts of a profile and sum the last known values; what no post tells is empty."""
    totals = [cast(func.sum(posts.c[name]), BIGINT).label(name) for name in COUNTS]
    query = select(func.count().label("posts"), *totals).where(posts.c.account_id == account_id)
    row = (await conn.execute(query)).mappings().one()
    return row["posts"], Counts(**{name: row[name] for name in COUNTS})


async def write_sums(
    conn: Connection,
    work: Work,
    now: datetime,
    *,
    followers: int | None,
    total_likes: int | None,
    source: str,
) -> None:
    """Write what a profile counts now, as this run's snapshot of it."""
    count, counts = await _sums(conn, work.profile.account_id)
    row = {
        "account_id": work.profile.account_id,
        "run_id": work.run_id,
        "at": now,
        "posts": count,
        **asdict(counts),
        "followers": followers,
        "total_likes": total_likes,
        "source": source,
    }
    await _PROFILE_SNAPSHOTS.put(conn, _PROFILE_SNAPSHOT, [tuple(row[name] for name in _PROFILE_SNAPSHOT)])


async def end(
    conn: Connection, run_id: int, state: RunState, now: datetime, *, is_complete: bool, error: str = ""
) -> None:
    """Write how a run ended."""
    values = {"state": state, "finished_at": now, "is_complete": is_complete, "error": error}
    await conn.execute(
        update(profile_runs).where(profile_runs.c.id == run_id).values(**values, unwritten=null())
    )


def _packed(rest: Unwritten) -> dict[str, Any]:
    rows = [
        {**asdict(one), "posted_at": one.posted_at.isoformat(), "counts": asdict(one.counts)}
        for one in rest.posts
    ]
    return {"posts": rows, "read_at": rest.read_at.isoformat(), "source": rest.source}


def _unpacked(kept: dict[str, Any]) -> Unwritten:
    rows = [
        ReadPost(
            **{
                **row,
                "posted_at": datetime.fromisoformat(row["posted_at"]),
                "counts": Counts(**row["counts"]),
            }
        )
        for row in kept["posts"]
    ]
    return Unwritten(
        posts=tuple(rows), read_at=datetime.fromisoformat(kept["read_at"]), source=kept["source"]
    )
