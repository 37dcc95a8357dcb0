"""Statements that read watched profiles, their posts and the runs back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.found_late import FoundPost, with_found_late
from bot.core.posts.models import (
    Counts,
    KnownPost,
    PostSample,
    ProfileSample,
    Run,
    RunReason,
    RunState,
)
from bot.core.posts.profile_post import WatchedProfile
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
from bot.storage.types import Instant

AT_ONCE = 500
"""So many posts are asked for in one statement."""
_OF_PROFILE = (
    "followers",
    "total_likes",
    "counted_at",
    "last_run_at",
    "next_run_at",
    "trouble",
    "trouble_words",
    "failing_since",
)
_OF_WATCH = ("interval_hours", "paused")
_WATCHED = (
    select(
        accounts.c.id.label("account_id"),
        accounts.c.handle,
        accounts.c.nickname,
        *[profile_watches.c[name] for name in _OF_WATCH],
        *[profiles.c[name] for name in _OF_PROFILE],
    )
    .join(profile_watches, profile_watches.c.account_id == accounts.c.id)
    .join(profiles, profiles.c.account_id == accounts.c.id)
    .where(profile_watches.c.guild_id == bindparam("guild_id"))
    .order_by(accounts.c.handle, accounts.c.id)
)
_watched_here = select(profile_watches.c.account_id).where(
    profile_watches.c.guild_id == bindparam("guild_id")
)
_SAMPLES = (
    select(profile_snapshots)
    .where(
        profile_snapshots.c.account_id == bindparam("account_id"),
        profile_snapshots.c.at >= bindparam("since"),
    )
    .order_by(profile_snapshots.c.at, profile_snapshots.c.run_id)
)
_LAST_SAMPLES = (
    select(profile_snapshots)
    .where(
        profile_snapshots.c.account_id == bindparam("account_id"),
        profile_snapshots.c.run_id <= bindparam("run_id"),
    )
    .order_by(profile_snapshots.c.run_id.desc())
    .limit(2)
)
_POSTS = select(posts).where(posts.c.account_id == bindparam("account_id")).order_by(posts.c.posted_at.desc())
_POST_HERE = select(posts).where(
    posts.c.post_id == bindparam("post_id"), posts.c.account_id.in_(_watched_here)
)
_NEWEST_HERE = (
    select(posts.c.post_id, posts.c.posted_at, posts.c.caption, accounts.c.handle)
    .join(accounts, accounts.c.id == posts.c.account_id)
    .where(posts.c.account_id.in_(_watched_here))
    .order_by(posts.c.posted_at.desc(), posts.c.post_id.desc())
    .limit(bindparam("most"))
)
_POST_SAMPLES = (
    select(post_snapshots)
    .where(post_snapshots.c.post_id == bindparam("post_id"))
    .order_by(post_snapshots.c.run_id.desc())
    .limit(bindparam("most"))
)
# The runs of a profile are in the order of their numbers, so the sample of a post at the time is found by its key.
_RUN_NEAR = select(func.max(profile_snapshots.c.run_id)).where(
    profile_snapshots.c.account_id == bindparam("account_id"), profile_snapshots.c.at <= bindparam("until")
)
_sample_of_post = (
    select(func.max(post_snapshots.c.run_id))
    .where(post_snapshots.c.post_id == posts.c.post_id, post_snapshots.c.run_id <= bindparam("run_id"))
    .correlate(posts)
    .scalar_subquery()
)
_BEFORE = (
    select(post_snapshots)
    .join(posts, (posts.c.post_id == post_snapshots.c.post_id) & (post_snapshots.c.run_id == _sample_of_post))
    .where(posts.c.account_id == bindparam("account_id"))
)
_first_of_post = (
    select(func.min(post_snapshots.c.run_id))
    .where(post_snapshots.c.post_id == posts.c.post_id)
    .correlate(posts)
    .scalar_subquery()
)
_FIRST = (
    select(post_snapshots)
    .join(posts, (posts.c.post_id == post_snapshots.c.post_id) & (post_snapshots.c.run_id == _first_of_post))
    .where(posts.c.post_id.in_(bindparam("post_ids", expanding=True)))
)
_FOUND_SINCE = (
    select(posts.c.posted_at, posts.c.first_seen_at, *[post_snapshots.c[name] for name in COUNTS])
    .join(
        post_snapshots,
        (posts.c.post_id == post_snapshots.c.post_id) & (post_snapshots.c.run_id == _first_of_post),
    )
    .where(posts.c.account_id == bindparam("account_id"), posts.c.first_seen_at > bindparam("since"))
)
_RUNS = (
    select(profile_runs)
    .where(profile_runs.c.account_id == bindparam("account_id"))
    .order_by(profile_runs.c.id.desc())
    .limit(bindparam("most"))
)
_RUN = select(profile_runs).where(profile_runs.c.id == bindparam("run_id"))
_GONE = select(func.count()).where(
    posts.c.account_id == bindparam("account_id"),
    posts.c.gone_at >= bindparam("since", type_=Instant()),
    posts.c.gone_at <= bindparam("until", type_=Instant()),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedPost:
    """A post as it is suggested."""

    post_id: int
    posted_at: datetime
    caption: str
    handle: str


async def watched(conn: AsyncConnection, guild_id: int) -> tuple[WatchedProfile, ...]:
    """Read the profiles a guild watches (paused ones too), by handle."""
    rows = (await conn.execute(_WATCHED, {"guild_id": guild_id})).mappings()
    return tuple(WatchedProfile(**row) for row in rows)


async def watched_profile(conn: AsyncConnection, guild_id: int, handle: str) -> WatchedProfile | None:
    """Read one profile that a guild watches; the newest, should two accounts have had the handle."""
    query = _WATCHED.where(accounts.c.handle == handle)
    rows = (await conn.execute(query, {"guild_id": guild_id})).mappings().all()
    return WatchedProfile(**rows[-1]) if rows else None


async def profile_samples(
    conn: AsyncConnection, account_id: int, since: datetime
) -> tuple[ProfileSample, ...]:
    """Read what a profile counted at each of its runs since an instant, the oldest first.

    Posts that were found late count from the beginning: see `bot.core.posts.found_late`.
    """
    rows = (await conn.execute(_SAMPLES, {"account_id": account_id, "since": since})).mappings()
    return await _whole(conn, account_id, [_profile_sample(row) for row in rows])


async def _whole(
    conn: AsyncConnection, account_id: int, samples: Sequence[ProfileSample]
) -> tuple[ProfileSample, ...]:
    if len(samples) < 2:
        return tuple(samples)
    found = await conn.execute(_FOUND_SINCE, {"account_id": account_id, "since": samples[0].at})
    return with_found_late(
        samples,
        [
            FoundPost(posted_at=row["posted_at"], found_at=row["first_seen_at"], counts=_counts(row))
            for row in found.mappings()
        ],
    )


async def samples_of_run(
    conn: AsyncConnection, account_id: int, run_id: int
) -> tuple[ProfileSample | None, ProfileSample | None]:
    """Read what a profile counted at a run, and at the one before; None where it did not come so far.

    Posts that were found late count in both.
    """
    rows = (await conn.execute(_LAST_SAMPLES, {"account_id": account_id, "run_id": run_id})).mappings().all()
    if not rows or rows[0]["run_id"] != run_id:
        return None, None
    *before, sample = await _whole(conn, account_id, [_profile_sample(row) for row in reversed(rows)])
    return sample, before[0] if before else None


async def posts_of(conn: AsyncConnection, account_id: int) -> tuple[KnownPost, ...]:
    """Read the known posts of a profile, those that are gone too, the newest first."""
    rows = (await conn.execute(_POSTS, {"account_id": account_id})).mappings()
    return tuple(_post(row) for row in rows)


async def post_here(conn: AsyncConnection, guild_id: int, post_id: int) -> KnownPost | None:
    """Read a post of a profile that a guild watches."""
    wanted = {"guild_id": guild_id, "post_id": post_id}
    row = (await conn.execute(_POST_HERE, wanted)).mappings().first()
    return None if row is None else _post(row)


async def newest_here(conn: AsyncConnection, guild_id: int, most: int) -> Sequence[NamedPost]:
    """Read the newest posts of all profiles that a guild watches."""
    rows = (await conn.execute(_NEWEST_HERE, {"guild_id": guild_id, "most": most})).mappings()
    return [NamedPost(**row) for row in rows]


async def last_samples(conn: AsyncConnection, post_id: int, most: int) -> tuple[PostSample, ...]:
    """Read the last samples of a post, the oldest of them first."""
    rows = (await conn.execute(_POST_SAMPLES, {"post_id": post_id, "most": most})).mappings().all()
    return tuple(_post_sample(row) for row in reversed(rows))


async def samples_before(conn: AsyncConnection, account_id: int, until: datetime) -> dict[int, PostSample]:
    """Read the last sample of each post of a profile from before an instant; posts without one are missing."""
    run_id = (await conn.execute(_RUN_NEAR, {"account_id": account_id, "until": until})).scalar()
    if run_id is None:
        return {}
    rows = (await conn.execute(_BEFORE, {"account_id": account_id, "run_id": run_id})).mappings()
    return {row["post_id"]: _post_sample(row) for row in rows}


async def first_samples(conn: AsyncConnection, post_ids: Sequence[int]) -> dict[int, PostSample]:
    """Read the first sample of each of some posts."""
    found: dict[int, PostSample] = {}
    for start in range(0, len(post_ids), AT_ONCE):
        rows = (await conn.execute(_FIRST, {"post_ids": post_ids[start : start + AT_ONCE]})).mappings()
        found |= {row["post_id"]: _post_sample(row) for row in rows}
    return found


async def last_run_at(conn: AsyncConnection, account_id: int) -> datetime | None:
    """Read when the last completed run of a profile was; None where there was none."""
    query = select(profiles.c.last_run_at).where(profiles.c.account_id == account_id)
    return (await conn.execute(query)).scalar()


async def runs_of(conn: AsyncConnection, account_id: int, most: int) -> tuple[Run, ...]:
    """Read the last runs of a profile, the newest first."""
    rows = (await conn.execute(_RUNS, {"account_id": account_id, "most": most})).mappings()
    return tuple(_run(row) for row in rows)


async def run_of(conn: AsyncConnection, run_id: int) -> Run | None:
    """Read one run."""
    row = (await conn.execute(_RUN, {"run_id": run_id})).mappings().first()
    return None if row is None else _run(row)


async def gone_during(conn: AsyncConnection, run: Run) -> int:
    """Count the posts of a profile that were marked as gone by a run."""
    if run.started_at is None or run.finished_at is None:
        return 0
    wanted = {"account_id": run.account_id, "since": run.started_at, "until": run.finished_at}
    return (await conn.execute(_GONE, wanted)).scalar_one()


async def trouble_of(conn: AsyncConnection, account_id: int) -> str:
    """Read what keeps a profile from being read (`bot.core.posts.models.Trouble`); empty where nothing does."""
    query = select(profiles.c.trouble).where(profiles.c.account_id == account_id)
    return (await conn.execute(query)).scalar() or ""


def _counts(row: RowMapping) -> Counts:
    return Counts(**{name: row[name] for name in COUNTS})


def _kept(row: RowMapping, kind: type[Any]) -> dict[str, Any]:
    return {name: row[name] for name in kind.__dataclass_fields__ if name != "counts"}


def _profile_sample(row: RowMapping) -> ProfileSample:
    return ProfileSample(**_kept(row, ProfileSample), counts=_counts(row))


def _post_sample(row: RowMapping) -> PostSample:
    return PostSample(**_kept(row, PostSample), counts=_counts(row))


def _post(row: RowMapping) -> KnownPost:
    return KnownPost(**_kept(row, KnownPost), counts=_counts(row))


def _run(row: RowMapping) -> Run:
    kept = _kept(row, Run)
    return Run(**{**kept, "state": RunState(row["state"]), "reason": RunReason(row["reason"])})
