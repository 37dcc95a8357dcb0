"""The limits of the question why viewers moved: how often a planted cause is found, how often one is invented.

Lives of 180 minutes, each of another kind (`tools.simulation.stream_lives`), each seed asked as it is: a quarter of them with
gaps. Side by side on two processors it takes about two minutes; the seeds were not looked at while the analysis was made.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.streams.findings import Findings
from bot.core.streams.influence import explain
from bot.core.streams.together import together
from tools.bench.report import Figure, percentile
from tools.simulation.stream_lives import Planted, invent
from tools.workers import workers

SEEDS, QUIET = 200, 500
SHARE = 0.2
"""Of the variance of viewer change; the most that issue 6 grants."""
ONE_ACCOUNT = 5
"""Lives that are put together."""
_FIRST_QUIET = 1_000
_GAPS_EVERY = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """One live and what was said of it, in so many seconds of one processor."""

    planted: Planted | None
    found: Findings
    seconds: float


async def measure() -> list[Figure]:
    """Ask about all lives."""
    seeds = range(SEEDS)
    with workers(max(1, min(os.cpu_count() or 1, 4))) as pool:
        loop = asyncio.get_running_loop()
        work = [loop.run_in_executor(pool, _ask, seed, SHARE) for seed in seeds]
        work += [loop.run_in_executor(pool, _ask, _FIRST_QUIET + seed, None) for seed in range(QUIET)]
        asked = await asyncio.gather(*work)
    return _told(asked[:SEEDS], asked[SEEDS:])


def _ask(seed: int, share: float | None) -> _Asked:
    live = invent(seed, share=share, gaps=seed % _GAPS_EVERY == 0)
    started = time.process_time()
    found = explain(live.rows)
    return _Asked(planted=live.planted, found=found, seconds=time.process_time() - started)


def is_right(planted: Planted, found: Findings) -> bool:
    """Tell whether the closest lead is the planted one, within a minute."""
    return any(_is_it(planted, one.activity.value, one.lag) for one in found.leading[:1])


def _is_it(planted: Planted, activity: str, lag: int | None) -> bool:
    return activity == planted.activity and lag is not None and abs(lag - planted.lag) <= 1


def _told(moved: Sequence[_Asked], quiet: Sequence[_Asked]) -> list[Figure]:
    planted = [(one.planted, one.found) for one in moved if one.planted is not None]
    missed = sum(not is_right(cause, found) for cause, found in planted)
    wrong = sum(
        any(not _is_it(cause, one.activity.value, one.lag) for one in found.leading)
        for cause, found in planted
    )
    invented = sum(bool(one.found.leading) for one in quiet)
    accounts = [
        together([one.found for one in quiet[start : start + ONE_ACCOUNT]])
        for start in range(0, len(quiet), ONE_ACCOUNT)
    ]
    seconds = [one.seconds for one in moved]
    how = f"{len(moved)} lives, {SHARE:.0%} of the variance"
    return [
        Figure(name="the cause is not found", value=100 * missed / len(moved), unit="%", limit=20, how=how),
        Figure(name="something else is said to lead", value=100 * wrong / len(moved), unit="%", how=how),
        Figure(
            name="a lead is invented",
            value=100 * invented / len(quiet),
            unit="%",
            limit=5,
            how=f"{len(quiet)} lives without an effect",
        ),
        Figure(
            name="a lead is invented for an account",
            value=100 * sum(bool(one.leading) for one in accounts) / len(accounts),
            unit="%",
            limit=5,
            how=f"{len(accounts)} times {ONE_ACCOUNT} of these lives together",
        ),
        Figure(
            name="a live, 180 minutes", value=percentile(seconds, 0.95), unit="s", limit=2, how="CPU, p95"
        ),
    ]
