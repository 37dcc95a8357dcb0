"""Rounds are made anew from the raw bytes of their files, as many at once as can change each other.

Each server's rounds are made anew at the first start of a version that makes other rounds of the same bytes
(`DERIVED_VERSION`), by the command `tools.rebuild_rounds`, and a part of them when somebody asks or when a
listing shows that rounds ended at another time than was believed. The transactions are small, so that nothing
else waits for long; each notes how far it came, so that whoever is killed goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.core.rounds.endstats import endstats_of
from bot.core.rounds.files import FileKind, file_kind, parse_name
from bot.core.rounds.grammar import RoundFileError
from bot.core.rounds.placing import Played, groups, place
from bot.core.rounds.reading import ROUND_KINDS, read_round
from bot.core.rounds.times import EndTime, folder_times
from bot.errors import NothingThere
from bot.services.beside import beside
from bot.services.evening_reading import TOUCHES
from bot.services.round_making import BUGS, Made, write_rounds
from bot.services.round_telling import RoundTelling
from bot.storage import raw_rounds, status
from bot.storage.engine import Connection, Database
from bot.storage.raw_rounds import KeptFile
from bot.texts import text

DERIVED_VERSION = 1
"""Raise it with every change after which the same bytes give other rows: the next start makes all rounds anew."""
AT_ONCE = 10
"""So many rounds at least are made anew in one transaction; a group is never divided."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Rebuilt:
    """How many rounds were made anew, how many of them came out differently, and what cannot be read, by name.

    `was_put` is true when the outbox has something new.
    """

    rounds: int = 0
    changed: int = 0
    was_put: bool = False
    unreadable: dict[str, str] = field(default_factory=dict)


