"""When the wall clock steps, everything stored that rules compute with moves along.

Otherwise a step forward would free the budgets at once, and a step back would leave accounts unchecked and
messages waiting until the old time has come again. A step while the bot does not run cannot be told from
time that passed: then the wall clock is believed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.clock import SteadyClock
from bot.storage import timestamps
from bot.storage.engine import Database

LOOK_EVERY = timedelta(minutes=1)
REACH = timedelta(days=2)
"""Older instants matter to no rule: the longest window is a day."""

log = logging.getLogger(__name__)


class Timekeeping:
    """Watches the wall clock. `look_every` is how long a step may stay unseen."""

    def __init__(self, database: Database, clock: SteadyClock, look_every: timedelta = LOOK_EVERY) -> None:
        self._database = database
        self._clock = clock
        self._look_every = look_every

    async def step(self) -> datetime:
        """Follow the wall clock if it has stepped; gives when to look again. Raises `StorageError`."""
        by = self._clock.step()
        if by:
            async with self._database.write("clock.shift") as conn:
                await timestamps.shift(conn, by, since=self._clock.now() - REACH)
            log.warning("The clock was set %s by %s; plans and budgets moved along", _way(by), abs(by))
        self._clock.adopt(by)
        return self._clock.now() + self._look_every


def _way(by: timedelta) -> str:
    return "forward" if by > timedelta(0) else "back"
