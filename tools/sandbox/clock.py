"""The world's clock: a file that says what time it is and how fast it goes, read by every process of the sandbox.

The file holds one JSON object, ``{"machine": M, "instant": I, "speed": S}``: when the machine's monotonic
clock (the same one for all its processes) showed M seconds, it was I (Unix seconds) in the world, and from
then on S seconds pass there for each one here. It is replaced as a whole, so no reader sees half of it.
Without a file it is the machine's own time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SLOWEST, FASTEST = 1.0, 600.0
_LOOK_AGAIN_SECONDS = 0.05
_REPLACE_TRIES, _REPLACE_PAUSE_SECONDS = 50, 0.01
_SLICE_SECONDS = 0.2
"""So soon a wait notices that the speed was changed."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What the file says."""

    machine: float
    instant: float
    speed: float

    def at(self, machine: float) -> float:
        """Give the world's Unix seconds when the machine's monotonic clock shows `machine`."""
        return self.instant + (machine - self.machine) * self.speed


class WorldClock:
    """Reads the file; only the sandbox's own process also calls `set`."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._pace: Pace | None = None
        self._seen, self._looked_at = (0, 0), float("-inf")

    @property
    def speed(self) -> float:
        """Give how many seconds pass in the world for each one of the machine."""
        pace = self._read()
        return 1.0 if pace is None else pace.speed

    def unix(self) -> float:
        """Give the world's Unix seconds."""
        pace = self._read()
        return time.time() if pace is None else pace.at(time.monotonic())  # noqa: TID251

    def now(self) -> datetime:
        """Give the world's instant, aware, in UTC."""
        return datetime.fromtimestamp(self.unix(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed in the world."""
        await self.sleep_until(self.unix() + seconds)

    async def sleep_until(self, unix: float) -> None:
        """Wait until it is `unix` (Unix seconds) in the world."""
        while (left := (unix - self.unix()) / self.speed) > 0:  # noqa: ASYNC110 - the speed is another process's
            await asyncio.sleep(min(left, _SLICE_SECONDS))  # noqa: TID251 - the machine's own time

    def set(self, *, instant: float | None = None, speed: float | None = None) -> Pace:
        """Let it be `instant` (Unix seconds; now, if None) and go on at `speed`. Raises ValueError."""
        speed = self.speed if speed is None else float(speed)
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"the speed must be from {SLOWEST:g} to {FASTEST:g}, not {speed:g}")
        if self._file is None:
            raise ValueError("this clock is the machine's own")
        at = self.unix() if instant is None else instant
        pace = Pace(machine=time.monotonic(), instant=at, speed=speed)  # noqa: TID251
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(vars(pace)), "utf-8")
        _replace(self._file, part)
        self._pace = pace
        return pace

    def _read(self) -> Pace | None:
        """Look at the file again from time to time; who sets it and who reads it are two processes."""
        machine = time.monotonic()  # noqa: TID251
        if self._file is not None and machine - self._looked_at >= _LOOK_AGAIN_SECONDS:
            self._looked_at = machine
            state = self._file.stat() if self._file.exists() else None
            # Two changes may be too close together for the file's time to tell them apart.
            if state and (seen := (state.st_mtime_ns, state.st_ino)) != self._seen:
                try:
                    self._pace, self._seen = Pace(**json.loads(self._file.read_text("utf-8"))), seen
                except PermissionError:  # Windows, while it is replaced
                    if self._pace is None:
                        raise
        return self._pace


def _replace(file: Path, part: Path) -> None:
    """Windows refuses as long as somebody reads, which is over in a moment."""
    for _ in range(_REPLACE_TRIES - 1):
        try:
            part.replace(file)
        except PermissionError:
            time.sleep(_REPLACE_PAUSE_SECONDS)  # noqa: TID251 - another process needs real time
        else:
            return
    part.replace(file)


def add_clock_option(parser: argparse.ArgumentParser) -> None:
    """Let a program be told whose time it lives in; `clock` of the parsed options is a `WorldClock`."""
    parser.add_argument(
        "--clock",
        type=lambda text: WorldClock(Path(text)),
        default=WorldClock(None),
        metavar="FILE",
        help="the world's clock (tools/sandbox/clock.py); without it the machine's own time",
    )
