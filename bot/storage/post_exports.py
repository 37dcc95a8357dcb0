"""Statements that read a profile for an export, page by page: each page is a short transaction of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, tuple_

from bot.storage.engine import Connection, Database
from bot.storage.paging import ROWS_AT_ONCE, pages
from bot.storage.post_tables import (
    post_snapshots,
    posts,
    profile_runs,
    profile_snapshots,
    profiles,
)
from bot.storage.tables import accounts
from bot.storage.types import BIGINT

_account = bindparam("account_id", type_=BIGINT)
_POSTS = (
    select(posts)
    .where(posts.c.account_id == _account, posts.c.post_id > bindparam("after", type_=BIGINT))
    .order_by(posts.c.post_id)
    .limit(ROWS_AT_ONCE)
)
_SNAPSHOTS = (
    select(post_snapshots, posts.c.posted_at)
    .join(posts, posts.c.post_id == post_snapshots.c.post_id)
    .where(
        posts.c.account_id == _account,
        tuple_(post_snapshots.c.post_id, post_snapshots.c.run_id)
        > tuple_(bindparam("post_id", type_=BIGINT), bindparam("run_id", type_=BIGINT)),
    )
    .order_by(post_snapshots.c.post_id, post_snapshots.c.run_id)
    .limit(ROWS_AT_ONCE)
)
_SAMPLES = (
    select(profile_snapshots)
    .where(profile_snapshots.c.account_id == _account, profile_snapshots.c.run_id > bindparam("after"))
    .order_by(profile_snapshots.c.run_id)
    .limit(ROWS_AT_ONCE)
)
_RUNS = (
    select(profile_runs)
    .where(profile_runs.c.account_id == _account, profile_runs.c.id > bindparam("after"))
    .order_by(profile_runs.c.id)
    .limit(ROWS_AT_ONCE)
)


async def known_profile(conn: Connection, handle: str) -> int | None:
    """Give the account of a profile that anybody ever watched; None where there is none."""
    query = (
        select(profiles.c.account_id)
        .join(accounts, accounts.c.id == profiles.c.account_id)
        .where(accounts.c.handle == handle)
    )
    return (await conn.execute(query)).scalar()


async def posts_of(database: Database, account_id: int) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read the posts of a profile by number; rows are those of the table."""
    given = {"account_id": account_id, "after": 0}
    async for rows in pages(database, _POSTS, given):
        yield rows
        given["after"] = rows[-1].post_id


async def snapshots_of(database: Database, account_id: int) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read the snapshots of all posts of a profile, post by post, with when each was posted."""
    given = {"account_id": account_id, "post_id": 0, "run_id": 0}
    async for rows in pages(database, _SNAPSHOTS, given):
        yield rows
        given |= {"post_id": rows[-1].post_id, "run_id": rows[-1].run_id}


async def samples_of(database: Database, account_id: int) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read what the profile itself counted, run by run."""
    given = {"account_id": account_id, "after": 0}
    async for rows in pages(database, _SAMPLES, given):
        yield rows
        given["after"] = rows[-1].run_id


async def runs_of(database: Database, account_id: int) -> AsyncIterator[Sequence[Row[Any]]]:
    """Read the log of runs."""
    given = {"account_id": account_id, "after": 0}
    async for rows in pages(database, _RUNS, given):
        yield rows
        given["after"] = rows[-1].id
