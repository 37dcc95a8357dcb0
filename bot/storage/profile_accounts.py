"""Statements about what of a profile hangs on its account: counts that come by the way, and a move to another one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table, bindparam, delete, exists, func, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.models import MediaOwner, RunState
from bot.storage.post_tables import (
    media,
    posts,
    profile_milestones,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from bot.storage.types import BIGINT

# Made once: it runs with every live check. A count that was not told stays as it was.
_KEEP = (
    update(profiles)
    .where(
        profiles.c.account_id == bindparam("of_account"),
        or_(profiles.c.counted_at.is_(None), profiles.c.counted_at <= bindparam("at")),
    )
    .values(
        followers=func.coalesce(bindparam("new_followers", type_=BIGINT), profiles.c.followers),
        total_likes=func.coalesce(bindparam("new_likes", type_=BIGINT), profiles.c.total_likes),
        counted_at=bindparam("at"),
    )
)


async def keep_counts(
    conn: AsyncConnection, account_id: int, followers: int | None, total_likes: int | None, at: datetime
) -> None:
    """Keep what somebody told of a profile, if the account is one, and nothing newer is known."""
    if followers is not None or total_likes is not None:
        told = {"new_followers": followers, "new_likes": total_likes}
        await conn.execute(_KEEP, {"of_account": account_id, "at": at, **told})


async def hand_over(conn: AsyncConnection, *, from_id: int, to_id: int) -> None:
    """Move the posts of an account and all that was kept of them to another one, which is the same person.

    What both have stays as the other has it; of two open runs one is dropped, sooner one that has not begun.
    """
    await _keep_one_open_run(conn, from_id, to_id)
    await _move(conn, profiles, from_id, to_id)
    await _move(conn, profile_watches, from_id, to_id, "guild_id")
    await _move(conn, profile_milestones, from_id, to_id, "post_id", "measure", "value")
    for whole in (profile_runs, posts, profile_snapshots):
        await conn.execute(update(whole).where(whole.c.account_id == from_id).values(account_id=to_id))
    known = media.alias()
    is_avatar = media.c.owner == MediaOwner.PROFILE
    has_one = exists().where(known.c.owner == MediaOwner.PROFILE, known.c.owner_id == to_id)
    moved = update(media).where(is_avatar, media.c.owner_id == from_id, ~has_one)
    await conn.execute(moved.values(owner_id=to_id))


async def _keep_one_open_run(conn: AsyncConnection, from_id: int, to_id: int) -> None:
    run, other = profile_runs.c, profile_runs.alias().c
    is_open = run.finished_at.is_(None)
    is_begun = exists().where(other.account_id == from_id, other.state == RunState.RUNNING)
    of_other = run.account_id == to_id
    await conn.execute(delete(profile_runs).where(of_other, run.state == RunState.PENDING, is_begun))
    waits_too = exists().where(other.account_id == to_id, other.finished_at.is_(None))
    await conn.execute(delete(profile_runs).where(run.account_id == from_id, is_open, waits_too))


async def _move(conn: AsyncConnection, of: Table, from_id: int, to_id: int, *key: str) -> None:
    """Move the rows whose key beside the account the other account does not have."""
    other = of.alias()
    same = [other.c[name] == of.c[name] for name in key]
    has_it = exists().where(other.c.account_id == to_id, *same)
    await conn.execute(update(of).where(of.c.account_id == from_id, ~has_it).values(account_id=to_id))
