"""Runs that somebody asked for: how far they are, and their end told where it was asked for.

As long as the answer to the command can be changed, it tells; `following` says so. Where it cannot any more, because
its 15 minutes are over or the bot was started anew, the end goes into the channel by the outbox, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.posts.figures import ProfileName
from bot.core.posts.run_posts import FollowedRun, end_message
from bot.errors import NothingThere
from bot.services.announcements import Announcements
from bot.storage import live as accounts
from bot.storage import outbox, post_reading, profile_watches
from bot.storage.engine import Connection, Database
from bot.storage.profile_watches import Asker
from bot.texts import text

LOOKED_AFTER = timedelta(seconds=30)
TOLD_WITHIN = timedelta(hours=24)
"""An end that could not be posted for so long is no news any more."""


class ProfileAsking:
    """Follows runs for those who asked; `changed` is set when one is not followed by its answer any more."""

    def __init__(self, *, database: Database, announcements: Announcements, clock: Clock) -> None:
        self._database = database
        self._announcements = announcements
        self._clock = clock
        self._followed: list[tuple[int, int]] = []
        self.changed = asyncio.Event()

    @contextmanager
    def following(self, run_id: int, channel_id: int) -> Iterator[None]:
        """Leave the end of a run to the answer to a command, as long as this lasts."""
        self._followed.append((run_id, channel_id))
        try:
            yield
        finally:
            self._followed.remove((run_id, channel_id))
            self.changed.set()

    async def followed(self, run_id: int) -> FollowedRun:
        """Give how far a run is. Raises `NothingThere` where it is not in the log any more."""
        async with self._database.read() as conn:
            return await self._read(conn, run_id)

    async def answered(self, run_id: int, channel_id: int) -> None:
        """Note that the answer to the command has told the end, unless another of this channel is still to tell it."""
        if self._followed.count((run_id, channel_id)) > 1:
            return
        async with self._database.write("profiles.answered") as conn:
            await profile_watches.was_told(conn, run_id, channel_id)

    async def step(self) -> datetime:
        """Tell the ends of runs in the channels where nobody else does; gives when to look again."""
        async with self._database.read() as conn:
            waiting = await profile_watches.waiting_for_ended(conn)
        for asker in waiting:
            if (asker.run_id, asker.channel_id) not in self._followed:
                await self._tell(asker)
        return self._clock.now() + LOOKED_AFTER

    async def _tell(self, asker: Asker) -> None:
        now = self._clock.now()
        async with self._database.write("profiles.tell_end") as conn:
            await outbox.put(
                conn,
                event_key=f"profile-run:{asker.run_id}",
                guild_id=asker.guild_id,
                channel_id=asker.channel_id,
                message=await self._end(conn, asker),
                now=now,
                expires_at=now + TOLD_WITHIN,
            )
            await profile_watches.was_told(conn, asker.run_id, asker.channel_id)
        self._announcements.wake()

    async def _end(self, conn: Connection, asker: Asker) -> Message:
        return end_message(await self._read(conn, asker.run_id), asker.user_id)

    async def _read(self, conn: Connection, run_id: int) -> FollowedRun:
        run = await post_reading.run_of(conn, run_id)
        account = None if run is None else await accounts.account_by_id(conn, run.account_id)
        if run is None or account is None:
            raise NothingThere(text("That run is not in the log any more."))
        name = ProfileName(account_id=account.id, handle=account.handle, nickname=account.nickname)
        if run.finished_at is None:
            return FollowedRun(name=name, run=run)
        sample, before = await post_reading.samples_of_run(conn, run.account_id, run.id)
        return FollowedRun(
            name=name,
            run=run,
            trouble=await post_reading.trouble_of(conn, run.account_id),
            sample=sample,
            before=before,
            gone=await post_reading.gone_during(conn, run),
        )
