"""What the bot's own process must know of recorders: whether one is needed, and what a dead one held."""

from __future__ import annotations

import logging

from bot.storage import recordings
from bot.storage.engine import Database

log = logging.getLogger(__name__)


class RecordingControl:
    """Looks at the recordings for who looks after the recorder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def anything_to_record(self) -> bool:
        """Tell whether any live is to be recorded now."""
        async with self._database.read() as conn:
            return await recordings.anything_to_record(conn)

    async def free(self, holder: str) -> None:
        """Give back what a recorder held that is dead."""
        async with self._database.write("streams.free") as conn:
            count = await recordings.free_of(conn, holder)
        if count:
            log.info("The next recorder takes up %d lives", count)
