"""The files of one export: the same sheets as a workbook, as CSV, or as both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core.streams.export import ExportFormat
from bot.exports.cells import Value
from bot.exports.sheets import Sheet
from bot.exports.tables import Tables
from bot.exports.workbook import Workbook

Told = Callable[[int], None]
"""Takes the number of rows that are written, now and then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What was written: the files, and how many rows over all sheets."""

    files: tuple[Path, ...]
    rows: int


class Files:
    """Sheets are written one after the other into every file; `name` has no ending."""

    def __init__(self, folder: Path, name: str, wanted: ExportFormat, zone: ZoneInfo, told: Told) -> None:
        self._told = told
        self._book = self._tables = None
        if wanted is not ExportFormat.CSV:
            self._book = Workbook(folder / f"{name}.xlsx", folder, zone)
        if wanted is not ExportFormat.XLSX:
            self._tables = Tables(folder / f"{name}_csv.zip", zone)
        self._sinks = [sink for sink in (self._book, self._tables) if sink is not None]
        self._rows = 0

    @property
    def done(self) -> Done:
        """Say what was written."""
        return Done(files=tuple(sink.file for sink in self._sinks), rows=self._rows)

    def begin(self, sheet: Sheet) -> None:
        """Begin a sheet; the one before is finished."""
        for sink in self._sinks:
            sink.begin(sheet)

    def put(self, rows: Iterable[Sequence[Value]]) -> None:
        """Write rows; None leaves its cell empty."""
        for row in rows:
            for sink in self._sinks:
                sink.row(row)
            self._rows += 1
        self._told(self._rows)

    def close(self, total: Sequence[Value], lines: Sequence[str], charts: Callable[..., None]) -> None:
        """Write the last row of the last sheet, what stands under it, and the files themselves."""
        if self._book is not None:
            self._book.close(total, lines, charts)
        if self._tables is not None:
            self._tables.close(total, lines)

    def release(self) -> None:
        """Let go of what is open still, whether or not the files were finished."""
        for sink in self._sinks:
            sink.release()
