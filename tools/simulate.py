"""The bot under virtual time: ``python -m tools.simulate --seeds 1000``; exit code 1 if a promise was broken."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import track

from tools.simulation.run import Outcome, run_seed, run_seeds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds that are asked for."""
    options = _parser().parse_args(arguments)
    if options.trace:
        for seed in range(options.first, options.first + options.seeds):
            print(*run_seed(seed, days=options.days, whole_trace=True).trace, sep="\n")
        return 0
    seeds = range(options.first, options.first + options.seeds)
    console = Console(stderr=True)
    outcomes = track(
        run_seeds(seeds, days=options.days, jobs=options.jobs),
        total=len(seeds),
        console=console,
        disable=not console.is_terminal,
    )
    failed = _tell(outcomes, options.days)
    print(f"{len(seeds)} seeds of {options.days:g} days: {failed} broke a promise")
    return 1 if failed else 0


def _tell(outcomes: Iterable[Outcome], days: float) -> int:
    """Print each failure, then what all seeds together were; gives how many failed."""
    counts: Counter[str] = Counter()
    longest, failed = 0.0, 0
    for outcome in outcomes:
        longest = max(longest, outcome.counts.pop("longest wait, share of its bound"))
        counts.update(outcome.counts)
        if outcome.broken:
            failed += 1
            print(*_failure(outcome, days), sep="\n", flush=True)
    print(", ".join(f"{name}: {count:g}" for name, count in counts.items()))
    print(f"longest wait for a check: {longest:.0%} of its bound")
    return failed


def _failure(outcome: Outcome, days: float) -> list[str]:
    first, *others = outcome.broken
    return [
        f"== seed {outcome.seed} broke {first.invariant} at {first.at:.3f}: {first.text}",
        *(f"   and {other.invariant} at {other.at:.3f}: {other.text}" for other in others[:5]),
        *outcome.trace,
        f"   again: python -m tools.simulate --first {outcome.seed} --seeds 1 --days {days:g} --trace",
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--days", type=float, default=7.0, help="virtual days of each (7)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each processor)"
    )
    parser.add_argument("--trace", action="store_true", help="print the whole trace in place of the result")
    return parser


if __name__ == "__main__":
    sys.exit(main())
