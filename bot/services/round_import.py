"""One fetched file becomes a round and its message, in one transaction.

A file can change what its neighbours are (a late round 1, a corrected round 1), so everything near it on
the same map is paired anew and written again where it came out differently; posted messages follow.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.announcements import Message
from bot.core.rounds import files
from bot.core.rounds.files import FileRecord
from bot.core.rounds.grammar import RoundFileError, parse_stats
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.post import round_message
from bot.core.rounds.resolve import ResolvedRound, resolve
from bot.services.milestones import Milestones
from bot.services.round_telling import RoundTelling
from bot.settings import GameServer
from bot.storage import rounds as store
from bot.storage.engine import Connection, Database
from bot.storage.rounds import StoredRound
from bot.texts import text

NEAR = timedelta(hours=2)
"""So far from a file its neighbours can come out differently: pairs are at most 45 minutes apart."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A file as it was fetched; `record` is what was known of it before."""

    server: str
    name: str
    record: FileRecord
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What became of a file; `was_put` is true when the outbox has something new."""

    record: FileRecord
    was_put: bool = False


class RoundImport:
    """Imports files. A round is posted when it ended less than `post_max_age` ago and is not silent."""

    def __init__(
        self, *, database: Database, servers: Mapping[str, GameServer], post_max_age: timedelta
    ) -> None:
        self._database = database
        self._servers = servers
        self._post_max_age = post_max_age
        self._telling = RoundTelling(servers=servers, post_max_age=post_max_age)
        self._milestones = Milestones(servers=servers, news_for=post_max_age)

    async def take(self, fetched: Fetched, now: datetime) -> Imported:
        """Import one file, or write why it cannot be imported. Raises `StorageError`."""
        try:
            return await self._import(fetched, now)
        except RoundFileError as error:
            reason = error.words
        except (ValueError, ArithmeticError) as error:  # a bug over one file must not hold up the others
            log.exception("%s: a bug keeps %s from being imported", fetched.server, fetched.name)
            reason = text("a bug in the bot ({kind})", kind=type(error).__name__)
        record = files.failed(fetched.record, reason=reason, now=now)
        async with self._database.write("rounds.refuse") as conn:
            await store.save_file(conn, fetched.server, fetched.name, record)
        return Imported(record=record)

    async def _import(self, fetched: Fetched, now: datetime) -> Imported:
        played = self._read(fetched)
        async with self._database.write("rounds.import") as conn:
            copied = await self._copied(conn, fetched, played)
            if copied is not None:
                record = files.ignored(fetched.record, reason=text("the same content as {file}", file=copied))
                await store.save_file(conn, fetched.server, fetched.name, record)
                return Imported(record=record)
            return await self._keep(conn, fetched, played, now)

    async def all_taken(self, server: str, now: datetime) -> None:
        """Do once what follows from all files that were imported one after the other."""
        await self._milestones.claim_rest(self._database, server, now)

    async def last_message(self, servers: Sequence[str]) -> Message | None:
        """Give the message of the round that ended last on these servers."""
        async with self._database.read() as conn:
            found = await store.last_round(conn, servers)
            if found is None:
                return None
            server, last = found
            near = await store.rounds_near(conn, server, last.map, last.ended_at - NEAR, last.ended_at + NEAR)
        rounds = {row.name: _played(row) for row in near}
        pairing = pair_rounds(rounds.values())[last.name]
        return round_message(resolve(rounds[last.name], pairing), server=server)

    def _read(self, fetched: Fetched) -> PlayedRound:
        stats = parse_stats(fetched.content)
        name = files.parse_name(fetched.name)
        if name is None:
            raise RoundFileError(text("the name is not one of a round's stats file"))
        zone = ZoneInfo(self._servers[fetched.server].time_zone)
        ended_at = files.ended_at(name.wall_clock, fetched.record.modified_at, zone)
        return PlayedRound(key=fetched.name, ended_at=ended_at, stats=stats)

    async def _copied(self, conn: Connection, fetched: Fetched, played: PlayedRound) -> str | None:
        """Name the file this one is a copy of; two rounds without players may well read the same."""
        if not played.stats.players:
            return None
        return await store.find_copy(conn, fetched.server, fetched.name, _digest(fetched.content))

    async def _keep(self, conn: Connection, fetched: Fetched, played: PlayedRound, now: datetime) -> Imported:
        server = fetched.server
        near = await store.rounds_near(
            conn, server, played.stats.header.map, played.ended_at - 2 * NEAR, played.ended_at + 2 * NEAR
        )
        changed = _resolve_changed(played, near)
        record = files.imported(fetched.record)
        file = await store.keep_content(
            conn,
            server,
            fetched.name,
            record,
            sha256=_digest(fetched.content),
            content=fetched.content,
        )
        file_ids = {row.name: row.file_id for row in near} | {played.key: file.id}
        ids = {row.name: row.id for row in near}
        is_fresh = not file.silent and now - played.ended_at <= self._post_max_age
        was_put = False
        for key, round_ in changed.items():
            partner_id = None if round_.partner_key is None else ids.get(round_.partner_key)
            ids[key] = await store.keep_round(
                conn, server, file_ids[key], round_, partner_round_id=partner_id, now=now
            )
            is_new_post = is_fresh and key == played.key
            was_put |= await self._telling.tell(conn, server, ids[key], round_, now, to_guilds=is_new_post)
        was_put |= await self._milestones.round_came(conn, ids[played.key], now)
        return Imported(record=record, was_put=was_put)


def _resolve_changed(played: PlayedRound, near: Sequence[StoredRound]) -> dict[str, ResolvedRound]:
    """Resolve the new round and every neighbour that comes out differently because of it."""
    known = {row.name: _played(row) for row in near}
    before = pair_rounds(known.values())
    rounds = known | {played.key: played}
    after = pair_rounds(rounds.values())
    # The new round stands first: its id is needed by a partner that now refers to it.
    keys = [played.key, *(key for key in known if key != played.key and after[key] != before[key])]
    return {
        key: resolve(rounds[key], after[key])
        for key in keys
        if abs(rounds[key].ended_at - played.ended_at) <= NEAR
    }


def _played(row: StoredRound) -> PlayedRound:
    return PlayedRound(key=row.name, ended_at=row.ended_at, stats=parse_stats(row.content))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
