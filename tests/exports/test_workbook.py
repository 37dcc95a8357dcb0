"""A workbook as a second library reads it, and the same as CSV."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import delete, select, update

from bot.core.streams.export import ExportFormat, ExportOrder
from bot.core.streams.findings import Findings
from bot.exports.cells import Kind
from bot.exports.sheets import Sheet, column
from bot.exports.summary import ALL
from bot.exports.workbook import Workbook
from bot.exports.writing import write_export
from bot.storage import stream_findings
from bot.storage.engine import Database, sqlite_url
from bot.storage.stream_tables import (
    contributions,
    recordings,
    stream_minutes,
    stream_people,
)
from bot.storage.tables import accounts, lives
from tests.kept_streams import START, keep_live

SHEETS = ["Sessions", "Intervals", "Contributions", "Correlations", "Summary"]
DAY = timedelta(days=1)
EFFECT = {
    "activity": "gifts",
    "role": "leads",
    "lag": 3,
    "r": 0.41,
    "low": 0.2,
    "high": 0.6,
    "p": 0.01,
    "simple": 0.25,
    "by_lag": [None, *[0.1] * 20],
    "scores": [0.0] * 21,
}
FINDINGS = {"evidence": "enough", "minutes": 90, "lives": 1, "effects": [EFFECT], "spikes": []}


def order(**more) -> ExportOrder:
    given = {"format": ExportFormat.BOTH, "since": START - DAY, "until": START + 9 * DAY}
    given |= {
        "asked_at": START + 9 * DAY,
        "zone": "Asia/Jakarta",
        "usd_per_diamond": 0.005,
        "name": "vedette_x",
    }
    return ExportOrder(**given | more)


async def exported(database, folder: Path, asked: ExportOrder) -> openpyxl.Workbook:
    told: list[int] = []
    done = await write_export(database, asked, folder, told.append)
    assert told[-1] == done.rows
    return openpyxl.load_workbook(next(file for file in done.files if file.suffix == ".xlsx"))


def table(sheet) -> list[dict]:
    titles, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(titles, row, strict=True)) for row in rows]


def local(*parts: int) -> datetime:
    """What a cell holds: no spreadsheet knows zones."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def of_csv(folder: Path, name: str) -> list[dict]:
    with zipfile.ZipFile(folder / "vedette_x_csv.zip") as archive:
        content = archive.read(f"{name}.csv")
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
async def database(tmp_path, tables_file):
    """On a server the same statements run in test_export_process.py and test_export_orders.py."""
    database = Database.open(sqlite_url(shutil.copy(tables_file, tmp_path / "vedette.db")))
    yield database
    await database.close()


@pytest.fixture
async def three(database):
    """Two lives of Ana and one of Ben, of which a part was recorded."""
    async with database.write("test.keep") as conn:
        kept = [
            await keep_live(conn, seed=1),
            await keep_live(conn, seed=2, started_at=START + DAY),
            await keep_live(conn, handle="ben", started_at=START + 2 * DAY, connected_share=0.5),
        ]
        await stream_findings.keep(conn, kept[0].live_id, Findings.from_json(FINDINGS), START)
    return kept


async def test_the_sheets_hold_what_the_database_holds_in_their_own_types(database, three, tmp_path):
    book = await exported(database, tmp_path, order())
    assert book.sheetnames == SHEETS
    assert book.active.title == "Summary"
    first, _, ben = table(book["Sessions"])
    assert (first["Session"], first["Account"], first["Name"]) == (three[0].live_id, "ana", "Ana")
    # 18:00 UTC is 01:00 of the next day in Jakarta.
    assert first["Started (Asia/Jakarta)"] == local(2026, 3, 2, 1)
    assert first["Started (UTC)"] == local(2026, 3, 1, 18)
    assert first["Duration"] == timedelta(minutes=90)
    assert (first["Recorded share"], ben["Recorded share"]) == (1, 0.5)
    assert ben["Recorded"] == timedelta(minutes=45)
    for name in ("Comments", "Gifts", "Diamonds", "Follows", "Shares", "Joins"):
        assert first[name] == three[0].totals[name.lower()]
    assert first["US dollars (estimate)"] == pytest.approx(first["Diamonds"] * 0.005)
    assert isinstance(first["Mean viewers"], float)
    share = book["Sessions"].cell(2, 10)
    assert (share.value, share.number_format) == (1, "0.0%")


