"""The command line as a person uses it: each command in a process and a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __main__ as command_line
from bot import __version__
from bot.storage.backup import list_backups
from tests.gameserver import running_gameserver
from tests.standins import running

ROOT = Path(__file__).resolve().parents[1]
KEPT = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TEMP", "TMP")
STRICT = ("-W", "error", "-W", "ignore:'audioop' is deprecated")  # as in pyproject.toml


@pytest.fixture
def bot(tmp_path):
    """Give a function that runs `python -m bot`; settings come from its .env and nowhere else."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        return subprocess.run(
            [sys.executable, *STRICT, "-m", "bot", *arguments],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_help_tells_every_command(bot):
    done = bot("--help")
    assert done.returncode == 0
    for name in ("run", "work", "check", "migrate", "backup", "trust-host", "--sandbox"):
        assert name in done.stdout


def test_the_version_is_told(bot):
    assert bot("--version").stdout == f"Vedette {__version__}\n"


def test_all_advice_names_the_command_that_finds_the_packages(bot):
    assert bot("--help").stdout.startswith("usage: python3 tools/run.py ")
    sources = [path for kind in ("py", "po") for path in (ROOT / "bot").rglob(f"*.{kind}")]
    assert [path for path in sources if re.search(r"python -m bot [\w{]", path.read_text("utf-8"))] == []


def test_no_command_and_a_wrong_one_exit_with_2(bot):
    assert bot().returncode == 2
    assert bot("dance").returncode == 2


@pytest.mark.parametrize("command", ["run", "check", "migrate", "backup"])
def test_wrong_settings_are_told_one_a_line_with_exit_code_2(bot, command):
    done = bot(command, OWNER_ID="canary", BACKUPS_KEPT="0", DISCORD_TOKN="canary")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    for name in ("OWNER_ID", "BACKUPS_KEPT", "DISCORD_TOKN"):
        assert any(line.startswith(name) for line in lines)
    assert "canary" not in done.stderr + done.stdout


def test_run_without_a_token_explains_itself_and_makes_nothing(bot, tmp_path):
    done = bot("run")
    assert done.returncode == 2
    assert "https://discord.com/developers/applications" in done.stderr
    assert "python3 tools/run.py" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_refused_token_is_told_in_a_sentence_that_is_whole(bot):
    with running("discord", "--no-rate-limits") as discord:
        done = bot("run", DISCORD_TOKEN="wrong." + "x" * 60, DISCORD_API_URL=discord.facts["api"])
    assert done.returncode == 1
    assert "Discord does not accept the token in DISCORD_TOKEN; " in done.stderr
    assert "without quotes or the word Bot" in done.stderr
    assert "***" not in done.stderr


@pytest.mark.parametrize("module", ["argparse", "pydantic_core", "sqlalchemy", "discord"])
def test_ctrl_c_while_it_is_still_loading_ends_it_without_a_traceback(module, tmp_path):
    command = [sys.executable, "-X", "importtime", "-m", "bot", "run"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "DISCORD_TOKEN": "x" * 30},
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        for line in started.stderr:
            if line.rpartition("|")[2].strip() == module:
                break
        started.send_signal(signal.SIGINT)
        rest = started.stderr.read()
    assert started.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
    assert "Traceback" not in rest
    assert not (tmp_path / "data").exists()


def test_migrate_makes_the_database_once(bot, tmp_path):
    first, second = bot("migrate"), bot("migrate")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "before: none" in first.stdout
    assert "nothing to do" in second.stdout
    assert (tmp_path / "data" / "vedette.db").is_file()


def test_a_database_that_cannot_be_written_to_is_named(bot, tmp_path):
    (tmp_path / "data" / "vedette.db").mkdir(parents=True)  # in the way also of root, who may write anywhere
    done = bot("migrate")
    assert done.returncode == 1
    assert str(Path("data") / "vedette.db") in done.stderr


def test_a_backup_is_made_named_and_verified(bot, tmp_path):
    bot("migrate")
    made = bot("backup")
    assert made.returncode == 0
    assert (tmp_path / made.stdout.strip()).is_file()
    newest = bot("backup", "--verify")
    assert "rows: 1" in newest.stdout
    assert (newest.returncode, made.stdout.strip() in newest.stdout) == (0, True)
    assert bot("backup", "--verify", made.stdout.strip()).returncode == 0


def test_a_backup_goes_where_it_is_told_and_old_ones_go(bot, tmp_path):
    bot("migrate")
    for _ in range(3):
        assert bot("backup", "--to", "elsewhere", BACKUPS_KEPT="2").returncode == 0
    assert len(list_backups(tmp_path / "elsewhere")) == 2
    assert bot("backup", "--verify", "--to", "elsewhere").returncode == 0


