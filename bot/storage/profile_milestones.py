"""Which round numbers profiles and their posts have passed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.milestones import (
    LEAST_POST_VIEWS,
    OF_PROFILE,
    Passed,
    ProfileMilestone,
    Standing,
    newly_passed,
)
from bot.core.posts.report import ReachedMilestone
from bot.storage.post_tables import post_snapshots, posts, profile_milestones, profile_snapshots
from bot.storage.upsert import insert_for

AT_ONCE = 500
_COLUMNS = {Passed.FOLLOWERS: profile_snapshots.c.followers, Passed.TOTAL_VIEWS: profile_snapshots.c.views}


async def write_down(
    conn: AsyncConnection, account_id: int, now: datetime, *, quietly: bool = False
) -> tuple[ProfileMilestone, ...]:
    """Write down what a profile and its posts have passed, in the transaction that ends a run; gives what is new.

    It reads the counts as they stand and the last profile snapshot, so it comes after these are written; doing it
    again changes nothing. `quietly` is for a first run, also after nobody watched for a while: nothing of it is
    news.
    """
    written = await _written(conn, account_id)
    standings = [
        *[one for measure in _COLUMNS if (one := await _of_profile(conn, account_id, measure)) is not None],
        *await _of_posts(conn, account_id, written),
    ]
    passed = newly_passed(standings, written)
    rows = [
        {
            "account_id": account_id,
            "post_id": one.post_id,
            "measure": one.measure,
            "value": one.value,
            "passed_at": now if one.is_news and not quietly else None,
        }
        for one in passed
    ]
    statement = insert_for(conn, profile_milestones).on_conflict_do_nothing()
    for start in range(0, len(rows), AT_ONCE):
        await conn.execute(statement, rows[start : start + AT_ONCE])
    return () if quietly else tuple(one for one in passed if one.is_news)


async def passed_between(
    conn: AsyncConnection, account_id: int, since: datetime, until: datetime
) -> tuple[ReachedMilestone, ...]:
    """Read what was passed after an instant and not after another, the highest first."""
    kept = profile_milestones
    query = (
        select(kept.c.measure, kept.c.value, kept.c.post_id, posts.c.caption)
        .outerjoin(posts, posts.c.post_id == kept.c.post_id)
        .where(kept.c.account_id == account_id, kept.c.passed_at > since, kept.c.passed_at <= until)
        .order_by(kept.c.value.desc(), kept.c.measure, kept.c.post_id)
    )
    return tuple(
        ReachedMilestone(
            measure=Passed(row.measure),
            value=row.value,
            post_id=row.post_id,
            caption=row.caption or "",
        )
        for row in await conn.execute(query)
    )


async def _written(conn: AsyncConnection, account_id: int) -> dict[tuple[Passed, int], int]:
    kept = profile_milestones
    query = select(kept.c.measure, kept.c.post_id, func.max(kept.c.value).label("highest"))
    query = query.where(kept.c.account_id == account_id).group_by(kept.c.measure, kept.c.post_id)
    return {(Passed(row.measure), row.post_id): row.highest for row in await conn.execute(query)}


async def _of_profile(conn: AsyncConnection, account_id: int, measure: Passed) -> Standing | None:
    """Give a count of the last snapshot; None where it does not say."""
    column: Column[int] = _COLUMNS[measure]
    own = select(profile_snapshots.c.at, column.label("value")).where(
        profile_snapshots.c.account_id == account_id
    )
    last = (await conn.execute(own.order_by(profile_snapshots.c.at.desc()).limit(1))).first()
    if last is None or last.value is None:
        return None
    earlier = own.where(profile_snapshots.c.at < last.at, column.is_not(None)).limit(1)
    return Standing(
        measure=measure,
        post_id=OF_PROFILE,
        value=last.value,
        was_known=(await conn.execute(earlier)).first() is not None,
    )


async def _of_posts(
    conn: AsyncConnection, account_id: int, written: Collection[tuple[Passed, int]]
) -> list[Standing]:
    """Give the views of the posts that can have passed anything.

    One that was posted after the first snapshot of the profile was watched since it had none. Before there are two
    snapshots nothing was known: a first run that failed may have read the posts all the same.
    """
    own = profile_snapshots.c.account_id == account_id
    runs = select(func.count().label("count"), func.min(profile_snapshots.c.at).label("first")).where(own)
    completed = (await conn.execute(runs)).one()
    query = select(posts.c.post_id, posts.c.posted_at, posts.c.views, posts.c.counted_at).where(
        posts.c.account_id == account_id, posts.c.views >= LEAST_POST_VIEWS
    )
    found = (await conn.execute(query)).all()
    fresh = [row.post_id for row in found if (Passed.POST_VIEWS, row.post_id) not in written]
    known = await _known_before(conn, fresh) if completed.count > 1 else set()
    return [
        Standing(
            measure=Passed.POST_VIEWS,
            post_id=row.post_id,
            value=row.views,
            was_known=row.post_id in known or (completed.count > 1 and row.posted_at > completed.first),
        )
        for row in found
    ]


async def _known_before(conn: AsyncConnection, post_ids: list[int]) -> set[int]:
    """Give those of these posts whose views were read more than once."""
    known: set[int] = set()
    for start in range(0, len(post_ids), AT_ONCE):
        query = select(post_snapshots.c.post_id).where(
            post_snapshots.c.post_id.in_(post_ids[start : start + AT_ONCE]),
            post_snapshots.c.views.is_not(None),
        )
        query = query.group_by(post_snapshots.c.post_id).having(func.count() > 1)
        known.update((await conn.execute(query)).scalars())
    return known
