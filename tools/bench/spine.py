"""The limits of the spine: start, memory, answers, a round from its listing to its post, charts, stalls.

Four processes on loopback, as in the end-to-end tests. Memory and stalls are read from Linux's /proc and
by signals, so this benchmark runs on Linux only.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from bot.charts.process import ProcessChartRenderer
from bot.clock import SystemClock
from bot.core.announcements import Message
from bot.texts import unpacked
from tools.bench.report import Figure, percentile
from tools.sandbox.processes import ROOT
from tools.sandbox.rounds import MAPS, play_map
from tools.sandbox.scene import World, until, world

COMMANDS = ("live list", "status", "rounds last", "about")
PEOPLE = 6
MAPS_PLAYED = 3
CHARTS = 20
STARTS = 3
IDLE_SECONDS = 10
PROBE = Path(__file__).with_name("probe")
READY = "Connected to Discord as"
ROUND = " · round "


async def measure() -> list[Figure]:
    """Measure everything; takes about a minute and a half."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        async with world(Path(folder)) as stage:
            stage.settings["PYTHONPATH"] = f"{PROBE}{os.pathsep}{ROOT}"
            stage.settings["VEDETTE_PROBE_FILE"] = str(Path(folder) / "stall")
            starts = [await _start_to_ready(stage) for _ in range(STARTS)]
            await asyncio.sleep(IDLE_SECONDS)  # noqa: TID251 - what is measured is a real process
            memory = _memory_mb(_pid(stage))
            await stage.set_up()
            await stage.follow()
            os.kill(_pid(stage), signal.SIGUSR1)
            acknowledged, posted = await _load(stage)
            stall, where = await _longest_stall(stage, Path(folder) / "stall")
            chart = await _chart_ms(stage)
    return [
        _figure("start to ready", max(starts[1:]), 3, "s", f"slowest of {STARTS - 1} starts after the first"),
        _figure("idle memory", memory, 120, "MB", f"resident, {IDLE_SECONDS} s after ready"),
        _figure(
            "command acknowledged, p99",
            percentile(acknowledged, 0.99),
            300,
            "ms",
            f"{len(acknowledged)} commands of {PEOPLE} people while rounds come in",
        ),
        _figure(
            "second equal listing to post", max(posted), 2, "s", f"slowest of {len(posted)} rounds with chart"
        ),
        _figure("chart, warm", percentile(chart, 0.5), 150, "ms", f"median of {len(chart)} round charts"),
        _figure("longest stall of the event loop", stall, 50, "ms", where),
    ]


def _figure(name: str, value: float, limit: float, unit: str, how: str) -> Figure:
    return Figure(name=name, value=value, limit=limit, unit=unit, how=how)


def _pid(stage: World) -> int:
    if stage.bot is None:
        raise RuntimeError("the bot is not running")
    return stage.bot.pid


async def _start_to_ready(stage: World) -> float:
    """Start the bot (ending the one before) and wait for its line that it is connected."""
    if stage.bot is not None:
        await stage.stop_bot()
    before = stage.log().count(READY)
    started = time.perf_counter()
    await stage.start_bot()

    async def is_ready() -> bool:
        return stage.log().count(READY) > before

    await until(is_ready, "the bot was ready")
    return time.perf_counter() - started


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else float("nan")


async def _load(stage: World) -> tuple[list[float], list[float]]:
    """Give commands, several at a time, for as long as rounds come in; gives both kinds of figures."""
    rounds = asyncio.create_task(_posted_seconds(stage))

    async def person(number: int) -> list[float]:
        took: list[float] = []
        while not rounds.done():
            name = COMMANDS[(number + len(took)) % len(COMMANDS)]
            took.append(float((await stage.command(name))["ack_ms"]))
        return took

    people = await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    return [one for took in people for one in took], await rounds


async def _posted_seconds(stage: World) -> list[float]:
    """Play maps and take, for each round, the time from the listing that proved its file to its post."""
    luck, seconds = Random(7), []  # noqa: S311 - the same rounds each time
    for number in range(MAPS_PLAYED):
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=MAPS_PLAYED - number)  # noqa: TID251
        for file in play_map(MAPS[number % len(MAPS)], (now, now + timedelta(seconds=30)), luck):
            posts = len(await stage.posts("rounds", ROUND))
            body = {"name": file.name, "content": file.content.decode("ascii")}
            await stage.gameserver.control("POST", "files", body)
            await until(partial(_has_more, stage, posts), f"{file.name} was posted")
            seconds.append(await _listing_to_post(stage, file.name))
    return seconds


async def _has_more(stage: World, before: int) -> bool:
    return len(await stage.posts("rounds", ROUND)) > before


async def _listing_to_post(stage: World, name: str) -> float:
    asked: list[dict[str, Any]] = await stage.gameserver.control("GET", "requests")
    opened = next(entry["at"] for entry in asked if entry.get("op") == "open" and name in entry["path"])
    listed = max(entry["at"] for entry in asked if entry.get("op") == "list" and entry["at"] <= opened)
    sent: list[dict[str, Any]] = await stage.discord.control("GET", "requests")
    posted = min(
        entry["at"]
        for entry in sent
        if entry["method"] == "POST" and entry["path"].endswith("/messages") and entry["at"] > opened
    )
    return float(posted - listed)


async def _longest_stall(stage: World, file: Path) -> tuple[float, str]:
    os.kill(_pid(stage), signal.SIGUSR2)

    async def told() -> list[str]:
        return _lines(file)

    milliseconds, where = await until(told, "the probe told what it saw")
    return float(milliseconds), where


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()[:2] if file.exists() else []


async def _chart_ms(stage: World) -> list[float]:
    """Draw the chart of a round again and again in a warm chart process."""
    spec = Message.from_json(unpacked(await stage.stored_message("round:"))).chart
    if spec is None:
        raise RuntimeError("a round was posted without a chart")
    renderer, took = ProcessChartRenderer(SystemClock()), []
    try:
        await renderer.render(spec)
        for _ in range(CHARTS):
            started = time.perf_counter()
            await renderer.render(spec)
            took.append(1000 * (time.perf_counter() - started))
    finally:
        await renderer.close()
    return took