def test_a_damaged_backup_is_reported_with_exit_code_1(bot, tmp_path):
    bot("migrate")
    backup = tmp_path / bot("backup").stdout.strip()
    backup.write_bytes(backup.read_bytes()[:-1] + b"?")
    done = bot("backup", "--verify")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nothing_can_be_backed_up_it_says_why(bot):
    assert "no database" in bot("backup").stderr
    assert "no backup" in bot("backup", "--verify").stderr
    server = bot("backup", DATABASE_URL="postgresql://vedette:canary@db/vedette")
    assert server.returncode == 1
    assert "cannot be reached" in server.stderr
    assert "canary" not in server.stderr


def test_check_prints_a_line_each_and_fails_without_a_token(bot):
    away = {"TIKTOK_URL": "http://127.0.0.1:9", "SIGN_API_URL": "http://127.0.0.1:9"}
    done = bot("check", SIGN_API_KEY="wrong", **away)  # a secret that is a word of the table
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert all(re.match(r"(ok   |note |wrong)  \S", line) for line in lines)
    for what in ("token", "database", "tiktok", "sign quota", "disk", "time zone"):
        assert sum(line[7:].startswith(what) for line in lines) >= 1
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["--help"], ["check"], ["migrate"], ["backup"]])
def test_light_commands_do_not_load_what_is_heavy(command, tmp_path):
    script = (
        "import sys\nfrom bot.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('TikTokLive', 'matplotlib', 'discord') if name in sys.modules])"
    )
    away = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "TIKTOK_URL": away, "SIGN_API_URL": away, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def game():
    with running_gameserver() as one:
        yield one


@pytest.fixture
def server(game):
    return {
        "GAME_SERVERS__MAIN__HOST": game.facts["ssh_host"],
        "GAME_SERVERS__MAIN__PORT": str(game.facts["ssh_port"]),
        "GAME_SERVERS__MAIN__USERNAME": "stats",
        "GAME_SERVERS__MAIN__PASSWORD": "canary",
    }


def test_a_host_key_is_shown_and_pinned_when_the_fingerprint_is_given(bot, game, server, tmp_path):
    done = bot("trust-host", "Main", "--fingerprint", game.facts["fingerprint"], **server)
    assert done.returncode == 0, done.stderr
    for shown in (game.facts["ssh_host"], "ssh-ed25519", game.facts["fingerprint"]):
        assert shown in done.stdout
    assert game.facts["host_key"].split()[1] in (tmp_path / "data" / "known_hosts").read_text()


def test_a_key_that_is_trusted_already_is_told_as_such(bot, game, server, tmp_path):
    bot("trust-host", "main", "--fingerprint", game.facts["fingerprint"], **server)
    again = bot("trust-host", "main", **server)
    assert (again.returncode, again.stderr) == (0, "")
    assert "is trusted already; there is nothing to do" in again.stdout


def test_a_key_that_has_changed_is_a_loud_warning(bot, game, server, tmp_path):
    bot("trust-host", "main", "--fingerprint", game.facts["fingerprint"], **server)
    known = tmp_path / "data" / "known_hosts"
    with running_gameserver() as other:
        host, kind, _ = known.read_text().split()
        known.write_text(f"{host} {kind} {other.facts['host_key'].split()[1]}\n")
        done = bot("trust-host", "main", **server)
    assert done.returncode == 1
    assert "WARNING: THE HOST KEY HAS CHANGED" in done.stderr
    assert other.facts["fingerprint"] in done.stderr


def test_without_any_server_the_setting_to_fill_in_is_named(bot):
    done = bot("trust-host", "main")
    assert done.returncode == 1
    assert "fill in GAME_SERVERS__MAIN__HOST" in done.stderr


def test_another_fingerprint_or_no_terminal_pins_nothing(bot, server, tmp_path):
    other = bot("trust-host", "main", "--fingerprint", "SHA256:something-else", **server)
    silent = bot("trust-host", "main", **server)
    assert (other.returncode, silent.returncode) == (1, 1)
    assert "nothing was pinned" in other.stderr
    assert "--fingerprint" in silent.stderr
    assert not (tmp_path / "data").exists()


def test_an_unknown_server_is_answered_with_the_known_ones(bot, server):
    done = bot("trust-host", "nowhere", **server)
    assert done.returncode == 1
    assert "main" in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 1), ("", 1)])
def test_on_a_terminal_the_question_decides(game, server, tmp_path, monkeypatch, answer, code):
    for name, value in {**server, "DATA_FOLDER": str(tmp_path / "data")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert command_line.main(["trust-host", "main"]) == code
    assert (tmp_path / "data" / "known_hosts").exists() is (code == 0)
