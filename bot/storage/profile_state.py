"""Statements about profiles as such: what is known of one, what keeps it from being read, who is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, func, literal, null, or_, select, update
from sqlalchemy.engine import RowMapping

from bot.core.posts.models import MediaOwner, ReadProfile, RunState, Trouble
from bot.storage.engine import Connection
from bot.storage.post_tables import (
    media,
    posts,
    profile_milestones,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from bot.storage.tables import accounts, guilds
from bot.storage.types import BIGINT, Flag, Instant
from bot.texts import cut, text

WORDS_LENGTH = 500

# A guild that removed the bot keeps its list for a while, and nothing is read for it.
IS_WATCHED = (profile_watches.c.paused == literal(value=False, type_=Flag())) & ~exists().where(
    guilds.c.guild_id == profile_watches.c.guild_id, guilds.c.left_at.is_not(None)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileHealth:
    """How the readings of a watched profile go; `trouble` is None where the last one was completed."""

    account_id: int
    handle: str
    interval: timedelta
    watched_since: datetime
    last_run_at: datetime | None  # the last that was completed
    last_ended_at: datetime | None  # the last, whatever became of it
    next_run_at: datetime
    trouble: Trouble | None
    trouble_words: str
    failing_since: datetime | None

    @property
    def expected_at(self) -> datetime:
        """When the next run should have ended, if it took no time."""
        return max(self.last_ended_at or self.watched_since, self.watched_since) + self.interval


async def learn(conn: Connection, account_id: int, told: ReadProfile, now: datetime) -> None:
    """Keep what a source told of a profile; what it did not tell stays as it is known."""
    values: dict[str, Any] = {"sec_uid": told.sec_uid} if told.sec_uid else {}
    if told.followers is not None:
        values |= {"followers": told.followers, "counted_at": now}
    if told.total_likes is not None:
        values |= {"total_likes": told.total_likes, "counted_at": now}
    if values:
        await conn.execute(update(profiles).where(profiles.c.account_id == account_id).values(values))
    known = {"nickname": told.nickname, "followers": told.followers}
    person = {name: value for name, value in known.items() if value not in (None, "")}
    if person:
        await conn.execute(update(accounts).where(accounts.c.id == account_id).values(person))


async def row_of(conn: Connection, account_id: int) -> RowMapping | None:
    """Read what is kept of a profile."""
    return (
        (await conn.execute(select(profiles).where(profiles.c.account_id == account_id))).mappings().first()
    )


async def note_read(
    conn: Connection, account_id: int, now: datetime, *, next_run_at: datetime, all_pages: bool
) -> None:
    """Note that a profile was read as it was to be."""
    values = {
        "last_run_at": now,
        "next_run_at": next_run_at,
        "trouble": "",
        "trouble_words": "",
        "failing_since": None,
    }
    if all_pages:
        values["full_read_at"] = now
    await conn.execute(update(profiles).where(profiles.c.account_id == account_id).values(values))


async def note_trouble(
    conn: Connection, account_id: int, trouble: Trouble, words: str, now: datetime, *, next_run_at: datetime
) -> None:
    """Note why a profile cannot be read, and since when."""
    await conn.execute(
        update(profiles)
        .where(profiles.c.account_id == account_id)
        .values(
            trouble=trouble,
            trouble_words=cut(words, WORDS_LENGTH),
            failing_since=func.coalesce(profiles.c.failing_since, literal(now, Instant())),
            next_run_at=next_run_at,
        )
    )


async def shortest_interval(conn: Connection, account_id: int) -> timedelta | None:
    """Give how often a profile is to be read, None where nobody watches it now."""
    query = select(func.min(profile_watches.c.interval_hours)).where(
        profile_watches.c.account_id == account_id, IS_WATCHED
    )
    hours = (await conn.execute(query)).scalar()
    return None if hours is None else timedelta(hours=hours)


async def watching_guilds(conn: Connection, account_ids: Collection[int]) -> Collection[int]:
    """Give the guilds that watch any of these profiles now."""
    mine = profile_watches.c.account_id.in_(account_ids)
    query = select(profile_watches.c.guild_id).where(mine, IS_WATCHED)
    return set((await conn.execute(query)).scalars())


async def is_any_failing(conn: Connection, troubles: Collection[Trouble]) -> bool:
    """Tell whether a profile that anybody watches cannot be read because of one of these."""
    query = (
        select(profiles.c.account_id)
        .join(profile_watches, profile_watches.c.account_id == profiles.c.account_id)
        .where(IS_WATCHED, profiles.c.trouble.in_([one.value for one in troubles]))
    )
    return (await conn.execute(query.limit(1))).first() is not None


_HEALTH = ("last_run_at", "next_run_at", "trouble", "trouble_words", "failing_since")
# Made once: it runs with every look for what is stale.
_ENDED = (
    select(profile_runs.c.finished_at)
    .where(profile_runs.c.account_id == profiles.c.account_id, profile_runs.c.finished_at.is_not(None))
    .order_by(profile_runs.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_ALL_HEALTH = (
    select(
        profiles.c.account_id,
        accounts.c.handle,
        func.min(profile_watches.c.interval_hours).label("hours"),
        func.max(profile_watches.c.created_at).label("watched_since"),
        _ENDED.label("last_ended_at"),
        *[profiles.c[name] for name in _HEALTH],
    )
    .join_from(profiles, accounts, accounts.c.id == profiles.c.account_id)
    .join(profile_watches, profile_watches.c.account_id == profiles.c.account_id)
    .where(IS_WATCHED)
    .group_by(profiles.c.account_id, accounts.c.handle, *[profiles.c[name] for name in _HEALTH])
    .order_by(accounts.c.handle)
)


async def health(conn: Connection, guild_id: int | None = None) -> tuple[ProfileHealth, ...]:
    """Read how the watched profiles of a guild are, or of all guilds, by handle."""
    query = _ALL_HEALTH
    if guild_id is not None:
        query = query.where(profile_watches.c.guild_id == guild_id)
    return tuple(_health(row) for row in (await conn.execute(query)).mappings())


def _health(row: RowMapping) -> ProfileHealth:
    kept = {name: row[name] for name in ProfileHealth.__dataclass_fields__ if name in row}
    trouble = Trouble(row["trouble"]) if row["trouble"] else None
    return ProfileHealth(**kept | {"trouble": trouble}, interval=timedelta(hours=row["hours"]))


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
    conn: Connection, account_id: int, followers: int | None, total_likes: int | None, at: datetime
) -> None:
    """Keep what somebody told of a profile, if the account is one, and nothing newer is known."""
    if followers is not None or total_likes is not None:
        told = {"new_followers": followers, "new_likes": total_likes}
        await conn.execute(_KEEP, {"of_account": account_id, "at": at, **told})


async def hand_over(conn: Connection, *, from_id: int, to_id: int) -> None:
    """Give all that is known of one profile to another: they turned out to be one person's."""
    of_from = profiles.c.account_id == from_id
    if await row_of(conn, to_id) is None:
        await conn.execute(update(profiles).where(of_from).values(account_id=to_id))
    await _close_second_run(conn, from_id=from_id, to_id=to_id)
    for table in (posts, profile_runs, profile_snapshots):
        moved = update(table).where(table.c.account_id == from_id)
        await conn.execute(moved.values(account_id=to_id))
    for table, own in _ONCE_EACH:
        other = table.alias("other")
        is_there = exists().where(
            other.c.account_id == to_id, *[other.c[name] == table.c[name] for name in own]
        )
        moved = update(table).where(table.c.account_id == from_id, ~is_there)
        await conn.execute(moved.values(account_id=to_id))
    await _hand_over_avatar(conn, from_id=from_id, to_id=to_id)


