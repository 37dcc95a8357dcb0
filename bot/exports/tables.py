"""The same sheets as CSV: a zip with one file each, UTF-8 with a mark, which Excel needs to take it for UTF-8."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from bot.exports.cells import Value, written
from bot.exports.sheets import Sheet

NOTES = "Notes.txt"
_ENCODING = "utf-8-sig"


class Tables:
    """Sheets are written one after the other, straight into the zip."""

    def __init__(self, file: Path, zone: ZoneInfo) -> None:
        self.file = file
        self._zone = zone
        self._zip = zipfile.ZipFile(file, mode="w", compression=zipfile.ZIP_DEFLATED)
        self._sheet: Sheet | None = None
        self._member: IO[str] | None = None
        self._rows: Any = None

    def begin(self, sheet: Sheet) -> None:
        """Begin a sheet; the one before is finished."""
        self._finish()
        member = self._zip.open(f"{sheet.title}.csv", mode="w", force_zip64=True)
        self._sheet, self._member = sheet, io.TextIOWrapper(member, encoding=_ENCODING, newline="")
        self._rows = csv.writer(self._member)
        self._rows.writerow([one.title for one in sheet.columns])

    def row(self, values: Sequence[Value]) -> None:
        """Write a row; None leaves its cell empty."""
        columns = () if self._sheet is None else self._sheet.columns
        self._rows.writerow(
            [written(value, one.kind, self._zone) for value, one in zip(values, columns, strict=True)]
        )

    def close(self, total: Sequence[Value], lines: Sequence[str]) -> None:
        """Write the last row of the last sheet, the notes and the file itself."""
        self.row(total)
        self._finish()
        self._zip.writestr(NOTES, "\ufeff" + "\r\n".join(lines) + "\r\n")
        self._zip.close()

    def release(self) -> None:
        """Let go of what is open still, whether or not the file was finished."""
        self._finish()
        self._zip.close()

    def _finish(self) -> None:
        if self._member is not None:
            self._member.close()
