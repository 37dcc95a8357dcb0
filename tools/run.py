"""Run Vedette: ``python3 tools/run.py [--sandbox] [arguments of the bot]``; without arguments: ``run``.

Makes ``.venv`` at the first start, then starts ``python -m bot`` from the repository's folder (relative
paths, ``.env`` among them, count from there). With ``--sandbox``, or where nobody has set DISCORD_TOKEN,
it first starts a world for it (``python -m tools.sandbox``: stand-ins for Discord, TikTok and a game server, and a
page to look at) and points the bot at it: the environment's settings count, ``.env`` and DATABASE_URL do not, and the
data folder is thrown away at the end unless DATA_FOLDER is in the environment: then it is ``sandbox`` in there, made
anew at each start. ``--port N``, ``--speed S``, ``--empty`` (no past) and ``--tour`` (which means the sandbox, too) are passed on to it.
In the sandbox this process is the bot's supervisor: killed, the bot is started again a second later.

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
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

if not __package__:  # started as a script: the folder to import from is the repository
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.environment import PYTHON, ROOT, RUN_LOCK, ensure

_WELCOME = """Open this address in your browser. Discord, TikTok and the game server are stand-ins on this machine.
For the real Discord put DISCORD_TOKEN into .env (README.md, "Connect it to Discord") and start again.
Ctrl-C ends it.
"""
_SANDBOX_VALUES = ("--port", "--speed")
_SANDBOX_FLAGS = ("--tour", "--empty")
_AGAIN_SECONDS = 1.0
_TURN_SECONDS = 0.2
_SHORT_LIFE_SECONDS = 10.0
_SHORT_LIVES = 3
"""A bot that dies so often so soon is started no more."""
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
Order = dict[str, Any]
"""`ready` with the bot's `env`, `kill` or `over` from the sandbox; `stop` with a signal's number."""
Inbox = SimpleQueue[Order]
"""Its `put` may be called by a signal's handler, whatever that interrupts."""


def main(arguments: "list[str]") -> int:
    """Start the bot; give its exit code."""
    given = [argument for argument in arguments if argument != "--sandbox"]
    own, orders = _split(given)
    orders = orders or ["run"]
    ensure(RUN_LOCK)
    if _ONLY_TELLS.isdisjoint(orders):
        if "--sandbox" in arguments or "--tour" in own:
            return _run_in_sandbox(own, orders)
        if orders[0] == "run" and not _has_token():
            _explain_env_file()
            return _run_in_sandbox(own, orders)
    os.chdir(ROOT)
    command = [str(PYTHON), "-m", "bot", *(given or orders)]
    if not _IS_WINDOWS:  # where exec would leave the bot without its terminal
        os.execv(command[0], command)  # noqa: S606 - this process becomes the bot: signals, exit code and all
    return Bot(command, _signals()).run_once()


def _split(arguments: "list[str]") -> "tuple[list[str], list[str]]":
    """Part what is for the sandbox from what is for the bot."""
    own: list[str] = []
    orders: list[str] = []
    left = iter(arguments)
    for argument in left:
        name, _, value = argument.partition("=")
        if name not in (*_SANDBOX_FLAGS, *_SANDBOX_VALUES):
            orders.append(argument)
        else:
            own += [argument] if value or name in _SANDBOX_FLAGS else [argument, *islice(left, 1)]
    return own, orders


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


def _run_in_sandbox(own: "list[str]", orders: "list[str]") -> int:
    is_run = orders[0] == "run"
    inbox = _signals()
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if name.upper() not in {"DATABASE_URL", "DATA_FOLDER"}
        },
        **_sandbox_folder(anew=is_run),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
    }
    sandbox = _start_sandbox(environment, own if is_run else ["--bare"])
    try:
        threading.Thread(target=_listen, args=(sandbox, inbox), daemon=True).start()
        first = _next(inbox)
        if "stop" in first:
            return 128 + int(first["stop"])
        if "ready" not in first:
            print("The sandbox did not start.", file=sys.stderr)
            return 1
        # In its data folder, which holds no .env, so that none is read.
        folder = first["env"]["DATA_FOLDER"]
        bot = Bot([str(PYTHON), "-m", "bot", *orders], inbox, environment | first["env"], folder)
        if is_run:
            return bot.keep_running(lambda **facts: _tell(sandbox, facts))
        return bot.run_once()
    finally:
        _stop(sandbox)


def _sandbox_folder(*, anew: bool) -> "dict[str, str]":
    """Name a folder that holds no real data, if one was chosen; absolute, since others start elsewhere."""
    given = os.environ.get("DATA_FOLDER")
    if not given:
        return {}
    folder = Path(given).absolute() / "sandbox"
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    return {"DATA_FOLDER": str(folder)}


