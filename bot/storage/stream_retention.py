"""Statements that make details of old lives smaller, and delete those that are archived.

Details are minutes and single gifts. Totals and contributions are never touched: leaderboards are made of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, and_, delete, exists, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.streams.intervals import INTERVALS, interval_of, sum_up
from bot.core.streams.models import StreamMinute
from bot.storage.stream_tables import stream_archives, stream_comments, stream_gifts, stream_minutes
from bot.storage.tables import lives

AT_ONCE = 500
"""So many rows are deleted at once: others want to write."""
READ_AT_ONCE = 150
"""So many rows are taken from the database before the event loop gets its turn."""
_SPAN = timedelta(hours=4)  # thinned in one transaction; a multiple of every interval
_MINUTE_COLUMNS = [stream_minutes.c[name] for name in StreamMinute.__dataclass_fields__]
_SUMMED_MINUTES = ("comments", "likes", "gifts", "diamonds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """How far the details of a live are in an archive: the last minute and the last gift's id, None without one."""

    minute: datetime | None
    gift: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A verified file, known by its name in the archive folder; `lives` has a mark for each live that is in it."""

    id: int
    file: str
    sha256: str
    lives: Mapping[int, Mark]


# --- Thinning ----------------------------------------------------------------------------------


async def unthinned(conn: AsyncConnection, before: datetime) -> Sequence[int]:
    """Name the lives that ended before an instant and still have single minutes."""
    single = exists().where(stream_minutes.c.live_id == lives.c.id, stream_minutes.c.minutes == 1)
    return list((await conn.execute(select(lives.c.id).where(lives.c.ended_at < before, single))).scalars())


async def thin(conn: AsyncConnection, live_id: int, interval_minutes: int) -> bool:
    """Sum the next hours of a live's single minutes into intervals; gives False where nothing is left to do."""
    of_live = stream_minutes.c.live_id == live_id
    query = select(func.min(stream_minutes.c.minute)).where(of_live, stream_minutes.c.minutes == 1)
    first = (await conn.execute(query)).scalar()
    if first is None:
        return False
    since = interval_of(first, max(INTERVALS))
    these = and_(of_live, stream_minutes.c.minute >= since, stream_minutes.c.minute < since + _SPAN)
    query = select(*_MINUTE_COLUMNS).where(these).order_by(stream_minutes.c.minute)
    rows = [StreamMinute(**row) for row in (await conn.execute(query)).mappings()]
    await conn.execute(delete(stream_minutes).where(these))
    kept = [{"live_id": live_id, **asdict(row)} for row in sum_up(rows, interval_minutes)]
    await conn.execute(insert(stream_minutes), kept)
    return True


# --- What is due, and what it holds --------------------------------------------------------------


async def due_lives(conn: AsyncConnection, before: datetime) -> tuple[datetime, tuple[int, ...]] | None:
    """Give the first day (its first instant, UTC) with lives that ended before an instant and have details."""
    has_details = or_(
        exists().where(stream_minutes.c.live_id == lives.c.id),
        exists().where(stream_gifts.c.live_id == lives.c.id),
    )
    due = and_(lives.c.ended_at < before, has_details)
    first = (await conn.execute(select(func.min(lives.c.started_at)).where(due))).scalar()
    if first is None:
        return None
    day = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    query = select(lives.c.id).where(
        due, lives.c.started_at >= day, lives.c.started_at < day + timedelta(days=1)
    )
    return day, tuple((await conn.execute(query.order_by(lives.c.id))).scalars())


async def marks(conn: AsyncConnection, live_ids: Collection[int]) -> Mapping[int, Mark]:
    """Say how far the details of lives reach now."""
    minutes = await _last(conn, stream_minutes.c.live_id, stream_minutes.c.minute, live_ids)
    gifts = await _last(conn, stream_gifts.c.live_id, stream_gifts.c.id, live_ids)
    return {one: Mark(minute=minutes.get(one), gift=gifts.get(one)) for one in live_ids}


async def _last(
    conn: AsyncConnection, live: Column[Any], column: Column[Any], live_ids: Collection[int]
) -> dict[int, Any]:
    query = select(live, func.max(column)).where(live.in_(live_ids)).group_by(live)
    return {row[0]: row[1] for row in await conn.execute(query)}


