"""An export of a million rows: how long it takes, and what its process needs, beside XlsxWriter alone.

Both write as many cells of the same kinds, each in a process of its own, one after the other.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.streams.export import ExportFormat, ExportOrder
from bot.storage.engine import Database, sqlite_url
from bot.storage.stream_tables import contributions, recordings, stream_minutes, stream_people
from bot.storage.tables import accounts, lives, metadata
from tools.bench.report import Figure

ROWS = 1_000_000
LIVES = 1000
MINUTES = 240
PEOPLE = ROWS // LIVES - MINUTES - 1  # so that all sheets together have `ROWS`
LIMIT_MB = 150.0
LIMIT_RATIO = 2.0
START = datetime(2025, 1, 1, 18, tzinfo=UTC)
_AT_ONCE = 5000
_ACCOUNTS = 10
_PEOPLE_KNOWN = 20_000


async def measure() -> list[Figure]:
    """Write the export and the same cells by hand; takes some minutes."""
    with tempfile.TemporaryDirectory(prefix="vedette-bench-") as place:
        folder = Path(place)
        await _fill(folder)
        ours = _in_a_process(_export, folder)
        bare = _in_a_process(_by_hand, folder)
        size = (folder / "bench.xlsx").stat().st_size / 1e6
    if not ours.rows == bare.rows == ROWS:
        raise RuntimeError(f"{ours.rows} and {bare.rows} rows were written, not {ROWS}")
    ratio = ours.processor_seconds / bare.processor_seconds
    same = "as many cells of the same kinds, without a database"
    return [
        _figure("export, time", ours.seconds, "s", f"{ROWS:,} rows of {LIVES:,} lives, {size:.0f} MB"),
        _figure("export, processor", ours.processor_seconds, "s", "all threads of its process"),
        _figure("XlsxWriter alone, time", bare.seconds, "s", same),
        _figure("XlsxWriter alone, processor", bare.processor_seconds, "s", same),
        _figure("export by XlsxWriter alone", ratio, "times", "processor, in the same run", LIMIT_RATIO),
        _figure("export, memory above its start", ours.peak_mb, "MB", "highest of its process", LIMIT_MB),
        _figure("XlsxWriter alone, memory above its start", bare.peak_mb, "MB", "highest of its process"),
    ]


def _figure(name: str, value: float, unit: str, how: str, limit: float = float("inf")) -> Figure:
    return Figure(name=name, value=value, unit=unit, how=how, limit=limit)


@dataclass(frozen=True, kw_only=True)
class Took:
    """What a process wrote and needed; `peak_mb` is above what it had when it began."""

    rows: int
    seconds: float
    processor_seconds: float
    peak_mb: float


def _in_a_process(work: Callable[[Path], int], folder: Path) -> Took:
    """Work in a new process, as exports do."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_measured, args=(theirs, work, folder))
    child.start()
    theirs.close()
    found: Took = ours.recv()
    child.join()
    return found


def _measured(pipe: Any, work: Callable[[Path], int], folder: Path) -> None:
    import bot.exports.writing  # noqa: F401, PLC0415 - loading is no part of it

    before, started, busy = _peak_mb(), time.perf_counter(), time.process_time()
    rows = work(folder)
    pipe.send(
        Took(
            rows=rows,
            seconds=time.perf_counter() - started,
            processor_seconds=time.process_time() - busy,
            peak_mb=_peak_mb() - before,
        )
    )


