"""How soon round files are found: ``python -m tools.backtest_rounds FOLDER_OR_CSV``.

FOLDER holds stats files, a CSV the column `file_written_utc` (ISO 8601). They appear at their times before
`classic`, `learned` and a look every 5 minutes. `learned` begins knowing nothing and learns from what it has
found so far; nothing in it was fitted to the files replayed. A delay is from the writing of a file to its
import, with the 3 s in which a second listing must show that it rests; every listing is an SSH check.

The game server's answers are made from the times of the files, and tell less than a real server would: people
are in teams only from --present-minutes before a file is written until as long after it, and never else; no map
and no time limit is told. `learned silent` is `learned` before a server that never answers.
Exit code 1 where `learned` does not beat both others on both delays with at most 200 SSH checks a day, 2 where
the input is bad.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from rich.console import Console

from bot.core.rounds.learned import LearnedLooks
from bot.core.rounds.looking import FixedLooks, LookPolicy
from bot.core.rounds.prime_time import ClassicLooks
from bot.errors import VedetteError
from tools.backtest_rounds.figures import Figures, figures_of, is_better, print_figures, write_json
from tools.backtest_rounds.replay import GameServer, replay
from tools.backtest_rounds.times import BadInput, days_around, read_times


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay what is asked for; gives the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        zone = _zone(asked.zone)
        if not 0 <= asked.present_minutes <= 60:
            raise BadInput(f"--present-minutes must be from 0 to 60, not {asked.present_minutes:g}")
        times = read_times(asked.source, zone)
        found = compare(times, zone, timedelta(minutes=asked.present_minutes))
        since, until = days_around(times)
        title = f"{len(times)} round files, {since:%Y-%m-%d} to {until:%Y-%m-%d} UTC, cold start"
        print_figures(Console(width=max(100, Console().width)), title, found)
        if asked.json is not None:
            told = {
                "files": len(times),
                "from": since.isoformat(),
                "to": until.isoformat(),
                "zone": asked.zone,
                "present_minutes": asked.present_minutes,
            }
            write_json(asked.json, told, found)
    except (VedetteError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0 if is_better(found) else 1


def compare(times: Sequence[datetime], zone: ZoneInfo, present: timedelta) -> dict[str, Figures]:
    """Replay the same files before each policy."""
    since, until = days_around(tuple(times))
    answering = GameServer(written=times, present=present)
    silent = GameServer(written=times, present=None)
    runs: dict[str, tuple[LookPolicy, GameServer]] = {
        "classic": (ClassicLooks(zone=zone), silent),
        "learned": (LearnedLooks(zone), answering),
        "every_5_minutes": (FixedLooks(every=timedelta(minutes=5)), silent),
        "learned_silent": (LearnedLooks(zone), silent),
    }
    days = (until - since) / timedelta(days=1)
    return {
        name: figures_of(replay(server, policy, since, until), days)
        for name, (policy, server) in runs.items()
    }


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise BadInput(f"--zone: {name[:40]!r} is no IANA time zone such as Europe/Paris")
    return ZoneInfo(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.backtest_rounds", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("source", type=Path, metavar="FOLDER_OR_CSV", help="stats files, or a CSV file of their times")
    add(
        "--zone",
        default="Europe/Paris",
        help="the community's, in which copied files are named, too (Europe/Paris)",
    )
    add(
        "--present-minutes",
        type=float,
        default=2.0,
        metavar="M",
        help="people are in teams so long around the writing of a file, hardly a round is shorter (2)",
    )
    add("--json", type=Path, metavar="OUT.json", help="write every figure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
