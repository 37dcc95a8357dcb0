"""Where profiles are reported, and what was read of them for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.posts.models import Counts, PostSample, ReportEvery
from bot.core.posts.period import SampledPost
from bot.storage.post_tables import COUNTS, post_snapshots, posts, profile_snapshots, profile_watches
from bot.storage.tables import accounts, guilds

AT_ONCE = 500
"""So many samples are read before the event loop gets its turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileReader:
    """A channel in which a profile is reported; `since` is when that was chosen.

    The profile is read every `interval_hours`: the shortest of the intervals that hold.
    """

    guild_id: int
    channel_id: int
    account_id: int
    handle: str
    nickname: str
    interval_hours: int
    every: ReportEvery
    since: datetime
    time_zone: str


async def readers(
    conn: AsyncConnection, account_id: int | None = None, guild_id: int | None = None
) -> tuple[ProfileReader, ...]:
    """Give every channel, or those of a guild, in which a profile, or this one, is reported and not paused.

    Guilds that removed the bot are left out.
    """
    watch, other = profile_watches, profile_watches.alias("other")
    shortest = select(func.min(other.c.interval_hours)).where(
        other.c.account_id == watch.c.account_id, ~other.c.paused
    )
    query = (
        select(
            shortest.scalar_subquery().label("interval_hours"),
            watch.c.guild_id,
            watch.c.report_channel_id,
            watch.c.account_id,
            watch.c.report,
            watch.c.report_since,
            watch.c.created_at,
            accounts.c.handle,
            accounts.c.nickname,
            guilds.c.time_zone,
        )
        .join(accounts, accounts.c.id == watch.c.account_id)
        .join(guilds, guilds.c.guild_id == watch.c.guild_id)
        .where(watch.c.report != "", watch.c.report_channel_id.is_not(None), ~watch.c.paused)
        .where(guilds.c.left_at.is_(None))
        .order_by(watch.c.guild_id, watch.c.account_id)
    )
    if account_id is not None:
        query = query.where(watch.c.account_id == account_id)
    if guild_id is not None:
        query = query.where(watch.c.guild_id == guild_id)
    return tuple(
        ProfileReader(
            guild_id=row.guild_id,
            channel_id=row.report_channel_id,
            account_id=row.account_id,
            handle=row.handle,
            nickname=row.nickname,
            interval_hours=row.interval_hours,
            every=ReportEvery(row.report),
            since=row.report_since or row.created_at,
            time_zone=row.time_zone,
        )
        for row in await conn.execute(query)
    )


async def choose(
    conn: AsyncConnection,
    account_id: int,
    guild_id: int,
    every: ReportEvery | None,
    channel_id: int | None,
    *,
    now: datetime,
) -> None:
    """Write how often, and where, a guild wants to read of a profile; None: not at all."""
    watch = profile_watches
    this = (watch.c.guild_id == guild_id) & (watch.c.account_id == account_id)
    chosen = {"report": every or "", "report_channel_id": channel_id, "report_since": now}
    await conn.execute(update(watch).where(this).values(chosen))


async def sampled_posts(
    conn: AsyncConnection, account_id: int, runs: Collection[datetime]
) -> tuple[SampledPost, ...]:
    """Read the posts of a profile that were read by its runs of these instants, with their samples."""
    own = select(posts.c.post_id, posts.c.posted_at, posts.c.caption).where(posts.c.account_id == account_id)
    known = (await conn.execute(own.order_by(posts.c.post_id))).all()
    samples = await _samples(conn, account_id, runs)
    return tuple(
        SampledPost(
            post_id=row.post_id,
            posted_at=row.posted_at,
            caption=row.caption,
            samples=samples[row.post_id],
        )
        for row in known
        if row.post_id in samples
    )


async def known_posts(conn: AsyncConnection, account_id: int) -> int:
    """Count the posts of a profile that are known and have not disappeared."""
    query = select(func.count()).where(posts.c.account_id == account_id, posts.c.gone_at.is_(None))
    return (await conn.execute(query)).scalar_one()


async def _samples(
    conn: AsyncConnection, account_id: int, runs: Collection[datetime]
) -> dict[int, Sequence[PostSample]]:
    kept, of_profile = post_snapshots, profile_snapshots.c
    those = select(of_profile.run_id).where(of_profile.account_id == account_id, of_profile.at.in_(runs))
    query = (
        select(kept)
        .join(posts, posts.c.post_id == kept.c.post_id)
        .where(posts.c.account_id == account_id, kept.c.run_id.in_(those))
        .order_by(kept.c.post_id, kept.c.at)
    )
    found: dict[int, list[PostSample]] = {}
    async with conn.stream(query.execution_options(yield_per=AT_ONCE)) as result:
        async for part in result.partitions():
            for row in part:
                counts = Counts(**{name: getattr(row, name) for name in COUNTS})
                sample = PostSample(post_id=row.post_id, at=row.at, counts=counts, source=row.source)
                found.setdefault(row.post_id, []).append(sample)
    return dict(found)
