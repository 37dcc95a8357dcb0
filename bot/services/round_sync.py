"""Watches the stats folders of the game servers: one loop per server, wired in `bot.app`.

Each step lists the folder once. A file is fetched when two listings at least `settle` apart show it
unchanged (the table in `bot.core.rounds.files`), so a step that saw something new comes back soon.
The first listing of a server ever, and a backfill, import without a word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.requester import Requester
from bot.core.rounds import files, notices
from bot.core.rounds.files import SETTLE, FileKind, FileRecord, FileState
from bot.core.rounds.looking import Result
from bot.errors import (
    ChartFailed,
    HostKeyChanged,
    HostKeyUnknown,
    NotAllowed,
    NothingThere,
    SourceAuthFailed,
    SourceChanged,
    SourceError,
    SourceUnavailable,
)
from bot.ports import ChartRenderer, GameQuery, RemoteFile, RoundSource
from bot.services.admin_notices import outage_key, tell_admins, tell_again
from bot.services.announcements import Announcements
from bot.services.round_import import Fetched, RoundImport
from bot.services.round_looks import RoundLooks
from bot.settings import GameServer
from bot.storage import leases, sources
from bot.storage import rounds as store
from bot.storage.engine import Database
from bot.storage.rounds import AT_ONCE, Trouble
from bot.texts import text

MOST_HURRIES = 20
"""So many short waits in a row for a file that keeps changing; then it waits like everything else."""
MARGIN = timedelta(milliseconds=50)
"""A sleep may end a little before the wall clock says so, and then the settle time were not over."""
STEP_ASIDE = timedelta(seconds=10)
_RESTING = timedelta(days=1)
_HOPELESS = (HostKeyChanged, HostKeyUnknown, SourceAuthFailed)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncRules:
    """How old a round may be to be posted, and a fixed interval in place of each server's own policy."""

    poll_every: timedelta | None = None
    settle: timedelta = SETTLE
    post_max_age: timedelta = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Poll:
    """What one look at a folder did. `waiting` files are not proven complete yet; `error` ended the look.

    `troubles` are filled in for people who ask: the newest files that are not imported, and why.
    """

    server: str
    listed: int = 0
    imported: int = 0
    failed: int = 0
    waiting: int = 0
    error: str = ""
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatus:
    """How the watching of one server goes. A `closed` server is left alone until a restart or a sync."""

    server: str
    last_ok_at: datetime | None
    next_check_at: datetime | None
    files: Mapping[FileState, int]
    troubles: tuple[Trouble, ...]
    error: str
    closed: bool


@dataclass(kw_only=True, slots=True)
class _Watched:
    """What a process knows of one server while it runs."""

    source: RoundSource
    looks: RoundLooks
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    error: str = ""
    closed: bool = False
    hurries: int = 0
    found: int = 0
    has_followed: bool = False  # what follows from imports; a process that died may have left it undone
    next_check_at: datetime | None = None


