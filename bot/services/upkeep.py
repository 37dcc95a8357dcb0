"""What keeps the database small and safe: backups, and forgetting what no rule needs any more."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from bot.clock import Clock
from bot.storage import ledger, outbox
from bot.storage.backup_server import back_up
from bot.storage.engine import Database

LEDGER_KEPT = timedelta(days=30)
MESSAGES_KEPT = timedelta(days=90)

log = logging.getLogger(__name__)


class Upkeep:
    """The nightly jobs."""

    def __init__(self, *, database: Database, backup_folder: Path, backups_kept: int, clock: Clock) -> None:
        self._database = database
        self._backup_folder = backup_folder
        self._backups_kept = backups_kept
        self._clock = clock

    async def back_up(self) -> None:
        """Copy the database. Raises `BackupFailed`, also where a server's own tool is missing."""
        made = await back_up(
            self._database.url, self._backup_folder, now=self._clock.now(), keep=self._backups_kept
        )
        log.info("Backup made: %s", made)

    async def tidy(self) -> None:
        """Forget old ledger rows and messages, and fold the write-ahead log back into the database."""
        now, were_more = self._clock.now(), True
        async with self._database.write("upkeep.tidy") as conn:
            await ledger.forget_before(conn, now - LEDGER_KEPT)
        while were_more:  # a few at a time: others want to write
            async with self._database.write("upkeep.forget_messages") as conn:
                were_more = await outbox.forget_before(conn, now - MESSAGES_KEPT) > 0
        await self._database.checkpoint()