class _DryRun(Exception):
    """Undoes a transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """What to make anew. With `is_all` it is noted how far it came; `tells` brings messages up to date."""

    server: str
    groups: Sequence[Sequence[KeptFile]]
    times: Mapping[str, EndTime]
    now: datetime
    is_all: bool = False
    tells: bool = False
    dry_run: bool = False


class RoundRebuild:
    """Makes stored rounds anew. `zones` are the servers' time zones, UTC where none is named.

    Without a `telling` no message follows; `wake` is called when some did. Whoever imports a server's rounds
    holds its lock of `turns`: what came between the reading here and the writing would be written over.
    """

    def __init__(
        self,
        *,
        database: Database,
        zones: Mapping[str, str],
        telling: RoundTelling | None = None,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._zones = zones
        self._telling = telling
        self._wake = wake
        self.turns: Mapping[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def catch_up(self, server: str, now: datetime) -> None:
        """Make a server's rounds anew, silently, if an older version made them. Raises `StorageError`."""
        async with self._database.read() as conn:
            made = await status.note(conn, _note(server))
        if made == str(DERIVED_VERSION):
            return
        version, _, until = made.partition(" ")
        resume = datetime.fromisoformat(until) if until and version == str(DERIVED_VERSION) else None
        async with self.turns[server]:
            done = await self._rebuild(server, now, after=resume)
        if done.rounds:
            log.info("%s: %d stored round(s) made anew for this version", server, done.rounds)
        for name, reason in done.unreadable.items():
            log.warning("%s: %s can no longer be read, its round stays as it was: %s", server, name, reason)

    async def rebuild(self, server: str, now: datetime, *, dry_run: bool = False) -> Rebuilt:
        """Make all rounds of a server anew, silently; a dry run only tells what would come out differently."""
        return await self._rebuild(server, now, dry_run=dry_run)

    async def _rebuild(
        self, server: str, now: datetime, *, after: datetime | None = None, dry_run: bool = False
    ) -> Rebuilt:
        kept, times = await self._kept(server)
        todo = await beside(len(kept), _groups, kept, times, after)
        return await self._make(
            _Order(server=server, groups=todo, times=times, now=now, is_all=True, dry_run=dry_run)
        )

    async def redate(
        self, server: str, modified: Mapping[str, datetime], now: datetime
    ) -> Mapping[str, EndTime]:
        """Give when each round of a folder ended, and make those anew that are stored with another time.

        `modified` has all its files. Raises `StorageError`.
        """
        times = await self._times(server, modified)
        async with self._database.read() as conn:
            moved = {
                name
                async for name, believed in raw_rounds.believed_times(conn, server)
                if file_kind(name) is FileKind.ROUND
                and name in times
                and believed not in {times[name].at, times[name].later}
            }
        if moved:
            log.info("%s: %d round(s) ended at another time than was believed", server, len(moved))
            async with self._database.read() as conn:
                kept = await _rounds(conn, server)
            await self._renew(server, kept, times, moved, now)
        return times

    async def _times(self, server: str, modified: Mapping[str, datetime]) -> Mapping[str, EndTime]:
        """Date the rounds of a folder."""
        return await beside(len(modified), folder_times, modified, self._zone(server))

    async def reimport(self, server: str, name: str, now: datetime) -> Rebuilt:
        """Make the round of one file anew, with all it can change, from the bytes that are kept.

        `name` may be that of its endstats. Messages follow. Raises `NothingThere`, `StorageError`.
        """
        async with self.turns[server]:
            kept, times = await self._kept(server)
            wanted = {name} & kept.keys() or _with_endstats(name, kept)
            if not wanted:
                raise NothingThere(text("No round was made of a file of that name."))
            return await self._renew(server, kept, times, wanted, now)

    async def _kept(self, server: str) -> tuple[dict[str, KeptFile], Mapping[str, EndTime]]:
        async with self._database.read() as conn:
            stamps = await raw_rounds.stamps(conn, server)
            kept = await _rounds(conn, server)
        return kept, await self._times(server, stamps)

    def _zone(self, server: str) -> ZoneInfo:
        return ZoneInfo(self._zones.get(server, "UTC"))

    async def _renew(
        self,
        server: str,
        kept: Mapping[str, KeptFile],
        times: Mapping[str, EndTime],
        names: Collection[str],
        now: datetime,
    ) -> Rebuilt:
        """Make the groups of some rounds anew, and those of the partners they had, from which they may have moved."""
        ids = {kept[name].round_id for name in names} | {kept[name].partner_round_id for name in names}
        concerned = {
            name
            for name, file in kept.items()
            if name in names or file.round_id in ids - {None} or file.partner_round_id in ids - {None}
        }
        todo = [
            group
            for group in await beside(len(kept), _groups, kept, times)
            if any(file.name in concerned for file in group)
        ]
        return await self._make(_Order(server=server, groups=todo, times=times, now=now, tells=True))

    async def _make(self, order: _Order) -> Rebuilt:
        done = Rebuilt()
        parts = list(_parts(order.groups))
        for number, part in enumerate(parts or [[]], start=1):
            with suppress(_DryRun):
                async with self._database.write("rounds.renew") as conn:
                    await self._make_part(conn, order, part, done)
                    await _finish(conn, order, part, is_last=number >= len(parts))
        if done.was_put and self._wake is not None:
            self._wake()
        return done

    async def _make_part(
        self, conn: Connection, order: _Order, part: Sequence[Sequence[KeptFile]], done: Rebuilt
    ) -> None:
        files = [file for group in part for file in group]
        contents = await raw_rounds.contents(conn, [file.id for file in files])
        before = await raw_rounds.derived_rows(conn, [file.round_id for file in files if file.round_id])
        made: list[Made] = []
        for group in part:
            made += await _make_group(conn, order, group, contents, done)
        after = await raw_rounds.derived_rows(conn, [one.id for one in made])
        done.rounds += len(made)
        done.changed += sum(before.get(one.id) != after[one.id] for one in made)
        if order.tells and self._telling is not None:
            instants = [file.ended_at for file in files if file.ended_at is not None]
            for around in _far_apart([*instants, *(one.resolved.ended_at for one in made)]):
                done.was_put |= await self._telling.rounds_changed(conn, order.server, around, order.now)


