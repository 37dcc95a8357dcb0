"""Complete files are fetched, many at once, and imported one after the other."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.core.rounds import files
from bot.core.rounds.files import FileRecord, FileState
from bot.core.rounds.times import EndTime
from bot.errors import SourceError, SourceUnavailable
from bot.ports import RemoteFile, RoundSource
from bot.services.announcements import Announcements
from bot.services.round_import import Fetched, RoundImport
from bot.storage.engine import Database

FETCHED_AT_ONCE = 64
"""So many files are asked for together: a far server answers them in the time of one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A file to fetch, and what is known of it."""

    file: RemoteFile
    record: FileRecord


class RoundFetch:
    """Brings complete files from a source into the database."""

    def __init__(
        self, *, database: Database, importer: RoundImport, announcements: Announcements, clock: Clock
    ) -> None:
        self._database = database
        self._importer = importer
        self._announcements = announcements
        self._clock = clock

    async def run(
        self, server: str, source: RoundSource, due: Sequence[Due], times: Mapping[str, EndTime]
    ) -> int:
        """Fetch and import files in their order; gives how many were imported. Raises a `SourceError`.

        `times` are those of the whole folder.

        A file that cannot be read is that file's trouble, and so is one at which the server fails; when it
        fails at the next one as well, and no file came in between, that is the server's.
        """
        imported, has_failed = 0, False
        waiting = deque(due)
        while waiting:
            batch = [waiting.popleft() for _ in range(min(FETCHED_AT_ONCE, len(waiting)))]
            came = await source.fetch([one.file for one in batch])
            waiting.extendleft(one for one in reversed(batch) if one.file.name not in came)
            for one in batch:
                if one.file.name in came:
                    imported += await self._take(server, one, came[one.file.name], times)
            failures = [content for content in came.values() if isinstance(content, SourceUnavailable)]
            if has_failed and len(failures) == len(came):
                raise failures[0]
            has_failed = bool(failures)
        if imported:
            log.info("%s: %d file(s) imported", server, imported)
        return imported

    async def _take(
        self, server: str, one: Due, content: bytes | SourceError, times: Mapping[str, EndTime]
    ) -> bool:
        """Import what came of a file; gives whether it is imported."""
        if isinstance(content, SourceError):
            await self._put_off(server, one, content.words)
            return False
        fetched = Fetched(server=server, name=one.file.name, record=one.record, content=content, times=times)
        result = await self._importer.take(fetched, self._clock.now())
        if result.was_put:
            self._announcements.wake()
        if result.record.state is not FileState.IMPORTED and not one.record.tries:
            # What is ignored is a copy, or told by another file: no trouble.
            level = logging.INFO if result.record.state is FileState.IGNORED else logging.WARNING
            log.log(level, "%s: %s is not imported: %s", server, one.file.name, result.record.reason)
        return result.record.state is FileState.IMPORTED

    async def _put_off(self, server: str, one: Due, reason: str) -> None:
        """Write that a file could not be fetched, and when to try it again."""
        now = self._clock.now()
        failed = files.failed(one.record, reason=reason, now=now)
        async with self._database.write("rounds.put_off") as conn:
            was_told = await self._importer.put_off(conn, server, one.file.name, failed, now)
        if was_told:
            self._announcements.wake()
        if not one.record.tries:
            log.warning("%s: %s could not be fetched: %s", server, one.file.name, reason)
