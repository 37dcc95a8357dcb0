"""What keeps the database small and safe: backups, and forgetting what no rule needs any more."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.errors import StorageError
from bot.storage import guilds, jobs, ledger, outbox
from bot.storage.backup_server import back_up
from bot.storage.engine import Database

LEDGER_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(weeks=18)
"""What a check of an account answered teaches for 16 weeks (`bot.services.planning.REMEMBERED`)."""
MESSAGES_KEPT = timedelta(days=90)
JOBS_KEPT = timedelta(days=30)
GUILDS_KEPT = timedelta(days=30)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failing:
    """Since when nothing succeeds, and why the last try did not."""

    since: datetime
    reason: str


class Upkeep:
    """The nightly jobs. `failing` is there while backups fail; `backed_up_at` is the last one of this process."""

    def __init__(self, *, database: Database, backup_folder: Path, backups_kept: int, clock: Clock) -> None:
        self._database = database
        self._backup_folder = backup_folder
        self._backups_kept = backups_kept
        self._clock = clock
        self.backed_up_at: datetime | None = None
        self.failing: Failing | None = None

    async def back_up(self) -> None:
        """Copy the database. Raises `BackupFailed`, also where a server's own tool is missing."""
        now = self._clock.now()
        try:
            made = await back_up(self._database.url, self._backup_folder, now=now, keep=self._backups_kept)
        except StorageError as error:
            since = now if self.failing is None else self.failing.since
            self.failing = Failing(since=since, reason=error.words)
            raise
        self.backed_up_at, self.failing = self._clock.now(), None
        log.info("Backup made: %s", made)

    async def tidy(self) -> None:
        """Forget old ledger rows, messages and guilds, and fold the write-ahead log back into the database."""
        now, were_more = self._clock.now(), True
        async with self._database.write("upkeep.tidy") as conn:
            await ledger.forget_before(conn, now - LEDGER_KEPT, answers_before=now - ANSWERS_KEPT)
            forgotten = await guilds.forget_left_before(conn, now - GUILDS_KEPT)
        for guild_id in forgotten:
            log.info("Forgot the server %d, which removed the bot %d days ago", guild_id, GUILDS_KEPT.days)
        while were_more:  # a few at a time: others want to write
            async with self._database.write("upkeep.forget_messages") as conn:
                were_more = await outbox.forget_before(conn, now - MESSAGES_KEPT) > 0
        were_more = True
        while were_more:
            async with self._database.write("upkeep.forget_jobs") as conn:
                were_more = await jobs.forget_before(conn, now - JOBS_KEPT) > 0
        await self._database.checkpoint()
