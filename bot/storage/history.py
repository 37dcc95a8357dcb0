"""What is known of accounts' pasts: the events a policy learns from, and lives that are over."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.live.history import Ended, Event, Followed, Found, Missed
from bot.core.live.models import Answer
from bot.core.live.past_lives import PastLive
from bot.storage.subscriptions import IS_ACTIVE
from bot.storage.tables import accounts, guilds, lives, predictions, requests, subscriptions

AT_ONCE = 50
"""So many accounts at a time, so that others get a turn in between."""

_Stay = tuple[datetime, datetime, datetime | None]
"""When a live started, was found, and ended (None: it is on)."""


async def events_of(
    conn: AsyncConnection, account_ids: Sequence[int], since: datetime, until: datetime
) -> list[Event]:
    """Give what was learned of accounts from `since` to `until`, of all together in the order of the instants.

    Learned account by account it would not be what was learned as it came: what a policy remembers fades by the
    newest instant it was told of, so the next account's past would be old from its first day on.
    An account that was added before `since` counts as followed from then on; its zone is the one of the
    guilds that follow it, where they all have the same. What is stamped later than `until` is left out:
    the clock was set back.
    """
    events: list[tuple[datetime, Event]] = []
    for first in range(0, len(account_ids), AT_ONCE):
        some = account_ids[first : first + AT_ONCE]
        added = await _added(conn, some)
        zones = await _zones(conn, some)
        stays = await _stays(conn, some, since, until)
        misses = await _misses(conn, some, since, until)
        for account_id in some:
            if account_id in added:
                at = max(min(added[account_id], until), since)
                followed = Followed(account_id=account_id, at=at, zone=zones.get(account_id, ""))
                # Not after what was found at the same instant, nor after a live that began before.
                events.append((since, followed))
                events += _in_order(account_id, stays.get(account_id, []), misses.get(account_id, []))
    return [event for _, event in sorted(events, key=_instant)]


def _instant(timed: tuple[datetime, Event]) -> datetime:
    return timed[0]


async def past_lives(
    conn: AsyncConnection, account_ids: Collection[int], since: datetime
) -> tuple[PastLive, ...]:
    """Read the lives of accounts that are over and started after `since`, the oldest first."""
    query = (
        select(lives)
        .where(
            lives.c.account_id.in_(account_ids),
            lives.c.started_at >= since,
            lives.c.ended_at.is_not(None),
        )
        .order_by(lives.c.started_at, lives.c.id)
    )
    names = PastLive.__dataclass_fields__
    rows = (await conn.execute(query)).mappings().all()
    return tuple(PastLive(**{name: row[name] for name in names}) for row in rows)


async def last_seen(conn: AsyncConnection, account_ids: Collection[int]) -> dict[int, datetime]:
    """Read when accounts were last seen live; those that never were are missing."""
    query = (
        select(lives.c.account_id, func.max(lives.c.last_seen_at).label("at"))
        .where(lives.c.account_id.in_(account_ids))
        .group_by(lives.c.account_id)
    )
    return {row.account_id: row.at for row in (await conn.execute(query)).all()}


async def hours_followed(conn: AsyncConnection, since: datetime, until: datetime) -> int:
    """Count the hours of accounts, from `since` until before `until`, in which the bot ran and followed them.

    Those are the hours that something was said of beforehand.
    """
    query = select(func.count()).where(predictions.c.hour >= since, predictions.c.hour < until)
    return (await conn.execute(query)).scalar_one()


async def _added(conn: AsyncConnection, account_ids: Sequence[int]) -> dict[int, datetime]:
    query = select(accounts.c.id, accounts.c.added_at).where(accounts.c.id.in_(account_ids))
    return {row.id: row.added_at for row in (await conn.execute(query)).all()}


async def _zones(conn: AsyncConnection, account_ids: Sequence[int]) -> dict[int, str]:
    """Read the time zone of accounts; those whose guilds have several are missing.

    A policy follows a change when it is next made anew, at the latest at night.
    """
    of_guild = guilds.alias()  # not to be taken for the one that `IS_ACTIVE` asks
    query = (
        select(subscriptions.c.account_id, func.min(of_guild.c.time_zone).label("time_zone"))
        .join(of_guild, of_guild.c.guild_id == subscriptions.c.guild_id)
        .where(subscriptions.c.account_id.in_(account_ids), IS_ACTIVE)
        .group_by(subscriptions.c.account_id)
        .having(func.count(of_guild.c.time_zone.distinct()) == 1)
    )
    return {row.account_id: row.time_zone for row in (await conn.execute(query)).all()}


async def _stays(
    conn: AsyncConnection, account_ids: Sequence[int], since: datetime, until: datetime
) -> dict[int, list[_Stay]]:
    query = (
        select(lives.c.account_id, lives.c.started_at, lives.c.found_at, lives.c.ended_at)
        .where(lives.c.account_id.in_(account_ids), lives.c.started_at >= since, lives.c.found_at <= until)
        .order_by(lives.c.account_id, lives.c.found_at, lives.c.id)
    )
    found: dict[int, list[_Stay]] = {}
    for account_id, started_at, found_at, ended_at in (await conn.execute(query)).all():
        found.setdefault(account_id, []).append((started_at, found_at, ended_at))
    return found


async def _misses(
    conn: AsyncConnection, account_ids: Sequence[int], since: datetime, until: datetime
) -> dict[int, list[datetime]]:
    query = (
        select(requests.c.account_id, requests.c.asked_at)
        .where(
            requests.c.account_id.in_(account_ids),
            requests.c.asked_at >= since,
            requests.c.asked_at <= until,
            requests.c.answer == Answer.OFFLINE,
        )
        .order_by(requests.c.account_id, requests.c.asked_at)
    )
    found: dict[int, list[datetime]] = {}
    for account_id, at in (await conn.execute(query)).all():
        found.setdefault(account_id, []).append(at)
    return found


def _in_order(
    account_id: int, stays: Sequence[_Stay], misses: Sequence[datetime]
) -> list[tuple[datetime, Event]]:
    """Put lives and misses in order; a miss within a live was doubt that came to nothing."""
    events: list[tuple[datetime, Event]] = []
    begins = [found_at for _, found_at, _ in stays]
    for started_at, found_at, ended_at in stays:
        found = Found(account_id=account_id, started_at=started_at, found_at=found_at)
        events.append((found_at, found))
        if ended_at is not None:
            ended = Ended(account_id=account_id, started_at=started_at, ended_at=ended_at)
            events.append((max(found_at, ended_at), ended))
    for at in misses:
        place = bisect_right(begins, at) - 1
        end = stays[place][2] if place >= 0 else at
        if end is not None and end <= at:
            events.append((at, Missed(account_id=account_id, at=at)))
    return sorted(events, key=_instant)
