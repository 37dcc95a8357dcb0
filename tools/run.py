"""Run Vedette: ``python3 tools/run.py [--sandbox] [arguments of the bot]``; without arguments: ``run``.

Makes ``.venv`` at the first start, then starts ``python -m bot`` from the repository's folder (relative
paths, ``.env`` among them, count from there). With ``--sandbox``, or where nobody has set DISCORD_TOKEN,
it first starts stand-ins for Discord, TikTok and a game server (``python -m tools.sandbox``) and points
the bot at them: the environment's settings count, ``.env`` and DATABASE_URL do not, and the data folder
is thrown away at the end unless DATA_FOLDER is in the environment: then it is ``sandbox`` in there.

Standard library only. Run on Linux; written for macOS and Windows as well, where it was not run.
"""

import signal
import sys

if __name__ == "__main__":  # until `main` listens, Ctrl-C ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.version_info < (3, 11):  # noqa: UP036 - an older one should say so in words
    sys.exit(
        "Vedette needs Python 3.11 or newer; this is %d.%d (%s).\n"  # noqa: UP031
        "Start it with a newer one, for example: python3.11 tools/run.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

import json
import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path

if not __package__:  # started as a script: the folder to import from is the repository
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.environment import PYTHON, ROOT, RUN_LOCK, ensure

_WELCOME = """
Vedette runs in its sandbox: Discord, TikTok and the game server are stand-ins on this machine.
Data folder: {data_folder}
What the bot posts is printed here; slash commands need the real Discord.
For the real Discord put DISCORD_TOKEN into .env (README.md, "Connect it to Discord") and start again.
Ctrl-C ends it.
"""
# What is wrong with .env, a line each.
_CHECK_SETTINGS = """
from bot.errors import SettingsError
from bot.settings import load_settings
try:
    load_settings()
except SettingsError as error:
    print(error)
"""
_ONLY_TELLS = {"-h", "--help", "--version"}
_IS_WINDOWS = os.name == "nt"


def main(arguments: list[str]) -> int:
    """Start the bot; give its exit code."""
    sandbox = "--sandbox" in arguments
    arguments = [argument for argument in arguments if argument != "--sandbox"] or ["run"]
    ensure(RUN_LOCK)
    if _ONLY_TELLS.isdisjoint(arguments):
        if sandbox:
            return _run_in_sandbox(arguments)
        if arguments[0] == "run" and not _has_token():
            _explain_env_file()
            return _run_in_sandbox(arguments)
    os.chdir(ROOT)
    command = [str(PYTHON), "-m", "bot", *arguments]
    if not _IS_WINDOWS:  # where exec would leave the bot without its terminal
        os.execv(command[0], command)  # noqa: S606 - this process becomes the bot: signals, exit code and all
    bot = subprocess.Popen(command)
    _pass_signals_to([bot])
    return bot.wait()


def _has_token() -> bool:
    """Tell whether somebody has set DISCORD_TOKEN, in the environment or in `.env`."""
    if os.environ.get("DISCORD_TOKEN"):
        return True
    try:
        text = (ROOT / ".env").read_text("utf-8-sig", errors="replace")
    except OSError:
        return False
    found = re.findall(r"(?im)^[ \t]*(?:export[ \t]+)?DISCORD_TOKEN[ \t]*=[ \t]*(.*)$", text)
    return bool(found) and re.match(r"""["']?[^\s"'#]""", found[-1]) is not None


def _explain_env_file() -> None:
    """Say why a `.env` that is there leads to the sandbox all the same: the token's name may be misspelt."""
    if not (ROOT / ".env").exists():
        return
    print(".env holds no DISCORD_TOKEN, so this is the sandbox; `python3 tools/run.py check` tests the file.")
    checked = subprocess.run(
        [str(PYTHON), "-c", _CHECK_SETTINGS], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    print(checked.stdout, end="", flush=True)


def _run_in_sandbox(arguments: list[str]) -> int:
    bots: list[subprocess.Popen[bytes]] = []
    _pass_signals_to(bots)
    with tempfile.TemporaryDirectory(prefix="vedette-sandbox-", ignore_cleanup_errors=True) as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if name.upper() != "DATABASE_URL"},
            "DATA_FOLDER": str(_sandbox_folder(folder)),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
        }
        stand_ins = _start_stand_ins(environment)
        try:
            ready = stand_ins.stdout.readline() if stand_ins.stdout else ""
            if not ready:
                print("The stand-ins did not start.", file=sys.stderr)
                return 1
            environment |= json.loads(ready)["env"]
            print(_WELCOME.format(data_folder=environment["DATA_FOLDER"]), flush=True)
            # In an empty folder, so that no .env is read.
            command = [str(PYTHON), "-m", "bot", *arguments]
            bot = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=not _IS_WINDOWS)
            bots.append(bot)
            threading.Thread(target=_show_posts, args=(stand_ins, bot), daemon=True).start()
            code = bot.wait()
            return code if code >= 0 else 128 - code
        finally:
            _stop(stand_ins)


def _sandbox_folder(temporary: str) -> Path:
    """Give a folder that holds no real data; the bot and the stand-ins start elsewhere, so it is absolute."""
    given = os.environ.get("DATA_FOLDER")
    return Path(given).absolute() / "sandbox" if given else Path(temporary)


def _start_stand_ins(environment: "dict[str, str]") -> "subprocess.Popen[str]":
    """Start them out of reach of Ctrl-C; they end when the pipe to them closes, even if this process dies."""
    return subprocess.Popen(
        [str(PYTHON), "-m", "tools.sandbox"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=not _IS_WINDOWS,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _show_posts(stand_ins: "subprocess.Popen[str]", bot: "subprocess.Popen[bytes]") -> None:
    """Pass on what the stand-ins print; without them the bot has nobody to talk to and is stopped."""
    for line in stand_ins.stdout or ():
        print(line, end="", flush=True)
    if bot.poll() is None:
        print("The stand-ins stopped.", file=sys.stderr, flush=True)
        bot.terminate()


def _pass_signals_to(bots: "list[subprocess.Popen[bytes]]") -> None:
    """Let what asks this process to stop reach the bot; before there is one it ends this process."""

    def pass_on(number: int, _: object) -> None:
        if not bots:
            sys.exit(128 + number)
        if not _IS_WINDOWS:  # there Ctrl-C reaches every process of the terminal by itself
            bots[0].send_signal(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), pass_on)


def _stop(stand_ins: "subprocess.Popen[str]") -> None:
    if stand_ins.stdin:
        stand_ins.stdin.close()
    try:
        stand_ins.wait(timeout=5)
    except subprocess.TimeoutExpired:
        stand_ins.kill()
        stand_ins.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before the bot was there to answer it
        sys.exit(130)