def _start_sandbox(environment: "dict[str, str]", arguments: "list[str]") -> "subprocess.Popen[str]":
    """Start it out of reach of Ctrl-C; it ends when the pipe to it closes, even if this process dies."""
    return subprocess.Popen(
        [str(PYTHON), "-m", "tools.sandbox", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=not _IS_WINDOWS,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _signals() -> "Inbox":
    """Make the one place where everything arrives that the main thread is to do; signals come there from now on."""
    inbox: Inbox = SimpleQueue()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: inbox.put({"stop": number}))
    return inbox


def _listen(sandbox: "subprocess.Popen[str]", inbox: "Inbox") -> None:
    """Pass on what the sandbox orders, at last that it is over."""
    try:
        for line in sandbox.stdout or ():
            order = _order_of(line)
            if order:
                inbox.put(order)
    finally:
        inbox.put({"over": True})


def _next(inbox: "Inbox") -> "Order":
    """Wait for an order. In turns: a signal that comes right before a wait is heard only after it."""
    while True:
        with suppress(Empty):
            return inbox.get(timeout=_TURN_SECONDS)


def _order_of(line: str) -> "Order":
    """Give a line that is an order; any other is for people, and printed."""
    if line.startswith("{"):
        order: Order = json.loads(line)
        return order
    with suppress(OSError):  # the terminal is gone
        print(line, end="", flush=True)
        if "http://" in line:
            print(_WELCOME, flush=True)
    return {}


def _tell(sandbox: "subprocess.Popen[str]", facts: "dict[str, Any]") -> None:
    with suppress(OSError, ValueError):  # it has ended
        if sandbox.stdin:
            sandbox.stdin.write(json.dumps(facts) + "\n")
            sandbox.stdin.flush()


class Bot:
    """The bot's process, looked after as a supervisor does. Given a folder, it has a session of its own there.

    Then what stops it comes from here, once, and it gets `environment` only.
    """

    def __init__(
        self,
        command: "list[str]",
        inbox: "Inbox",
        environment: "dict[str, str] | None" = None,
        folder: "str | None" = None,
    ) -> None:
        self._command, self._environment, self._folder = command, environment, folder
        self._inbox = inbox
        self._is_stopped = False
        self._was_killed = False

    def run_once(self) -> int:
        """Start it and give its exit code."""
        code = self._watch(self._start())
        return code if code >= 0 else 128 - code

    def keep_running(self, tell: "Callable[..., None]") -> int:
        """Start it, and again when it was killed, until it is stopped; gives its last exit code."""
        short_lives = 0
        while True:
            process, since = self._start(), time.monotonic()  # noqa: TID251 - the machine's own time
            tell(bot="started", pid=process.pid)
            code = self._watch(process)
            is_short = time.monotonic() - since < _SHORT_LIFE_SECONDS  # noqa: TID251
            short_lives = short_lives + 1 if is_short and not self._was_killed else 0
            if self._is_stopped or code == 0:
                tell(bot="ended", text="It was stopped.")
                break
            if short_lives == _SHORT_LIVES or (code > 0 and not self._was_killed):
                tell(bot="ended", text=f"It ended by itself (exit code {code}); the terminal says why.")
                print(
                    f"The bot ended by itself (exit code {code}). Ctrl-C ends the sandbox, too.",
                    file=sys.stderr,
                )
                self._is_stopped_within(float("inf"), process)
                break
            tell(bot="ended", text="It was killed, and is started again in a second.")
            if self._is_stopped_within(_AGAIN_SECONDS, process):
                break
        return code if code >= 0 else 128 - code

    def _start(self) -> "subprocess.Popen[bytes]":
        self._was_killed = False
        is_apart = self._folder is not None and not _IS_WINDOWS
        process = subprocess.Popen(
            self._command, cwd=self._folder, env=self._environment, start_new_session=is_apart
        )
        while not self._inbox.empty():
            self._obey(self._inbox.get(), process, is_new=True)
        return process

    def _watch(self, process: "subprocess.Popen[bytes]") -> int:
        """Do what arrives until the bot ends; gives its exit code."""
        while process.poll() is None:
            self._take_a_turn(process)
        return int(process.returncode)

    def _is_stopped_within(self, seconds: float, ended: "subprocess.Popen[bytes]") -> bool:
        until = time.monotonic() + seconds  # noqa: TID251
        while not self._is_stopped and time.monotonic() < until:  # noqa: TID251
            self._take_a_turn(ended)
        return self._is_stopped

    def _take_a_turn(self, process: "subprocess.Popen[bytes]") -> None:
        with suppress(Empty):
            self._obey(self._inbox.get(timeout=_TURN_SECONDS), process)

    def _obey(self, order: "Order", process: "subprocess.Popen[bytes]", *, is_new: bool = False) -> None:
        """Do what arrived; a process that ended takes no notice. `is_new`: it may have come before the process."""
        if "kill" in order:  # as a power cut would
            self._was_killed = True
            process.kill()
        elif "stop" in order:
            self._is_stopped = True
            # On Windows, Ctrl-C reaches every process of the terminal by itself.
            if not _IS_WINDOWS or is_new or order["stop"] != signal.SIGINT:
                process.send_signal(_passed_on(order["stop"]))
        elif "over" in order and not self._is_stopped:  # without the sandbox it has nobody to talk to
            print("The sandbox stopped.", file=sys.stderr, flush=True)
            self._is_stopped = True
            process.terminate()


def _passed_on(number: int) -> int:
    is_other = _IS_WINDOWS or number == getattr(signal, "SIGHUP", None)
    return signal.SIGTERM if is_other else number


def _stop(sandbox: "subprocess.Popen[str]") -> None:
    if sandbox.stdin:
        with suppress(OSError):
            sandbox.stdin.close()
    try:
        sandbox.wait(timeout=5)
    except subprocess.TimeoutExpired:
        sandbox.kill()
        sandbox.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before the bot was there to answer it
        sys.exit(130)
