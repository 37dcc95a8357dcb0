"""Posts the week's table of players on Mondays, and the champions of a season when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.rounds.weekly import (
    SEASONS_METRICS,
    WEEKS_METRICS,
    DuePost,
    due_posts,
    next_posting,
    season_message,
    week_message,
)
from bot.services.announcements import Announcements
from bot.services.leaderboards import rank, servers_of
from bot.services.report_places import report_places, tell_report
from bot.settings import GameServer
from bot.storage import guilds, outbox
from bot.storage.engine import Connection, Database

LONGEST_SLEEP = timedelta(hours=1)
"""A time zone or a channel may be chosen meanwhile, and a late file may bring what was played."""


class WeeklyPlayers:
    """Puts each post once into the outbox, for the guilds that want it."""

    def __init__(
        self,
        *,
        database: Database,
        announcements: Announcements,
        servers: Mapping[str, GameServer],
        clock: Clock,
    ) -> None:
        self._database = database
        self._announcements = announcements
        self._servers = servers
        self._clock = clock

    async def step(self) -> datetime:
        """Post what is due; gives when to look again."""
        now = self._clock.now()
        async with self._database.read() as conn:
            readers = await guilds.readers_of_weeks(conn)
        following = [now + LONGEST_SLEEP]
        for guild_id, channel_id, zone_name in readers:
            zone = ZoneInfo(zone_name)
            following.append(next_posting(now, zone))
            for post in due_posts(now, zone):
                await self._post(guild_id, channel_id, zone, post, now)
        return min(following)

    async def _post(
        self, guild_id: int, channel_id: int | None, zone: ZoneInfo, post: DuePost, now: datetime
    ) -> None:
        key = f"players:{guild_id}:{post.key}"
        async with self._database.read() as conn:
            if await outbox.channels_of(conn, key) or not await report_places(conn, guild_id, channel_id):
                return
            message = await self._message(conn, guild_id, zone, post)
        if message is None:
            return
        async with self._database.write("players.post") as conn:
            if await outbox.channels_of(conn, key):
                return  # another process was quicker
            messages = dict.fromkeys(await report_places(conn, guild_id, channel_id), message)
            await tell_report(conn, key, messages, expires_at=post.expires_at, now=now)
        self._announcements.wake()

    async def _message(
        self, conn: Connection, guild_id: int, zone: ZoneInfo, post: DuePost
    ) -> Message | None:
        servers = servers_of(self._servers, guild_id)
        metrics = WEEKS_METRICS if post.season is None else SEASONS_METRICS
        rankings = [await rank(conn, servers, metric, post.span) for metric in metrics]
        if post.season is None:
            return week_message(rankings, post.span, zone)
        return season_message(rankings, post.season, post.span, zone)
