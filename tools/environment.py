"""The virtual environment the entry points work in: made once, filled from a lock file, healed, remembered.

Standard library only. Run on Linux; written for macOS and Windows as well, where it was not run.

``.venv/<lock file>.done`` remembers what was installed, ``.venv/half-made`` stands there while it is being
made: a start that finds a half-made environment, or one made from another lock file or for another Python,
makes it anew. An environment with neither note was made by hand: it is filled and kept.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = PROGRAMS / ("python.exe" if os.name == "nt" else "python")
RUN_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"

_HALF_MADE = VENV / "half-made"
_NO_INSTALLER = """This Python has neither pip nor the means to bring it (the module ensurepip), and there is no uv.
Install one of them and start again. Debian, Ubuntu: apt install python3-venv"""


def ensure(lock: Path) -> None:
    """Make sure that `.venv` holds exactly what `lock` says. Costs a few milliseconds when it does.

    Exits with a message where nothing can be installed.
    """
    if _is_done(lock):
        return
    with one_at_a_time(ROOT / ".venv.lock"):
        if _is_done(lock):  # another start did it while this one waited
            return
        if _HALF_MADE.exists() or _done_note(lock).exists() or not PYTHON.exists():
            shutil.rmtree(VENV, ignore_errors=True)
        print(f"Installing what {lock.name} lists into {VENV} (once; up to a minute) ...", flush=True)
        VENV.mkdir(exist_ok=True)
        _HALF_MADE.touch()
        if not (_install_with_uv(lock) or _install_with_pip(lock)):
            sys.exit(f"Could not install what {lock.name} lists; the reason stands above.")
        _done_note(lock).write_text(_stamp(lock), "utf-8")
        _HALF_MADE.unlink()


def _done_note(lock: Path) -> Path:
    return VENV / f"{lock.name}.done"


def _is_done(lock: Path) -> bool:
    note = _done_note(lock)
    return (
        not _HALF_MADE.exists()
        and PYTHON.exists()
        and note.is_file()
        and note.read_text("utf-8") == _stamp(lock)
    )


def _stamp(lock: Path) -> str:
    """Name what an environment was made from: this Python's version and the content of the lock file."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{sys.version_info.major}.{sys.version_info.minor} {digest}\n"


@contextlib.contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Let only one process of this machine go on with this file; the others wait."""
    with lock.open("w") as file:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - exists on Windows only

            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError as error:
                    if error.errno != errno.EDEADLOCK:  # which says that it gave up after ten seconds
                        raise
        else:
            import fcntl  # noqa: PLC0415 - does not exist on Windows

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install_with_uv(lock: Path) -> bool:
    """Do it with uv, if there is one that works: seconds instead of half a minute."""
    uv = shutil.which("uv")
    if uv is None or not _succeeds([uv, "--version"], quiet=True):
        return False
    make = [uv, "venv", "--quiet", "--allow-existing", "--python", _base_python(), str(VENV)]
    fill = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", "-r", str(lock)]
    return (PYTHON.exists() or _succeeds(make)) and _succeeds(fill)


def _install_with_pip(lock: Path) -> bool:
    """Do it with pip: the environment's own, or where Python cannot bring one, the pip of this Python."""
    base = _base_python()
    install = ["install", "--quiet", "--require-hashes", "-r", str(lock)]
    if _succeeds([str(PYTHON), "-m", "pip", "--version"], quiet=True):
        return _succeeds([str(PYTHON), "-m", "pip", *install])
    if _succeeds([base, "-c", "import ensurepip"], quiet=True):
        make = [base, "-m", "venv", str(VENV)]
        return _succeeds(make) and _succeeds([str(PYTHON), "-m", "pip", *install])
    if not _succeeds([base, "-m", "pip", "--version"], quiet=True):
        sys.exit(_NO_INSTALLER)
    make = [base, "-m", "venv", "--without-pip", str(VENV)]
    return _succeeds(make) and _succeeds([base, "-m", "pip", "--python", str(PYTHON), *install])


def _base_python() -> str:
    """Give the Python below the environment this process may run in: that one may be about to go."""
    return str(getattr(sys, "_base_executable", "") or sys.executable)


def _succeeds(command: list[str], *, quiet: bool = False) -> bool:
    output = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.call(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) == 0
    except OSError:  # not there, or no program
        return False
