"""Writes the export of a profile from the database to its files, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.core.posts.export import ProfileOrder
from bot.core.posts.models import RunState
from bot.exports import post_sheets as sheets
from bot.exports.charts import Written, chart_of
from bot.exports.files import Done, Files, Told
from bot.storage import post_exports
from bot.storage.engine import Database

_APART = 20
_DAY = "yyyy-mm-dd"
_BLUE, _ORANGE = "#1F6FB5", "#D08A1D"


async def write_profile(database: Database, order: ProfileOrder, folder: Path, told: Told) -> Done:
    """Write the files of an order into a folder. Raises `StorageError` and OSError, and then leaves them unfinished."""
    files = Files(folder, order.name, order.format, ZoneInfo(order.zone), told)
    try:
        await _write(database, order, files)
    finally:
        files.release()
    return files.done


async def _write(database: Database, order: ProfileOrder, files: Files) -> None:
    totals, account_id = sheets.Totals(), order.account_id
    files.begin(sheets.posts_sheet(order.zone))
    async for page in post_exports.posts_of(database, account_id):
        files.put(map(sheets.post_row, page))
        for row in page:
            totals.add(row)
    files.begin(sheets.snapshots_sheet(order.zone))
    async for page in post_exports.snapshots_of(database, account_id):
        files.put(map(sheets.snapshot_row, page))
    files.begin(sheets.samples_sheet(order.zone))
    async for page in post_exports.samples_of(database, account_id):
        files.put(map(sheets.sample_row, page))
        totals.followers = next(
            (row.followers for row in reversed(page) if row.followers is not None), totals.followers
        )
    files.begin(sheets.runs_sheet(order.zone))
    async for page in post_exports.runs_of(database, account_id):
        files.put(map(sheets.run_row, page))
        totals.runs += sum(row.state == RunState.COMPLETED for row in page)
    files.begin(sheets.SUMMARY)
    files.close(totals.row(order.handle), tuple(sheets.notes(order)), partial(_add_charts, totals))


def _add_charts(
    totals: sheets.Totals, book: Any, page: Any, row: int, written: Mapping[str, Written]
) -> None:
    """Put the charts of the profile under a row of the page, where there is anything to draw."""
    samples = written["Profile"]
    if not samples.rows:
        return
    known = {"Views": totals.sums.get("views"), "Followers": totals.followers}
    drawn = [one for one in (("Views", _BLUE), ("Followers", _ORANGE)) if known[one[0]] is not None]
    for number, (name, colour) in enumerate(drawn):
        chart = chart_of(book, "line", f"{name} over time", samples, "At (", _DAY, ((name, colour),))
        page.insert_chart(row + number * _APART, 0, chart)
