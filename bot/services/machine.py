"""What the machine has left: measured each minute, and told to admins when it is short of something for long."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.clock import Clock
from bot.core.machine import READINGS, Pressure, Reading, Shortage, pressure, shortages
from bot.storage import machine as store
from bot.storage.engine import Database

LOOK_EVERY = timedelta(minutes=1)
_MOMENT_SECONDS = 0.2  # over which the load is measured where a person waits for it

Gauge = Callable[[float], Reading]
"""Measures the load over some seconds (0: since it was last asked); blocks."""

log = logging.getLogger(__name__)


class Machine:
    """Knows what is short; `short_since` is None while nothing is.

    Processor and memory are measured only while a live is recorded, or when asked: what measures them takes 5 MB.
    """

    def __init__(self, *, database: Database, folder: Path, clock: Clock, gauge: Gauge | None = None) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._gauge = gauge or _load_and_memory
        self._readings: deque[Reading] = deque(maxlen=READINGS)
        self.short: frozenset[Shortage] = frozenset()
        self.short_since: datetime | None = None
        self.well_at: datetime | None = None

    def pressure(self) -> Pressure:
        """Say how long intervals are, and why."""
        return pressure(self.short)

    async def step(self) -> datetime:
        """Measure, and judge; gives when to measure again, in the machine's time."""
        now = self._clock.now()
        async with self._database.read() as conn:
            is_recording = await store.is_recording(conn)
        if not is_recording:
            self._readings.clear()  # the load of another time says nothing
        self._readings.append(await asyncio.to_thread(self._measure, 0.0 if is_recording else None))
        before, self.short = self.short, shortages(self.short, tuple(self._readings))
        if self.short:
            self.short_since = self.short_since or now
        else:
            self.short_since, self.well_at = None, now
        if self.short != before:
            log.info("Intervals of %d minutes: %s", *_said(self.pressure()))
        return self._clock.machine.now() + LOOK_EVERY

    async def measure(self) -> Reading:
        """Measure all of it at once, for somebody who asks."""
        return await asyncio.to_thread(self._measure, _MOMENT_SECONDS)

    def _measure(self, seconds: float | None) -> Reading:
        """Measure in a thread; the disk alone where `seconds` is None."""
        measured = Reading() if seconds is None else self._gauge(seconds)
        return Reading(
            cpu=measured.cpu,
            memory_free=measured.memory_free,
            memory_total=measured.memory_total,
            disk_free=measured.disk_free if measured.disk_free is not None else disk_free(self._folder),
        )


def disk_free(folder: Path) -> int | None:
    """Give the free bytes of the disk a folder is on, or will be; None where nobody says."""
    place = next((one for one in (folder, *folder.absolute().parents) if one.exists()), None)
    try:
        return None if place is None else shutil.disk_usage(place).free
    except OSError:
        return None


def _load_and_memory(seconds: float) -> Reading:
    import psutil  # noqa: PLC0415 - 5 MB, which a bot that records nothing does without

    memory = psutil.virtual_memory()
    return Reading(
        cpu=psutil.cpu_percent(seconds or None) / 100,
        memory_free=memory.available,
        memory_total=memory.total,
    )


def _said(found: Pressure) -> tuple[int, str]:
    return found.interval_minutes, found.reason or "nothing is short"
