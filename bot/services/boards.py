"""Status boards: one message in a channel that tells how things stand, edited sparingly."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.requester import Requester
from bot.services.announcements import Announcements
from bot.services.predictions import Predictions
from bot.storage.engine import Database

REFRESH_EVERY = timedelta(minutes=10)


class Boards:
    """Puts boards into channels through the outbox; `changed` wakes the loop around `step`.

    What a board looks like is `bot.core.live.boards.board_message(board)`, and `board_taken_down()` is what
    stands there after it was removed.
    """

    def __init__(
        self, *, database: Database, predictions: Predictions, announcements: Announcements, clock: Clock
    ) -> None:
        self._database = database
        self._predictions = predictions
        self._announcements = announcements
        self._clock = clock
        self.changed = asyncio.Event()

    async def place(self, by: Requester, channel_id: int) -> None:
        """Put a board into a channel; one that stands there is made anew below."""
        raise NotImplementedError

    async def remove(self, by: Requester, channel_id: int) -> None:
        """Take the board of a channel down. Raises `NothingThere`."""
        raise NotImplementedError

    async def step(self) -> datetime:
        """Bring every board up to date that was not for `REFRESH_EVERY`; gives when to look again."""
        raise NotImplementedError
