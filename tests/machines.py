"""A machine that measures what a test says."""

from __future__ import annotations

from pathlib import Path

from bot.clock import Clock
from bot.core.machine import GIB, Reading
from bot.services.machine import Machine
from bot.services.post_retention import PostRetention
from bot.services.stream_retention import StreamRetention
from bot.storage.engine import Database

WELL = Reading(cpu=0.1, memory_free=3 * GIB, memory_total=4 * GIB, disk_free=50 * GIB)


class ToldGauge:
    """Gives the reading it was told."""

    def __init__(self) -> None:
        self.reading = WELL
        self.asked = 0

    def __call__(self, _seconds: float) -> Reading:
        self.asked += 1
        return self.reading


def machine_of(database: Database, clock: Clock, gauge: ToldGauge | None = None) -> Machine:
    return Machine(database=database, folder=Path(), clock=clock, gauge=gauge or ToldGauge())


def posts_of(database: Database, clock: Clock, archive_folder: Path) -> PostRetention:
    return PostRetention(database=database, archive_folder=archive_folder, clock=clock, details_days=90)


def retention_of(database: Database, clock: Clock, folder: Path) -> StreamRetention:
    return StreamRetention(
        database=database,
        archive_folder=folder / "archive",
        posts=posts_of(database, clock, folder / "archive"),
        machine=machine_of(database, clock),
        clock=clock,
        details_days=90,
        comments_days=30,
    )
