"""The first five minutes: run.py and test.py in a small repository of their own, with a lock file of one wheel."""

from __future__ import annotations

import ast
import base64
import ctypes
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.standins import until
from tools import run

ROOT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = ("tools/run.py", "tools/test.py")
SIDE_BY_SIDE = f"-n {min(4, 1 + os.cpu_count())} --dist=loadfile --no-loadscope-reorder"
BASE_PYTHON = sys._base_executable

BOT = """
import json, os, signal, sys, time, tiny
NAMES = ("DISCORD_TOKEN", "DISCORD_API_URL", "DATA_FOLDER", "DATABASE_URL", "SANDBOX_GOT")
told = {name: os.environ.get(name) for name in NAMES}
told |= {"argv": sys.argv[1:], "tiny": tiny.VERSION, "pid": os.getpid(), "sees_env_file": os.path.exists(".env")}
if "wait" in sys.argv:
    def stop(number, frame):
        os.write(1, f"bot: signal {int(number)}\\n".encode())
        sys.exit(5)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
print(json.dumps(told), flush=True)
if "wait" in sys.argv:
    while True:
        signal.pause()
if "FAILS_WITH" in os.environ:
    sys.exit(int(os.environ["FAILS_WITH"]))
if "DIES" in os.environ:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(0 if sys.argv[1:] == ["run"] else 7)
"""
# Tells what it hears of the bot, and has it killed when it gets SIGUSR1.
SANDBOX = """
import json, os, signal, sys, tempfile
if "BROKEN" in os.environ:
    sys.exit(3)
if "SLOW" in os.environ:
    print(os.getpid(), file=sys.stderr, flush=True)
    sys.stdin.read()
folder = tempfile.TemporaryDirectory()
env = {"DISCORD_TOKEN": "sandbox", "DISCORD_API_URL": "http://127.0.0.1:1"}
env["SANDBOX_GOT"] = " ".join(sys.argv[1:])
env["DATA_FOLDER"] = os.environ.get("DATA_FOLDER", folder.name)
os.makedirs(env["DATA_FOLDER"], exist_ok=True)
if "--bare" not in sys.argv:
    print("Vedette runs in its sandbox: http://127.0.0.1:1", flush=True)
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'{"kill": true}\\n'))
print(json.dumps({"ready": True, "env": env}), flush=True)
print(f"post from {os.getpid()}", flush=True)
for line in sys.stdin:
    print(f"heard {line.strip()}", flush=True)
"""
# What `python -m ruff`, mypy and pytest do in the small repository.
CHECK = """
import os, sys
name = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
strict, failed = os.environ.get("VEDETTE_STRICT"), os.environ.get("VEDETTE_FAILED_CHECKS")
print("ran", name, *sys.argv[1:], f"strict={strict} failed={failed} stdin={sys.stdin.read()!r}", flush=True)
sys.exit(name in os.environ.get("FAILS", "").split())
"""


