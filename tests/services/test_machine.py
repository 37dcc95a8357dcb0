"""What the machine has left is measured while it matters, and shown with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from bot.core.machine import GIB, Pressure, Shortage, pressure, shortages
from bot.core.sizes import growth, in_words
from bot.discord.reports import status_report
from bot.services.health import Health
from bot.services.machine import LOOK_EVERY, Machine
from bot.settings import load_settings
from bot.storage import machine as measured
from bot.storage.engine import Database
from bot.storage.stream_tables import recordings
from tests.clocks import ManualClock
from tests.kept_streams import keep_live
from tests.machines import WELL, ToldGauge, machine_of

BUSY = replace(WELL, cpu=0.95)
MIB = GIB // 1024


@pytest.fixture
def gauge() -> ToldGauge:
    return ToldGauge()


@pytest.fixture
def machine(database: Database, clock: ManualClock, gauge: ToldGauge) -> Machine:
    return machine_of(database, clock, gauge)


async def record(database: Database) -> None:
    async with database.write("test.live") as conn:
        await keep_live(conn, going_on=True, minutes=1)


async def pass_minutes(machine: Machine, clock: ManualClock, minutes: int) -> None:
    for _ in range(minutes):
        assert await machine.step() == clock.now() + LOOK_EVERY
        clock.advance(60)


async def test_a_busy_processor_makes_the_steps_longer_and_says_why(
    machine: Machine, database: Database, clock: ManualClock, gauge: ToldGauge
) -> None:
    await record(database)
    gauge.reading = BUSY
    await pass_minutes(machine, clock, 4)
    assert machine.pressure() == Pressure(interval_minutes=5)  # a moment says nothing
    await pass_minutes(machine, clock, 1)
    assert machine.pressure().interval_minutes == 10
    assert machine.pressure().reason == "the machine is short of processor time"
    gauge.reading = replace(WELL, cpu=0.7)
    await pass_minutes(machine, clock, 10)
    assert machine.pressure().interval_minutes == 10  # better, but not yet well
    gauge.reading = WELL
    await pass_minutes(machine, clock, 5)
    assert machine.pressure() == Pressure(interval_minutes=5)


async def test_a_bot_that_records_nothing_does_not_measure_its_load(
    machine: Machine, database: Database, clock: ManualClock, gauge: ToldGauge
) -> None:
    await pass_minutes(machine, clock, 3)
    assert gauge.asked == 0
    await record(database)
    await pass_minutes(machine, clock, 3)
    assert gauge.asked == 3
    async with database.write("test.end") as conn:
        await conn.execute(update(recordings).values(state="done"))
    await pass_minutes(machine, clock, 3)
    assert gauge.asked == 3


async def test_it_measures_this_very_machine(database: Database, clock: ManualClock, tmp_path) -> None:
    reading = await Machine(database=database, folder=tmp_path / "later", clock=clock).measure()
    assert 0 <= reading.cpu <= 1
    assert 0 < reading.memory_free < reading.memory_total
    assert reading.disk_free > 0


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ({"memory_free": 300 * MIB}, {Shortage.MEMORY}),
        ({"memory_free": 500 * MIB}, set()),
        ({"disk_free": 900 * MIB}, {Shortage.DISK}),
        ({"disk_free": 1500 * MIB}, set()),
        ({"disk_free": None, "memory_free": None, "cpu": None}, set()),
    ],
)
def test_memory_and_disk_are_short_at_once(given, short) -> None:
    reading = replace(WELL, **given)
    assert shortages([], [reading]) == short


def test_a_shortage_ends_further_off_than_it_began() -> None:
    between = replace(WELL, memory_free=500 * MIB, disk_free=1500 * MIB, cpu=0.7)
    assert shortages([], [between] * 5) == frozenset()
    assert shortages(list(Shortage), [between] * 5) == set(Shortage)
    assert shortages(list(Shortage), [WELL] * 5) == frozenset()
    assert pressure(Shortage).reason.endswith("processor time, disk space, memory")


# --- The database ------------------------------------------------------------------------------


def sizes(*megabytes: float) -> dict[date, int]:
    return {date(2026, 11, 1) + timedelta(days=day): int(size * 1e6) for day, size in enumerate(megabytes)}


def test_growth_is_foreseen_with_the_backups_that_grow_along() -> None:
    grown = growth(sizes(100, 102, 104, 106), 107_000_000, disk_free=int(1.6e9), copies=7)
    assert grown.per_day == 2e6
    assert grown.days_left == 100  # 2 MB of database and 14 of backups a day
    assert not grown.is_urgent
    assert growth(sizes(100, 102, 104, 106), 1, disk_free=int(16e6), copies=7).is_urgent


def test_one_day_of_deleting_does_not_sway_the_growth() -> None:
    grown = growth(sizes(100, 102, 104, 60, 62, 64, 66, 68, 70, 72), 72, disk_free=10**9, copies=0)
    assert grown.per_day == pytest.approx(2e6)


def test_too_little_is_known_at_first() -> None:
    assert growth(sizes(1, 2, 3), 5, disk_free=1, copies=1).per_day is None
    assert growth({}, 5, disk_free=1, copies=1).days_left is None
    assert growth(sizes(4, 3, 2, 1), 5, disk_free=1, copies=1).days_left is None
    assert growth(sizes(1, 2, 3, 4), 5, disk_free=None, copies=1).days_left is None
    assert growth(sizes(1, 1.001, 1.002, 1.003), 5, disk_free=10**12, copies=0).days_left is None


def test_sizes_are_written_for_people() -> None:
    assert [str(in_words(size)) for size in (900, 2_340_000, 5.06e9)] == ["1 kB", "2.3 MB", "5.1 GB"]


async def test_status_shows_the_forecast_and_what_to_do(
    machine: Machine, database: Database, clock: ManualClock, gauge: ToldGauge, tmp_path
) -> None:
    health = Health(
        database=database, machine=machine, clock=clock, settings=load_settings(tmp_path / "no.env")
    )
    shown = await fields(health)
    assert "how it grows is known after three days" in shown["Database"]
    assert "lives in steps of 5 minutes" in shown["Machine"]
    assert "53.7 GB of disk free" in shown["Machine"]
    async with database.write("test.sizes") as conn:
        for day, size in sizes(10, 20, 30, 40).items():
            await measured.note_size(conn, day, size)
    await record(database)
    gauge.reading = replace(WELL, disk_free=900 * MIB)
    await machine.step()
    shown = await fields(health)
    assert "grows by 10.0 MB a day" in shown["Database"]
    assert ("fills the disk in about 11 days" in shown["Database"]) == bool(database.embedded_file)
    assert "lives in steps of 10 minutes: the machine is short of disk space" in shown["Machine"]
    assert "Make room" in shown["Machine"]


async def fields(health: Health) -> dict[str, str]:
    return {field.name: field.value for field in status_report(await health.snapshot(1)).fields}
