"""Make every round anew from the raw files in the database: ``python -m tools.rebuild_rounds``.

Needs the settings of the bot (.env), and the bot stopped; no Discord, no game server. All rounds are written
in one transaction: killed at any moment, it leaves them as they were. Posts are not touched. With ``--dry-run``
nothing is written. Exit code 0: done, whether or not a round came out differently; 1: it could not be done.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

from bot.clock import SystemClock
from bot.core.rounds import files
from bot.core.rounds.grammar import RoundFileError, parse_stats
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.resolve import ResolvedRound, resolve
from bot.errors import VedetteError
from bot.settings import load_settings
from bot.storage import rounds as store
from bot.storage.engine import Connection, Database
from bot.storage.migrate import require_current
from bot.storage.only_bot import only_bot
from bot.storage.rounds import ImportedFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilt:
    """How many rounds were made anew, how many of them came out differently, and what cannot be read."""

    rounds: int
    changed: int
    unreadable: Mapping[str, str]


class _DryRun(Exception):
    """Undoes the transaction; carries what it did."""

    def __init__(self, done: Rebuilt) -> None:
        super().__init__()
        self.done = done


async def rebuild(database: Database, zones: Mapping[str, str], now: datetime, *, dry_run: bool) -> Rebuilt:
    """Make all rounds anew; `zones` are the time zones of the servers, UTC where none is named."""
    try:
        async with database.write("rebuild") as conn:
            done = await _rebuild(conn, zones, now)
            if dry_run:
                _undo(done)
    except _DryRun as undone:
        return undone.done
    return done


def _undo(done: Rebuilt) -> NoReturn:
    raise _DryRun(done)


async def _rebuild(conn: Connection, zones: Mapping[str, str], now: datetime) -> Rebuilt:
    before = await store.derived_rows(conn)
    written = 0
    unreadable: dict[str, str] = {}
    for server in await store.servers_with_rounds(conn):
        kept = {file.name: file for file in await store.imported_files(conn, server)}
        resolved, refused = resolve_all(tuple(kept.values()), ZoneInfo(zones.get(server, "UTC")))
        unreadable |= {f"{server}: {name}": reason for name, reason in refused.items()}
        ids: dict[str, int] = {}
        for name, round_ in resolved.items():
            partner_id = None if round_.partner_key is None else ids[round_.partner_key]
            ids[name] = await store.keep_round(
                conn, server, kept[name].id, round_, partner_round_id=partner_id, now=now
            )
        written += len(resolved)
    after = await store.derived_rows(conn)
    changed = sum(before.get(number) != row for number, row in after.items())
    return Rebuilt(rounds=written, changed=changed, unreadable=unreadable)


def resolve_all(
    kept: Sequence[ImportedFile], zone: ZoneInfo
) -> tuple[dict[str, ResolvedRound], dict[str, str]]:
    """Give the rounds of ONE server by name, a round 1 before its round 2, and why others cannot be read."""
    played, refused = {}, {}
    for file in kept:
        name = files.parse_name(file.name)
        try:
            stats = parse_stats(file.content)
        except RoundFileError as error:
            refused[file.name] = error.words
            continue
        if name is None:
            refused[file.name] = "the name is not one of a round's stats file"
            continue
        ended_at = files.ended_at(name.wall_clock, file.modified_at, zone)
        played[file.name] = PlayedRound(key=file.name, ended_at=ended_at, stats=stats)
    pairings = pair_rounds(played.values())
    by_time = sorted(played.values(), key=lambda one: (one.ended_at, one.key))
    return {one.key: resolve(one, pairings[one.key]) for one in by_time}, refused


async def _run(*, dry_run: bool) -> Rebuilt:
    settings, clock = load_settings(), SystemClock()
    zones = {name: server.time_zone for name, server in settings.game_servers.items()}
    async with only_bot(settings.database, clock):
        database = Database.open(settings.database)
        try:
            await require_current(database)
            return await rebuild(database, zones, clock.now(), dry_run=dry_run)
        finally:
            await database.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild as the command line says; 1 where it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m tools.rebuild_rounds", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    asked = parser.parse_args(arguments)
    try:
        done = asyncio.run(_run(dry_run=asked.dry_run))
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 1
    for name, reason in done.unreadable.items():
        print(f"{name} is left as it was: {reason}", file=sys.stderr)
    would = "would come out" if asked.dry_run else "came out"
    print(f"{done.rounds} round(s) made anew; {done.changed} {would} differently")
    return 0


if __name__ == "__main__":
    sys.exit(main())