async def _make_group(
    conn: Connection,
    order: _Order,
    group: Sequence[KeptFile],
    contents: Mapping[int, bytes],
    done: Rebuilt,
) -> tuple[Made, ...]:
    reads = {}
    for file in group:
        try:
            reads[file.name] = read_round(file.name, contents[file.id])
        except RoundFileError as error:
            done.unreadable[file.name] = error.words
    try:
        resolved = place(reads, order.times).resolve()
    except BUGS as error:
        log.exception("%s: a bug keeps rounds from being made anew: %s", order.server, ", ".join(reads))
        done.unreadable |= dict.fromkeys(reads, text("a bug in the bot ({kind})", kind=type(error).__name__))
        return ()
    return await write_rounds(
        conn,
        order.server,
        resolved,
        file_ids={file.name: file.id for file in group},
        round_ids={file.name: file.round_id for file in group if file.round_id is not None},
        now=order.now,
    )


async def _finish(
    conn: Connection, order: _Order, part: Sequence[Sequence[KeptFile]], *, is_last: bool
) -> None:
    """Note that all was made, or up to which first round of a group; a dry run is undone."""
    if order.dry_run:
        raise _DryRun
    if order.is_all and is_last:
        await status.write_note(conn, _note(order.server), str(DERIVED_VERSION))
    elif order.is_all:
        newest = part[-1][0]
        until = _played({newest.name: newest}, order.times)[newest.name].ended_at
        await status.write_note(conn, _note(order.server), f"{DERIVED_VERSION} {until.isoformat()}")


def _far_apart(instants: Iterable[datetime]) -> Iterator[datetime]:
    """Leave out instants of an evening that another tells of already."""
    last = None
    for at in sorted(instants):
        if last is None or at - last > TOUCHES:
            last = at
            yield at


async def _rounds(conn: Connection, server: str) -> dict[str, KeptFile]:
    """Read which files of rounds are kept, by name."""
    files = await raw_rounds.kept_files(conn, server)
    return await beside(
        len(files), lambda: {file.name: file for file in files if file_kind(file.name) in ROUND_KINDS}
    )


def _groups(
    kept: Mapping[str, KeptFile], times: Mapping[str, EndTime], after: datetime | None = None
) -> list[list[KeptFile]]:
    """Divide files as `placing.groups` does; only the groups that begin `after` an instant."""
    when = _played(kept, times)
    return [
        [kept[name] for name in group]
        for group in groups(when)
        if after is None or when[group[0]].ended_at > after
    ]


def _played(kept: Mapping[str, KeptFile], times: Mapping[str, EndTime]) -> dict[str, Played]:
    """Say where and when rounds were played; a gather's document tells its instant itself, which is stored."""
    found = {}
    for name, file in kept.items():
        parsed = parse_name(name)
        map_name = file.map or (parsed.map if parsed else "")
        is_told = parsed is not None and parsed.kind is FileKind.GATHER and file.ended_at is not None
        found[name] = Played(map=map_name, ended_at=(file.ended_at if is_told else None) or times[name].at)
    return found


def _with_endstats(name: str, kept: Mapping[str, KeptFile]) -> set[str]:
    """Find the rounds that a file of endstats can belong to."""
    parsed = parse_name(name)
    if parsed is None or parsed.kind is not FileKind.ENDSTATS:
        return set()
    return {
        other
        for other in kept
        if (round_ := parse_name(other)) is not None and endstats_of(round_, [parsed]) is not None
    }


def _parts(all_groups: Sequence[Sequence[KeptFile]]) -> Iterator[list[Sequence[KeptFile]]]:
    """Put groups together for one transaction each."""
    part: list[Sequence[KeptFile]] = []
    for group in all_groups:
        part.append(group)
        if sum(map(len, part)) >= AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _note(server: str) -> str:
    return f"rounds-made-by:{server}"
