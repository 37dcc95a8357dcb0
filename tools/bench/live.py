"""Recording lives: events a second from the socket to the database, beside what the library's client alone decodes.

Both read the same flood, encoded beforehand, from a stand-in in a process of its own: one after the other, several times, so
that a machine that is busy with something else is so for both. Memory is read from Linux's /proc.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tools.bench.flood import Flood
from tools.bench.report import Figure
from tools.sandbox.processes import ROOT

TURNS = 3
SLOWER = 1 / 0.9
"""The recorder is to read at least 0.9 of what the client alone reads."""
FLOODS = {
    "1.1 KB an event": Flood(events=10_000, size=1100),
    "1.1 KB an event, 10 in a frame": Flood(events=15_000, size=1100, per_frame=10),
    "4.8 KB an event": Flood(events=6_000, size=4800),
}
LONG = Flood(events=300_000, rooms=15, size=90, per_frame=10)
GROWTH_MB = 8.0


async def measure() -> list[Figure]:
    """Measure everything; takes about six minutes."""
    figures = []
    for name, flood in FLOODS.items():
        async with _flood(flood) as base:
            turns = [
                [await _read(kind, base, flood) for kind in ("library", "recorder")] for _ in range(TURNS)
            ]
        figures += _compared(name, flood, turns)
    async with _flood(LONG) as base:
        figures += _grown(await _read("recorder", base, LONG))
    return figures


@asynccontextmanager
async def _flood(flood: Flood) -> AsyncIterator[str]:
    """Start the process that sends a flood; gives its address."""
    command = (sys.executable, "-m", "tools.bench.flood", *flood.arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        line = await process.stdout.readline() if process.stdout else b""
        yield json.loads(line)["base"]
    finally:
        if process.stdin:
            process.stdin.close()
        await process.wait()


async def _read(kind: str, base: str, flood: Flood) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as folder:
        command = (sys.executable, "-m", "tools.bench.live_reader", kind, base, folder, *flood.arguments)
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the {kind} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(output)
    return found


def _lost(read: dict[str, Any]) -> int:
    """Give how far what was counted is from what was sent."""
    return sum(abs(read["counted"].get(name, 0) - number) for name, number in read["expected"].items())


def _compared(name: str, flood: Flood, turns: list[list[dict[str, Any]]]) -> list[Figure]:
    of_both = list(zip(*turns, strict=True))
    alone, recorded = (statistics.median(one["seconds"] for one in reads) for reads in of_both)
    times = statistics.median(ours["seconds"] / theirs["seconds"] for theirs, ours in turns)
    work = statistics.median(ours["processor"] / theirs["processor"] for theirs, ours in turns)
    rates = (
        f"{flood.events / recorded:,.0f} of {flood.events / alone:,.0f} events/s: a share of {1 / times:.2f}"
    )
    return [
        Figure(
            name=f"recording against decoding, {name}",
            value=times,
            limit=SLOWER,
            unit="times as long",
            how=f"{rates}; median of {len(turns)} turns; {work:.2f} times the processor",
        ),
        Figure(
            name=f"lost or invented, {name}",
            value=sum(_lost(read) for reads in turns for read in reads),
            limit=0,
            unit="counts",
            how=f"of {flood.events:,} events, {len(turns)} times",
        ),
    ]


def _grown(read: dict[str, Any]) -> list[Figure]:
    first, *_, last = read["memory_mb"]
    return [
        Figure(
            name=f"memory after a third of {LONG.events:,} events",
            value=first,
            unit="MB",
            how=f"resident, {LONG.rooms} rooms at {LONG.events / read['seconds']:,.0f} events/s in all",
        ),
        Figure(
            name="growth from there", value=last - first, limit=GROWTH_MB, unit="MB", how="to the last event"
        ),
        Figure(
            name="lost or invented of them",
            value=_lost(read),
            limit=0,
            unit="counts",
            how="totals of all rooms",
        ),
    ]
