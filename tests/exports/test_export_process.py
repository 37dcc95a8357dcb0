"""The process beside the bot: what it hands over, keeps, and leaves behind when it is killed."""

from __future__ import annotations

import asyncio
import io
import os
import select
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from sqlalchemy import create_engine

from bot.core.streams.export import ExportFormat, ExportOrder
from bot.errors import ExportFailed, StorageError
from bot.exports import process
from bot.exports.folder import KEPT, forget_old, open_place, publish
from bot.exports.process import LONGEST_SECONDS, ProcessExporter
from bot.storage.engine import Database
from bot.storage.tables import metadata
from tests.clocks import ManualClock
from tests.databases import PASSWORD
from tests.kept_streams import START, keep_live

DAY = timedelta(days=1)
ROOT = Path(process.__file__).parents[2]
ORPHAN = """
import asyncio, sys
from bot.clock import SystemClock
from bot.core.streams.export import ExportFormat, ExportOrder
from bot.exports.process import ProcessExporter
from datetime import UTC, datetime
from pathlib import Path

async def main():
    exporter = ProcessExporter(sys.argv[1], Path(sys.argv[2]), SystemClock())
    day = datetime(2026, 3, 1, tzinfo=UTC)
    order = ExportOrder(name="vedette_x", format=ExportFormat.XLSX, since=day, until=day, asked_at=day, zone="UTC",
                        usd_per_diamond=0.0)
    def told(rows):
        (child,) = exporter._children
        import os, signal
        os.kill(child.process.pid, signal.SIGSTOP)
        print(child.process.pid, flush=True)
    await exporter.write(order, most_bytes=0, told=told)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + 3 * DAY)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "exports"


@asynccontextmanager
async def opened(url, folder, clock):
    database = Database.open(url)
    async with database.write("test.keep") as conn:
        await conn.run_sync(metadata.create_all)
        await keep_live(conn)
    await database.close()
    exporter = ProcessExporter(url, folder, clock)
    yield exporter
    await exporter.close()


@pytest.fixture
async def exporter(tmp_path, folder, clock):
    async with opened(f"sqlite:///{tmp_path}/vedette.db", folder, clock) as exporter:
        yield exporter


def order(**more) -> ExportOrder:
    given = {"format": ExportFormat.BOTH, "since": START - DAY, "until": START + DAY, "asked_at": START + DAY}
    return ExportOrder(**given | {"name": "vedette_x", "zone": "UTC", "usd_per_diamond": 0.005} | more)


async def test_what_is_small_is_handed_over_and_nothing_stays(exporter, folder):
    told: list[int] = []
    book, tables = await exporter.write(order(), most_bytes=10**7, told=told.append)
    assert (book.name, tables.name) == ("vedette_x.xlsx", "vedette_x_csv.zip")
    assert openpyxl.load_workbook(io.BytesIO(book.content))["Intervals"].max_row == 91
    assert told[-1] == 1 + 90 + 12 + 1
    assert list(folder.iterdir()) == []


async def test_what_is_too_large_is_kept_beside_what_is_there(exporter, folder):
    folder.mkdir()
    (folder / "vedette_x.xlsx").write_bytes(b"another")
    (kept,) = await exporter.write(order(format=ExportFormat.XLSX), most_bytes=100, told=lambda _: None)
    assert (kept.name, kept.place) == ("vedette_x_2.xlsx", str(folder / "vedette_x_2.xlsx"))
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    assert sizes == {"vedette_x.xlsx": 7, "vedette_x_2.xlsx": kept.size}


async def begun(exporter) -> tuple[asyncio.Task, int]:
    """An export in the middle of its writing, stopped there."""
    stopped = asyncio.get_running_loop().create_future()

    def told(rows: int) -> None:
        (child,) = exporter._children
        if not stopped.done():
            os.kill(child.process.pid, signal.SIGSTOP)
            stopped.set_result(child.process.pid)

    writing = asyncio.create_task(exporter.write(order(), most_bytes=0, told=told))
    return writing, await asyncio.wait_for(stopped, 30)


async def test_a_killed_export_says_what_to_do_and_leaves_no_file(exporter, folder):
    writing, child = await begun(exporter)
    assert [entry.name[:12] for entry in folder.iterdir()] == [".unfinished-"]
    os.kill(child, signal.SIGKILL)
    with pytest.raises(ExportFailed, match="Try again, for a shorter time"):
        await asyncio.wait_for(writing, 30)
    assert list(folder.iterdir()) == []


async def test_an_export_that_takes_too_long_is_ended(exporter, folder, clock):
    writing, child = await begun(exporter)
    clock.advance(LONGEST_SECONDS)
    with pytest.raises(ExportFailed, match="more than 12 minutes"):
        await asyncio.wait_for(writing, 30)
    assert is_gone(child)
    assert list(folder.iterdir()) == []


async def test_nobody_waits_for_an_export_that_nobody_wants_any_more(exporter, folder):
    writing, child = await begun(exporter)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(writing, 30)
    assert is_gone(child)
    assert list(folder.iterdir()) == []


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def told_to(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()


async def test_a_servers_password_is_neither_on_a_command_line_nor_in_the_environment(
    postgresql, folder, clock
):
    async with postgresql.empty_database() as url, opened(url, folder, clock) as exporter:
        writing, child = await begun(exporter)
        shown = told_to(child)
        os.kill(child, signal.SIGCONT)
        book, _ = await asyncio.wait_for(writing, 30)
    assert openpyxl.load_workbook(book.place)["Contributions"].max_row == 13
    assert shown
    assert PASSWORD.encode() not in shown
    assert quote(PASSWORD, safe="").encode() not in shown


async def test_what_the_database_says_reaches_the_bot(tmp_path, folder, clock):
    exporter = ProcessExporter(f"sqlite:///{tmp_path}/nothing.db", folder, clock)
    with pytest.raises(StorageError, match="no such table"):
        await exporter.write(order(), most_bytes=0, told=lambda _: None)
    await exporter.close()


async def test_a_bug_comes_with_its_traceback(exporter):
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*No time zone found"):
        await exporter.write(order(zone="Mars/Base"), most_bytes=0, told=lambda _: None)


async def test_a_folder_that_cannot_be_written_is_a_hint(tmp_path, clock):
    (tmp_path / "exports").write_text("a file")
    exporter = ProcessExporter("sqlite:///unused.db", tmp_path / "exports", clock)
    with pytest.raises(ExportFailed, match="could not be written into the data folder"):
        await exporter.write(order(), most_bytes=0, told=lambda _: None)
    await exporter.close()


def test_a_child_does_not_outlive_the_bot(tmp_path):
    file = tmp_path / "x.db"
    engine = create_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    engine.dispose()
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    command = [sys.executable, script, f"sqlite:///{file}", tmp_path / "exports"]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as parent:
        child = int(parent.stdout.readline())
        watched = os.pidfd_open(child)
        parent.kill()
    os.kill(child, signal.SIGCONT)
    assert select.select([watched], [], [], 30)[0] == [watched]
    os.close(watched)


def test_exports_are_kept_a_week_and_what_was_never_finished_a_day(tmp_path, clock):
    now = clock.now()
    ages = {
        "vedette_ana_2026-03-01.xlsx": KEPT + timedelta(hours=1),
        "vedette_ana_2026-03-02_csv.zip": KEPT + timedelta(hours=1),
        "vedette_ben_2026-03-01.xlsx": KEPT - timedelta(hours=1),
        "somebody's own.xlsx": 10 * KEPT,
    }
    places = [open_place(tmp_path), open_place(tmp_path)]
    (places[0] / "half.xlsx").write_bytes(b"half")
    for name, age in {**ages, places[0].name: 25 * DAY / 24, places[1].name: DAY / 2}.items():
        file = tmp_path / name
        if not file.exists():
            file.write_bytes(b"x")
        os.utime(file, ((now - age).timestamp(),) * 2)
    assert forget_old(tmp_path, now) == 3
    left = {"vedette_ben_2026-03-01.xlsx", "somebody's own.xlsx", places[1].name}
    assert {entry.name for entry in tmp_path.iterdir()} == left
    assert forget_old(tmp_path / "nowhere", now) == 0


def test_a_finished_file_never_takes_the_place_of_another(tmp_path):
    for content in (b"one", b"two", b"three"):
        place = open_place(tmp_path)
        (place / "vedette_x.xlsx").write_bytes(content)
        publish([place / "vedette_x.xlsx"], tmp_path)
    kept = [tmp_path / f"vedette_x{more}.xlsx" for more in ("", "_2", "_3")]
    assert [file.read_bytes() for file in kept] == [b"one", b"two", b"three"]
