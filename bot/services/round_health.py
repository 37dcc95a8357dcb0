"""What becomes of it that a game server can be read, or cannot: written down, logged and told once."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.clock import Clock
from bot.core.rounds import notices
from bot.errors import HostKeyChanged, HostKeyUnknown, SourceAuthFailed, SourceError
from bot.services.admin_notices import outage_key, tell_admins, tell_again
from bot.services.announcements import Announcements
from bot.settings import GameServer
from bot.storage import sources
from bot.storage.engine import Database

HOPELESS = (HostKeyChanged, HostKeyUnknown, SourceAuthFailed)
"""What trying again does not mend."""

log = logging.getLogger(__name__)


class RoundHealth:
    """Keeps how the servers among the outside sources are."""

    def __init__(
        self,
        *,
        database: Database,
        servers: Mapping[str, GameServer],
        announcements: Announcements,
        clock: Clock,
    ) -> None:
        self._database = database
        self._servers = servers
        self._announcements = announcements
        self._clock = clock

    async def answered(self, server: str, *, was_in_trouble: bool) -> None:
        """Write that a server answered; an outage ends in the log and in the admins' notice."""
        now, source = self._clock.now(), ssh_source(server)
        async with self._database.write("rounds.answered") as conn:
            before = await sources.load(conn, source)
            await sources.record_ok(conn, source, now)
            if before.down_since is not None:
                notice = notices.server_back(server, before.down_since, now)
                await tell_again(conn, outage_key(source, before.down_since), notice, now)
        if was_in_trouble or before.down_since is not None:
            log.info("%s answers again", server)
            self._announcements.wake()

    async def failed(self, server: str, error: SourceError, *, is_news: bool) -> None:
        """Write that a server cannot be read; where only a person can help, admins are told."""
        now, source = self._clock.now(), ssh_source(server)
        if is_news:
            log.error("%s cannot be read: %s", server, error)
        async with self._database.write("rounds.trouble") as conn:
            await sources.record_failure(conn, source, error.words, now)
            if isinstance(error, HOPELESS):
                down_since = (await sources.load(conn, source)).down_since or now
                notice = notices.server_closed(server, error.words)
                guild_ids = self._servers[server].guild_ids
                await tell_admins(conn, outage_key(source, down_since), guild_ids, notice, now)
        self._announcements.wake()


def ssh_source(server: str) -> str:
    """Name a server among the outside sources."""
    return f"ssh:{server}"
