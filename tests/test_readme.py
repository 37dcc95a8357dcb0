"""What the README promises: each of its commands is run here, in a copy of the repository."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.checks import BASE_PERMISSIONS
from bot.discord.checks import _is_admin
from bot.storage.engine import Database, sqlite_url
from tests.canary import Search
from tests.core.rounds.samples import content, header, roster
from tests.databases import PASSWORD, PostgreSQL
from tests.kept_streams import keep_live
from tests.slashcommands import slash_commands

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COPIED = ("bot", "cogs", "tools", "requirements.lock", ".env.example")
pytestmark = pytest.mark.timeout(900)  # whichever comes first waits for the sandbox's past to be made

READY = "Connected to Discord as"
PATIENCE_SECONDS = 60


def readme_commands() -> list[str]:
    blocks = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```$", README)
    return list(
        dict.fromkeys(line.strip() for block in blocks for line in block.splitlines() if line.strip())
    )


class House:
    """A copy of the repository, with a Python on its PATH and nothing of this machine's settings."""

    def __init__(self, folder: Path, stand_ins: dict[str, str]) -> None:
        self.root = folder / "house"
        self.root.mkdir()
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.root / name)
        # run.py finds it complete, so nothing is installed again (tests/tools/test_run.py does that).
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        # So is the sandbox's past: it is made once for this checkout (the fixture `past`), not for each copy.
        (self.root / ".sandbox").symlink_to(ROOT / ".sandbox")
        (folder / "programs").mkdir()
        (folder / "programs" / "python3").symlink_to(sys._base_executable)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in {"HOME", "LANG", "VEDETTE_REFERENCE_DATA"}
        }
        self.bare = {**kept, "PATH": f"{folder / 'programs'}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
        # What an admin would have written into .env, to use it for real.
        self.set_up = {**self.bare, **stand_ins}

    def start(
        self, command: str, environment: dict[str, str], stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self.root,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, command: str) -> str:
        """Run a command that ends by itself, and well; give what it printed."""
        code, output = self._end(self.start(command, self.set_up))
        assert code == 0, output
        return output

    def refused(self, command: str, environment: dict[str, str]) -> str:
        """Run a command that must say what is wrong; give what it printed."""
        code, output = self._end(self.start(command, environment))
        assert code == 1, output
        assert "Traceback" not in output
        return output

    def _end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, output

    def run_until_ready(self, command: str, environment: dict[str, str], ready: str = READY) -> str:
        """Start the bot (or what says `ready`), see it ready, stop it as Ctrl-C does, and see it end well; give what it printed."""
        process = self.start(command, environment)
        end = threading.Timer(PATIENCE_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        end.start()
        seen = []
        for line in process.stdout:
            seen.append(line)
            if ready in line:
                os.killpg(process.pid, signal.SIGINT)
                break
        rest, _ = process.communicate()
        end.cancel()
        output = "".join([*seen, rest])
        assert ready in output, output
        assert process.returncode == 0, output
        assert "Traceback" not in output
        return output


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[dict[str, str]]:
    """Settings that point to running stand-ins, whose game server bears the README's name for one."""
    command = [sys.executable, "-m", "tools.sandbox", "--bare"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            settings = json.loads(process.stdout.readline())["env"]
            threading.Thread(target=process.stdout.read, daemon=True).start()
            del settings["DATA_FOLDER"]
            yield {name.replace("__SANDBOX__", "__MAIN__"): value for name, value in settings.items()}
        finally:
            process.stdin.close()
            process.wait(timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module", autouse=True)
def past(tmp_path_factory) -> None:
    """Have the sandbox's past made, if it is not: that takes longer than a test waits for a start."""
    (ROOT / ".sandbox").mkdir(exist_ok=True)
    to = tmp_path_factory.mktemp("past") / "vedette.db"
    subprocess.run([sys.executable, "-m", "tools.past", "--to", str(to)], cwd=ROOT, check=True)


@pytest.fixture
def house(tmp_path, stand_ins) -> House:
    return House(tmp_path, stand_ins)


def start_without_and_with_a_token(house: House, command: str) -> None:
    assert "Vedette runs in its sandbox" in house.run_until_ready(command, house.bare)
    assert not (house.root / "data").exists()
    assert "sandbox" not in house.run_until_ready(command, house.set_up)
    assert (house.root / "data" / "vedette.db").is_file()


def test_a_misspelt_token_is_told_before_the_sandbox_starts(house):
    (house.root / ".env").write_text("DISCORD_TOKN=abcdef\n", "utf-8")
    output = house.run_until_ready("python3 tools/run.py", house.bare)
    before, _, _ = output.partition("Vedette runs in its sandbox")
    assert ".env holds no DISCORD_TOKEN, so this is the sandbox" in before
    assert "DISCORD_TOKN (.env, line 1): there is no such setting" in before
    assert "abcdef" not in output


def start_the_sandbox(house: House, command: str) -> None:
    (house.root / ".env").write_text("DISCORD_TOKEN=real\n", "utf-8")
    assert "Vedette runs in its sandbox" in house.run_until_ready(command, house.bare)
    assert not (house.root / "data").exists()


def copy_the_settings(house: House, command: str) -> None:
    house.run(command)
    assert (house.root / ".env").read_text("utf-8") == (ROOT / ".env.example").read_text("utf-8")


def keep_the_settings_private(house: House, command: str) -> None:
    copy_the_settings(house, "cp .env.example .env")
    house.run(command)
    assert (house.root / ".env").stat().st_mode & 0o777 == 0o600


def check_everything(house: House, command: str) -> None:
    copy_the_settings(house, "cp .env.example .env")
    assert "DISCORD_TOKEN is not set" in house.refused(command, house.bare)
    trust_the_host(house, "python3 tools/run.py trust-host main")
    report = house.run(command)
    for what in ("token", "guilds", "database", "server main", "tiktok", "sign quota", "disk", "time zone"):
        assert what in report
    assert "wrong" not in report


def make_the_folder(house: House, command: str) -> None:
    house.run(command)
    assert (house.root / "data").is_dir()


def make_the_key(house: House, command: str) -> None:
    make_the_folder(house, "mkdir -p data")
    house.run(command)
    assert (house.root / "data" / "game_server_key").stat().st_mode & 0o777 == 0o600
    assert (house.root / "data" / "game_server_key.pub").read_text("utf-8").startswith("ssh-ed25519 ")


def trust_the_host(house: House, command: str) -> None:
    ours, theirs = pty.openpty()
    process = house.start(command, house.set_up, stdin=theirs)
    os.write(ours, b"yes\n")
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, output
    assert re.search(r"SHA256:\S{43}", output)
    assert house.set_up["GAME_SERVERS__MAIN__HOST"] in (house.root / "data" / "known_hosts").read_text(
        "utf-8"
    )


def migrate(house: House, command: str) -> None:
    house.run(command)
    assert (house.root / "data" / "vedette.db").is_file()


def back_up(house: House, command: str) -> None:
    migrate(house, "python3 tools/run.py migrate")
    house.run(command)
    assert list((house.root / "data" / "backups").glob("*.db"))


def verify_the_backup(house: House, command: str) -> None:
    back_up(house, "python3 tools/run.py backup")
    house.run(command)
    (copy,) = (house.root / "data" / "backups").glob("*.db")
    copy.write_bytes(copy.read_bytes()[:-1000])
    house.refused(command, house.set_up)


def move_to_a_server(house: House, command: str) -> None:
    migrate(house, "python3 tools/run.py migrate")
    server = PostgreSQL(secrets := Search())
    server.start()
    try:
        asyncio.run(server.order("CREATE DATABASE vedette"))
        house.set_up |= {"PGPORT": str(server.port), "PGPASSWORD": PASSWORD}
        assert "Every row is there" in house.run(command)
        house.set_up["DATABASE_URL"] = command.rpartition(" ")[2]
        assert "there is nothing to do" in house.run("python3 tools/run.py migrate")
    finally:
        server.stop()
        server.remove()
    assert secrets.found == []


def replay_known_lives(house: House, command: str) -> None:
    rows = [
        f"{person},2026-06-{day:02}T{hour}:00:00Z,2026-06-{day:02}T{hour}:45:00Z\n"
        for person, hour in (("ana", 12), ("ben", 20))
        for day in range(1, 17)
    ]
    (house.root / "lives.csv").write_text("account,start_utc,end_utc\n" + "".join(rows), "utf-8")
    report = house.run(command)
    for what in ("probability", "fixed", "roadmap", "coverage", "4 lives of 2 accounts"):
        assert what in report
    assert "PASSED" not in report


def try_the_connection(house: House, command: str) -> None:
    migrate(house, "python3 tools/run.py migrate")
    trust_the_host(house, "python3 tools/run.py trust-host main")
    assert "main: answers; " in house.run(command)


def look_once(house: House, command: str) -> None:
    try_the_connection(house, f"{command} --test-connection")
    assert re.search(r"main: \d+ files, \d+ imported", house.run(command))


def look_beside_the_bot(house: House, command: str) -> None:
    try_the_connection(house, ".venv/bin/python tools/sync_stats.py --test-connection")
    output = house.run_until_ready(command, house.set_up, "main: the next look is at")
    assert "Stopped" in output
    assert (house.root / "data" / "logs" / "smart_sync.log").is_file()


def read_a_folder_of_rounds(house: House, command: str) -> None:
    folder = house.root / "gamestats"
    folder.mkdir()
    (folder / "2025-07-01-232300-supply-round-1.txt").write_bytes(content(header(), *roster()))
    house.run(command)
    (one,) = json.loads((house.root / "rounds.json").read_text("utf-8"))
    assert (one["map"], len(one["players"])) == ("supply", 4)


def make_the_rounds_anew(house: House, command: str) -> None:
    look_once(house, ".venv/bin/python tools/sync_stats.py")
    assert re.search(r"\d+ round\(s\) made anew; 0 came out differently", house.run(command))


async def record_a_live(file: Path) -> None:
    database = Database.open(sqlite_url(file))
    async with database.write("test.keep") as conn:
        await keep_live(conn, started_at=datetime(2026, 11, 20, tzinfo=UTC), minutes=5)
    await database.close()


def export_recorded_lives(house: House, command: str) -> None:
    migrate(house, "python3 tools/run.py migrate")
    assert "no live was recorded then" in house.refused(command, house.set_up)
    asyncio.run(record_a_live(house.root / "data" / "vedette.db"))
    assert "19 rows" in house.run(command)
    names = {file.name for file in (house.root / "data" / "exports").iterdir()}
    assert names == {f"vedette_all_2026-11-01_2026-11-30{end}" for end in (".xlsx", "_csv.zip")}


RUNNERS = {
    "python3 tools/run.py": start_without_and_with_a_token,
    "python3 tools/run.py --sandbox": start_the_sandbox,
    "cp .env.example .env": copy_the_settings,
    "chmod 600 .env": keep_the_settings_private,
    "python3 tools/run.py check": check_everything,
    "mkdir -p data": make_the_folder,
    'ssh-keygen -q -t ed25519 -N "" -C vedette -f data/game_server_key': make_the_key,
    "python3 tools/run.py trust-host main": trust_the_host,
    "python3 tools/run.py backup": back_up,
    "python3 tools/run.py backup --verify": verify_the_backup,
    "python3 tools/run.py migrate": migrate,
    ".venv/bin/python -m tools.backtest lives.csv --budget 24 --compare": replay_known_lives,
    ".venv/bin/python tools/smart_scheduler.py": look_beside_the_bot,
    ".venv/bin/python tools/sync_stats.py --test-connection": try_the_connection,
    ".venv/bin/python tools/sync_stats.py": look_once,
    ".venv/bin/python -m tools.import_rounds gamestats --server main --json rounds.json": read_a_folder_of_rounds,
    ".venv/bin/python -m tools.rebuild_rounds": make_the_rounds_anew,
    ".venv/bin/python -m tools.export --from 2026-11-01 --to 2026-11-30 --format both": export_recorded_lives,
    ".venv/bin/python -m tools.copy_storage --from sqlite:///data/vedette.db "
    "--to postgresql://vedette@localhost/vedette": move_to_a_server,
}
TEST_COMMAND = (
    "python3 tools/test.py"  # runs this file; tests/tools/test_run.py runs it in a small repository
)


def test_every_command_of_the_readme_is_run_here():
    assert {*readme_commands()} == {*RUNNERS, TEST_COMMAND}


@pytest.mark.parametrize("command", RUNNERS)
def test_the_readme_command(house, command):
    RUNNERS[command](house, command)


def test_the_readme_names_places_that_are_there():
    (table,) = re.findall(r"(?m)^\| place \|.*\n(?:\|.*\n)+", README)
    places = [
        place for row in table.splitlines()[2:] for place in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
    places += ["CHANGELOG.md", "LICENSE", ".env.example", "requirements.lock", ".ci/run"]
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert len(places) > 15


def test_the_readme_lists_every_slash_command_and_who_may_use_it():
    (whole,) = re.findall(r"(?m)^\| command \|.*\n(?:\|.*\n)+", README)  # a gap would end it for readers
    table = dict(re.findall(r"(?m)^\| `/([^`]+)` \| (admins|everyone) \|", whole))
    assert table == {
        name: "admins" if _is_admin in command.checks else "everyone" for name, command in slash_commands()
    }


def test_the_invite_link_asks_for_the_base_permissions_and_no_more():
    (permissions,) = re.findall(r"permissions=(\d+)", README)
    assert int(permissions) == sum(BASE_PERMISSIONS.values()) == 274878024704
    assert "scope=bot+applications.commands" in README
