"""The search for secrets finds what was planted, in each kind of place, and does not repeat it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from bot.settings import GameServer, Settings
from bot.storage.backup import make_backup
from tests import canary, databases
from tests.canary import Search
from tests.clocks import START
from tests.standins import ROOT

# Not the mark of the run, which would find what these tests plant.
MARK = "zzPlantedzz"
SECRET = f"{MARK}-4711"


@pytest.fixture
def search() -> Search:
    return Search(MARK)


def test_every_secret_setting_has_a_canary():
    secret = {
        name.upper() for name, one in Settings.model_fields.items() if "SecretStr" in str(one.annotation)
    }
    secret |= {
        canary.SERVER + name.upper()
        for name, one in GameServer.model_fields.items()
        if "SecretStr" in str(one.annotation)
    }
    assert canary.SETTINGS.keys() == secret
    assert all(canary.MARK in value for value in (*canary.SETTINGS.values(), databases.PASSWORD))


@pytest.mark.parametrize(
    "form",
    [
        SECRET.encode(),
        SECRET.encode("utf-16-le"),
        SECRET.encode().hex().encode(),
        *(base64.b64encode(b"x" * count + SECRET.encode()) for count in range(3)),
    ],
)
def test_each_form_is_found_among_other_bytes(search, form):
    search.bytes("there", b"before \xff" + form + b" after")
    assert [finding.place for finding in search.found] == ["there"]


def test_a_finding_tells_its_line_with_stars_for_the_secret(search):
    search.text("log", f"one\nlogin with {SECRET} failed\nthree")
    assert [str(finding) for finding in search.found] == ["log: login with *** failed"]


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + crc


@pytest.mark.parametrize(
    "part",
    [
        chunk(b"tEXt", b"Title\0" + SECRET.encode()),
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(SECRET.encode())),
        chunk(b"iTXt", b"Title\0\1\0\0\0" + zlib.compress(SECRET.encode())),
        SECRET.encode(),
    ],
)
def test_pictures_are_searched_also_where_they_are_packed(search, tmp_path, part):
    picture = tmp_path / "chart.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + part + chunk(b"IEND", b""))
    search.folder(tmp_path)
    assert [finding.place.startswith(str(picture)) for finding in search.found] == [True]


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "vedette.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("CREATE TABLE notes (name TEXT, value TEXT)")
        made.commit()
    return path


@pytest.mark.parametrize("before", [0, *range(4040, 4100, 6)])
def test_databases_are_searched_also_across_their_pages(search, database, before):
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("INSERT INTO notes VALUES ('n', ?)", ("." * before + SECRET,))
        opened.commit()
    search.file(database)
    assert search.found


@pytest.mark.parametrize("missing", [0, 12])
def test_what_gzip_has_packed_is_searched_also_where_it_is_cut_off(search, tmp_path, missing):
    around = b"all is well\n" * 500
    packed = gzip.compress(around + SECRET.encode() + around)
    (tmp_path / "vedette.log.1.gz").write_bytes(packed[: len(packed) - missing])
    search.folder(tmp_path)
    assert [Path(finding.place).name for finding in search.found] == ["vedette.log.1.gz, unpacked"]


@pytest.fixture
async def on_server(postgresql, monkeypatch, search):
    """A database on the server of this run, with a secret in a long row; the server searches for that one."""
    monkeypatch.setattr(postgresql, "secrets", search)
    async with postgresql.empty_database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE notes (name TEXT, value TEXT)")
        await connection.execute("INSERT INTO notes VALUES ('n', $1)", "." * 9000 + SECRET)
        await connection.close()
        yield url
        search.found.clear()


async def test_dumps_of_a_server_are_searched(search, postgresql, on_server, tmp_path):
    dump = tmp_path / "vedette.dump"
    command = [postgresql.programs / "pg_dump", "--format=custom", f"--file={dump}", on_server]
    await asyncio.to_thread(subprocess.run, command, check=True)
    search.folder(tmp_path)
    assert {finding.place for finding in search.found} == {f"{dump}, restored"}


async def test_rows_are_searched_before_a_database_of_a_server_goes(search, postgresql, on_server):
    async with postgresql.empty_database() as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE notes (value BYTEA)")
        await connection.execute("INSERT INTO notes VALUES ($1)", SECRET.encode())
        await connection.execute("BEGIN; LOCK TABLE notes")  # a session that a test has left open
    connection.terminate()
    assert [finding.place.endswith("table notes") for finding in search.found] == [True]


async def test_what_a_server_logs_is_searched(search, postgresql, on_server):
    with pytest.raises(asyncpg.DataError):
        await postgresql.order(f"SELECT '{SECRET}'::int")
    postgresql.search_files()
    assert "log" in {Path(finding.place).name for finding in search.found}


async def test_files_of_a_server_are_searched(search, postgresql, on_server):
    await postgresql.order(f"CREATE DATABASE {MARK}")
    await postgresql.order(f"DROP DATABASE {MARK}")
    search.found.clear()
    postgresql.search_files()
    assert any("/data/" in finding.place for finding in search.found)


def test_what_was_deleted_and_still_lies_in_a_page_is_found_and_backups_are_searched(
    search, database, tmp_path
):
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA secure_delete = OFF")
        opened.execute("INSERT INTO notes VALUES ('n', ?)", (SECRET,))
        opened.commit()
        make_backup(database, tmp_path / "backups", now=START, keep=3)
        opened.execute("DELETE FROM notes")
        opened.commit()
        assert opened.execute("SELECT * FROM notes").fetchall() == []
    search.folder(tmp_path)
    assert {Path(finding.place).parent.name for finding in search.found} == {"backups", tmp_path.name}


def test_a_secret_in_its_right_place_is_none_and_one_beside_it_is(tmp_path):
    right = f"GET /api/v10/users/@me\nAuthorization: Bot {canary.TOKEN}\nVia: x\n"
    evidence = tmp_path / "discord-1.asked"
    evidence.write_text(right)
    search = Search()
    search.evidence(tmp_path)
    assert search.found == []
    for wrong in (
        f"Authorization: Bot {canary.TOKEN} ",
        f"Authorization: {canary.TOKEN}",
        f"Authorization: Bot {canary.PASSWORD}",
        f"User-Agent: {canary.TOKEN}",
    ):
        evidence.write_text(right + wrong + "\n")
        search = Search()
        search.evidence(tmp_path)
        assert len(search.found) == 1, wrong
    evidence.write_text(right)
    evidence.rename(tmp_path / "tiktok-1.asked")
    search = Search()
    search.evidence(tmp_path)
    assert len(search.found) == 1
    (tmp_path / "tiktok-1.asked").unlink()


LEAKING = """
import json, logging, os, sqlite3, subprocess, sys
from pathlib import Path
import pytest
from bot.errors import SourceUnavailable
from tests.canary import PASSWORD, TOKEN