async def test_the_sums_of_every_sheet_are_those_of_the_database(database, three, tmp_path):
    book = await exported(database, tmp_path, order())
    diamonds = sum(one.totals["diamonds"] for one in three)
    for name in ("Sessions", "Intervals", "Contributions"):
        assert sum(row["Diamonds"] for row in table(book[name])) == diamonds, name
    assert sum(float(row["Diamonds"]) for row in of_csv(tmp_path, "Contributions")) == diamonds
    given = {row["Person"]: row["Diamonds"] for row in table(book["Contributions"]) if row["Session"] == 1}
    assert {int(person): sum_ for person, sum_ in given.items() if sum_} == three[0].diamonds_of
    ana, ben, everything = table(book["Summary"])[:3]
    assert (ana["Account"], ana["Lives"], ana["Duration"]) == ("ana", 2, timedelta(hours=3))
    assert (ben["Account"], ben["Recorded share"]) == ("ben", 0.5)
    assert (everything["Account"], everything["Diamonds"]) == (ALL, diamonds)
    assert everything["Recorded share"] == pytest.approx((2 + 0.5) / 3)


async def test_every_sheet_is_frozen_filtered_and_wide_enough(database, three, tmp_path):
    book = await exported(database, tmp_path, order())
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert all(sheet.column_dimensions["ABCDE"[at]].width > 8 for at in range(5))
    assert book["Intervals"].auto_filter.ref.endswith(str(1 + 3 * 90))
    assert book["Summary"].auto_filter.ref.endswith("3")  # the line of all accounts stays out of it


async def test_the_charts_are_of_the_cells(database, three, tmp_path):
    viewers, diamonds = (await exported(database, tmp_path, order()))["Summary"]._charts
    assert viewers.series[0].val.numRef.f == "Sessions!$O$2:$O$4"
    assert diamonds.series[0].val.numRef.f == "Sessions!$U$2:$U$4"
    one = order(live_id=three[1].live_id, format=ExportFormat.XLSX)
    book = await exported(database, tmp_path, one)
    viewers, _ = book["Summary"]._charts
    assert viewers.series[0].cat.numRef.f == "Intervals!$C$2:$C$91"
    assert book["Sessions"].max_row == 2


async def test_findings_have_a_line_for_each_activity(database, three, tmp_path):
    (found,) = table((await exported(database, tmp_path, order()))["Correlations"])
    assert (found["Session"], found["Activity"], found["Viewers"]) == (1, "gifts", "leads")
    assert (found["Lag in minutes (above 0: activity first)"], found["p (corrected)"]) == (3, 0.01)
    assert found["Simple correlation score"] == 0.25
    assert (found["r at -10 min"], found["r at +10 min"]) == (None, 0.1)


HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "+49",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "http://evil.example",
    "_x0041_",
    "{=1}",
    "a\x00b\x1b[2Jc\x7f\x85",
    "line\nline\u2028line",
    "\ufffe\uffff",
    "\U0001f339 ana \u202e",
    "0012",
]


