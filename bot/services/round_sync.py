"""Watches the stats folders of the game servers: one loop per server, wired in `bot.app`.

Each step lists the folder once. A file is fetched when two listings at least `settle` apart show it
unchanged (the table in `bot.core.rounds.files`), so a step that saw something new comes back soon.
The first listing of a server ever, and a backfill, import without a word.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.announcements import Message
from bot.core.requester import Requester, servers_meant
from bot.core.rounds import files
from bot.core.rounds.files import SETTLE, WANTED, FileRecord, FileState
from bot.core.rounds.looking import Result
from bot.core.rounds.schedule import Looks
from bot.errors import ChartFailed, NothingThere, SourceError
from bot.ports import ChartRenderer, GameQuery, RemoteFile, RoundSource
from bot.services.announcements import Announcements
from bot.services.evening_reading import last_round_message
from bot.services.round_fetch import Due, RoundFetch
from bot.services.round_health import HOPELESS, RoundHealth, ssh_source
from bot.services.round_import import RoundImport
from bot.services.round_looks import RoundLooks
from bot.services.round_rebuild import RoundRebuild
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.storage import leases, round_choices, sources
from bot.storage import rounds as store
from bot.storage.engine import Connection, Database
from bot.storage.rounds import AT_ONCE, Trouble
from bot.texts import text

MOST_HURRIES = 20
"""So many short waits in a row for a file that keeps changing; then it waits like everything else."""
MARGIN = timedelta(milliseconds=50)
"""A sleep may end a little before the wall clock says so, and then the settle time were not over."""
STEP_ASIDE = timedelta(seconds=10)
SHOWN_LEFT_OUT = 3
NO_FILE = text("not a regular file with a plain name")
OFF_PAUSE = timedelta(minutes=1)
"""So soon a program beside the bot, which nobody wakes, learns that a server is switched on again."""
_RESTING = timedelta(days=1)

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
    """How the watching of one server goes. A `closed` server is left alone until a restart or a sync.

    One that is `off` is not looked at: the admins of all its guilds have switched its monitoring off.
    `other` is the process that looks at it in place of this one.
    """

    server: str
    last_ok_at: datetime | None
    next_check_at: datetime | None
    files: Mapping[FileState, int]
    troubles: tuple[Trouble, ...]
    error: str
    closed: bool
    off: bool
    looks: Looks
    other: str


@dataclass(kw_only=True, slots=True)
class _Watched:
    """What a process knows of one server while it runs."""

    source: RoundSource
    looks: RoundLooks
    error: str = ""
    closed: bool = False
    left_out: frozenset[str] = frozenset()
    off: bool = False
    hurries: int = 0
    found: int = 0
    next_check_at: datetime | None = None
    is_caught_up: bool = False


class RoundSync:
    """Brings rounds from the game servers into the database and into the outbox.

    `sources` and `servers` have the same names; whose name is not in `queries` is not asked what is played.
    `changed[server]` wakes the server's loop; those of `readers` are set when rounds came. A server whose
    lease another than `holder` has is left to it.
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
        readers: Sequence[asyncio.Event] = (),
    ) -> None:
        self._database = database
        self._servers = servers
        self._announcements = announcements
        self._charts = charts
        self._clock = clock
        self._rules = rules
        self._holder = holder
        self._health = RoundHealth(
            database=database, servers=servers, announcements=announcements, clock=clock
        )
        self._readers = readers
        self.telling = RoundTelling(servers=servers, post_max_age=rules.post_max_age)
        self._importer = RoundImport(
            database=database, servers=servers, telling=self.telling, post_max_age=rules.post_max_age
        )
        self.rebuild = RoundRebuild(
            database=database,
            zones={name: server.time_zone for name, server in servers.items()},
            telling=self.telling,
            wake=announcements.wake,
        )
        self._fetch = RoundFetch(
            database=database, importer=self._importer, announcements=announcements, clock=clock
        )
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

        A server that was switched off and is on again is looked at now: what was played meanwhile is imported,
        and posted as after a restart, if it is new enough. Raises `StorageError`.
        """
        watched = self._watched[server]
        was_off, watched.off = watched.off, not await self._is_on(server)
        if watched.off:
            if not was_off:
                log.info("%s is not watched: it is switched off", server)
                async with self.rebuild.turns[server]:
                    await watched.source.close()
            watched.next_check_at = None
            return self._clock.now() + OFF_PAUSE
        if await self._is_anothers(server):
            self._announcements.wake()  # for what the other has put there
            watched.next_check_at = self._clock.now() + STEP_ASIDE
            return watched.next_check_at
        if not watched.is_caught_up:
            await self.rebuild.catch_up(server, self._clock.now())
            watched.is_caught_up = True
        is_due = was_off or 0 < watched.hurries <= MOST_HURRIES
        if not watched.closed and (is_due or not await watched.looks.ask_if_due()):
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

    async def _is_on(self, server: str) -> bool:
        async with self._database.read() as conn:
            return await round_choices.is_watched(conn, self._servers[server].guild_ids, server)

    async def _is_anothers(self, server: str) -> bool:
        async with self._database.read() as conn:
            return bool(await self._other(conn, server))

    async def _other(self, conn: Connection, server: str) -> str:
        """Name the process that looks at a server in place of this one."""
        holder = await leases.holder(conn, server, self._clock.machine.now())
        return "" if holder == self._holder else holder

    async def poll_once(self, server: str, *, silent: bool = False) -> Poll:
        """List a folder and import what is complete; files first seen now stay `silent`.

        Trouble with the server ends the look and is told in the result. Raises `StorageError`.
        """
        watched = self._watched[server]
        async with self.rebuild.turns[server]:
            try:
                poll = await self._look(server, watched.source, silent=silent)
            except SourceError as error:
                await self._note_trouble(server, watched, error)
                return Poll(server=server, error=error.words)
            if poll.imported:
                watched.looks.rounds_came()
                for reader in self._readers:
                    reader.set()
            await self._importer.all_taken(server, poll.imported, self._clock.now())
            await self._note_answer(server, watched)
            return poll

    async def _look(self, server: str, source: RoundSource, *, silent: bool) -> Poll:
        started_at = self._clock.now()
        listing = await source.list_files()
        listed_at = self._clock.now()
        async with self._database.read() as conn:
            known = await store.load_files(conn, server)
            is_first = (await sources.load(conn, ssh_source(server))).last_ok_at is None
        watched, left_out = self._watched[server], frozenset(source.left_out)
        if left_out - watched.left_out:
            log.warning("%s: left alone, %s: %s", server, NO_FILE, _some(source.left_out))
        watched.left_out = left_out
        seen = await self._decide(listing, known, started_at, listed_at)
        if seen.news:
            untold = {name: seen.news[name] for name in files.untold(seen.news.keys() - known.keys())}
            if untold and not (silent or is_first):
                log.warning("%s: %d round(s) are not posted: too many appeared at once", server, len(untold))
            async with self._database.write("rounds.list") as conn:
                await store.save_files(conn, server, untold, now=listed_at, silent=True)
                await store.save_files(conn, server, seen.news, now=listed_at, silent=silent or is_first)
        imported = 0
        if seen.news or seen.due:
            modified = {name: record.modified_at for name, record in {**known, **seen.news}.items()}
            times = await self.rebuild.redate(server, modified, self._clock.now())
            imported = await self._fetch.run(server, source, seen.due, times)
        return Poll(
            server=server,
            listed=seen.listed,
            imported=imported,
            failed=len(seen.due) - imported,
            waiting=seen.waiting,
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
        news, due, listed, waiting = {}, [], 0, 0
        for number, file in enumerate(sorted(listing, key=lambda file: file.name), start=1):
            if number % AT_ONCE == 0:
                await self._clock.sleep(0)
            if files.file_kind(file.name) not in WANTED:
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
            listed += 1
            waiting += decision.record.state is FileState.SEEN
            if decision.record != before:
                news[file.name] = decision.record
            if decision.fetch:
                due.append(Due(file=file, record=decision.record))
        return _Seen(listed=listed, waiting=waiting, news=news, due=tuple(due))

    # --- Health ------------------------------------------------------------------------------

    async def _note_answer(self, server: str, watched: _Watched) -> None:
        await self._health.answered(server, was_in_trouble=bool(watched.error))
        watched.error, watched.closed = "", False

    async def _note_trouble(self, server: str, watched: _Watched, error: SourceError) -> None:
        """Where only a person can help, the server is closed."""
        was_closed, watched.closed = watched.closed, isinstance(error, HOPELESS)
        is_news = not watched.error or (watched.closed and not was_closed)
        watched.error = error.words
        await self._health.failed(server, error, is_news=is_news)

    async def status(self, names: Iterable[str]) -> tuple[ServerStatus, ...]:
        """Say how the watching of these servers goes."""
        async with self._database.read() as conn:
            return tuple([await self._status(conn, name) for name in names if name in self._watched])

    async def _status(self, conn: Connection, server: str) -> ServerStatus:
        watched = self._watched[server]
        off = not await round_choices.is_watched(conn, self._servers[server].guild_ids, server)
        return ServerStatus(
            server=server,
            last_ok_at=(await sources.load(conn, ssh_source(server))).last_ok_at,
            next_check_at=None if watched.closed or off else watched.next_check_at,
            files=await store.count_by_state(conn, server),
            troubles=await store.troubles(conn, server),
            error=watched.error,
            closed=watched.closed,
            off=off,
            looks=watched.looks.standing,
            other=await self._other(conn, server),
        )

    # --- What people ask for -------------------------------------------------------------------

    def servers_of(self, by: Requester) -> tuple[str, ...]:
        """Name the servers the requester may act on: those of the guild, or all for the owner."""
        return tuple(
            name for name in self._watched if by.is_owner or by.guild_id in self._servers[name].guild_ids
        )

    async def sync(self, by: Requester, server: str | None, *, backfill: bool = False) -> tuple[Poll, ...]:
        """Look now at one server or all of the requester's, also at closed ones and at files that failed.

        One that is switched off is looked at this once.

        `backfill` imports whatever is not imported yet without posting it. Raises `NotAllowed`,
        `NothingThere`.
        """
        return tuple([await self._sync(name, backfill=backfill) for name in self.chosen(by, server)])

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
            troubles = await store.troubles(conn, server)
        if odd := self._watched[server].source.left_out:
            ignored = FileState.IGNORED
            left_out = Trouble(name=_some(odd), state=ignored, reason=NO_FILE, tries=0, next_try_at=None)
            troubles = (left_out, *troubles)
        return replace(poll, imported=imported, troubles=troubles)

    async def last(self, by: Requester, server: str | None) -> Message:
        """Give the last round of one server or of all of the requester's, as it was posted.

        Raises `NotAllowed`, `NothingThere`.
        """
        async with self._database.read() as conn:
            message = await last_round_message(conn, self.chosen(by, server), self._clock.now())
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

    def chosen(self, by: Requester, server: str | None) -> tuple[str, ...]:
        """Give the server that was asked for, or all of the requester's. Raises `NotAllowed`, `NothingThere`."""
        return servers_meant(self.servers_of(by), server)

    async def close(self) -> None:
        """Let every connection go."""
        for watched in self._watched.values():
            await watched.source.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What a listing showed: how many files of rounds there are, the records that are new, and what to fetch."""

    listed: int
    waiting: int
    news: Mapping[str, FileRecord]
    due: tuple[Due, ...]


def _result(poll: Poll, found: int) -> Result:
    """Say what a look found, with the short waits in it; a file that never rests is found again and again."""
    if poll.error:
        return Result.FAILED
    return Result.FOUND if found or poll.waiting else Result.EMPTY


def _some(names: Sequence[str]) -> str:
    """Name some of what was left out, readable whatever is in the names, and how many more there are."""
    shown = ", ".join(repr(name[:40]) for name in names[:SHOWN_LEFT_OUT])
    return shown if len(names) <= SHOWN_LEFT_OUT else f"{shown} (+{len(names) - SHOWN_LEFT_OUT})"
