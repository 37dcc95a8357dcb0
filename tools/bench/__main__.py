"""``python -m tools.bench NAME``: run one benchmark."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tools.bench import export, gifters, influence, live, notify, planner, profiles, rounds, sandbox, spine
from tools.bench.report import print_report

BENCHMARKS = {
    "export": export.measure,
    "gifters": gifters.measure,
    "influence": influence.measure,
    "live": live.measure,
    "notify": notify.measure,
    "planner": planner.measure,
    "profiles": profiles.measure,
    "rounds": rounds.measure,
    "sandbox": sandbox.measure,
    "spine": spine.measure,
}


def main() -> int:
    """Run the benchmark that is named; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    figures = asyncio.run(BENCHMARKS[parser.parse_args().name]())
    return print_report(figures)


if __name__ == "__main__":
    sys.exit(main())
