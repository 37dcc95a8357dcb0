"""Keeps the database small: old minutes are summed, older details go into archives, and the file shrinks.

In that order: an archive is written and read back before anything of it is deleted. Whoever is killed goes on
with the archive that is noted in the database; what is not noted is made anew. What fails leaves the data alone.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.core.sizes import is_worth_it
from bot.errors import StorageError
from bot.services.archiving import write_archive
from bot.services.machine import Machine, disk_free
from bot.services.post_retention import PostRetention
from bot.services.upkeep import Failing
from bot.storage import machine as measured
from bot.storage import stream_retention as store
from bot.storage.archive import free_name, is_whole
from bot.storage.engine import Database
from bot.storage.stream_retention import Archive

MINUTES_KEPT = timedelta(days=30)
"""So long each minute of a live is kept by itself."""

log = logging.getLogger(__name__)


class StreamRetention:
    """The nightly job. `failing` is there while details cannot be archived; `done_at` is the last night of this process."""

    def __init__(
        self,
        *,
        database: Database,
        archive_folder: Path,
        posts: PostRetention,
        machine: Machine,
        clock: Clock,
        details_days: int,
        comments_days: int,
    ) -> None:
        self._database = database
        self._folder = archive_folder
        self._posts = posts
        self._machine = machine
        self._clock = clock
        self._details_kept = timedelta(days=details_days)
        self._comments_kept = timedelta(days=comments_days)
        self.done_at: datetime | None = None
        self.failing: Failing | None = None

    async def catch_up(self) -> None:
        """Make up for the nights in which nothing ran."""
        today = self._clock.now().date()
        async with self._database.read() as conn:
            known = await measured.sizes(conn, today - timedelta(days=1))
        if not known:
            await self.night()

    async def night(self) -> None:
        """Do all of it. Raises `StorageError`; whatever was not done then is done the next time."""
        now = self._clock.now()
        try:
            await self._thin(now - MINUTES_KEPT)
            await self._forget_comments(now - self._comments_kept)
            await self._archive_all(now - self._details_kept)
            await self._posts.thin(now)
            await self._give_back()
            await self._note_size(now)
        except StorageError as error:
            since = now if self.failing is None else self.failing.since
            self.failing = Failing(since=since, reason=error.words)
            raise
        self.done_at, self.failing = self._clock.now(), None

    async def _thin(self, before: datetime) -> None:
        async with self._database.read() as conn:
            waiting = await store.unthinned(conn, before)
        interval = self._machine.pressure().interval_minutes
        for live_id in waiting:
            is_more = True
            while is_more:
                async with self._database.write("retention.thin") as conn:
                    is_more = await store.thin(conn, live_id, interval)
        if waiting:
            log.info("Summed the minutes of %d old live(s) into %d minutes each", len(waiting), interval)

    async def _forget_comments(self, before: datetime) -> None:
        is_more = True
        while is_more:
            async with self._database.write("retention.comments") as conn:
                is_more = await store.delete_comments(conn, before)

    async def _archive_all(self, before: datetime) -> None:
        while True:
            async with self._database.read() as conn:
                archive, due = await store.open_archive(conn), await store.due_lives(conn, before)
            if archive is not None:
                await self._delete(archive)
            elif due is not None:
                await self._export(*due)
            else:
                return

    # --- Archives ----------------------------------------------------------------------------------

    async def _export(self, day: datetime, live_ids: tuple[int, ...]) -> None:
        """Write the details of lives into an archive, prove it, and note it."""
        async with self._database.read() as conn:
            name = free_name("lives", day, await store.archive_files(conn))
            reach = await store.marks(conn, live_ids)
            expected = await store.expected(conn, live_ids)
            written, sha256 = await write_archive(
                self._folder / name, expected, store.details(conn, live_ids)
            )
        async with self._database.write("retention.archived") as conn:
            await store.keep_archive(
                conn, file=name, day=day, rows=written, sha256=sha256, reach=reach, now=self._clock.now()
            )
        log.info("Archived %d rows of %d old live(s) in %s", written, len(live_ids), name)

    async def _delete(self, archive: Archive) -> None:
        """Delete what an archive holds, if it still does; else what is left is archived anew."""
        if not await asyncio.to_thread(is_whole, self._folder / archive.file, archive.sha256):
            log.warning("The archive %s is gone or damaged; what is left goes into another", archive.file)
        else:
            for live_id, mark in archive.lives.items():
                is_more = True
                while is_more:
                    async with self._database.write("retention.delete") as conn:
                        is_more = await store.delete_some(conn, live_id, mark)
        async with self._database.write("retention.close_archive") as conn:
            await store.close_archive(conn, archive.id, self._clock.now())

    # --- Room ----------------------------------------------------------------------------------------

    async def _give_back(self) -> None:
        """Make an SQLite file smaller where that pays; a server does so itself (autovacuum)."""
        space, before = await self._database.free_space(), None
        while (
            space is not None
            and space.free != before
            and is_worth_it(
                space.size, space.free, by_steps=space.by_steps, disk_free=disk_free(self._folder)
            )
        ):
            before = space.free
            await self._database.make_smaller(by_steps=space.by_steps)
            space = await self._database.free_space()

    async def _note_size(self, now: datetime) -> None:
        async with self._database.read() as conn:
            size = await measured.size(conn)
        async with self._database.write("retention.size") as conn:
            await measured.note_size(conn, now.date(), size)
