"""The programs beside the bot, as processes before a real SSH server: the scheduler, and one look at once."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from bot.settings import load_settings
from bot.sources.etlegacy.sftp import learn_host_key, ssh_address, trust_host_key
from bot.storage.migrate import upgrade
from tests.gameserver import GameServer, running_gameserver
from tests.standins import ROOT
from tools import smart_scheduler, sync_stats

REAL = "2025-10-26-213907-etl_adlernest-round-1.txt"


@pytest.fixture(scope="module")
def game() -> Iterator[GameServer]:
    with running_gameserver() as one:
        yield one


@pytest.fixture
def folder(game, tmp_path, monkeypatch, reference_data):
    """A data folder with a database and a pinned host key, a new round on the server, the settings in the environment."""
    settings = {
        "DATA_FOLDER": str(tmp_path / "data"),
        "GAME_SERVERS__MAIN__HOST": game.facts["ssh_host"],
        "GAME_SERVERS__MAIN__PORT": str(game.facts["ssh_port"]),
        "GAME_SERVERS__MAIN__USERNAME": game.facts["username"],
        "GAME_SERVERS__MAIN__PASSWORD": game.facts["password"],
        "GAME_SERVERS__MAIN__STATS_FOLDER": game.facts["stats_folder"],
        "GAME_SERVERS__MAIN__QUERY_HOST": game.facts["query_host"],
        "GAME_SERVERS__MAIN__QUERY_PORT": str(game.facts["query_port"]),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    loaded = load_settings(tmp_path / "no.env")
    loaded.data_folder.mkdir()
    address = ssh_address("main", loaded.game_servers["main"], 5)
    trust_host_key(loaded.known_hosts_file, learn_host_key(address))
    now = datetime.now(UTC)  # noqa: TID251 - the stand-in's files bear the time of this machine
    asyncio.run(upgrade(loaded.database, loaded.backup_folder, now, keep=1))
    game.write(
        f"{now:%Y-%m-%d-%H%M%S}-etl_adlernest-round-1.txt", (reference_data / "etlegacy" / REAL).read_bytes()
    )
    return loaded.data_folder


@contextmanager
def program(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(ROOT / "tools" / f"{name}.py"), *arguments]
    with subprocess.Popen(
        command, cwd=ROOT / "tests", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(name: str, *arguments: str) -> tuple[int, str]:
    with program(name, *arguments) as process:
        told, _ = process.communicate(timeout=60)
        return process.returncode, told


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError("".join(lines))


def stored(folder, query: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / "vedette.db")) as database:
        return database.execute(query).fetchall()


@pytest.mark.timeout(300)
def test_the_scheduler_looks_at_once_tells_each_decision_and_stops_cleanly(folder):
    with program("smart_scheduler", "--every", "1s") as process:
        lines = lines_until(process, "imported")
        lines += lines_until(process, "next look")
        ((holder,),) = stored(folder, "SELECT value FROM notes WHERE name = 'looked-at-by:main'")
        assert holder.startswith(f"{process.pid}-")
        code, told = run("sync_stats")
        assert (code, "main: another scheduler looks at it" in told) == (1, True)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0, rest
    assert "Stopped" in rest
    assert stored(folder, "SELECT count(*) FROM rounds")[0][0] >= 1
    assert stored(folder, "SELECT name FROM notes WHERE name LIKE 'looked-at-by%'") == []
    logged = (folder / "logs" / "smart_sync.log").read_text("utf-8")
    decisions = re.findall(
        r"^\S+ \S+\+0[12]:00 DEBUG .* main: the next look is at \w+ [\d:]+ \(fixed\)", logged, re.MULTILINE
    )
    assert decisions
    assert os.environ["GAME_SERVERS__MAIN__PASSWORD"] not in logged


@pytest.mark.timeout(300)
def test_one_look_imports_what_is_new_and_says_so(folder):
    code, told = run("sync_stats")
    assert (code, stored(folder, "SELECT count(*) FROM rounds")) == (0, [(stored_imports(told),)])
    code, told = run("sync_stats", "--backfill")
    assert (code, stored_imports(told)) == (0, 0)


def stored_imports(told: str) -> int:
    return int(re.search(r"main: \d+ files, (\d+) imported, 0 not complete yet", told)[1])


@pytest.mark.timeout(300)
def test_a_test_of_the_connection_imports_nothing(folder, monkeypatch):
    code, told = run("sync_stats", "--test-connection")
    assert code == 0
    assert re.search(r"main: answers; \d+ round files, the newest \d{4}-", told)
    assert stored(folder, "SELECT count(*) FROM round_files") == [(0,)]
    monkeypatch.setenv("GAME_SERVERS__MAIN__PASSWORD", "wrong")
    code, told = run("sync_stats", "--test-connection")
    assert code == 1
    assert "main: " in told


@pytest.mark.parametrize("tool", [smart_scheduler, sync_stats])
def test_without_a_database_that_fits_nothing_is_begun(folder, tool, capsys, caplog):
    (folder / "vedette.db").unlink()
    assert tool.main([]) == 2
    assert "there is no database" in capsys.readouterr().err + caplog.text


@pytest.mark.parametrize("written", ["0s", "ten", "25h", "-1", "1e3"])
def test_a_span_that_is_none_is_refused(written, capsys):
    with pytest.raises(SystemExit):
        smart_scheduler.main(["--every", written])
    assert "1s to 24h" in capsys.readouterr().err
