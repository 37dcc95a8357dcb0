"""Keeps the pictures of posts and profiles, because their links expire within days.

A file is written before the row that names it, and removed after the row that named it is gone: whoever is killed
in between leaves a file that nobody names, which goes in one of the next nights.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from bot.clock import Clock
from bot.core.jobs import Job
from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture, PictureOf, PictureType, is_kept, is_wanted
from bot.errors import JobFailed, SourceError, SourceUnavailable
from bot.ports import PictureSource
from bot.storage import jobs
from bot.storage import media as store
from bot.storage.engine import Connection, Database
from bot.storage.media_folder import MediaFolder, name_of, sha256_of
from bot.texts import text

_MEGABYTE = 1_000_000
_ROOM_AGAIN = 0.8
"""Below this share of the room, pictures that there was no room for are asked for again."""

log = logging.getLogger(__name__)


async def ask_for(conn: Connection, owner: MediaOwner, links: Mapping[int, str], now: datetime) -> int:
    """Let the pictures behind links (by owner id) be fetched that are new, have changed, or failed a day ago.

    In the transaction that found the links; gives how many were put into the queue.
    """
    known, put = await store.known(conn, owner, links), 0
    for owner_id, url in links.items():
        if is_wanted(url, known.get(owner_id), now):
            wanted = PictureOf(owner=owner, owner_id=owner_id, url=url)
            put += await jobs.put(conn, wanted.job(), now) is not None
    return put


class Media:
    """The pictures. A post's owner id is its post id, a profile's its account id."""

    def __init__(self, *, database: Database, folder: Path, clock: Clock, megabytes: int) -> None:
        self._database = database
        self._folder = MediaFolder(folder)
        self._clock = clock
        self._most_bytes = megabytes * _MEGABYTE

    async def picture_of(self, owner: MediaOwner, owner_id: int) -> Picture | None:
        """Give a picture to attach; None where none is kept, whatever the reason. Raises `StorageError`."""
        return (await self.pictures_of(owner, [owner_id])).get(owner_id)

    async def pictures_of(self, owner: MediaOwner, owner_ids: Collection[int]) -> Mapping[int, Picture]:
        """Give those pictures of a page that are kept, by owner id. Raises `StorageError`."""
        async with self._database.read() as conn:
            found = await store.known(conn, owner, owner_ids)
        pictures = {}
        for owner_id, one in found.items():
            content = await asyncio.to_thread(self._folder.read, one.file, one.sha256)
            if content is not None:
                pictures[owner_id] = Picture(content=content, media_type=PictureType(one.media_type))
        return pictures

    # --- For the jobs --------------------------------------------------------------------------------

    async def has(self, whose: PictureOf) -> bool:
        """Tell whether the picture behind a link is kept already. Raises `StorageError`."""
        async with self._database.read() as conn:
            found = (await store.known(conn, whose.owner, [whose.owner_id])).get(whose.owner_id)
        if found is None or not is_kept(whose.url, found):
            return False
        return await asyncio.to_thread(self._folder.read, found.file, found.sha256) is not None

    @property
    def has_room(self) -> bool:
        """Whether any picture is to be kept at all."""
        return self._most_bytes > 0

    async def keep(self, job: Job, whose: PictureOf, picture: Picture) -> None:
        """Keep a picture, and let go of older ones where there is no room. Raises `StorageError` and OSError."""
        name, size = name_of(whose.owner, whose.owner_id, picture), len(picture.content)
        await asyncio.to_thread(self._folder.keep, name, picture.content)
        async with self._database.write("media.kept") as conn:
            await jobs.require(conn, job)
            replaced = await store.note_kept(
                conn,
                whose,
                self._clock.now(),
                file=name,
                media_type=picture.media_type,
                size=size,
                sha256=sha256_of(picture.content),
            )
        await asyncio.to_thread(self._folder.remove, replaced)
        await self._make_room()

    async def _make_room(self) -> None:
        while True:
            async with self._database.read() as conn:
                if await store.kept_bytes(conn) <= self._most_bytes:
                    return
            async with self._database.write("media.evicted") as conn:
                gone = await store.evict(conn, self._most_bytes)
            await asyncio.to_thread(self._folder.remove, gone)

    # --- By night --------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Forget what nobody watches, what does not fit, and what lies about. Raises `StorageError` and OSError."""
        forgotten = 1
        while forgotten:
            async with self._database.write("media.unwatched") as conn:
                forgotten = await store.forget_unwatched(conn)
        await self._make_room()
        await self._use_room()
        await self._match_folder()

    async def _use_room(self) -> None:
        async with self._database.read() as conn:
            is_free = await store.kept_bytes(conn) < self._most_bytes * _ROOM_AGAIN
        forgotten = int(is_free)
        while forgotten:
            async with self._database.write("media.room_again") as conn:
                forgotten = await store.forget_without_room(conn)

    async def _match_folder(self) -> None:
        """Remove files that no row names, and forget rows whose file is gone or has another size."""
        sizes = await asyncio.to_thread(self._folder.sizes)
        named: set[str] = set()
        suspect: list[store.KeptFile] = []
        async with self._database.read() as conn:
            async for part in store.files(conn):
                named.update(one.name for one in part)
                suspect += [one for one in part if sizes.get(one.name) != one.size]
        sizes = await asyncio.to_thread(self._folder.sizes)  # what was kept meanwhile is there now
        for one in suspect:
            if sizes.get(one.name) != one.size:
                async with self._database.write("media.missing") as conn:
                    await store.forget_file(conn, one)
                log.warning("The picture %s is gone or damaged; it is asked for again", one.name)
        gone = await asyncio.to_thread(self._folder.remove_all_but, named, self._clock.machine.now())
        if gone:
            log.info("Removed %d file(s) from the media folder that nothing names", gone)


class MediaJobs:
    """The jobs of kind `media`: a `bot.jobs.catalog.JobHandler`."""

    def __init__(self, *, media: Media, source: PictureSource) -> None:
        self._media = media
        self._source = source

    async def run(self, job: Job) -> None:
        """Fetch one picture and keep it. Raises `JobFailed`, and `StorageError`."""
        whose = PictureOf.of(job.args)
        if not self._media.has_room or await self._media.has(whose):  # its end was not noted before a kill
            return
        try:
            picture = await self._source.fetch(whose.url)
        except SourceUnavailable as error:
            raise JobFailed(error.words, retry_after_seconds=error.retry_after_seconds) from error
        except SourceError as error:
            raise JobFailed(error.words, retry=False) from error
        try:
            await self._media.keep(job, whose, picture)
        except OSError as error:
            raise JobFailed(text("a picture cannot be kept ({error})", error=str(error.strerror))) from error

    async def given_up(self, conn: Connection, job: Job, error: str, now: datetime) -> None:
        """Note why there is no picture, so that it is asked for again a day later."""
        await store.note_failure(conn, PictureOf.of(job.args), error, now)
