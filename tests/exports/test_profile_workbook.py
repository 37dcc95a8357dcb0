"""The workbook of a profile as a second library reads it, and the same as CSV."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import insert, update

from bot.core.posts.export import ProfileOrder
from bot.core.streams.export import ExportFormat
from bot.exports.post_writing import write_profile
from bot.storage import paging
from bot.storage.engine import Database, sqlite_url
from bot.storage.post_tables import post_snapshots, posts, profile_runs
from tests.kept_posts import START, keep_profile

SHEETS = ["Posts", "Snapshots", "Profile", "Runs", "Summary"]
NOW = START + timedelta(days=12)


@pytest.fixture
async def database(tmp_path, tables_file):
    database = Database.open(sqlite_url(shutil.copy(tables_file, tmp_path / "vedette.db")))
    yield database
    await database.close()


@pytest.fixture
async def kept(database):
    async with database.write("test.keep") as conn:
        await keep_profile(conn, handle="ben", seed=2)
        return await keep_profile(conn)


async def exported(database, folder: Path, account_id: int) -> openpyxl.Workbook:
    order = ProfileOrder(
        name="vedette_x",
        format=ExportFormat.BOTH,
        account_id=account_id,
        handle="ana",
        asked_at=NOW,
        zone="Asia/Jakarta",
    )
    told: list[int] = []
    done = await write_profile(database, order, folder, told.append)
    assert told[-1] == done.rows
    return openpyxl.load_workbook(folder / "vedette_x.xlsx")


def table(sheet) -> list[dict]:
    titles, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows]


def of_csv(folder: Path, name: str) -> list[dict]:
    with zipfile.ZipFile(folder / "vedette_x_csv.zip") as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"), newline="")))


async def test_every_sheet_holds_what_is_kept_of_this_profile_and_of_no_other(database, kept, tmp_path):
    book = await exported(database, tmp_path, kept.account_id)
    assert book.sheetnames == SHEETS
    listed = table(book["Posts"])
    assert {int(row["Post"]) for row in listed} == set(kept.post_ids)
    first = next(row for row in listed if row["Post"] == str(kept.post_ids[0]))
    assert first["Views"] == kept.counts[kept.post_ids[0]][-1]["views"]
    assert first["Posted (Asia/Jakarta)"] - first["Posted (UTC)"] == timedelta(hours=7)
    samples = sum(bool(one) for counts in kept.counts.values() for one in counts)
    assert len(table(book["Snapshots"])) == samples
    assert sum(row["Views"] for row in table(book["Profile"])[-1:]) == kept.total("views")
    assert [row["State"] for row in table(book["Runs"])] == ["completed"] * len(kept.run_ids)
    summary = table(book["Summary"])[0]
    assert (summary["Account"], summary["Known posts"]) == ("@ana", len(kept.post_ids))
    assert (summary["Likes"], summary["Followers"]) == (kept.total("likes"), 5000)
    assert len(book["Summary"]._charts) == 2


async def test_csv_holds_the_same_rows(database, kept, tmp_path):
    book = await exported(database, tmp_path, kept.account_id)
    for name in SHEETS[:-1]:
        assert len(of_csv(tmp_path, name)) == len(table(book[name]))
    assert of_csv(tmp_path, "Posts")[0]["Post"] == str(min(kept.post_ids))


async def test_what_is_not_known_is_an_empty_cell_and_a_caption_is_no_formula(database, kept, tmp_path):
    target = kept.post_ids[0]
    async with database.write("test.unknown") as conn:
        values = {"saves": None, "caption": '=HYPERLINK("https://x.test")\x07', "gone_at": NOW}
        await conn.execute(update(posts).where(posts.c.post_id == target).values(**values))
    book = await exported(database, tmp_path, kept.account_id)
    row = next(one for one in table(book["Posts"]) if one["Post"] == str(target))
    assert (row["Saves"], row["Caption"]) == (None, '=HYPERLINK("https://x.test")')
    cells = [cell for cell in book["Posts"]["D"] if cell.value == row["Caption"]]
    assert [cell.data_type for cell in cells] == ["s"]
    (written,) = [one for one in of_csv(tmp_path, "Posts") if one["Post"] == str(target)]
    assert (written["Saves"], written["Caption"]) == ("", '\'=HYPERLINK("https://x.test")')
    summary = table(book["Summary"])[0]
    assert summary["Gone posts"] == 1
    assert summary["Saves"] == kept.total("saves") - kept.counts[target][-1]["saves"]


async def test_long_tables_are_read_page_by_page(database, kept, tmp_path):
    more = paging.ROWS_AT_ONCE + 7
    async with database.write("test.more") as conn:
        rows = [
            {
                "post_id": kept.post_ids[0],
                "run_id": 1000 + number,
                "at": NOW,
                "views": number,
                "source": "yt-dlp",
            }
            for number in range(more)
        ]
        await conn.execute(insert(post_snapshots), rows)
    book = await exported(database, tmp_path, kept.account_id)
    numbers = [row["Views"] for row in table(book["Snapshots"]) if row["Views"] is not None]
    samples = sum(bool(one) for counts in kept.counts.values() for one in counts)
    assert len(numbers) == samples + more


async def test_a_profile_that_was_never_read_has_empty_sheets(database, tmp_path):
    async with database.write("test.keep") as conn:
        kept = await keep_profile(conn, post_count=1, runs=1)
        for one in (post_snapshots, posts, profile_runs):
            await conn.execute(one.delete())
    book = await exported(database, tmp_path, kept.account_id)
    assert [book[name].max_row for name in ("Posts", "Snapshots", "Runs")] == [1, 1, 1]
    assert table(book["Summary"])[0]["Views"] is None


async def test_a_run_of_the_newest_posts_is_not_told_as_one_of_all_pages(database, kept, tmp_path):
    async with database.write("test.runs") as conn:
        this = profile_runs.c.id == kept.run_ids[-1]
        await conn.execute(update(profile_runs).where(this).values(is_complete=False))
    book = await exported(database, tmp_path, kept.account_id)
    told = [(row["All pages"], row["To the end"]) for row in table(book["Runs"])]
    assert told == [("yes", "yes"), *[("no", "yes")] * (len(kept.run_ids) - 2), ("no", "no")]


async def test_what_nobody_told_is_not_drawn(database, tmp_path):
    async with database.write("test.keep") as conn:
        kept = await keep_profile(conn, followers=None)
    book = await exported(database, tmp_path, kept.account_id)
    assert len(book["Summary"]._charts) == 1
