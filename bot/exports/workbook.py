"""A workbook, written row by row in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from bot.exports.cells import FORMATS, Column, Kind, Value, clean, in_zone
from bot.exports.charts import Written
from bot.exports.sheets import Sheet

MOST_ROWS = 1_048_576
"""What a sheet can hold, its line of titles included; more go on in a second one."""
_DAY = timedelta(days=1)
_HEADING_HEIGHT = 32  # two lines
_HEADING = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#DDE6F0"}


@dataclass(slots=True)
class _Open:
    """The sheet being written, and how each of its columns is put."""

    sheet: Sheet
    page: Any
    put: list[Callable[[int, int, Any], None]]
    number: int = 1
    rows: int = 0
    names: list[str] = field(default_factory=list)


class Workbook:
    """Sheets are written one after the other. XlsxWriter keeps finished rows in files of `folder`."""

    def __init__(self, file: Path, folder: Path, zone: ZoneInfo, *, most_rows: int = MOST_ROWS) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.file = file
        self._book = xlsxwriter.Workbook(str(file), options)
        self._zone = zone
        self._most_rows = most_rows
        self._heading = self._book.add_format(_HEADING)
        self._bold = {
            kind: self._book.add_format({"num_format": FORMATS[kind], "bold": True}) for kind in Kind
        }
        self._formats = {kind: self._book.add_format({"num_format": FORMATS[kind]}) for kind in Kind}
        self._open: _Open | None = None
        self._written: dict[str, Written] = {}

    def begin(self, sheet: Sheet) -> None:
        """Begin a sheet; the one before is finished."""
        self._finish()
        self._open = self._page(sheet, 1)

    def row(self, values: Sequence[Value]) -> None:
        """Write a row; None leaves its cell empty."""
        page = self._current
        if page.rows + 1 >= self._most_rows:
            self._finish()
            page = self._open = self._page(page.sheet, page.number + 1)
        page.rows += 1
        for column, value in enumerate(values):
            if value is not None:
                page.put[column](page.rows, column, value)

    def close(self, total: Sequence[Value], lines: Sequence[str], charts: Callable[..., None]) -> None:
        """Write what stands under the last sheet, its charts and the file itself."""
        page = self._current
        self._finish()
        row = page.rows + 1
        puts = self._puts(page.page, page.sheet.columns, self._bold)
        for column, value in enumerate(total):
            if value is not None:
                puts[column](row, column, value)
        for number, line in enumerate(lines):
            page.page.write_string(row + 2 + number, 0, line)
        charts(self._book, page.page, row + 3 + len(lines), self._written)
        page.page.fit_to_pages(1, 0)
        page.page.activate()
        self._book.close()

    def release(self) -> None:
        """Let go of what is open still, whether or not the file was finished."""
        for page in self._book.worksheets():
            if page.row_data_fh is not None:
                page.row_data_fh.close()

    @property
    def _current(self) -> _Open:
        if self._open is None:
            raise RuntimeError("a row belongs to a sheet")
        return self._open

    def _page(self, sheet: Sheet, number: int) -> _Open:
        name = sheet.title if number == 1 else f"{sheet.title} ({number})"
        page = self._book.add_worksheet(name)
        for column, one in enumerate(sheet.columns):
            page.set_column(column, column, one.width)
            page.write_string(0, column, one.title, self._heading)
        page.freeze_panes(1, 0)
        page.set_landscape()
        page.repeat_rows(0)
        page.set_row(0, _HEADING_HEIGHT)
        return _Open(
            sheet=sheet, page=page, put=self._puts(page, sheet.columns, self._formats), number=number
        )

    def _puts(
        self, page: Any, columns: Sequence[Column], formats: dict[Kind, Any]
    ) -> list[Callable[[int, int, Any], None]]:
        return [_put(page, one.kind, formats[one.kind], self._zone) for one in columns]

    def _finish(self) -> None:
        if self._open is None:
            return
        page = self._open
        page.page.autofilter(0, 0, max(1, page.rows), len(page.sheet.columns) - 1)
        if page.number == 1:
            self._written[page.sheet.title] = Written(sheet=page.sheet, rows=page.rows)


def _put(page: Any, kind: Kind, form: Any, zone: ZoneInfo) -> Callable[[int, int, Any], None]:
    """Give what writes a value of a kind as its own type."""
    if kind is Kind.TEXT:

        def words(row: int, column: int, value: str) -> None:
            if kept := clean(value):
                page.write_string(row, column, kept, form)

        return words
    if kind in {Kind.LOCAL, Kind.UTC}:

        def instant(row: int, column: int, value: datetime) -> None:
            page.write_datetime(row, column, in_zone(value, kind, zone), form)

        return instant
    if kind is Kind.SPAN:

        def span(row: int, column: int, value: timedelta) -> None:
            page.write_number(row, column, value / _DAY, form)

        return span
    return lambda row, column, value: page.write_number(row, column, value, form)