async def expected(conn: AsyncConnection, live_ids: Collection[int]) -> dict[str, int]:
    """Sum the details of lives where they are, to compare an archive with; named as `archive.Content` does."""
    found: dict[str, int] = {}
    for table, columns in ((stream_minutes, _SUMMED_MINUTES), (stream_gifts, ("count",))):
        sums = [func.coalesce(func.sum(table.c[name]), 0) for name in columns]
        query = select(func.count(), *sums).where(table.c.live_id.in_(live_ids))
        names = [f"{table.name}.{name}" for name in ("rows", *columns)]
        found |= {
            name: int(value) for name, value in zip(names, (await conn.execute(query)).one(), strict=True)
        }
    return found


async def details(
    conn: AsyncConnection, live_ids: Collection[int]
) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Give the details of lives, part by part, each with the name of its table."""
    for table, order in ((stream_minutes, stream_minutes.c.minute), (stream_gifts, stream_gifts.c.id)):
        query = select(table).where(table.c.live_id.in_(live_ids)).order_by(table.c.live_id, order)
        async with conn.stream(query.execution_options(yield_per=READ_AT_ONCE)) as result:
            async for part in result.mappings().partitions():
                yield table.name, [dict(row) for row in part]


# --- Archives ------------------------------------------------------------------------------------


async def archive_files(conn: AsyncConnection) -> set[str]:
    """Name the archives that were ever made."""
    return set((await conn.execute(select(stream_archives.c.file))).scalars())


async def keep_archive(
    conn: AsyncConnection,
    *,
    file: str,
    day: datetime,
    rows: int,
    sha256: str,
    reach: Mapping[int, Mark],
    now: datetime,
) -> None:
    """Note a verified archive; from now on what it holds may be deleted."""
    packed = {
        str(one): [None if mark.minute is None else mark.minute.isoformat(), mark.gift]
        for one, mark in reach.items()
    }
    values = {"begins_at": day, "ends_at": day + timedelta(days=1), "rows": rows, "sha256": sha256}
    await conn.execute(insert(stream_archives).values(file=file, lives=packed, verified_at=now, **values))


async def open_archive(conn: AsyncConnection) -> Archive | None:
    """Give an archive whose rows may still be in the database."""
    query = (
        select(stream_archives).where(stream_archives.c.deleted_at.is_(None)).order_by(stream_archives.c.id)
    )
    row = (await conn.execute(query.limit(1))).mappings().first()
    if row is None:
        return None
    reach = {
        int(one): Mark(minute=None if minute is None else datetime.fromisoformat(minute), gift=gift)
        for one, (minute, gift) in row["lives"].items()
    }
    return Archive(id=row["id"], file=row["file"], sha256=row["sha256"], lives=reach)


async def close_archive(conn: AsyncConnection, archive_id: int, now: datetime) -> None:
    """Note that nothing more is deleted because of an archive."""
    done = update(stream_archives).where(stream_archives.c.id == archive_id).values(deleted_at=now)
    await conn.execute(done)


async def delete_some(conn: AsyncConnection, live_id: int, mark: Mark) -> bool:
    """Delete some of the details of a live up to a mark; gives whether there were any."""
    if mark.minute is not None:
        of_live = and_(stream_minutes.c.live_id == live_id, stream_minutes.c.minute <= mark.minute)
        some = select(stream_minutes.c.minute).where(of_live).order_by(stream_minutes.c.minute).limit(AT_ONCE)
        gone = await conn.execute(delete(stream_minutes).where(of_live, stream_minutes.c.minute.in_(some)))
        if gone.rowcount:
            return True
    if mark.gift is not None:
        of_live = and_(stream_gifts.c.live_id == live_id, stream_gifts.c.id <= mark.gift)
        some = select(stream_gifts.c.id).where(of_live).limit(AT_ONCE)
        return bool((await conn.execute(delete(stream_gifts).where(stream_gifts.c.id.in_(some)))).rowcount)
    return False


async def delete_comments(conn: AsyncConnection, before: datetime) -> bool:
    """Delete some comments from before an instant; gives whether there were any."""
    key = (stream_comments.c.live_id, stream_comments.c.message_id)
    some = select(*key).where(stream_comments.c.at < before).limit(AT_ONCE)
    return bool((await conn.execute(delete(stream_comments).where(tuple_(*key).in_(some)))).rowcount)
