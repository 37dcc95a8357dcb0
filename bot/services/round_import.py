"""One fetched file becomes a round and its message, in one transaction.

A file can change what its neighbours are (a late round 1, a corrected round 1), so everything near it on
the same map is paired anew and written again where it came out differently; posted messages follow.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.rounds import files, notices
from bot.core.rounds.endstats import NEAREST, parse_endstats
from bot.core.rounds.files import FileKind, FileRecord, FileState, RoundName, parse_name
from bot.core.rounds.grammar import RoundFileError
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.placing import Played, groups, place
from bot.core.rounds.reading import ReadRound, fingerprint, read_round, twins
from bot.core.rounds.times import EndTime
from bot.services.admin_notices import tell_admins
from bot.services.milestones import Milestones
from bot.services.round_making import BUGS, join_endstats, write_rounds
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.storage import raw_rounds
from bot.storage import rounds as store
from bot.storage.engine import Connection, Database
from bot.storage.raw_rounds import NamedRound
from bot.storage.rounds import StoredFile, StoredRound
from bot.texts import text

FAR = timedelta(hours=6)
"""So far from a file its neighbours are read, though only those are paired that reach it from round to round."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A file as it was fetched; `record` is what was known of it before, `times` are those of its whole folder."""

    server: str
    name: str
    record: FileRecord
    content: bytes
    times: Mapping[str, EndTime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file; `was_put` is true when the outbox has something new."""

    record: FileRecord
    was_put: bool = False


class RoundImport:
    """Imports files. A round is posted when it ended less than `post_max_age` ago and is not silent."""

    def __init__(
        self,
        *,
        database: Database,
        servers: Mapping[str, GameServer],
        telling: RoundTelling,
        post_max_age: timedelta,
    ) -> None:
        self._database = database
        self._servers = servers
        self._post_max_age = post_max_age
        self._telling = telling
        self._followed: set[str] = set()
        self._milestones = Milestones(servers=servers, news_for=post_max_age)

    async def take(self, fetched: Fetched, now: datetime) -> Imported:
        """Import one file, or write why it cannot be imported. Raises `StorageError`."""
        try:
            if files.file_kind(fetched.name) is FileKind.ENDSTATS:
                return await self._import_endstats(fetched, now)
            return await self._import(fetched, now)
        except RoundFileError as error:
            reason = error.words
        except BUGS as error:
            log.exception("%s: a bug keeps %s from being imported", fetched.server, fetched.name)
            reason = text("a bug in the bot ({kind})", kind=type(error).__name__)
        record = files.failed(fetched.record, reason=reason, now=now)
        async with self._database.write("rounds.refuse") as conn:
            was_put = await self.put_off(conn, fetched.server, fetched.name, record, now)
        return Imported(record=record, was_put=was_put)

    async def put_off(
        self, conn: Connection, server: str, name: str, record: FileRecord, now: datetime
    ) -> bool:
        """Write that a file failed, and tell admins of one that keeps failing; gives whether it told them.

        The files of a day share a notice, for a folder may be full of them.
        """
        await store.save_file(conn, server, name, record)
        if record.tries != files.TRIES_BEFORE_ALERT:
            return False
        failed = (await store.count_by_state(conn, server)).get(FileState.FAILED, 0)
        notice = notices.files_refused(server, name, record.reason, failed=failed)
        key = f"notice:files:{server}:{now:%Y-%m-%d}"
        await tell_admins(conn, key, self._servers[server].guild_ids, notice, now)
        return True

    async def _import(self, fetched: Fetched, now: datetime) -> Imported:
        read = read_round(fetched.name, fetched.content)
        async with self._database.write("rounds.import") as conn:
            copied = await self._copied(conn, fetched, read)
            if copied is not None:
                return await _ignore(conn, fetched, text("the same content as {file}", file=copied))
            clock_mates = await raw_rounds.rounds_by_clock(conn, fetched.server, read.name)
            same = twins([fetched.name, *(one.name for one in clock_mates)])
            if (stats_file := same.get(fetched.name)) is not None:
                return await _ignore(conn, fetched, _same_round(stats_file))
            twin = next((one for one in clock_mates if same.get(one.name) == fetched.name), None)
            return await self._keep(conn, fetched, read, twin, now)

    async def all_taken(self, server: str, imported: int, now: datetime) -> None:
        """Do once what follows from all files of a look; at first also what a dead process left undone."""
        if imported or server not in self._followed:
            await self._milestones.claim_rest(self._database, server, now)
            self._followed.add(server)

    async def _copied(self, conn: Connection, fetched: Fetched, read: ReadRound) -> str | None:
        """Name the file this one is a copy of; two rounds without players may well read the same."""
        if not read.stats.players:
            return None
        return await store.find_copy(conn, fetched.server, fetched.name, fingerprint(fetched.content))

    async def _keep(
        self,
        conn: Connection,
        fetched: Fetched,
        read: ReadRound,
        twin: NamedRound | None,
        now: datetime,
    ) -> Imported:
        """Write the round of a file and all that comes out differently because of it.

        It takes the place of its `twin`, a gather's document of the same round that came before.
        """
        server, name = fetched.server, fetched.name
        near = await _near(conn, fetched, read)
        before = pair_rounds([_played(row) for row in near])
        file = await _keep_content(conn, fetched)
        ids = {row.name: row.id for row in near}
        if twin is not None and name not in ids:
            await raw_rounds.take_over(conn, twin, file.id, _same_round(name))
            near = [row for row in near if row.id != twin.id]
            ids[name] = twin.id
        stored = {row.name: row for row in near if row.name != name}
        reads = {key: read_round(key, row.content) for key, row in stored.items()} | {name: read}
        placed = place(reads, fetched.times)
        changed = [
            key
            for key in reads
            if key == name
            or placed.pairings[key] != before[key]
            or placed.played[key].ended_at != stored[key].ended_at
        ]
        file_ids = {key: row.file_id for key, row in stored.items()} | {name: file.id}
        await write_rounds(conn, server, placed.resolve(changed), file_ids=file_ids, round_ids=ids, now=now)
        ended_at = placed.played[name].ended_at
        was_put = await self._telling.rounds_changed(conn, server, ended_at, now, new=name)
        was_put |= await self._milestones.round_came(conn, file.id, now)
        return Imported(record=files.imported(fetched.record), was_put=was_put)

    async def _import_endstats(self, fetched: Fetched, now: datetime) -> Imported:
        """Keep a file of endstats, and join it to its round if that has come; else the round finds it."""
        parse_endstats(fetched.content)
        name = parse_name(fetched.name)
        async with self._database.write("rounds.import_endstats") as conn:
            file = await _keep_content(conn, fetched)
            round_ = None if name is None else await _round_of(conn, fetched.server, name)
            was_put = False
            if round_ is not None:
                await join_endstats(conn, fetched.server, round_.id, round_.name)
                is_fresh = not file.silent and now - round_.ended_at <= self._post_max_age
                if is_fresh:  # the messages of years are not edited when a server begins to write awards
                    was_put = await self._telling.rounds_changed(conn, fetched.server, round_.ended_at, now)
        return Imported(record=files.imported(fetched.record), was_put=was_put)


async def _near(conn: Connection, fetched: Fetched, read: ReadRound) -> list[StoredRound]:
    """Read the rounds on the map that the new one can change, with what is stored of itself."""
    map_name, at = read.stats.header.map, read.told or fetched.times[fetched.name].at
    rows = await store.rounds_near(conn, fetched.server, map_name, at - FAR, at + FAR)
    when = {row.name: Played(map=map_name, ended_at=row.ended_at) for row in rows}
    when[fetched.name] = Played(map=map_name, ended_at=at)
    mine = next(group for group in groups(when) if fetched.name in group)
    return [row for row in rows if row.name in mine]


async def _round_of(conn: Connection, server: str, endstats: RoundName) -> NamedRound | None:
    """Find the round that a file of endstats was written for."""
    near = {}
    for one in await raw_rounds.rounds_by_clock(conn, server, endstats):
        name = parse_name(one.name)
        if name is not None and (name.map, name.round) == (endstats.map, endstats.round):
            near[one] = abs(name.wall_clock - endstats.wall_clock)
    nearest = min(near, key=lambda one: near[one], default=None)
    return nearest if nearest is not None and near[nearest] <= NEAREST else None


async def _ignore(conn: Connection, fetched: Fetched, reason: str) -> Imported:
    record = files.ignored(fetched.record, reason=reason)
    await store.save_file(conn, fetched.server, fetched.name, record)
    return Imported(record=record)


async def _keep_content(conn: Connection, fetched: Fetched) -> StoredFile:
    return await store.keep_content(
        conn,
        fetched.server,
        fetched.name,
        files.imported(fetched.record),
        sha256=fingerprint(fetched.content),
        content=fetched.content,
    )


def _same_round(stats_file: str) -> str:
    return text("the same round as {file}", file=stats_file)


def _played(row: StoredRound) -> PlayedRound:
    return PlayedRound(key=row.name, ended_at=row.ended_at, stats=read_round(row.name, row.content).stats)
