"""Which round numbers profiles and their posts have passed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.milestones import (
    LEAST_POST_VIEWS,
    OF_PROFILE,
    Passed,
    ProfileMilestone,
    Standing,
    highest,
    newly_passed,
)
from bot.core.posts.report import ReachedMilestone
from bot.storage.post_tables import post_snapshots, posts, profile_milestones, profile_snapshots
from bot.storage.upsert import insert_for

AT_ONCE = 500
LOOKED_AWAY = timedelta(days=45)
"""What was passed while nobody looked for so long is no news; the longest interval of readings is 30 days."""
_COLUMNS = {Passed.FOLLOWERS: profile_snapshots.c.followers, Passed.TOTAL_VIEWS: profile_snapshots.c.views}


async def write_down(conn: AsyncConnection, account_id: int, now: datetime) -> tuple[ProfileMilestone, ...]:
    """Write down what a profile and its posts have passed, in the transaction that ends a run; gives what is new.

    It reads the counts as they stand and the last profile snapshot, so it comes after these are written; doing it
    again changes nothing. At a first run nothing is news, nor at the first after nobody had looked for so long.
    """
    written = await _written(conn, account_id)
    standings = [
        *[one for name in _COLUMNS if (one := await _of_profile(conn, account_id, name, now)) is not None],
        *await _of_posts(conn, account_id, written, now),
    ]
    passed = newly_passed(standings, written)
    rows = [
        {
            "account_id": account_id,
            "post_id": one.post_id,
            "measure": one.measure,
            "value": one.value,
            "passed_at": now if one.is_news else None,
        }
        for one in passed
    ]
    statement = insert_for(conn, profile_milestones).on_conflict_do_nothing()
    for start in range(0, len(rows), AT_ONCE):
        await conn.execute(statement, rows[start : start + AT_ONCE])
    return tuple(one for one in passed if one.is_news)


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


async def _of_profile(
    conn: AsyncConnection, account_id: int, measure: Passed, now: datetime
) -> Standing | None:
    """Give a count of the last snapshot; None where it does not say.

    Views of old posts that were found only now were not gained: what was passed by them is no news.
    """
    column, at = _COLUMNS[measure], profile_snapshots.c.at
    own = select(at, column.label("value")).where(profile_snapshots.c.account_id == account_id)
    last = (await conn.execute(own.order_by(at.desc()).limit(1))).first()
    if last is None or last.value is None:
        return None
    recent = own.where(at < last.at, at >= now - LOOKED_AWAY, column.is_not(None))
    before = (await conn.execute(recent.order_by(at.desc()).limit(1))).first()
    found = 0
    if before is not None and measure is Passed.TOTAL_VIEWS:
        found = await _found_late(conn, account_id, before.at)
    return Standing(
        measure=measure,
        post_id=OF_PROFILE,
        value=last.value,
        was_known=before is not None and highest(measure, last.value - found) == highest(measure, last.value),
    )


async def _found_late(conn: AsyncConnection, account_id: int, before: datetime) -> int:
    """Sum up the views of posts that are older than the snapshot before, and were not known to it."""
    query = select(func.sum(posts.c.views)).where(
        posts.c.account_id == account_id, posts.c.posted_at <= before, posts.c.first_seen_at > before
    )
    return int((await conn.execute(query)).scalar() or 0)


async def _of_posts(
    conn: AsyncConnection, account_id: int, written: Collection[tuple[Passed, int]], now: datetime
) -> list[Standing]:
    """Give the views of the posts that can have passed anything.

    One that was posted after an earlier snapshot of the profile was watched since it had none. Without one nothing
    was known: a first run that failed may have read the posts all the same.
    """
    runs = select(profile_snapshots.c.at).where(
        profile_snapshots.c.account_id == account_id, profile_snapshots.c.at >= now - LOOKED_AWAY
    )
    *earlier, _ = (await conn.execute(runs.order_by(profile_snapshots.c.at))).scalars().all() or [now]
    query = select(posts.c.post_id, posts.c.posted_at, posts.c.views).where(
        posts.c.account_id == account_id, posts.c.views >= LEAST_POST_VIEWS
    )
    found = (await conn.execute(query)).all()
    known = {post_id for measure, post_id in written if measure is Passed.POST_VIEWS}
    known |= await _known_before(conn, [row.post_id for row in found if row.post_id not in known])
    return [
        Standing(
            measure=Passed.POST_VIEWS,
            post_id=row.post_id,
            value=row.views,
            was_known=bool(earlier) and (row.post_id in known or row.posted_at > earlier[0]),
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
