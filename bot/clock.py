"""The only reader of the wall clock, and the only way to wait.

Two times are told apart, which are the same but in a sandbox whose world goes faster: what the bot is about (lives,
plans, budgets, what it tells) has the time of the world, what the machine has to do (connections, child processes,
drawing, who holds which work) has `machine`. So a world at 600 times its pace leaves the machine its seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.errors import SettingsError


class Clock(Protocol):
    """Time as the bot sees it; tests and simulations give their own.

    `speed` is how many of its seconds pass for each one of the machine.
    """

    speed: float = 1.0

    @property
    def machine(self) -> Clock:
        """The time of the machine."""
        return self

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Give seconds that never step back, from an arbitrary start."""

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number of seconds only yields."""


class SystemClock(Clock):
    """The machine's own time."""

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place

    def monotonic(self) -> float:
        """Give the machine's monotonic seconds."""
        return time.monotonic()  # noqa: TID251 - this is the one place

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(max(0.0, seconds))  # noqa: TID251 - this is the one place


_SHORTEST_SLEEP_SECONDS = 0.02
"""Else what is due each second of a fast world would keep the machine from everything else."""
_UNREADABLE = (OSError, ValueError, KeyError, TypeError)
_SLICE_SECONDS = 0.2
"""So soon a sleep notices that the speed was changed."""


class PacedClock(Clock):
    """The time of the sandbox's world as its file tells it (`tools/sandbox/clock.py` describes that).

    It never goes back: where the world was slowed down and this had gone on too fast, it stands for a moment.
    """

    def __init__(self, file: Path) -> None:
        """Read the file. Raises `SettingsError` where there is none yet."""
        self._file = file
        self._machine = SystemClock()
        self._latest, self._changed = 0.0, (0, 0)
        self._began, self._instant = 0.0, 0.0
        try:
            self._read()
        except _UNREADABLE as error:
            raise SettingsError((f"CLOCK_FILE: cannot be read ({type(error).__name__})",)) from None

    @property
    def machine(self) -> Clock:
        """The time of the machine."""
        return self._machine

    def now(self) -> datetime:
        """Give the world's instant, aware, in UTC."""
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        """Give the world's Unix seconds."""
        with contextlib.suppress(*_UNREADABLE):  # it goes on as it went
            self._read()
        there = self._instant + (self.machine.monotonic() - self._began) * self.speed
        self._latest = max(self._latest, there)
        return self._latest

    async def sleep(self, seconds: float) -> None:
        """Wait until so many seconds have passed in the world, and a moment of the machine's at least."""
        until = self.monotonic() + seconds
        pause = max(seconds / self.speed, _SHORTEST_SLEEP_SECONDS) if seconds > 0 else 0.0
        await self.machine.sleep(min(pause, _SLICE_SECONDS))
        while (left := until - self.monotonic()) > 0:
            await self.machine.sleep(min(left / self.speed, _SLICE_SECONDS))

    def _read(self) -> None:
        """Take in what the file says if it was replaced. Raises what a file that is none raises."""
        found = self._file.stat()
        if (found.st_mtime_ns, found.st_ino) != self._changed:
            said = json.loads(self._file.read_text("utf-8"))
            began, instant, speed = (float(said[name]) for name in ("machine", "instant", "speed"))
            if speed <= 0:
                raise ValueError("time stands still")
            self._began, self._instant, self.speed = began, instant, speed
            self._changed = (found.st_mtime_ns, found.st_ino)


SLACK = timedelta(seconds=1)
"""Wall and monotonic clock may drift apart by so much between two looks without being a step."""


class SteadyClock(Clock):
    """A clock that goes on evenly when the wall clock steps, until `adopt` takes the step over.

    What is stored is stamped with this time. So a step can be hidden until `bot.services.timekeeping` has
    moved the stamps along with it, and no span of time comes out longer or shorter than it was. A sleep of
    the machine looks like a step forward: then budgets err on the careful side.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._adopted_at, self._adopted_after = clock.now(), clock.monotonic()

    @property
    def speed(self) -> float:  # type: ignore[override]
        """How many of its seconds pass for each one of the machine."""
        return self._clock.speed

    @property
    def machine(self) -> Clock:
        """The time of the machine: as steady as this one, where it is the same."""
        return self if self._clock.machine is self._clock else self._clock.machine

    def now(self) -> datetime:
        """Give the present instant, aware, in UTC, as if the wall clock had not stepped."""
        return self._clock.now() - self.step()

    def monotonic(self) -> float:
        """Give seconds that never step back, from an arbitrary start."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait; a negative number of seconds only yields."""
        await self._clock.sleep(seconds)

    def step(self) -> timedelta:
        """Give how far the wall clock has stepped since `adopt`; nothing within `SLACK`, and in a world nothing at all.

        There both are one, and only time has passed between the looks at them: seconds, where it is fast.
        """
        if self.machine is not self:
            return timedelta(0)
        passed = timedelta(seconds=self._clock.monotonic() - self._adopted_after)
        step = self._clock.now() - self._adopted_at - passed
        return step if abs(step) > SLACK else timedelta(0)

    def adopt(self, step: timedelta) -> None:
        """Take over a step that `step` told; with none, forget what the clocks have drifted apart."""
        self._adopted_at, self._adopted_after = self.now() + step, self._clock.monotonic()


def clock_of(file: Path | None) -> Clock:
    """Give the time to live in, with its steps: the machine's, or the world's of `file`. Raises `SettingsError`.

    Only who takes a step over may hide it behind a `SteadyClock`.
    """
    return SystemClock() if file is None else PacedClock(file)


async def wait_for_event(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """Wait until `event` is set or `seconds` have passed; true when it was set.

    The event is cleared, so that the next wait is for the next signal.
    """
    sleeper = asyncio.ensure_future(clock.sleep(seconds))
    waiter = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({sleeper, waiter}, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        for task in (sleeper, waiter):
            task.cancel()
        event.clear()