def test_output():
    print(TOKEN)

def test_error_output():
    print(TOKEN, file=sys.stderr)

def test_log():
    logging.getLogger("bot").warning("logging in with %s", TOKEN)

def test_traceback():
    raise KeyError(TOKEN)

def test_expected_error():
    with pytest.raises(SourceUnavailable):
        raise SourceUnavailable(f"refused {PASSWORD}")

def test_log_file(tmp_path):
    (tmp_path / "vedette.log").write_text(f"x {TOKEN}\\n")

def test_database(tmp_path):
    with sqlite3.connect(tmp_path / "leaking.db") as database:
        database.execute("CREATE TABLE t (x TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (TOKEN,))

def test_message():
    body = json.dumps({"body": {"content": PASSWORD}})
    (Path(os.environ["SANDBOX_EVIDENCE"]) / "discord-7.asked").write_text(body)

def test_read(capsys):
    print(TOKEN)
    assert capsys.readouterr().out

def test_child():
    code = "import sys; print(sys.argv[1])"
    assert subprocess.run([sys.executable, "-c", code, TOKEN], capture_output=True).returncode == 0

def test_settings_file(tmp_path):
    (tmp_path / "my.env").write_text(TOKEN)
"""
CLEAN = "def test_nothing(tmp_path):\n    (tmp_path / 'a.log').write_text('well')\n"


def a_run_of(content: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a test file as a run of its own, with the search."""
    file = folder / "test_it.py"
    file.write_text(content)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
        "-p",
        "tests.canary",
    ]
    arguments = [
        "-p",
        "no:cacheprovider",
        "--basetemp",
        str(folder / "temporary"),
        "--tb=no",
        "-q",
        "-rN",  # what a child says is searched: no list of failures with their texts
        *more,
        str(file),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False
    )


def test_a_run_fails_for_what_came_out_anywhere_and_names_the_place(tmp_path_factory, tmp_path):
    done = a_run_of(LEAKING, tmp_path)
    summary = done.stdout.partition("Secrets came out")[2]
    for place in (
        "test_output, Captured stdout",
        "test_error_output, Captured stderr",
        "test_log, Captured log",
        "test_traceback, traceback",
        "error SourceUnavailable",
        "vedette.log",
        "leaking.db",
        "stand-in discord-7",
        "test_read (call), what a test has read",
        "test_child (call), what python",
    ):
        assert place in summary, f"{place} is missing in {done.stdout}"
    assert "my.env" not in summary
    assert "logging in with ***" in summary
    assert canary.MARK not in summary
    # What it planted must not be found by the search of this run.
    for path in (tmp_path / "temporary").rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.unlink()


def test_a_leak_alone_fails_a_run_whose_tests_pass_and_a_clean_run_passes(tmp_path):
    leaking = "from tests.canary import TOKEN\ndef test_it():\n    print('with', TOKEN)\n"
    leaked = a_run_of(leaking, tmp_path)
    assert "1 passed" in leaked.stdout
    assert leaked.returncode == 1
    clean = a_run_of(CLEAN, tmp_path)
    assert clean.returncode == 0, clean.stdout
    assert "Secrets came out" not in clean.stdout


def test_what_comes_out_in_another_process_of_the_run_is_found(tmp_path):
    logging = (
        "from tests.canary import TOKEN\ndef test_it(tmp_path):\n    (tmp_path / 'a.log').write_text(TOKEN)\n"
    )
    done = a_run_of(logging, tmp_path, "-n1")
    assert done.returncode == 1, done.stdout
    assert "a.log: ***" in done.stdout
    for path in (tmp_path / "temporary").rglob("a.log"):
        path.unlink()