class RoundSync:
    """Brings rounds from the game servers into the database and into the outbox.

    `sources` and `servers` have the same names; whose name is not in `queries` is not asked what is played.
    `changed[server]` wakes the server's loop. A server whose lease another than `holder` has is left to it.
    """

    def __init__(
        self,
        *,
        database: Database,
        sources: Mapping[str, RoundSource],
        servers: Mapping[str, GameServer],
        announcements: Announcements,
        charts: ChartRenderer,
        clock: Clock,
        rules: SyncRules,
        queries: Mapping[str, GameQuery] | None = None,
        holder: str = "",
    ) -> None:
        self._database = database
        self._servers = servers
        self._announcements = announcements
        self._charts = charts
        self._clock = clock
        self._rules = rules
        self._holder = holder
        self._importer = RoundImport(database=database, servers=servers, post_max_age=rules.post_max_age)
        asked = queries or {}
        self._watched = {
            name: _Watched(source=source, looks=self._looks(name, asked.get(name)))
            for name, source in sources.items()
        }
        self.changed = {name: asyncio.Event() for name in sources}

    def _looks(self, server: str, query: GameQuery | None) -> RoundLooks:
        return RoundLooks(
            server=server,
            settings=self._servers[server],
            every=self._rules.poll_every,
            query=query,
            database=self._database,
            clock=self._clock,
        )

    # --- The loop of a server ----------------------------------------------------------------

    async def step(self, server: str) -> datetime:
        """Look once at a folder, or ask what is played if only that is due; gives when to come back.

        Raises `StorageError`.
        """
        watched = self._watched[server]
        if await self._is_anothers(server):
            self._announcements.wake()  # for what the other has put there
            watched.next_check_at = self._clock.now() + STEP_ASIDE
            return watched.next_check_at
        is_settling = 0 < watched.hurries <= MOST_HURRIES
        if not watched.closed and (is_settling or not await watched.looks.ask_if_due()):
            poll = await self.poll_once(server)
            watched.hurries = watched.hurries + 1 if poll.waiting else 0
            watched.found += poll.imported
            if 0 < watched.hurries <= MOST_HURRIES:
                watched.next_check_at = self._clock.now() + self._rules.settle + MARGIN
                return watched.next_check_at
            watched.looks.note(_result(poll, watched.found))
            watched.found = 0
        if watched.closed:
            watched.next_check_at = self._clock.now() + _RESTING
            return watched.next_check_at
        plan = await watched.looks.plan()
        watched.next_check_at = plan.look_at
        return min(plan.look_at, plan.ask_at or plan.look_at)

    async def _is_anothers(self, server: str) -> bool:
        async with self._database.read() as conn:
            return await leases.holder(conn, server, self._clock.now()) not in {"", self._holder}

    async def poll_once(self, server: str, *, silent: bool = False) -> Poll:
        """List a folder and import what is complete; files first seen now stay `silent`.

        Trouble with the server ends the look and is told in the result. Raises `StorageError`.
        """
        watched = self._watched[server]
        async with watched.lock:
            try:
                poll = await self._look(server, watched.source, silent=silent)
            except SourceError as error:
                await self._note_trouble(server, watched, error)
                return Poll(server=server, error=error.words)
            if poll.imported:
                watched.looks.rounds_came()
            if poll.imported or not watched.has_followed:
                await self._importer.all_taken(server, self._clock.now())
                watched.has_followed = True
            await self._note_answer(server, watched)
            return poll

    async def _look(self, server: str, source: RoundSource, *, silent: bool) -> Poll:
        started_at = self._clock.now()
        listing = await source.list_files()
        listed_at = self._clock.now()
        async with self._database.read() as conn:
            known = await store.load_files(conn, server)
            is_first = (await sources.load(conn, _source(server))).last_ok_at is None
        seen = await self._decide(listing, known, started_at, listed_at)
        news = {name: record for name, record in seen.records.items() if record != known.get(name)}
        if news:
            async with self._database.write("rounds.list") as conn:
                await store.save_files(conn, server, news, now=listed_at, silent=silent or is_first)
        imported = await self._fetch(server, source, seen)
        waiting = sum(record.state is FileState.SEEN for record in seen.records.values())
        return Poll(
            server=server,
            listed=len(seen.records),
            imported=imported,
            failed=len(seen.due) - imported,
            waiting=waiting,
        )

    async def _decide(
        self,
        listing: Iterable[RemoteFile],
        known: Mapping[str, FileRecord],
        started_at: datetime,
        listed_at: datetime,
    ) -> _Seen:
        """Apply the table of files to the rounds of a listing, the oldest name first.

        What is new counts from the end of the listing and what is due from its start, so that two
        listings of a slow server are far enough apart in truth.
        """
        records, due = {}, []
        for number, file in enumerate(sorted(listing, key=lambda file: file.name), start=1):
            if number % AT_ONCE == 0:
                await self._clock.sleep(0)
            if files.file_kind(file.name) is not FileKind.ROUND:
                continue
            before = known.get(file.name)
            is_same = before is not None and (before.size, before.modified_at) == (
                file.size,
                file.modified_at,
            )
            decision = files.next_state(
                before,
                name=file.name,
                size=file.size,
                modified_at=file.modified_at,
                now=started_at if is_same else listed_at,
                settle=self._rules.settle,
            )
            records[file.name] = decision.record
            if decision.fetch:
                due.append(file)
        return _Seen(records=records, due=tuple(due))

    async def _fetch(self, server: str, source: RoundSource, seen: _Seen) -> int:
        """Fetch and import the complete files; gives how many were imported.

        One file that cannot be fetched is that file's trouble; two in a row are the server's.
        """
        imported, refused = 0, 0
        for file in seen.due:
            record = seen.records[file.name]
            try:
                content = await source.fetch(file)
            except (SourceChanged, SourceUnavailable) as error:
                refused = refused + 1 if isinstance(error, SourceUnavailable) else 0
                await self._put_off(server, file.name, record, error.words)
                if refused > 1:
                    raise
                continue
            refused = 0
            fetched = Fetched(server=server, name=file.name, record=record, content=content)
            imported += await self._import(fetched)
        if imported:
            log.info("%s: %d round(s) imported", server, imported)
        return imported

    async def _import(self, fetched: Fetched) -> bool:
        result = await self._importer.take(fetched, self._clock.now())
        if result.was_put:
            self._announcements.wake()
        if result.record.state is not FileState.IMPORTED and not fetched.record.tries:
            log.warning("%s: %s is not imported: %s", fetched.server, fetched.name, result.record.reason)
        return result.record.state is FileState.IMPORTED

    async def _put_off(self, server: str, name: str, record: FileRecord, reason: str) -> None:
        """Write that a file could not be fetched, and when to try it again."""
        failed = files.failed(record, reason=reason, now=self._clock.now())
        async with self._database.write("rounds.put_off") as conn:
            await store.save_file(conn, server, name, failed)
        if not record.tries:
            log.warning("%s: %s could not be fetched: %s", server, name, reason)

    # --- Health ------------------------------------------------------------------------------

    async def _note_answer(self, server: str, watched: _Watched) -> None:
        """Write that a server answered; an outage ends in the log and in the admins' notice."""
        now = self._clock.now()
        async with self._database.write("rounds.answered") as conn:
            before = await sources.load(conn, _source(server))
            await sources.record_ok(conn, _source(server), now)
            if before.down_since is not None:
                key = outage_key(_source(server), before.down_since)
                notice = notices.server_back(server, before.down_since, now)
                await tell_again(conn, key, notice, now)
        if watched.error or before.down_since is not None:
            log.info("%s answers again", server)
            self._announcements.wake()
        watched.error, watched.closed = "", False

    async def _note_trouble(self, server: str, watched: _Watched, error: SourceError) -> None:
        """Write that a server cannot be read. Where only a person can help, it is closed and admins are told."""
        now = self._clock.now()
        was_closed, watched.closed = watched.closed, isinstance(error, _HOPELESS)
        if not watched.error or (watched.closed and not was_closed):
            log.error("%s cannot be read: %s", server, error)
        watched.error = error.words
        async with self._database.write("rounds.trouble") as conn:
            await sources.record_failure(conn, _source(server), error.words, now)
            if watched.closed:
                down_since = (await sources.load(conn, _source(server))).down_since or now
                key = outage_key(_source(server), down_since)
                notice = notices.server_closed(server, error.words)
                await tell_admins(conn, key, self._servers[server].guild_ids, notice, now)
        self._announcements.wake()

    async def status(self, names: Iterable[str]) -> tuple[ServerStatus, ...]:
        """Say how the watching of these servers goes."""
        async with self._database.read() as conn:
            return tuple(
                [
                    ServerStatus(
                        server=name,
                        last_ok_at=(await sources.load(conn, _source(name))).last_ok_at,
                        next_check_at=None if watched.closed else watched.next_check_at,
                        files=await store.count_by_state(conn, name),
                        troubles=await store.troubles(conn, name),
                        error=watched.error,
                        closed=watched.closed,
                    )
                    for name in names
                    if (watched := self._watched.get(name)) is not None
                ]
            )

    # --- What people ask for -------------------------------------------------------------------

    def servers_of(self, by: Requester) -> tuple[str, ...]:
        """Name the servers the requester may act on: those of the guild, or all for the owner."""
        return tuple(
            name for name in self._watched if by.is_owner or by.guild_id in self._servers[name].guild_ids
        )

    async def sync(self, by: Requester, server: str | None, *, backfill: bool = False) -> tuple[Poll, ...]:
        """Look now at one server or all of the requester's, also at closed ones and at files that failed.

        `backfill` imports whatever is not imported yet without posting it. Raises `NotAllowed`,
        `NothingThere`.
        """
        return tuple([await self._sync(name, backfill=backfill) for name in self._chosen(by, server)])

    async def _sync(self, server: str, *, backfill: bool) -> Poll:
        async with self._database.write("rounds.sync") as conn:
            await store.retry_failed(conn, server, self._clock.now())
            if backfill:
                await store.start_backfill(conn, server)
        imported = 0
        for _ in range(MOST_HURRIES):
            poll = await self.poll_once(server, silent=backfill)
            imported += poll.imported
            if poll.error or not poll.waiting:
                break
            await self._clock.sleep((self._rules.settle + MARGIN).total_seconds())
        self.changed[server].set()
        async with self._database.read() as conn:
            return replace(poll, imported=imported, troubles=await store.troubles(conn, server))

    async def last(self, by: Requester, server: str | None) -> Message:
        """Give the last round of one server or of all of the requester's, as it was posted.

        Raises `NotAllowed`, `NothingThere`.
        """
        message = await self._importer.last_message(self._chosen(by, server))
        if message is None:
            raise NothingThere(text("No round has been imported yet."))
        return message

    async def picture(self, message: Message) -> bytes | None:
        """Draw the chart of a round; None where there is nothing to draw or it failed."""
        try:
            return None if message.chart is None else await self._charts.render(message.chart)
        except ChartFailed as error:
            log.warning("The chart of the last round could not be drawn: %s", error)
            return None

    def _chosen(self, by: Requester, server: str | None) -> tuple[str, ...]:
        mine = self.servers_of(by)
        if server is None:
            if not mine:
                raise NothingThere(text("No game server belongs to this Discord server."))
            return mine
        if server not in mine:
            raise NotAllowed(text("That game server does not belong to this Discord server."))
        return (server,)

    async def close(self) -> None:
        """Let every connection go."""
        for watched in self._watched.values():
            await watched.source.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a listing showed: the record of each file, and those to fetch, the oldest name first."""

    records: Mapping[str, FileRecord]
    due: tuple[RemoteFile, ...]


def _result(poll: Poll, found: int) -> Result:
    """Say what a look found, with the short waits in it; a file that never rests is found again and again."""
    if poll.error:
        return Result.FAILED
    return Result.FOUND if found or poll.waiting else Result.EMPTY


def _source(server: str) -> str:
    """Name a server among the outside sources."""
    return f"ssh:{server}"
