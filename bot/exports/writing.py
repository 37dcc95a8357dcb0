"""Writes an export from the database to its files, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core.streams.export import ExportFormat, ExportOrder
from bot.core.streams.models import RecordedLive
from bot.exports import sheets
from bot.exports.cells import Value
from bot.exports.charts import add_charts
from bot.exports.sheets import Sheet
from bot.exports.summary import ALL, SUMMARY, Totals, notes
from bot.exports.tables import Tables
from bot.exports.workbook import Workbook
from bot.storage import stream_exports
from bot.storage.engine import Database

Told = Callable[[int], None]
"""Takes the number of rows that are written, now and then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What was written: the files, and how many rows over all sheets."""

    files: tuple[Path, ...]
    rows: int


async def write_export(database: Database, order: ExportOrder, folder: Path, told: Told) -> Done:
    """Write the files of an order into a folder. Raises `StorageError` and OSError, and then leaves them unfinished."""
    writing = _Writing(database, order, folder, told)
    return await writing.run()


class _Writing:
    """One export. What is kept for later sheets is the list of lives and a few sums for each account."""

    def __init__(self, database: Database, order: ExportOrder, folder: Path, told: Told) -> None:
        zone = ZoneInfo(order.zone)
        self._database = database
        self._order = order
        self._told = told
        self._book = self._tables = None
        if order.format is not ExportFormat.CSV:
            self._book = Workbook(folder / f"{order.name}.xlsx", folder, zone)
        if order.format is not ExportFormat.XLSX:
            self._tables = Tables(folder / f"{order.name}_csv.zip", zone)
        self._sinks = [sink for sink in (self._book, self._tables) if sink is not None]
        self._lives: list[RecordedLive] = []
        self._totals: dict[str, Totals] = {}
        self._rows = 0

    async def run(self) -> Done:
        """Write one sheet after the other."""
        try:
            await self._sessions()
            await self._intervals()
            await self._contributions()
            await self._correlations()
            self._summary()
        finally:
            for sink in self._sinks:
                sink.release()
        return Done(files=tuple(sink.file for sink in self._sinks), rows=self._rows)

    async def _sessions(self) -> None:
        self._begin(sheets.sessions_sheet(self._order.zone))
        now = self._order.asked_at
        async for page in stream_exports.lives_in_order(self._database, self._order):
            self._put(sheets.session_row(live, self._order) for live in page)
            for live in page:
                self._totals.setdefault(live.handle, Totals()).add(live, now)
            self._lives += page

    async def _intervals(self) -> None:
        self._begin(sheets.intervals_sheet(self._order.zone))
        for live in self._lives:
            async for page in stream_exports.minutes_of(self._database, live, self._order):
                self._put(sheets.interval_row(live, row, self._order) for row in page)

    async def _contributions(self) -> None:
        self._begin(sheets.contributions_sheet(self._order.zone))
        for live in self._lives:
            share = live.recorded_share(self._order.asked_at)
            async for page in stream_exports.contributions_of(self._database, live):
                self._put(sheets.contribution_row(live, share, row, self._order) for row in page)

    async def _correlations(self) -> None:
        self._begin(sheets.correlations_sheet(self._order.zone))
        for first in range(0, len(self._lives), stream_exports.LIVES_AT_ONCE):
            some = self._lives[first : first + stream_exports.LIVES_AT_ONCE]
            found = await stream_exports.findings_of(self._database, [live.live_id for live in some])
            for live in some:
                if live.live_id in found:
                    share = live.recorded_share(self._order.asked_at)
                    self._put(sheets.correlation_rows(live, share, found[live.live_id]))

    def _summary(self) -> None:
        self._begin(SUMMARY)
        usd, everything = self._order.usd_per_diamond, Totals()
        for live in self._lives:
            everything.add(live, self._order.asked_at)
        self._put(totals.row(handle, usd) for handle, totals in sorted(self._totals.items()))
        total, lines = everything.row(ALL, usd), tuple(notes(self._order))
        if self._book is not None:
            self._book.close(total, lines, add_charts)
        if self._tables is not None:
            self._tables.close(total, lines)

    def _begin(self, sheet: Sheet) -> None:
        for sink in self._sinks:
            sink.begin(sheet)

    def _put(self, rows: Iterator[Sequence[Value]]) -> None:
        for row in rows:
            for sink in self._sinks:
                sink.row(row)
            self._rows += 1
        self._told(self._rows)
