"""How well a policy finds lives that are known: ``python -m tools.backtest FILE``.

FILE holds `account,start_utc,end_utc` (ISO 8601), plain or gzip. The bot's own live monitor looks for the
lives within its budget, in virtual time; it is told what its checks find, and the end of a live it found.
Exit code 1 where the budget was passed in any rolling 24 hours, 2 where the input is bad.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bot.clock import SystemClock
from bot.core.live.policies import PROVIDED
from bot.errors import VedetteError
from tools.backtest.histories import BadInput, History, instant, read_history
from tools.backtest.report import is_kept, print_report, write_checks, write_json
from tools.backtest.run import BASELINES, Plan, Result, Wish, planned, run
from tools.backtest.stored import read_database

DEFAULT_SEED = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay what is asked for; gives the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        policies = _policies(asked)
        history = _history(asked)
        for words in history.skipped[:3]:
            print(f"left out: {words}", file=sys.stderr)
        if len(history.skipped) > 3:
            print(f"left out: {len(history.skipped) - 3} more", file=sys.stderr)
        plan = planned(history, _wish(asked))
        results = run(plan, policies, jobs=os.cpu_count() or 1)
        print_report(Console(width=max(100, Console().width)), plan, results)
        if asked.database is not None:
            print("The truth is what this bot has found itself: lives that it missed are not in it.")
        _write(asked, plan, results)
    except (VedetteError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0 if is_kept(plan, results) else 1


def _policies(asked: argparse.Namespace) -> list[str]:
    if asked.policy not in PROVIDED:
        raise BadInput(f"there is no policy {asked.policy!r}; there are {', '.join(PROVIDED)}")
    compared = [name for name in BASELINES if name != asked.policy] if asked.compare else []
    return [asked.policy, *compared]


def _history(asked: argparse.Namespace) -> History:
    now = SystemClock().now()
    if asked.database is not None:
        return asyncio.run(read_database(asked.database, now))
    if asked.file is None:
        raise BadInput("name a file of lives, or a database with --database URL")
    return read_history(asked.file, now, skip_bad=asked.skip_bad)


def _wish(asked: argparse.Namespace) -> Wish:
    for name in ("budget", "accounts", "days", "min_per_week"):
        value = getattr(asked, name)
        if value is not None and not value > 0:
            raise BadInput(f"--{name.replace('_', '-')} must be more than 0, not {value}")
    if not asked.warmup_days >= 0:
        raise BadInput(f"--warmup-days must not be negative, not {asked.warmup_days}")
    try:
        since = None if asked.since is None else instant(asked.since)
    except ValueError as error:
        raise BadInput(f"--from: {error}") from None
    return Wish(
        budget=asked.budget,
        since=since,
        days=asked.days,
        warm_up_days=asked.warmup_days,
        accounts=asked.accounts,
        seed=asked.seed,
        a_week=asked.min_per_week,
    )


def _write(asked: argparse.Namespace, plan: Plan, results: Sequence[Result]) -> None:
    """Write the files asked for; the checks of the policies compared go beside, with their names."""
    if asked.json is not None:
        write_json(asked.json, plan, results)
    if asked.checks is not None:
        for number, result in enumerate(results):
            beside = asked.checks.with_name(f"{asked.checks.stem}.{result.policy}{asked.checks.suffix}")
            write_checks(beside if number else asked.checks, plan, result)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.backtest", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("file", nargs="?", type=Path, metavar="FILE", help="lives: account,start_utc,end_utc (gzip, too)")
    add("--budget", type=int, default=120, help="checks in any rolling 24 hours (120)")
    add("--accounts", type=int, metavar="N", help="draw so many accounts (all of the file)")
    add("--seed", type=int, default=DEFAULT_SEED, help=f"of the draw ({DEFAULT_SEED})")
    add(
        "--min-per-week",
        type=float,
        default=1.0,
        metavar="LIVES",
        help="draw from accounts with so many lives a week in the window (1; 2 is usual for Twitch)",
    )
    add("--from", dest="since", metavar="DATE", help="first day, UTC (that of the first live)")
    add("--days", type=float, metavar="D", help="days in all, warm-up included (to the last live)")
    add("--warmup-days", type=float, default=14.0, metavar="D", help="first days that do not count (14)")
    add("--policy", default="probability", help=f"one of {', '.join(PROVIDED)} (probability)")
    add("--compare", action="store_true", help=f"replay {' and '.join(BASELINES)}, too")
    add("--json", type=Path, metavar="OUT.json", help="write every figure")
    add("--checks", type=Path, metavar="CHECKS.csv", help="write every check: account,checked_utc,result")
    add("--skip-bad", action="store_true", help="leave out broken rows instead of refusing the file")
    add("--database", metavar="URL", help="in place of FILE: the lives this bot has found itself")
    return parser


if __name__ == "__main__":
    sys.exit(main())
