"""Keeps the ratings of players up to date: one pool for all servers, made anew whenever a counted map changed.

A map that came late, was corrected or was left out by an admin changes the ratings of all that came after it, so
they are replayed from the first map. Whether that is due a fingerprint tells, which is kept beside them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.rounds.rating import RatedMap, Rating, rate
from bot.storage import ratings as store
from bot.storage import status
from bot.storage.engine import Database

LOOK_EVERY = timedelta(minutes=10)
"""What changes rounds should set `changed`; whatever does not is noticed this late."""
FINGERPRINT_NOTE = "ratings_of"

Replay = Callable[[Sequence[RatedMap], Mapping[str, Rating]], dict[str, Rating]]
Beside = Callable[[Replay, Sequence[RatedMap], Mapping[str, Rating]], Awaitable[dict[str, Rating]]]
"""Calculates while the event loop goes on; `asyncio.to_thread` is one."""

log = logging.getLogger(__name__)


class Ratings:
    """Setting `changed` after rounds came or were changed brings the next step at once."""

    def __init__(self, *, database: Database, clock: Clock, beside: Beside = asyncio.to_thread) -> None:
        self._database = database
        self._clock = clock
        self._beside = beside
        self.changed = asyncio.Event()

    async def step(self) -> datetime:
        """Replay all maps if they are not those the ratings were made of. Raises `StorageError`.

        Gives when to look again.
        """
        async with self._database.read() as conn:
            fingerprint = await store.fingerprint(conn)
            if fingerprint == await status.note(conn, FINGERPRINT_NOTE):
                return self._clock.now() + LOOK_EVERY
            ratings: dict[str, Rating] = {}
            async for maps in store.counted_maps(conn):
                # Some at a time, so that neither the memory nor a slice grows with the history.
                ratings = await self._beside(rate, maps, ratings)
        async with self._database.write("ratings.keep") as conn:
            await store.replace_all(conn, ratings)
            await status.write_note(conn, FINGERPRINT_NOTE, fingerprint)
        log.info("Ratings made anew: %d players", len(ratings))
        return self._clock.now() + LOOK_EVERY
