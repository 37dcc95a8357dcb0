"""Exports of recorded lives and of profiles: which are meant, and how many exports may be written at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.live.handles import normalise_handle
from bot.core.posts.export import ProfileOrder
from bot.core.requester import Requester
from bot.core.rounds.seasons import midnight
from bot.core.streams.export import ExportedFile, ExportFormat, ExportOrder, file_name
from bot.errors import InputRefused, LimitReached, NothingThere
from bot.ports import Exporter
from bot.services.followed import followed_account
from bot.storage import guilds, post_reading, stream_exports
from bot.storage.engine import Connection, Database
from bot.texts import text

AT_ONCE = 2
USUAL_SPAN = timedelta(days=30)
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_LONGEST_ID = 18

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveChoice:
    """A recorded live as it is suggested: when it began, in the zone of the guild."""

    live_id: int
    handle: str
    started: datetime
    title: str


class Exports:
    """Orders and writes exports of what a guild follows; others' accounts are not even there."""

    def __init__(
        self,
        *,
        database: Database,
        exporter: Exporter,
        clock: Clock,
        default_time_zone: str,
        usd_per_diamond: float,
    ) -> None:
        self._database = database
        self._exporter = exporter
        self._clock = clock
        self._default_time_zone = default_time_zone
        self._usd_per_diamond = usd_per_diamond
        self._busy: set[int] = set()

    async def of_live(self, by: Requester, chosen: str, wanted: ExportFormat) -> ExportOrder:
        """Order one live, by what was suggested. Raises `InputRefused` and `NothingThere`."""
        if not chosen.isascii() or not chosen.isdigit() or len(chosen) > _LONGEST_ID:
            raise InputRefused(text("Choose one of the suggestions."))
        async with self._database.read() as conn:
            zone = await self._zone(conn, by)
            live = await stream_exports.recorded_live(conn, by.guild_id, int(chosen))
        if live is None:
            raise NothingThere(
                text("That live was not recorded, or its account is not followed here any more.")
            )
        began = live.started_at.astimezone(ZoneInfo(zone))
        return ExportOrder(
            name=file_name(live.handle, began, began),
            format=wanted,
            since=live.started_at,
            until=live.started_at + _MOMENT,
            asked_at=self._clock.now(),
            zone=zone,
            usd_per_diamond=self._usd_per_diamond,
            guild_id=by.guild_id,
            live_id=live.live_id,
        )

    async def of_range(
        self, by: Requester, account: str | None, first: str | None, last: str | None, wanted: ExportFormat
    ) -> ExportOrder:
        """Order the lives of some local days, both included; by default the last 30.

        Raises `InputRefused`, and `NothingThere` where nothing was recorded then.
        """
        now = self._clock.now()
        async with self._database.read() as conn:
            zone = ZoneInfo(await self._zone(conn, by))
            one = None if account is None else await followed_account(conn, by.guild_id, account)
            until_day = now.astimezone(zone).date() if last is None else read_day(last)
            since_day = until_day - USUAL_SPAN if first is None else read_day(first)
            since, until = days(since_day, until_day, zone)
            order = ExportOrder(
                name=range_name("all" if one is None else one.handle, since_day, until_day, zone),
                format=wanted,
                since=since,
                until=until,
                asked_at=now,
                zone=zone.key,
                usd_per_diamond=self._usd_per_diamond,
                guild_id=by.guild_id,
                account_id=None if one is None else one.id,
            )
            if not await stream_exports.has_lives(conn, order):
                raise NothingThere(text("No live was recorded then. `/export range` takes other days, too."))
        return order

    async def of_profile(self, by: Requester, written: str, wanted: ExportFormat) -> ProfileOrder:
        """Order all that is kept of a profile the guild watches. Raises `InputRefused` and `NothingThere`."""
        handle, now = normalise_handle(written), self._clock.now()
        async with self._database.read() as conn:
            zone = await self._zone(conn, by)
            watched = await post_reading.watched_profile(conn, by.guild_id, handle)
        if watched is None:
            raise NothingThere(
                text(
                    "The posts of `@{handle}` are not watched here. `/profile list` shows whose are.",
                    handle=handle,
                )
            )
        today = now.astimezone(ZoneInfo(zone))
        return ProfileOrder(
            name=file_name(f"posts_{handle}", today, today),
            format=wanted,
            account_id=watched.account_id,
            handle=handle,
            asked_at=now,
            zone=zone,
            guild_id=by.guild_id,
        )

    async def profiles(self, guild_id: int, part: str, most: int) -> tuple[str, ...]:
        """Give handles of watched profiles that hold `part`, for suggestions."""
        wanted = part.strip().removeprefix("@").lower()
        async with self._database.read() as conn:
            watched = await post_reading.watched(conn, guild_id)
        return tuple(one.handle for one in watched if wanted in one.handle)[:most]

    async def lives(self, guild_id: int, part: str, most: int) -> tuple[LiveChoice, ...]:
        """Give the newest recorded lives whose account's handle holds `part`, for suggestions."""
        wanted = part.strip().removeprefix("@")
        async with self._database.read() as conn:
            zone = ZoneInfo(await self._zone(conn, Requester(guild_id=guild_id, user_id=0)))
            found = await stream_exports.recent_lives(conn, guild_id, part=wanted, most=most)
        return tuple(
            LiveChoice(
                live_id=live.live_id,
                handle=live.handle,
                started=live.started_at.astimezone(zone),
                title=live.title,
            )
            for live in found
        )

    async def write(
        self, order: ExportOrder | ProfileOrder, *, most_bytes: int, told: Callable[[int], None]
    ) -> tuple[ExportedFile, ...]:
        """Write an export, one at a time for each guild. Raises `LimitReached` and what the port raises."""
        guild_id = order.guild_id or 0
        if guild_id in self._busy:
            raise LimitReached(
                text("An export for this server is being written. Try again when it is there.")
            )
        if len(self._busy) >= AT_ONCE:
            raise LimitReached(
                text("Exports for other servers are being written. Try again in some minutes.")
            )
        self._busy.add(guild_id)
        started = self._clock.machine.monotonic()
        try:
            files = await self._exporter.write(order, most_bytes=most_bytes, told=told)
        finally:
            self._busy.discard(guild_id)
        took = self._clock.machine.monotonic() - started
        log.info(
            "Exported %s in %.0f s for the server %d", ", ".join(one.name for one in files), took, guild_id
        )
        return files

    async def forget_old(self) -> None:
        """Delete the exports of more than a week ago."""
        gone = await self._exporter.forget_old()
        if gone:
            log.info("Deleted %d old export(s)", gone)

    async def _zone(self, conn: Connection, by: Requester) -> str:
        known = await guilds.load(conn, by.guild_id)
        return known.time_zone if known else self._default_time_zone


def read_day(written: str) -> date:
    """Read a date. Raises `InputRefused`."""
    try:
        day = date.fromisoformat(written.strip())
    except ValueError:
        day = date.min
    # Years that no zone can be reckoned in are no answer either.
    if not date(1970, 1, 2) <= day <= date(9000, 1, 1):
        raise InputRefused(text("Write the day as year-month-day, for example 2026-12-31."))
    return day


def days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Give the first instant of local days and the one after them, both included. Raises `InputRefused`."""
    if last < first:
        raise InputRefused(text("The last day is before the first one."))
    return midnight(first, zone), midnight(last + _DAY, zone)


def range_name(what: str, first: date, last: date, zone: ZoneInfo) -> str:
    """Name the files of an export of local days."""
    return file_name(what, midnight(first, zone).astimezone(zone), midnight(last, zone).astimezone(zone))