def make_wheel(folder: Path, version: str, extra_module: str = "") -> str:
    """Write a wheel named tiny; give its line for a lock file."""
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\ndef main():\n    print('ran lint-imports')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nlint-imports = tiny:main\n",
    }
    if extra_module:
        files[f"{extra_module}.py"] = ""
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    path = folder / f"tiny-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(name, text)
    return f"tiny=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Repository:
    """A repository with Vedette's entry points, beside wheels only it knows."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "house"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        for name in (*ENTRY_POINTS, "tools/environment.py", "tools/__init__.py", ".ci/run"):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        # The quickest way to make an environment; tests that are about the ways choose their own.
        self.no_ensurepip = folder / "no_ensurepip"
        self.no_ensurepip.mkdir()
        (self.no_ensurepip / "ensurepip.py").write_text(
            "raise ImportError('left out by the distribution')", "utf-8"
        )
        modules = {"bot": BOT, "tools/sandbox": SANDBOX, "ruff": CHECK, "mypy": CHECK, "pytest": CHECK}
        for name, text in modules.items():
            (self.root / name).mkdir()
            (self.root / name / "__init__.py").touch()
            (self.root / name / "__main__.py").write_text(text, "utf-8")
        self.lock(make_wheel(self.wheels, "1.0", extra_module="old"))

    def lock(self, line: str) -> None:
        for name in ("requirements.lock", "requirements-test.lock"):
            text = f"--no-index\n--find-links {self.wheels}\n{line}"
            (self.root / name).write_text(text, "utf-8")

    def start(
        self, *arguments: str, script: str = "tools/run.py", **environment: str
    ) -> subprocess.Popen[str]:
        """Start it in another folder, without a terminal, and with no uv to be found unless PATH says so."""
        kept = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "SYSTEMROOT"}}
        return subprocess.Popen(
            [BASE_PYTHON, str(self.root / script), *arguments],
            cwd=self.wheels,
            env={**kept, "PATH": str(self.wheels), "PYTHONPATH": str(self.no_ensurepip), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *arguments: str, script: str = "tools/run.py", **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, script=script, **environment)
        output, errors = process.communicate()
        return process.returncode, output, errors


def told(output: str) -> dict:
    """What the bot said of itself."""
    return json.loads(next(line for line in output.splitlines() if line.startswith("{")))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return not Path("/proc").is_dir()  # gone meanwhile, or no Linux


@pytest.fixture(autouse=True)
def a_ctrl_c_is_heard():
    """Where a script started these tests in the background, they and all they start would ignore it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def fresh(tmp_path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Repository:
    """One that has been started before."""
    repository = Repository(tmp_path_factory.mktemp("started"))
    code, _, errors = repository.run("check")
    assert code == 7, errors
    return repository


# Making the environment.


def uv_paths() -> list[str]:
    """A PATH with uv on it, if this machine has one."""
    uv = shutil.which("uv")
    works = uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    return [os.environ["PATH"]] if works else []


@pytest.mark.parametrize("path", ["", *uv_paths()], ids=lambda path: "uv" if path else "ensurepip")
def test_the_first_start_installs_what_the_lock_says_and_the_next_installs_nothing(fresh, path):
    environment = {"PATH": path, "PYTHONPATH": ""}
    code, output, errors = fresh.run("check", "--all", **environment)
    assert (code, told(output)["argv"]) == (7, ["check", "--all"]), errors
    assert told(output)["tiny"] == "1.0"
    assert "Installing" in output
    shutil.rmtree(fresh.wheels)
    fresh.wheels.mkdir()
    code, output, errors = fresh.run("check", **environment)
    assert (code, told(output)["argv"]) == (7, ["check"]), errors
    assert "Installing" not in output


def test_without_ensurepip_the_pip_of_this_python_does_it(fresh):
    code, output, errors = fresh.run("check", PYTHONPATH=str(fresh.no_ensurepip))
    assert code == 7, errors
    assert told(output)["tiny"] == "1.0"


def test_with_nothing_to_install_with_it_says_what_to_do(fresh, tmp_path):
    for name in ("ensurepip", "pip"):
        (tmp_path / "broken" / name).mkdir(parents=True)
        (tmp_path / "broken" / name / "__init__.py").write_text("raise ImportError", "utf-8")
    code, _, errors = fresh.run("check", PYTHONPATH=str(tmp_path / "broken"))
    assert code == 1
    assert "apt install python3-venv" in errors


def test_a_uv_that_does_not_work_is_left_aside(fresh, tmp_path):
    (tmp_path / "uv").write_text("#!/bin/sh\nexit 127\n", "utf-8")
    (tmp_path / "uv").chmod(0o755)
    code, output, errors = fresh.run("check", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (code, told(output)["tiny"]) == (7, "1.0"), errors


def test_a_package_with_another_hash_is_refused_and_nothing_starts(fresh):
    fresh.lock(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    code, output, errors = fresh.run("check")
    assert code == 1
    assert "Could not install" in errors
    assert "{" not in output
    fresh.lock(make_wheel(fresh.wheels, "1.0"))
    code, output, errors = fresh.run("check")
    assert (code, told(output)["tiny"]) == (7, "1.0"), errors


def test_an_environment_killed_while_it_was_made_is_made_anew(fresh, tmp_path):
    started = tmp_path / "started"
    (tmp_path / "uv").write_text(
        f"#!/bin/sh\n"
        f'case "$1" in venv) mkdir -p {fresh.root}/.venv/bin; ln -s /bin/false {fresh.root}/.venv/bin/python;;\n'
        f"pip) touch {started}; sleep 1000;; esac\n",
        "utf-8",
    )
    (tmp_path / "uv").chmod(0o755)
    process = fresh.start("check", PATH=f"{tmp_path}:/usr/bin:/bin")
    until(started.exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, output, errors = fresh.run("check")
    assert (code, told(output)["tiny"]) == (7, "1.0"), errors


def test_a_changed_lock_leaves_nothing_of_the_old_one(fresh):
    fresh.run("check")
    assert list(fresh.root.rglob("site-packages/old.py"))
    fresh.lock(make_wheel(fresh.wheels, "2.0"))
    code, output, errors = fresh.run("check")
    assert (code, told(output)["tiny"]) == (7, "2.0"), errors
    assert not list(fresh.root.rglob("site-packages/old.py"))


def test_two_first_starts_at_once_install_once(fresh):
    processes = [fresh.start("check"), fresh.start("check")]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [7, 7]
    assert sum("Installing" in output for output in outputs) == 1


@pytest.mark.parametrize("script", ENTRY_POINTS)
def test_an_older_python_is_told_in_words(script):
    source = (ROOT / script).read_text("utf-8")
    ast.parse(source, feature_version=(3, 7))
    pretend = f"import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path({str(ROOT / script)!r})"
    result = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Vedette needs Python 3.11 or newer; this is 3.9")


# Starting the bot.


@pytest.mark.parametrize(
    ("line", "has_token"),
    [
        ("DISCORD_TOKEN=abc", True),
        ("\ufeffexport discord_token = 'abc'", True),
        ("DISCORD_TOKEN=first\nDISCORD_TOKEN=", False),
        ("DISCORD_TOKEN=", False),
        ("DISCORD_TOKEN= # your token", False),
        ('DISCORD_TOKEN=""', False),
        ("#DISCORD_TOKEN=abc", False),
        ("MY_DISCORD_TOKEN=abc", False),
    ],
)
def test_without_arguments_it_runs_and_without_a_token_in_the_sandbox(house, line, has_token):
    (house.root / ".env").write_text(f"{line}\n", "utf-8")
    _, output, _ = house.run()
    bot = told(output)
    assert bot["argv"] == ["run"]
    assert bot["DISCORD_API_URL"] == (None if has_token else "http://127.0.0.1:1")
    assert bot["sees_env_file"] is has_token
    assert ("Vedette runs in its sandbox: http://127.0.0.1:1" in output) is not has_token
    (house.root / ".env").unlink()


def test_a_token_in_the_environment_is_one(house):
    _, output, _ = house.run(DISCORD_TOKEN="real")
    assert (told(output)["DISCORD_TOKEN"], told(output)["DISCORD_API_URL"]) == ("real", None)


def test_only_running_needs_a_token(house):
    code, output, _ = house.run("check")
    assert (code, told(output)["DISCORD_API_URL"]) == (7, None)


def test_the_sandbox_is_thrown_away_and_touches_nothing_real(house):
    code, output, errors = house.run(
        "--sandbox", "check", DISCORD_TOKEN="real", DATABASE_URL="postgresql://real"
    )
    bot = told(output)
    assert (code, bot["argv"], bot["DISCORD_TOKEN"]) == (7, ["check"], "sandbox"), errors
    assert bot["DATABASE_URL"] is None
    assert Path(bot["DATA_FOLDER"]).is_absolute()
    assert not Path(bot["DATA_FOLDER"]).exists()
    assert bot["SANDBOX_GOT"] == "--bare"  # nobody looks at a page


def test_the_address_of_the_page_comes_first_and_then_how_to_go_on(house):
    code, output, errors = house.run("--sandbox")
    assert code == 0, errors
    assert output.splitlines()[0] == "Vedette runs in its sandbox: http://127.0.0.1:1"
    assert "put DISCORD_TOKEN into .env" in output


@pytest.mark.parametrize(
    ("arguments", "got"),
    [
        (["--sandbox", "--port", "8800", "--speed=600"], "--port 8800 --speed=600"),
        (["--tour"], "--tour"),  # there is no tour but in the sandbox
        (["--sandbox", "run", "--port", "1"], "--port 1"),
    ],
)
def test_the_sandbox_gets_what_is_for_it_and_the_bot_the_rest(house, arguments, got):
    _, output, errors = house.run(*arguments, DISCORD_TOKEN="real")
    assert (told(output)["SANDBOX_GOT"], told(output)["argv"]) == (got, ["run"]), errors


def test_without_the_sandbox_its_options_are_the_bots_to_refuse(house):
    _, output, _ = house.run("run", "--speed", "60", DISCORD_TOKEN="real")
    assert told(output)["argv"] == ["run", "--speed", "60"]


@pytest.mark.parametrize(
    "arguments", [["run", "--help"], ["--sandbox", "--help"], ["--sandbox", "--version"]]
)
def test_what_only_tells_something_starts_no_stand_ins(house, arguments):
    _, output, _ = house.run(*arguments, BROKEN="1")
    assert told(output)["argv"] == [one for one in arguments if one != "--sandbox"]


@pytest.mark.parametrize("given", ["kept", "{tmp_path}/kept"])
def test_in_a_data_folder_that_was_given_the_sandbox_keeps_to_its_own(house, tmp_path, given):
    """A relative one counts from where it was typed, for the bot and for the stand-ins."""
    _, output, _ = house.run("--sandbox", DATA_FOLDER=given.format(tmp_path=tmp_path))
    folder = (tmp_path if "{" in given else house.wheels) / "kept" / "sandbox"
    assert told(output)["DATA_FOLDER"] == str(folder)


def test_each_start_of_the_sandbox_begins_anew_and_what_only_looks_changes_nothing(house, tmp_path):
    left = tmp_path / "sandbox" / "vedette.db"
    left.parent.mkdir()
    left.touch()
    (tmp_path / "vedette.db").touch()
    house.run("--sandbox", "check", DATA_FOLDER=str(tmp_path))
    assert left.exists()
    house.run("--sandbox", DATA_FOLDER=str(tmp_path))
    assert not left.exists()
    assert (tmp_path / "vedette.db").exists()  # the real one


def test_a_sandbox_that_does_not_start_ends_it(house):
    code, output, errors = house.run("--sandbox", BROKEN="1")
    assert code == 1
    assert "did not start" in errors
    assert "{" not in output


def test_it_can_be_stopped_before_the_stand_ins_are_ready(house):
    process = house.start("--sandbox", SLOW="1")
    stand_ins = int(process.stderr.readline())
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 128 + signal.SIGINT
    assert "{" not in output
    assert not is_running(stand_ins)


def test_ctrl_c_while_it_is_still_loading_ends_it_without_a_traceback(house):
    # -S: without what this machine's own packages load before it.
    command = [BASE_PYTHON, "-S", "-X", "importtime", str(house.root / "tools" / "run.py"), "--sandbox"]
    # However late the signal comes, there is no bot yet that it could meet.
    environment = {**os.environ, "SLOW": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stderr:
            if line.rpartition("|")[2].strip() == "threading":
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode in {-signal.SIGINT, 128 + signal.SIGINT}
    assert "Traceback" not in rest


class Running:
    """A bot that waits in the sandbox."""

    def __init__(self, house: Repository, *arguments: str, **environment: str) -> None:
        self.process = house.start(*arguments, "run", "wait", **environment)
        self.seen = []
        while not {"post", "{"} <= {line[: 1 + 3 * line.startswith("p")] for line in self.seen}:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            self.seen.append(line)
        self.bot = told("".join(self.seen))
        self.stand_ins = int(re.search(r"post from (\d+)", "".join(self.seen)).group(1))

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate()
        return self.process.returncode, output


def test_a_bot_that_was_killed_is_started_again(house):
    running = Running(house, "--sandbox")
    os.kill(running.stand_ins, signal.SIGUSR1)
    until(lambda: not is_running(running.bot["pid"]))
    line = running.process.stdout.readline()
    while not line.startswith("{"):
        running.seen.append(line)
        line = running.process.stdout.readline()
    again = told(line)
    running.process.send_signal(signal.SIGTERM)
    code, output = running.end()
    assert (code, is_running(again["pid"])) == (5, False)
    seen = "".join([*running.seen, output])
    assert 'heard {"bot": "ended", "text": "It was killed, and is started again in a second."}' in seen
    assert f'heard {{"bot": "started", "pid": {again["pid"]}}}' in seen


def test_a_bot_that_ends_by_itself_is_told_of_and_its_page_stays(house):
    process = house.start("--sandbox", "run", FAILS_WITH="3")
    assert process.stderr.readline() == (
        "The bot ended by itself (exit code 3). Ctrl-C ends the sandbox, too.\n"
    )
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 3
    assert output.count('heard {"bot": "started"') == 1
    assert "It ended by itself (exit code 3); the terminal says why." in output


def test_a_bot_that_dies_again_and_again_is_not_started_for_ever(house):
    process = house.start("--sandbox", "run", DIES="1")
    assert "ended by itself (exit code -9)" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert output.count('heard {"bot": "started"') == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("reach", [os.killpg, os.kill], ids=["terminal", "process"])
def test_what_stops_it_reaches_the_bot_once_and_ends_everything(house, number, reach):
    running = Running(house, "--sandbox")
    reach(running.process.pid, number)
    code, output = running.end()
    assert code == 5
    assert output.count(f"bot: signal {number}") == 1
    assert not is_running(running.bot["pid"])
    assert not is_running(running.stand_ins)
    assert not Path(running.bot["DATA_FOLDER"]).exists()


def other_threads(pid: int) -> list[int]:
    return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir() if int(path.name) != pid]


def send_beside_its_wait(pid: int, number: int) -> None:
    """Send a signal that interrupts no wait of the main thread, as if it came right before that wait."""
    until(lambda: other_threads(pid))
    assert ctypes.CDLL(None).tgkill(pid, other_threads(pid)[0], number) == 0


def test_what_comes_right_before_it_waits_is_heard_all_the_same(house):
    running = Running(house, "--sandbox")
    send_beside_its_wait(running.process.pid, signal.SIGINT)
    code, output = running.end()
    assert (code, output.count(f"bot: signal {int(signal.SIGINT)}")) == (5, 1)


def test_it_is_heard_before_the_stand_ins_are_ready_too(house):
    process = house.start("--sandbox", SLOW="1")
    stand_ins = int(process.stderr.readline())
    send_beside_its_wait(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 128 + signal.SIGINT
    assert not is_running(stand_ins)


@pytest.mark.parametrize("starts", [1, 2])
@pytest.mark.parametrize(
    ("windows", "number", "ends"),
    [
        (False, signal.SIGINT, signal.SIGINT),
        (False, signal.SIGTERM, signal.SIGTERM),
        (True, signal.SIGINT, signal.SIGTERM),  # it came before the process was one of the terminal's
    ],
)
def test_a_bot_that_is_just_being_started_is_stopped_too(
    monkeypatch, tmp_path, windows, number, ends, starts
):
    inbox, told = run.SimpleQueue(), []

    class Interrupted(subprocess.Popen):
        """A process that is there already when the request to stop comes, and not yet known to who starts it."""

        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            inbox.put({"stop": number} if len(told) == 2 * (starts - 1) else {"kill": True})

    bot = run.Bot(["sleep", "1000"], inbox, dict(os.environ), str(tmp_path))
    monkeypatch.setattr(run.subprocess, "Popen", Interrupted)
    monkeypatch.setattr(run, "_IS_WINDOWS", windows)
    assert bot.keep_running(lambda **facts: told.append(facts["bot"])) == 128 + ends
    assert told == ["started", "ended"] * starts


def test_a_bot_that_was_to_be_started_again_is_not_started_once_it_was_stopped(tmp_path):
    inbox, told = run.SimpleQueue(), []

    def tell(**facts):
        told.append(facts["bot"])
        inbox.put({"kill": True} if facts["bot"] == "started" else {"stop": signal.SIGINT})

    bot = run.Bot(["sleep", "1000"], inbox, dict(os.environ), str(tmp_path))
    assert bot.keep_running(tell) == 128 + signal.SIGKILL
    assert told == ["started", "ended"]


def test_closing_the_terminal_ends_everything(house):
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(house.wheels)
        command = [BASE_PYTHON, str(house.root / "tools" / "run.py"), "--sandbox", "run", "wait"]
        os.execve(command[0], command, {"PATH": str(house.wheels)})
    seen = ""
    while not ("post from" in seen and '"argv"' in seen and seen.endswith("\n")):
        seen += os.read(terminal, 4096).decode()
    started = [pid, told(seen)["pid"], int(re.search(r"post from (\d+)", seen).group(1))]
    os.close(terminal)
    until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid)
    until(lambda: not any(map(is_running, started)))


def test_without_the_sandbox_the_process_becomes_the_bot(house):
    process = house.start("run", "wait", DISCORD_TOKEN="real")
    assert told(process.stdout.readline())["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 5


def test_a_bot_without_its_stand_ins_is_stopped(house):
    running = Running(house, "--sandbox")
    os.kill(running.stand_ins, signal.SIGKILL)
    code, output = running.end()
    assert code == 5
    assert f"bot: signal {signal.SIGTERM}" in output


def test_stand_ins_do_not_outlive_a_killed_start(house):
    running = Running(house, "--sandbox")
    running.process.kill()
    try:
        until(lambda: not is_running(running.stand_ins))
    finally:
        os.kill(running.bot["pid"], signal.SIGKILL)
        running.end()
        shutil.rmtree(running.bot["DATA_FOLDER"], ignore_errors=True)


# Testing.


def ran(output: str) -> list[str]:
    return [line.removeprefix("ran ") for line in output.splitlines() if line.startswith("ran ")]


def test_every_check_runs_even_if_one_fails_and_the_tests_are_told(house):
    code, output, errors = house.run("-k", "rounds", script="tools/test.py", FAILS="mypy")
    assert code == 1, errors
    ending = "strict=None failed={} stdin=''"
    assert ran(output) == [
        f"ruff format --check . {ending.format(None)}",
        f"ruff check . {ending.format(None)}",
        f"mypy {ending.format(None)}",
        "lint-imports",
        f"pytest {SIDE_BY_SIDE} -k rounds {ending.format('types')}",
    ]
    assert output.splitlines()[-1].startswith("ran pytest")


def test_what_python_compiles_is_kept_although_the_environment_forbids_it(house):
    """The tests start hundreds of processes: each would compile everything it loads anew."""
    assert house.run(script="tools/test.py", PYTHONDONTWRITEBYTECODE="1")[0] == 0
    assert list((house.root / "pytest" / "__pycache__").glob("__init__.*.pyc"))


def test_help_is_printed_at_once(house):
    code, output, _ = house.run("--help", script="tools/test.py")
    assert (code, ran(output)) == (0, [])
    assert "python3 tools/test.py [--system] [arguments of pytest]" in output


@pytest.mark.parametrize(("fails", "code"), [("", 0), ("pytest", 1), ("ruff", 1)])
def test_the_exit_code_says_whether_all_passed(house, fails, code):
    assert house.run(script="tools/test.py", FAILS=fails)[0] == code


def programs(folder: Path, *names: str) -> str:
    """A PATH of these programs (which note that they ran) and Python."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f'#!/bin/sh\necho "program {name} $*"\n', "utf-8")
        (folder / name).chmod(0o755)
    (folder / "python3").symlink_to(BASE_PYTHON)
    return str(folder)


def test_continuous_integration_needs_one_line_no_terminal_and_no_folder(house, tmp_path):
    assert len((ROOT / ".ci" / "run").read_text("utf-8").splitlines()) == 2  # the first names the shell
    path = f"{programs(tmp_path / 'bin', 'sshd', 'chromium')}:/usr/bin:/bin"
    result = subprocess.run(
        ["/bin/sh", "-c", f"{house.root}/.ci/run <&-"],
        cwd="/",
        env={"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "openssh-server, chromium are there" in result.stdout
    assert ran(result.stdout)[-1] == f"pytest {SIDE_BY_SIDE} strict=1 failed= stdin=''"


def system_packages(house: Repository, path: str, user: int) -> list[str]:
    """What `--system` says and does as a user, on a machine whose programs are these."""
    pretend = (
        "import sys, os; sys.path[0] = sys.argv[1]; sys.argv[1:] = []; "
        f"os.geteuid = lambda: {user}; import tools.test as t; "
        "which = t.shutil.which; t.shutil.which = lambda name, path=None: which(name, path=os.environ['PATH']); "
        "print(t._install_system_packages())"
    )
    result = subprocess.run(
        [BASE_PYTHON, "-c", pretend, str(house.root)],
        env={"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return result.stdout.splitlines()


def test_on_debian_as_root_what_is_missing_is_installed(house, tmp_path):
    said = system_packages(house, programs(tmp_path / "bin", "apt-get", "sshd"), user=0)
    assert [line.split("Use-Pty=0 ")[-1] for line in said] == [
        "== system: installing chromium",
        "update",
        "install -y --no-install-recommends chromium",
        "True",
    ]


@pytest.mark.parametrize(("user", "names"), [(1000, ["apt-get"]), (0, [])], ids=["not root", "not Debian"])
def test_elsewhere_it_says_what_is_missing(house, tmp_path, user, names):
    assert system_packages(house, programs(tmp_path / "bin", *names), user) == [
        "== system: skipped, not root on Debian; missing: openssh-server, chromium",
        "True",
    ]
