"""Thins the snapshots of posts and profiles, after what leaves was exported to an archive that was read back.

A day or a week at a time. Whoever is killed goes on with the archive that is noted in the database; what is not
noted is made anew. What fails leaves the data alone.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.core.posts.thinning import Period, period_of, reaches
from bot.services.archiving import write_archive
from bot.storage import post_retention as store
from bot.storage.archive import free_name, is_whole, rows_in
from bot.storage.engine import Connection, Database
from bot.storage.post_retention import PostArchive

log = logging.getLogger(__name__)


class PostRetention:
    """A part of the nightly job of `bot.services.stream_retention`."""

    def __init__(self, *, database: Database, archive_folder: Path, clock: Clock, details_days: int) -> None:
        self._database = database
        self._folder = archive_folder
        self._clock = clock
        self._details_kept = timedelta(days=details_days)

    async def thin(self, now: datetime) -> None:
        """Thin all that is old enough. Raises `StorageError`; whatever was not done then is done the next time."""
        while True:
            async with self._database.read() as conn:
                archive, period = await store.open_archive(conn), await self._next(conn, now)
            if archive is not None:
                await self._delete(archive)
            elif period is not None:
                await self._export(period)
            else:
                return

    async def _next(self, conn: Connection, now: datetime) -> Period | None:
        for reach in reaches(now, self._details_kept, await store.done_until(conn)):
            first = await store.first_in(conn, reach)
            if first is not None:
                return period_of(first, reach.stage)
        return None

    async def _export(self, period: Period) -> None:
        """Write what leaves of a period into an archive, prove it, and note it; nothing left, the period is done."""
        async with self._database.read() as conn:
            expected = await store.expected(conn, period)
            is_thin = not any(count for name, count in expected.items() if name.endswith(".rows"))
            if not is_thin:
                name = free_name(period.stage, period.begins_at, await store.archive_files(conn))
                parts = store.leaving(conn, period)
                written, sha256 = await write_archive(self._folder / name, expected, parts)
        if is_thin:
            async with self._database.write("posts.thinned") as conn:
                await store.note_done(conn, period.stage, period.ends_at)
            return
        async with self._database.write("posts.archived") as conn:
            await store.keep_archive(
                conn, file=name, period=period, rows=written, sha256=sha256, now=self._clock.now()
            )
        log.info("Archived %d snapshots of posts and profiles in %s", written, name)

    async def _delete(self, archive: PostArchive) -> None:
        """Delete what an archive holds, if it still does; else what is left is archived anew."""
        file = self._folder / archive.file
        if not await asyncio.to_thread(is_whole, file, archive.sha256):
            log.warning("The archive %s is gone or damaged; what is left goes into another", archive.file)
        else:
            parts = rows_in(file, store.AT_ONCE)
            while (rows := await asyncio.to_thread(next, parts, None)) is not None:
                async with self._database.write("posts.deleted") as conn:
                    await store.delete_rows(conn, rows)
        async with self._database.write("posts.close_archive") as conn:
            await store.close_archive(conn, archive.id, self._clock.now())
