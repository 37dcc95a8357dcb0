"""Looks at the game servers beside the bot: ``python tools/smart_scheduler.py`` (with `.venv`'s Python).

It works on the bot's database with the bot's settings and policies, begins at once, and leaves the posting to
the bot. While it runs it has a lease on each server, and the bot leaves those alone. What it decides is told in
one line each, in the community's time, here and in ``logs/smart_sync.log`` of the data folder. Ctrl-C and
SIGTERM end it cleanly. Exit code 2 where the settings or the database do not fit.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

if __name__ == "__main__":  # run as a file, it finds the bot beside its folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.app import round_loops
from bot.clock import SystemClock
from bot.errors import VedetteError
from bot.jobs.loops import keep_running
from bot.jobs.stopping import until_stopped
from bot.logs import Redactor, set_up_logging
from bot.settings import Settings, load_settings
from tools.beside import beside

DECISIONS = "bot.services.round_looks"
_SPAN = re.compile(r"(\d{1,6})(s|m|h|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}

log = logging.getLogger("smart_scheduler")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until stopped; gives the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        settings = load_settings()
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.every is not None:
        settings.round_poll_seconds = asked.every
    if not settings.game_servers:
        print("No game server is set (GAME_SERVERS__...).", file=sys.stderr)
        return 2
    zone = ZoneInfo(next(iter(settings.game_servers.values())).community_time_zone)
    stop_logging = set_up_logging(settings, "smart_sync.log", zone)
    logging.getLogger(DECISIONS).setLevel(logging.DEBUG)
    try:
        asyncio.run(_serve(settings))
    except VedetteError as error:
        log.error("%s", Redactor.of(settings)(str(error)))  # noqa: TRY400 - the words say it all
        return 2
    finally:
        stop_logging()
    return 0


async def _serve(settings: Settings) -> None:
    clock = SystemClock()
    async with beside(settings, clock) as ours:
        others = await ours.take()
        log.info("Started for %s", ", ".join(ours.servers))
        if others:
            log.warning("Another scheduler looks at %s; it is left to that", ", ".join(others))
        loops = [ours.loop(), *round_loops(ours.sync)]
        await until_stopped(
            [asyncio.create_task(keep_running(loop, clock), name=loop.name) for loop in loops]
        )
    log.info("Stopped")


def seconds(written: str) -> float:
    """Read a span such as 10s, 5m or 1h, in seconds. Raises ValueError."""
    match = _SPAN.fullmatch(written)
    if match is None or not 1 <= int(match[1]) * _SECONDS[match[2]] <= 86400:
        raise argparse.ArgumentTypeError("give a span from 1s to 24h, such as 10s or 5m")
    return float(int(match[1]) * _SECONDS[match[2]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tools/smart_scheduler.py", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--every", type=seconds, metavar="10s", help="look so often, to try it without waiting"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
