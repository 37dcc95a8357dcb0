"""``python -m tools.past --to FILE [--days N] [--anew]``: write the bot's database as three months have left it.

What it does is told on standard output, a line for each step. The result is kept beside the checkout
(`tools.past.cache`); the next time it is only copied. `FILE` is replaced as a whole, or left alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tools.environment import one_at_a_time
from tools.past import cache
from tools.sandbox.world import PAST_DAYS, START


def main(arguments: list[str]) -> int:
    """Make the past, or copy the one that was made; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.past", description="Write the sandbox's past.")
    parser.add_argument("--to", type=Path, required=True, help="the SQLite file to write")
    parser.add_argument("--days", type=int, default=PAST_DAYS, help="how many days; only all are kept")
    parser.add_argument("--anew", action="store_true", help="make it even if it was made before")
    wanted = parser.parse_args(arguments)
    began_at = time.monotonic()  # noqa: TID251 - for people who wait
    kept = cache.cached(cache.digest())
    if wanted.days != PAST_DAYS:
        _make(wanted.to, wanted.days)
    else:
        with one_at_a_time(kept.with_name("past.lock")):  # who starts a second sandbox meanwhile waits for it
            if wanted.anew or not kept.exists():
                _make(kept, wanted.days)
                cache.forget_old(kept)
        cache.copy(kept, wanted.to)
    _tell(f"The past is there ({time.monotonic() - began_at:.1f} s)")  # noqa: TID251
    return 0


def _make(target: Path, days: int) -> None:
    """Make it in a folder of its own and move it into its place when it is whole."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads would only wait for one another
    from tools.past.make import make  # noqa: PLC0415 - a past that is there needs nothing of the bot

    with tempfile.TemporaryDirectory(prefix="vedette-past-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "vedette.db"
        asyncio.run(make(made, START - timedelta(days=days), START, _tell))
        cache.copy(made, target)


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
