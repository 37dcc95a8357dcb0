"""`python -m tools.export`, for whoever owns the machine."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import pytest

from bot.storage import stream_exports
from bot.storage.engine import Database, sqlite_url
from bot.storage.migrate import upgrade
from tests.kept_posts import keep_profile
from tests.kept_streams import START, keep_live
from tools import export
from tools.bench import export as bench


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """A data folder with a live of Ana and one of Ben, whom nobody follows any more."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("TIME_ZONE", "Asia/Jakarta")

    async def fill() -> None:
        database = Database.open(sqlite_url(tmp_path / "data" / "vedette.db"))
        await upgrade(database.url, tmp_path / "backups", START, keep=1)
        async with database.write("test.keep") as conn:
            await keep_live(conn, minutes=5)
            await keep_live(conn, handle="ben", minutes=5)
        await database.close()

    asyncio.run(fill())
    return tmp_path / "data"


def test_everybody_recorded_is_exported_into_the_data_folder(data, capsys):
    assert export.main([]) == 0
    place, rows = capsys.readouterr().out.splitlines()
    assert (Path(place).parent, rows) == (data / "exports", "38 rows")
    book = openpyxl.load_workbook(place)
    assert [cell.value for cell in book["Sessions"]["B"]] == ["Account", "ana", "ben"]
    assert book["Sessions"]["F1"].value == "Started (Asia/Jakarta)"
    assert [one.name for one in (data / "exports").iterdir()] == [Path(place).name]


def test_an_account_a_format_and_a_folder_are_chosen(data, capsys, tmp_path):
    there = tmp_path / "elsewhere"
    # 18:00 UTC of the first is the second in Jakarta.
    days = ["--from", "2026-03-02", "--to", "2026-03-02"]
    assert export.main(["--account", "@Ben", *days, "--format", "both", "--to-folder", str(there)]) == 0
    named = {f"vedette_ben_2026-03-02{end}" for end in (".xlsx", "_csv.zip")}
    assert {file.name for file in there.iterdir()} == named
    assert not (data / "exports").exists()


def test_a_profile_is_exported_also_where_nobody_watches_it_now(data, capsys):
    async def watch() -> None:
        database = Database.open(sqlite_url(data / "vedette.db"))
        async with database.write("test.watch") as conn:
            await keep_profile(conn, handle="carla", guild_id=None, runs=2)
        await database.close()

    asyncio.run(watch())
    assert export.main(["--profile", "@Carla"]) == 0
    place, _ = capsys.readouterr().out.splitlines()
    assert Path(place).name.startswith("vedette_posts_carla_")
    assert openpyxl.load_workbook(place)["Summary"]["A2"].value == "@carla"


@pytest.mark.parametrize("more", [["--from", "2026-03-01"], ["--to", "2026-03-01"], ["--account", "ben"]])
def test_what_a_profile_has_not_is_refused(data, capsys, more):
    with pytest.raises(SystemExit) as refused:
        export.main(["--profile", "carla", *more])
    assert refused.value.code == 2
    assert "leave out --account, --from and --to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (["--profile", "carla"], "nobody ever watched the posts of @carla"),
        (["--account", "carla"], "nobody ever followed @carla"),
        (["--account", "no handle!"], "not a TikTok handle"),
        (["--from", "2026-03-01", "--to", "2026-03-01"], "no live was recorded then"),
        (["--from", "yesterday"], "year-month-day"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "before the first"),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_line(data, capsys, asked, hint):
    assert export.main(asked) == 1
    told = capsys.readouterr().err
    assert hint in told
    assert len(told.splitlines()) == 1
    assert not (data / "exports").exists()


def test_an_export_that_breaks_off_leaves_no_file(data, capsys, monkeypatch):
    monkeypatch.setattr(stream_exports, "findings_of", _full_disk)
    assert export.main([]) == 1
    assert "No space left" in capsys.readouterr().err
    assert list((data / "exports").iterdir()) == []


async def _full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


async def test_the_benchmark_measures_both_over_as_many_rows(monkeypatch):
    small = {"ROWS": 200, "LIVES": 2, "MINUTES": 9, "PEOPLE": 90}
    for name, value in small.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "_in_a_process", _here)
    figures = {one.name: one for one in await bench.measure()}
    assert figures["export by XlsxWriter alone"].limit == 2.0
    assert figures["export, memory above its start"].limit == 150
    assert figures["export by XlsxWriter alone"].value > 0


def _here(work, folder):
    with ThreadPoolExecutor() as threads:
        rows = threads.submit(work, folder).result()
    return bench.Took(rows=rows, seconds=1.0, processor_seconds=1.0, peak_mb=1.0)
