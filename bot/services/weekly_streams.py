"""Tells on Mondays of the lives of the week, where lives are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.streams.gifters import PER_PAGE
from bot.core.streams.weekly import IS_NEWS_FOR, DueWeek, Week, due_week, lives_message
from bot.services.announcements import Announcements
from bot.services.report_places import report_places, tell_report
from bot.storage import gift_sums, guilds, outbox, stream_spans, subscriptions
from bot.storage.engine import Connection, Database

WEEKS_LIVES = "lives:"
"""With this begin the keys of the digests in the outbox."""
LONGEST_SLEEP = timedelta(hours=1)
"""A time zone or a channel may be chosen meanwhile."""
_INSTANT = timedelta(microseconds=1)


class Calendar(Protocol):
    """Says when something is due; a trigger of APScheduler."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime, /) -> datetime | None:
        """Give the first time at `now` or after it; None: never again."""


class WeeklyStreams:
    """Puts each week once into the outbox, for the guilds that want it. `calendar` gives that of a time zone."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        clock: Clock,
        calendar: Callable[[str], Calendar],
        usd_per_diamond: float,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._calendar = calendar
        self._usd_per_diamond = usd_per_diamond

    async def step(self) -> datetime:
        """Tell what is due; gives when to look again."""
        now = self._clock.now()
        async with self._database.read() as conn:
            readers = await guilds.readers_of_lives(conn)
        following = [now + LONGEST_SLEEP]
        for guild_id, channel_id, zone_name in readers:
            # The first time that is still news, or to come.
            told_at = self._calendar(zone_name).get_next_fire_time(None, now - IS_NEWS_FOR + _INSTANT)
            if told_at is not None and told_at <= now:
                await self._tell(guild_id, channel_id, ZoneInfo(zone_name), told_at.astimezone(UTC))
            elif told_at is not None:
                following.append(told_at.astimezone(UTC))
        return min(following)

    async def _tell(self, guild_id: int, channel_id: int | None, zone: ZoneInfo, told_at: datetime) -> None:
        due, now = due_week(told_at, zone), self._clock.now()
        key = f"{WEEKS_LIVES}{guild_id}:week:{due.monday}"
        async with self._database.read() as conn:
            if await outbox.channels_of(conn, key) or not await report_places(conn, guild_id, channel_id):
                return
            message = await self._message(conn, guild_id, zone, due, now)
        if message is None:
            return
        async with self._database.write("streams.week") as conn:
            if await outbox.channels_of(conn, key):
                return  # another process was quicker
            messages = dict.fromkeys(await report_places(conn, guild_id, channel_id), message)
            await tell_report(conn, key, messages, expires_at=due.expires_at, now=now)
        self._announcements.wake()

    async def _message(
        self, conn: Connection, guild_id: int, zone: ZoneInfo, due: DueWeek, now: datetime
    ) -> Message | None:
        followed = await subscriptions.load(conn, guild_id=guild_id, active=True)
        account_ids = sorted({one.account_id for one in followed})
        lives = [await stream_spans.lives_between(conn, account_ids, span) for span in (due.span, due.before)]
        supporters = await gift_sums.supporters(conn, account_ids, due.span, most=PER_PAGE)
        week = Week(
            lives=lives[0],
            before=lives[1],
            supporters=supporters,
            now=now,
            usd_per_diamond=self._usd_per_diamond,
        )
        return lives_message(week, due, zone)
