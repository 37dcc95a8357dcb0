"""Posts the summary of an evening when it is over: one loop for all game servers, wired in `bot.app`.

An evening is over when nothing was played for the gap between evenings. It is told once, unless it ended too long
ago (then the bot was not running) or has no round that counts and may be told. Rounds that come later edit the
summary (`round_telling`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.notifications.kinds import Kind
from bot.core.rounds.evenings import GAP
from bot.services.announcements import Announcements
from bot.services.evening_reading import REACH, KeptEvening, evenings_between
from bot.services.evening_summaries import open_summary
from bot.services.round_places import round_places
from bot.settings import GameServer
from bot.storage import evenings as store
from bot.storage.engine import Connection, Database

LOOK_EVERY = timedelta(minutes=10)
"""Rounds also come in from another program; each is seen long before its evening is over."""
_MARGIN = timedelta(seconds=1)


class Evenings:
    """Puts summaries into the outbox; one that ended longer than `post_max_age` and the gap ago stays untold."""

    def __init__(
        self,
        *,
        database: Database,
        servers: Mapping[str, GameServer],
        announcements: Announcements,
        clock: Clock,
        post_max_age: timedelta,
        look_every: timedelta = LOOK_EVERY,
    ) -> None:
        self._database = database
        self._servers = servers
        self._announcements = announcements
        self._clock = clock
        self._post_max_age = post_max_age
        self._look_every = look_every

    async def step(self) -> datetime:
        """Tell every evening that is over; gives when to look again."""
        now = self._clock.now()
        come_back_at = now + self._look_every
        for server in self._servers:
            async with self._database.read() as conn:
                untold = await self._untold(conn, server, now)
            if any(one.is_over(now) for one in untold):
                await self._tell(server, now)
            ends = [one.ended_at + GAP + _MARGIN for one in untold if not one.is_over(now)]
            come_back_at = min([come_back_at, *ends])
        return come_back_at

    async def _untold(self, conn: Connection, server: str, now: datetime) -> list[KeptEvening]:
        """Give the evenings of a server that are to be told, now or when they are over."""
        since = now - self._post_max_age - GAP
        last = await store.last_round(conn, [server])
        if last is None or last[1] < since or not await self._targets(conn, server):
            return []
        return [
            one
            for one in await evenings_between(conn, server, since - REACH, now + REACH)
            if one.ended_at >= since and one.is_worth_telling and not await _is_told(conn, one)
        ]

    async def _tell(self, server: str, now: datetime) -> None:
        async with self._database.write("evenings.tell") as conn:
            targets = await self._targets(conn, server)
            for evening in await self._untold(conn, server, now):
                if evening.is_over(now):
                    await open_summary(conn, evening, targets, now, expires_after=self._post_max_age)
        self._announcements.wake()

    async def _targets(self, conn: Connection, server: str) -> tuple[tuple[int, int], ...]:
        return await round_places(conn, Kind.EVENING, server, self._servers[server].guild_ids)


async def _is_told(conn: Connection, evening: KeptEvening) -> bool:
    return bool(await store.summary_keys(conn, [one.id for one in evening.rounds]))