async def _hand_over_avatar(conn: Connection, *, from_id: int, to_id: int) -> None:
    other = media.alias("other")
    has_one = exists().where(other.c.owner == MediaOwner.PROFILE, other.c.owner_id == to_id)
    is_avatar = (media.c.owner == MediaOwner.PROFILE) & (media.c.owner_id == from_id)
    await conn.execute(update(media).where(is_avatar, ~has_one).values(owner_id=to_id))


_ONCE_EACH = (
    (profile_watches, ("guild_id",)),
    (profile_milestones, ("post_id", "measure", "value")),
)


async def _close_second_run(conn: Connection, *, from_id: int, to_id: int) -> None:
    """End one of two open runs of one person: the one that is not at work, for a profile has only one."""
    is_open = profile_runs.c.finished_at.is_(None) & profile_runs.c.account_id.in_((from_id, to_id))
    query = select(profile_runs.c.id).where(is_open)
    # What is at work comes last.
    waits_first = query.order_by(profile_runs.c.state == RunState.RUNNING.value, profile_runs.c.id)
    for run_id in (await conn.execute(waits_first)).scalars().all()[:-1]:
        await conn.execute(
            update(profile_runs)
            .where(profile_runs.c.id == run_id)
            .values(
                state=RunState.FAILED,
                finished_at=profile_runs.c.queued_at,
                unwritten=null(),
                error=text("another run of the same person is at work"),
            )
        )
