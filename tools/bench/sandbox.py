"""The bot in a world that goes 600 times as fast as the machine, and in one whose time is virtual: what lasts, lasts.

Over real sockets fifteen people go live for days and the game server has its evenings; in one process two months of
virtual time pass. Memory and processor time are read from Linux's /proc.
"""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import re
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import fmean

from tools.bench.report import Figure
from tools.sandbox.fast_scene import FastScene, fast_scene
from tools.sandbox.scene import until
from tools.sandbox.world import START
from tools.sandbox.world.evenings import Evening, evenings
from tools.sandbox.world.streamers import EVERYBODY
from tools.simulation.invariants import broken
from tools.simulation.world import World

PEOPLE = EVERYBODY
DAYS = 4.0
SPEED = 600.0
SUMMED_UP_AFTER = timedelta(hours=3)
"""So much later, of the world's time, an evening's summary is late: it follows when nothing was played for an hour."""
LOOK_SECONDS = 5.0
COMMANDS = ("status", "predict next", "live list", "rounds last")
VIRTUAL_DAYS = 60.0
SEED = 2
GROWTH_LIMIT = 15.0
MEMORY = "memory at the end above that after a third"
#: Others' files and posts may be late: under load seconds of the machine are hours of the world.
PATIENT = {"ROUND_POST_MAX_AGE_MINUTES": "10080"}


@dataclass(kw_only=True)
class Watched:
    """What was seen of the bot, one value a look: resident megabytes; and how long commands took to be answered."""

    megabytes: list[float] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    wrongs: list[str] = field(default_factory=list)
    lives: int = 0
    rounds: int = 0
    evenings: int = 0


async def measure() -> list[Figure]:
    """Measure everything; takes a quarter of an hour."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        async with fast_scene(Path(folder), PEOPLE) as fast:
            seen = await _days_of(fast)
    virtual = await asyncio.to_thread(_in_a_process)
    return [*told(seen), *virtual]


def told(seen: Watched) -> list[Figure]:
    """Judge what was seen."""
    for wrong in seen.wrongs:
        print(wrong)
    how = f"{DAYS:g} days at {SPEED:g} times the machine's pace, {len(PEOPLE)} accounts"
    found = f"{seen.lives} lives, {seen.rounds} rounds, {seen.evenings} evenings"
    return [
        Figure(name="told twice, or not at all", value=len(seen.wrongs), unit="", how=found, limit=0),
        Figure(name="no live found", value=int(not seen.lives), unit="", how=how, limit=0),
        Figure(
            name="evenings not summed up",
            value=max(0, len(_played()) - seen.evenings),
            unit="",
            how=f"of {len(_played())}",
            limit=0,
        ),
        Figure(
            name=MEMORY,
            value=growth(seen.megabytes),
            unit="MB",
            how=f"{seen.megabytes[-1]:.0f} MB at the end",
            limit=GROWTH_LIMIT,
        ),
        Figure(
            name="processor", value=100 * seen.cpu_seconds / seen.seconds, unit="%", how="of one", limit=60
        ),
        Figure(
            name="slowest answer", value=max(seen.answers_ms), unit="ms", how="of the machine", limit=3000
        ),
    ]


def _played() -> list[Evening]:
    """Give the evenings that are over, and must be summed up, when the days are over."""
    end = START + timedelta(days=DAYS)
    return [one for one in evenings(START, end) if one.ended_at < end - SUMMED_UP_AFTER]


def growth(megabytes: list[float]) -> float:
    """Give how much more it is in the last tenth than in the tenth after a third."""
    tenth, third = max(1, len(megabytes) // 10), len(megabytes) // 3
    return fmean(megabytes[-tenth:]) - fmean(megabytes[third : third + tenth])


# --- Real sockets --------------------------------------------------------------------------------


async def _days_of(fast: FastScene) -> Watched:
    scene, seen = fast.scene, Watched()
    await fast.begin(**PATIENT)
    running = asyncio.create_task(fast.world.run())
    began, cpu = time.monotonic(), cpu_seconds(_pid(fast))  # noqa: TID251 - the bot is a real process
    end = fast.clock.unix() + DAYS * 86_400
    fast.clock.set(speed=SPEED)
    try:
        while (left := (end - fast.clock.unix()) / SPEED) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))  # noqa: TID251 - as above
            seen.megabytes.append(_megabytes(_pid(fast)))
            name = COMMANDS[len(seen.megabytes) % len(COMMANDS)]
            took_ms = (await scene.command(name))["ack_ms"]
            seen.answers_ms.append(math.inf if took_ms is None else took_ms)  # None: not in time
            if running.done():
                await running
    finally:
        fast.clock.set(speed=1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    seen.seconds = time.monotonic() - began  # noqa: TID251 - as above
    seen.cpu_seconds = cpu_seconds(_pid(fast)) - cpu
    await _look_at_what_was_told(fast, seen)
    return seen


async def _look_at_what_was_told(fast: FastScene, seen: Watched) -> None:
    scene = fast.scene

    async def is_well() -> bool:
        return not await fast.wrongs()

    try:
        await until(is_well, "all was told")
    except AssertionError:
        seen.wrongs = await fast.wrongs()
    seen.lives = await scene.count("lives")
    seen.rounds = len(await scene.posts("rounds", " · round "))
    seen.evenings = len(await scene.posts("rounds", "Evening of"))


def _pid(fast: FastScene) -> int:
    if fast.scene.bot is None or fast.scene.bot.returncode is not None:
        raise RuntimeError(f"the bot does not run:\n{fast.scene.log()[-2000:]}")
    return fast.scene.bot.pid


def _megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"))
    return int(found[1]) / 1024 if found else float("nan")


def cpu_seconds(pid: int) -> float:
    """Give what a process has used; its children have their own."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- Virtual time --------------------------------------------------------------------------------


def _in_a_process() -> list[Figure]:
    """Live through the virtual days in a process that has done nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(virtual_days)


def virtual_days() -> list[Figure]:
    """Measure `VIRTUAL_DAYS` days of the simulation."""
    world, megabytes = World(SEED, VIRTUAL_DAYS), list[float]()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            megabytes.append(_megabytes(os.getpid()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        world.run()
        found = broken(world)
    finally:
        is_over.set()
        watcher.join()
        world.close()
    for one in found:
        print(one)
    how = f"{VIRTUAL_DAYS:g} virtual days, seed {SEED}"
    return [
        Figure(name="promises broken", value=len(found), unit="", how=how, limit=0),
        Figure(
            name="memory of the simulation, growth after a third",
            value=growth(megabytes),
            unit="MB",
            how="with its database, its trace and its Discord",
            limit=GROWTH_LIMIT,
        ),
    ]