def _peak_mb() -> float:
    """Give the highest memory of this process; Linux tells it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found.group(1)) / 1024 if found else float("nan")


# --- The export ----------------------------------------------------------------------------------


def _order() -> ExportOrder:
    return ExportOrder(
        name="bench",
        format=ExportFormat.XLSX,
        since=START,
        until=START + timedelta(days=LIVES),
        asked_at=START + timedelta(days=LIVES),
        zone="Asia/Jakarta",
        usd_per_diamond=0.005,
    )


def _export(folder: Path) -> int:
    from bot.exports.writing import write_export  # noqa: PLC0415 - as the export process does

    async def write() -> int:
        database = Database.open(sqlite_url(folder / "bench.db"))
        try:
            done = await write_export(database, _order(), folder, lambda _: None)
        finally:
            await database.close()
        return done.rows - min(_ACCOUNTS, LIVES)  # those of the summary are beside the million

    return asyncio.run(write())


def _by_hand(folder: Path) -> int:
    """Write rows of the same kinds and as many, with what XlsxWriter offers for them."""
    import xlsxwriter  # noqa: PLC0415 - only a process that writes loads it

    from bot.exports import sheets  # noqa: PLC0415
    from bot.exports.cells import FORMATS  # noqa: PLC0415

    options = {"constant_memory": True, "tmpdir": str(folder)}
    book = xlsxwriter.Workbook(str(folder / "by_hand.xlsx"), options)
    formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
    wanted = (
        (sheets.sessions_sheet("Asia/Jakarta"), LIVES),
        (sheets.intervals_sheet("Asia/Jakarta"), LIVES * MINUTES),
        (sheets.contributions_sheet("Asia/Jakarta"), LIVES * PEOPLE),
    )
    written = 0
    for sheet, rows in wanted:
        page = book.add_worksheet(sheet.title)
        values = [_value(column.kind) for column in sheet.columns]
        puts = [_put(page, value) for value in values]
        forms = [formats[column.kind] for column in sheet.columns]
        for row in range(rows):
            for column, value in enumerate(values):
                puts[column](row, column, value, forms[column])
        written += rows
    book.close()
    return written


def _value(kind: Any) -> Any:
    local = START.astimezone(ZoneInfo("Asia/Jakarta")).replace(tzinfo=None)
    return {"text": "person 12345", "local": local, "utc": local}.get(kind.value, 1234.5)


def _put(page: Any, value: Any) -> Callable[..., Any]:
    if isinstance(value, str):
        return page.write_string  # type: ignore[no-any-return]
    return page.write_datetime if isinstance(value, datetime) else page.write_number  # type: ignore[no-any-return]


# --- What is exported ----------------------------------------------------------------------------


async def _fill(folder: Path) -> None:
    """Write the same made-up lives each time, one a day."""
    database = Database.open(sqlite_url(folder / "bench.db"))
    async with database.write("bench.create") as conn:
        await conn.run_sync(metadata.create_all)
    for table, rows in _tables(Random(7)):  # noqa: S311 - the same lives each time
        some: list[dict[str, Any]] = []
        for row in rows:
            some.append(row)
            if len(some) == _AT_ONCE:
                await _insert(database, table, some)
                some = []
        if some:
            await _insert(database, table, some)
    await database.checkpoint()
    await database.close()


async def _insert(database: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    async with database.write("bench.fill") as conn:
        await conn.execute(table.insert(), rows)


def _tables(luck: Random) -> Iterator[tuple[Any, Iterator[dict[str, Any]]]]:
    began = [(number, START + timedelta(days=number)) for number in range(LIVES)]
    yield accounts, (_account(number) for number in range(_ACCOUNTS))
    yield lives, (_live(number, at) for number, at in began)
    yield recordings, (_recording(number, at) for number, at in began)
    yield (
        stream_minutes,
        (
            _minute(number, at + timedelta(minutes=one), luck)
            for number, at in began
            for one in range(MINUTES)
        ),
    )
    named = (
        {"person_id": one, "handle": f"fan{one}", "nickname": f"Fan {one}", "seen_at": START}
        for one in range(_PEOPLE_KNOWN)
    )
    yield stream_people, named
    yield (
        contributions,
        (
            _contribution(number, at, person, luck)
            for number, at in began
            for person in luck.sample(range(_PEOPLE_KNOWN), PEOPLE)
        ),
    )


def _account(number: int) -> dict[str, Any]:
    named = {"platform": "tiktok", "handle": f"host{number}", "nickname": f"Host {number}"}
    return {"id": number + 1, **named, "profile_state": "active", "added_at": START, "next_check_at": START}


def _live(number: int, at: datetime) -> dict[str, Any]:
    end = at + timedelta(minutes=MINUTES)
    times = {"started_at": at, "found_at": at, "last_seen_at": end, "ended_at": end}
    account_id = number % _ACCOUNTS + 1
    return {
        "id": number + 1,
        "account_id": account_id,
        "phase": "ended",
        **times,
        "title": "A live",
        "cover_url": "",
    }


def _recording(number: int, at: datetime) -> dict[str, Any]:
    account_id = number % _ACCOUNTS + 1
    given = {"live_id": number + 1, "account_id": account_id, "state": "done", "room_id": number}
    return {**given, "wanted_at": at, "connected_seconds": 60.0 * MINUTES, "peak_viewers": 500, "peak_at": at}


def _minute(number: int, at: datetime, luck: Random) -> dict[str, Any]:
    counts = {
        name: luck.randrange(50) for name in ("comments", "likes", "gifts", "diamonds", "joins", "people")
    }
    viewers = dict.fromkeys(
        ("viewers_first", "viewers_last", "viewers_min", "viewers_max"), 100 + number % 50
    )
    seconds = {"viewer_seconds": 6000.0, "watched_seconds": 60.0, "connected_seconds": 60.0}
    return {
        "live_id": number + 1,
        "minute": at,
        **viewers,
        **seconds,
        **counts,
        "activity": 0.5,
        "influence": 0.1,
    }


def _contribution(number: int, at: datetime, person: int, luck: Random) -> dict[str, Any]:
    counts = {name: luck.randrange(500) for name in ("comments", "likes", "gifts", "diamonds", "joins")}
    account_id = number % _ACCOUNTS + 1
    times = {"first_at": at, "last_at": at + timedelta(hours=1), "last_gift_at": at}
    return {"live_id": number + 1, "person_id": person, "account_id": account_id, **counts, **times}
