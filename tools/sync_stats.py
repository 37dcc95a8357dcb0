"""Looks at the game servers once: ``python tools/sync_stats.py`` (with `.venv`'s Python).

What is new is imported into the bot's database, and the bot posts it as it would have. ``--backfill`` imports
without a post. ``--test-connection`` imports nothing and says what SSH sees. Exit code 1 where a server cannot
be read or another scheduler looks at it, 2 where the settings or the database do not fit.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":  # run as a file, it finds the bot beside its folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.app import round_sources
from bot.clock import SystemClock
from bot.core.rounds.files import FileKind, FileState, file_kind
from bot.errors import SourceError, VedetteError
from bot.jobs.loops import keep_running
from bot.logs import Redactor
from bot.services.round_sync import Poll
from bot.settings import Settings, load_settings
from tools.beside import OWNER, Beside, beside

SHOW_EVERY = 0.5
_DONE = (FileState.IMPORTED, FileState.FAILED, FileState.IGNORED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for; gives the exit code."""
    asked = _parser().parse_args(arguments)
    logging.getLogger().addHandler(logging.NullHandler())  # what went wrong is told by what we print
    try:
        settings = load_settings()
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    clean = Redactor.of(settings)
    if not settings.game_servers:
        print("No game server is set (GAME_SERVERS__...).", file=sys.stderr)
        return 2
    try:
        work = _test(settings, clean) if asked.test_connection else _sync(settings, clean, asked.backfill)
        return asyncio.run(work)
    except VedetteError as error:
        print(clean(str(error)), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


# --- Looking once ------------------------------------------------------------------------------


async def _sync(settings: Settings, clean: Redactor, backfill: bool) -> int:
    clock = SystemClock()
    async with beside(settings, clock) as ours:
        others = await ours.take()
        for server in others:
            print(f"{server}: another scheduler looks at it")
        renewing = asyncio.create_task(keep_running(ours.loop(), clock))
        try:
            polls = [
                await _sync_one(ours, server, backfill) for server in ours.servers if server not in others
            ]
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
    for poll in polls:
        print(clean(_told(poll)))
    return 1 if others or any(poll.error for poll in polls) else 0


def _told(poll: Poll) -> str:
    if poll.error:  # it may name the server itself
        return poll.error if poll.error.startswith(f"{poll.server}: ") else f"{poll.server}: {poll.error}"
    lines = [f"{poll.server}: {poll.listed} files, {poll.imported} imported, {poll.waiting} not complete yet"]
    lines += [f"  {one.name}: {one.reason}" for one in poll.troubles]
    return "\n".join(lines)


async def _sync_one(ours: Beside, server: str, backfill: bool) -> Poll:
    """Sync a server, and show how far it is where there is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    syncing = asyncio.create_task(ours.sync.sync(OWNER, server, backfill=backfill))
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task(server, total=None)
        while not (await asyncio.wait({syncing}, timeout=SHOW_EVERY))[0]:
            (status,) = await ours.sync.status([server])
            done = sum(count for state, count in status.files.items() if state in _DONE)
            progress.update(bar, completed=done, total=sum(status.files.values()) or None)
    return (await syncing)[0]


# --- Only a test ---------------------------------------------------------------------------------


async def _test(settings: Settings, clean: Redactor) -> int:
    failed = 0
    for name, source in round_sources(settings).items():
        try:
            rounds = [file for file in await source.list_files() if file_kind(file.name) is FileKind.ROUND]
            newest = max((file.name for file in rounds), default="")
            seen = f"answers; {len(rounds)} round files" + (f", the newest {newest}" if newest else "")
        except SourceError as error:
            failed, seen = 1, error.words
        finally:
            await source.close()
        print(clean(f"{name}: {seen}"))
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tools/sync_stats.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--backfill", action="store_true", help="import what is missing without a post")
    parser.add_argument("--test-connection", action="store_true", help="only say what SSH sees")
    return parser


if __name__ == "__main__":
    sys.exit(main())
