"""Whom a recorder counts as nobody: kept in memory, and read anew often enough for a deletion to hold at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.forgotten import Forgotten
from bot.storage import privacy
from bot.storage.engine import Database

LOOK_EVERY = timedelta(seconds=10)


class ForgottenPeople:
    """Tells of a viewer's id whether they asked not to be recorded; nobody did before the first `step`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known = Forgotten()

    def __call__(self, person_id: int) -> bool:
        """Answer from memory."""
        return self._known.viewer(person_id)

    async def step(self) -> datetime:
        """Read who asked; gives when to look again."""
        async with self._database.read() as conn:
            self._known = await privacy.forgotten(conn)
        return self._clock.now() + LOOK_EVERY
