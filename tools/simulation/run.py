"""Runs seeds, each in a world of its own, and keeps what is worth telling of them."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from tools.simulation.invariants import bound, broken, waits
from tools.simulation.nature import Broken
from tools.simulation.world import World
from tools.workers import workers

TOLD_LINES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One seed: its trace's digest, the promises it broke and the trace up to the first; `counts` for people."""

    seed: int
    digest: str
    broken: tuple[Broken, ...]
    trace: tuple[str, ...]
    counts: dict[str, float] = field(default_factory=dict)


def run_seed(seed: int, *, days: float, whole_trace: bool = False) -> Outcome:
    """Live through one seed."""
    world = World(seed, days)
    try:
        with _garbage_left_lying():
            world.run()
        found = broken(world)
        return Outcome(
            seed=seed,
            digest=world.nature.digest(),
            broken=tuple(found),
            trace=_trace(world, found, whole=whole_trace),
            counts=_counts(world),
        )
    finally:
        world.close()


def run_seeds(seeds: Sequence[int], *, days: float, jobs: int) -> Iterator[Outcome]:
    """Run many seeds on several processors, in order."""
    work = partial(run_seed, days=days)
    if jobs == 1:
        yield from map(work, seeds)
        return
    with workers(jobs) as pool:
        yield from pool.map(work, seeds, chunksize=4)


@contextmanager
def _garbage_left_lying() -> Iterator[None]:
    """Look for no cycles meanwhile: in a week that takes a fifth of the time and finds a few megabytes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()  # and the next allocation looks through all that is new


def _trace(world: World, found: Sequence[Broken], *, whole: bool) -> tuple[str, ...]:
    last = found[0].at if found and not whole else world.nature.seconds
    lines = [f"{at:12.3f}  {text}" for at, text in world.nature.trace if at <= last]
    return tuple(lines if whole else lines[-TOLD_LINES:]) if found or whole else ()


def _counts(world: World) -> dict[str, float]:
    followed = {one for _, people in world.history.followed for one in people}
    longest = max((left for one in followed for *_, left in waits(world, one)), default=0.0)
    return {
        "requests to TikTok": len(world.around.tiktok.asked),
        "lives found": len(world.history.hits),
        "messages": len(world.around.discord.messages),
        "rounds": world.around.disk.rows("SELECT count(*) FROM rounds")[0][0],
        "starts": len(world.history.down),
        "longest wait, share of its bound": longest / bound(world),
    }