async def test_what_people_are_called_is_text_everywhere(database, three, tmp_path):
    async with database.write("test.rename") as conn:
        people = (await conn.execute(select(stream_people.c.person_id).order_by("person_id"))).scalars().all()
        for person, name in zip(people, HOSTILE, strict=False):
            nickname = name if database.embedded_file else name.replace("\0", "")
            await conn.execute(
                update(stream_people).where(stream_people.c.person_id == person).values(nickname=nickname)
            )
        rest = HOSTILE[len(people) :]
        for live, title in zip(three, rest, strict=False):
            await conn.execute(update(lives).where(lives.c.id == live.live_id).values(title=title))
        await conn.execute(update(accounts).where(accounts.c.handle == "ben").values(nickname=rest[3]))
    book = await exported(database, tmp_path, order())
    for sheet in book:
        assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == []
        assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.hyperlink] == []
    names = {row["Name"] for row in table(book["Contributions"])}
    # A spreadsheet reads `_x0041_` as A, so its underscore is escaped, which openpyxl shows as it is.
    assert {"=1+1", "+49", "-1", "@SUM(A1)", "=1", "_x005F_x0041_", "ab[2Jc"} <= names
    titles = [row["Title"] for row in table(book["Sessions"])]
    assert titles == ["line line line", None, "\U0001f339 ana \u202e"]
    assert table(book["Sessions"])[2]["Name"] == "0012"
    written = {row["Name"] for row in of_csv(tmp_path, "Contributions")}
    assert {"'=1+1", "'+49", "'-1", "'@SUM(A1)", "'\N{FULLWIDTH EQUALS SIGN}1", "'=1"} <= written
    assert [name for name in written if name.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


async def test_what_is_not_known_is_empty(database, tmp_path):
    async with database.write("test.keep") as conn:
        kept = await keep_live(conn, going_on=True)
        unknown = dict.fromkeys(("peak_viewers", "peak_at", "entered", "room_likes"))
        await conn.execute(update(recordings).values(**unknown, viewer_seconds=0, watched_seconds=0))
        nothing = dict.fromkeys(("viewers_first", "viewers_last", "viewers_min", "viewers_max"))
        await conn.execute(update(stream_minutes).values(**nothing, viewer_seconds=0, watched_seconds=0))
        await conn.execute(delete(stream_people))
    asked = order(asked_at=kept.started_at + timedelta(minutes=60))
    book = await exported(database, tmp_path, asked)
    (live,) = table(book["Sessions"])
    empty = ("Ended (Asia/Jakarta)", "Peak viewers", "Mean viewers", "Entered (platform)", "Likes (platform)")
    assert [live[name] for name in empty] == [None] * 5
    assert live["Duration"] == timedelta(minutes=60)
    intervals = table(book["Intervals"])
    assert {row["Mean viewers"] for row in intervals} == {row["Most viewers"] for row in intervals} == {None}
    assert len(intervals) == 60  # not what came after the export was asked for
    assert {row["Handle"] for row in table(book["Contributions"])} == {None}
    assert all(len(row["Person"]) == 19 for row in table(book["Contributions"]))
    assert table(book["Correlations"]) == []
    (written,) = of_csv(tmp_path, "Sessions")
    assert [written[name] for name in empty] == [""] * 5


async def test_the_share_of_an_interval_is_of_the_time_the_live_was_on(database, tmp_path):
    async with database.write("test.keep") as conn:
        kept = await keep_live(conn, minutes=3)
        half = timedelta(seconds=30)
        moved = update(lives).values(started_at=kept.started_at + half, ended_at=kept.ended_at - half)
        await conn.execute(moved)
        await conn.execute(update(stream_minutes).values(connected_seconds=30))
    rows = table((await exported(database, tmp_path, order()))["Intervals"])
    assert [(row["Length"], row["Recorded share"]) for row in rows] == [(half, 1), (2 * half, 0.5), (half, 1)]


async def test_an_hour_that_comes_twice_is_told_apart_by_utc(database, tmp_path):
    async with database.write("test.keep") as conn:
        await keep_live(conn, started_at=datetime(2026, 10, 24, 23, 30, tzinfo=UTC), minutes=120)
    since = datetime(2026, 10, 1, tzinfo=UTC)
    asked = order(zone="Europe/Paris", since=since, until=since + 31 * DAY, asked_at=since + 31 * DAY)
    rows = table((await exported(database, tmp_path, asked))["Intervals"])
    shown = [row["From (Europe/Paris)"] for row in rows]
    assert shown[30] == shown[90] == local(2026, 10, 25, 2)
    assert rows[90]["From (UTC)"] - rows[30]["From (UTC)"] == timedelta(hours=1)


def test_more_rows_than_a_sheet_can_hold_go_on_in_a_second_one(tmp_path):
    sheet = Sheet(title="Many", columns=(column("Number", Kind.COUNT), column("Name", Kind.TEXT)))
    book = Workbook(tmp_path / "many.xlsx", tmp_path, ZoneInfo("UTC"), most_rows=5)
    book.begin(sheet)
    for number in range(9):
        book.row((number, f"n{number}"))
    book.close((None, "all"), ["a note"], lambda *_: None)
    read = openpyxl.load_workbook(tmp_path / "many.xlsx")
    assert read.sheetnames == ["Many", "Many (2)", "Many (3)"]
    rows = [row["Number"] for page in read for row in table(page) if isinstance(row["Number"], int)]
    assert rows == list(range(9))
    assert read["Many (2)"].max_row == 5
    assert {page.freeze_panes for page in read} == {"A2"}


async def test_csv_writes_instants_durations_and_notes_for_people(database, three, tmp_path):
    await exported(database, tmp_path, order())
    first, *_ = of_csv(tmp_path, "Sessions")
    assert first["Started (Asia/Jakarta)"] == "2026-03-02 01:00:00"
    assert first["Duration"] == "1:30:00"
    with zipfile.ZipFile(tmp_path / "vedette_x_csv.zip") as archive:
        assert archive.namelist() == [*(f"{name}.csv" for name in SHEETS), "Notes.txt"]
        assert "Asia/Jakarta" in archive.read("Notes.txt").decode("utf-8-sig")


async def test_only_what_a_format_asks_for_is_written(database, three, tmp_path):
    for wanted, names in (("xlsx", {"vedette_x.xlsx"}), ("csv", {"vedette_x_csv.zip"})):
        folder = tmp_path / wanted
        folder.mkdir()
        await write_export(database, order(format=ExportFormat(wanted)), folder, lambda _: None)
        assert {file.name for file in folder.iterdir()} == names


async def test_somebody_who_did_much_has_one_line_a_live(database, three, tmp_path):
    rows = table((await exported(database, tmp_path, order()))["Contributions"])
    async with database.read() as conn:
        count = len((await conn.execute(select(contributions.c.person_id))).all())
    assert len(rows) == count == len({(row["Session"], row["Person"]) for row in rows})
