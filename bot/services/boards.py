"""Status boards: one message in a channel that tells how things stand, edited sparingly."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.live.boards import board_message, board_taken_down
from bot.core.requester import Requester
from bot.errors import NothingThere
from bot.services.announcements import Announcements
from bot.services.apart import Apart
from bot.services.predictions import Predictions
from bot.storage import outbox, special
from bot.storage.engine import Connection, Database
from bot.storage.special import PlacedBoard
from bot.texts import text

REFRESH_EVERY = timedelta(minutes=10)
LONGEST_SLEEP = timedelta(hours=1)

log = logging.getLogger(__name__)


class Boards:
    """Puts boards into channels through the outbox; `changed` wakes the loop around `step`.

    What a board looks like is `bot.core.live.boards.board_message(board)`, and `board_taken_down()` is what
    stands there after it was removed.
    """

    def __init__(
        self,
        *,
        database: Database,
        predictions: Predictions,
        announcements: Announcements,
        clock: Clock,
        refresh_every: timedelta = REFRESH_EVERY,
    ) -> None:
        self._database = database
        self._predictions = predictions
        self._announcements = announcements
        self._clock = clock
        self._refresh_every = refresh_every
        self._apart = Apart()
        self.changed = asyncio.Event()

    async def place(self, by: Requester, channel_id: int) -> None:
        """Put a board into a channel; one that stands there is made anew below."""
        now = self._clock.now()
        async with self._database.write("boards.place") as conn:
            await self._take_down(conn, by.guild_id, channel_id)
            await special.place_board(conn, by, channel_id, f"board:{channel_id}:{now.isoformat()}")
        self.changed.set()

    async def remove(self, by: Requester, channel_id: int) -> None:
        """Take the board of a channel down. Raises `NothingThere`."""
        async with self._database.write("boards.remove") as conn:
            if not await self._take_down(conn, by.guild_id, channel_id):
                raise NothingThere(text("There is no board in that channel."))
        self._announcements.wake()

    async def step(self) -> datetime:
        """Bring every board up to date that was not for a while; gives when to look again."""
        now = self._clock.now()
        async with self._database.read() as conn:
            boards = await special.boards(conn)
        due = [board for board in boards if self._due_at(board, now) <= now]
        for guild_id in dict.fromkeys(board.guild_id for board in due):
            message = await self._drawn_up(guild_id)
            if message is None:
                continue
            mine = [board for board in due if board.guild_id == guild_id]
            async with self._database.write("boards.refresh") as conn:
                # One that was taken down meanwhile stays so.
                standing = await special.boards(conn, guild_id=guild_id)
                for board in mine:
                    if any(one.event_key == board.event_key for one in standing):
                        await outbox.put(
                            conn,
                            event_key=board.event_key,
                            guild_id=guild_id,
                            channel_id=board.channel_id,
                            message=message,
                            now=now,
                        )
                        await special.board_was_put(conn, board.channel_id, now)
        if due:
            self._announcements.wake()
        left = [self._due_at(board, now) for board in boards if board not in due]
        again = [now + self._refresh_every] if due else []
        return min([*left, *again], default=now + LONGEST_SLEEP)

    async def _drawn_up(self, guild_id: int) -> Message | None:
        """Draw up the board of a guild; None where that fails, which keeps no other from it."""

        async def draw_up() -> Message:
            return board_message(await self._predictions.board(guild_id))

        def report(error: Exception) -> None:
            log.error("The board of server %d cannot be drawn up", guild_id, exc_info=error)

        return await self._apart.do(guild_id, draw_up(), report)

    async def _take_down(self, conn: Connection, guild_id: int, channel_id: int) -> bool:
        boards = await special.boards(conn, guild_id=guild_id)
        mine = next((board for board in boards if board.channel_id == channel_id), None)
        if mine is None:
            return False
        await special.remove_board(conn, channel_id)
        await outbox.withdraw(conn, mine.event_key, channel_id)
        if channel_id in await outbox.channels_of(conn, mine.event_key):
            await outbox.put(
                conn,
                event_key=mine.event_key,
                guild_id=guild_id,
                channel_id=channel_id,
                message=board_taken_down(),
                now=self._clock.now(),
            )
        return True

    def _due_at(self, board: PlacedBoard, now: datetime) -> datetime:
        """Give when a board is brought up to date next; of one put in the future the clock was set back."""
        put_at = board.put_at
        return now if put_at is None or put_at > now else put_at + self._refresh_every
