"""Make every round anew from the raw files in the database: ``python -m tools.rebuild_rounds``.

The bot does the same by itself at the first start of a version that reads the files differently. Needs the
settings of the bot (.env), and the bot stopped; no Discord, no game server. Killed at any moment, it is simply
run again. Posts are not touched. With ``--dry-run`` nothing is written. Exit code 0: done, whether or not a
round came out differently; 1: it could not be done.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.clock import SystemClock
from bot.errors import VedetteError
from bot.services.round_rebuild import Rebuilt, RoundRebuild
from bot.settings import load_settings
from bot.storage import raw_rounds
from bot.storage.engine import Database
from bot.storage.migrate import require_current
from bot.storage.only_bot import only_bot


async def rebuild(database: Database, zones: Mapping[str, str], now: datetime, *, dry_run: bool) -> Rebuilt:
    """Make all rounds of all servers anew; `zones` are the time zones of the servers, UTC where none is named."""
    rebuilding = RoundRebuild(database=database, zones=zones)
    async with database.read() as conn:
        servers = await raw_rounds.servers_with_files(conn)
    done = Rebuilt()
    for server in servers:
        one = await rebuilding.rebuild(server, now, dry_run=dry_run)
        done.rounds += one.rounds
        done.changed += one.changed
        done.unreadable |= {f"{server}: {name}": reason for name, reason in one.unreadable.items()}
    return done


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
