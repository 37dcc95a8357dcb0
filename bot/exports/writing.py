"""Writes an export from the database to its files, in bounded memory."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core.streams.export import ExportOrder
from bot.core.streams.models import RecordedLive
from bot.exports import sheets
from bot.exports.charts import add_charts
from bot.exports.files import Done, Files, Told
from bot.exports.summary import ALL, SUMMARY, Totals, notes
from bot.storage import stream_exports
from bot.storage.engine import Database


async def write_export(database: Database, order: ExportOrder, folder: Path, told: Told) -> Done:
    """Write the files of an order into a folder. Raises `StorageError` and OSError, and then leaves them unfinished."""
    writing = _Writing(database, order, folder, told)
    return await writing.run()


class _Writing:
    """One export. What is kept for later sheets is the list of lives and a few sums for each account."""

    def __init__(self, database: Database, order: ExportOrder, folder: Path, told: Told) -> None:
        self._database = database
        self._order = order
        self._files = Files(folder, order.name, order.format, ZoneInfo(order.zone), told)
        self._lives: list[RecordedLive] = []
        self._totals: dict[str, Totals] = {}

    async def run(self) -> Done:
        """Write one sheet after the other."""
        try:
            await self._sessions()
            await self._intervals()
            await self._contributions()
            await self._correlations()
            self._summary()
        finally:
            self._files.release()
        return self._files.done

    async def _sessions(self) -> None:
        self._files.begin(sheets.sessions_sheet(self._order.zone))
        now = self._order.asked_at
        async for page in stream_exports.lives_in_order(self._database, self._order):
            self._files.put(sheets.session_row(live, self._order) for live in page)
            for live in page:
                self._totals.setdefault(live.handle, Totals()).add(live, now)
            self._lives += page

    async def _intervals(self) -> None:
        self._files.begin(sheets.intervals_sheet(self._order.zone))
        for live in self._lives:
            async for page in stream_exports.minutes_of(self._database, live, self._order):
                self._files.put(sheets.interval_row(live, row, self._order) for row in page)

    async def _contributions(self) -> None:
        self._files.begin(sheets.contributions_sheet(self._order.zone))
        for live in self._lives:
            share = live.recorded_share(self._order.asked_at)
            async for page in stream_exports.contributions_of(self._database, live):
                self._files.put(sheets.contribution_row(live, share, row, self._order) for row in page)

    async def _correlations(self) -> None:
        self._files.begin(sheets.correlations_sheet(self._order.zone))
        for first in range(0, len(self._lives), stream_exports.LIVES_AT_ONCE):
            some = self._lives[first : first + stream_exports.LIVES_AT_ONCE]
            found = await stream_exports.findings_of(self._database, [live.live_id for live in some])
            for live in some:
                if live.live_id in found:
                    share = live.recorded_share(self._order.asked_at)
                    self._files.put(sheets.correlation_rows(live, share, found[live.live_id]))

    def _summary(self) -> None:
        self._files.begin(SUMMARY)
        usd, everything = self._order.usd_per_diamond, Totals()
        for live in self._lives:
            everything.add(live, self._order.asked_at)
        self._files.put(totals.row(handle, usd) for handle, totals in sorted(self._totals.items()))
        self._files.close(everything.row(ALL, usd), tuple(notes(self._order)), add_charts)
