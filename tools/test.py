"""Check everything: ``python3 tools/test.py [--system] [arguments of pytest]``.

Formatting, lint, types, import rules, then the tests; all of them run even if one fails, and the exit
code is 0 only if none did. ``--system`` first installs, on Debian as root, the programs the tests use;
``--help`` prints this. With VEDETTE_STRICT=1 a skipped test, an expected failure or missing reference
data fails the run.

Standard library only. Run on Linux; written for macOS and Windows as well, where it was not run.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older one should say so in words
    sys.exit("Vedette needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])  # noqa: UP031

import os
import shutil
import subprocess
from pathlib import Path

if not __package__:  # started as a script: the folder to import from is the repository
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.environment import PROGRAMS, PYTHON, ROOT, RUN_LOCK, TEST_LOCK, ensure

_CHECKS = {
    "format": [str(PYTHON), "-m", "ruff", "format", "--check", "."],
    "lint": [str(PYTHON), "-m", "ruff", "check", "."],
    "types": [str(PYTHON), "-m", "mypy"],
    "imports": [str(PROGRAMS / "lint-imports")],
}
# Whole files to each process, in their order: what a file sets up once is then set up once.
# One process more than there are processors: the tests that start the bot wait for it most of the time.
_PROCESSES = min(4, 1 + (os.cpu_count() or 1))
_SIDE_BY_SIDE = ["-n", str(_PROCESSES), "--dist=loadfile", "--no-loadscope-reorder"]
_SYSTEM = {"openssh-server": "sshd", "chromium": "chromium"}  # package: the program that shows it is there
_APT = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]


def main(arguments: list[str]) -> int:
    """Run all checks; give 1 if any failed."""
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        return 0
    # The tests start hundreds of processes; forbidden to keep what it compiled, each would compile all it loads.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    failed = []
    if "--system" in arguments:
        arguments = [argument for argument in arguments if argument != "--system"]
        if not _install_system_packages():
            failed.append("system")
    ensure(RUN_LOCK)
    ensure(TEST_LOCK)
    for name, command in _CHECKS.items():
        print(f"== {name}", flush=True)
        if not _succeeds(command):
            failed.append(name)
            print(f"== {name}: FAILED", flush=True)
    print("== tests", flush=True)
    # The tests come last and close with their own line; they are told, so that it says the rest too.
    tests = [str(PYTHON), "-m", "pytest", *_SIDE_BY_SIDE, *arguments]
    passed = _succeeds(tests, VEDETTE_FAILED_CHECKS=" ".join(failed))
    return 0 if passed and not failed else 1


def _install_system_packages() -> bool:
    """Install what is missing; true also where that is not ours to do."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    missing = [package for package, program in _SYSTEM.items() if not shutil.which(program, path=path)]
    if not missing:
        print(f"== system: {', '.join(_SYSTEM)} are there", flush=True)
        return True
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print(f"== system: skipped, not root on Debian; missing: {', '.join(missing)}", flush=True)
        return True
    print(f"== system: installing {', '.join(missing)}", flush=True)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    return _succeeds([*_APT, "update"], **quiet) and _succeeds(
        [*_APT, "install", "-y", "--no-install-recommends", *missing], **quiet
    )


def _succeeds(command: list[str], **environment: str) -> bool:
    """Run one program from the repository's folder, with nothing to read from."""
    try:
        return (
            subprocess.call(command, cwd=ROOT, stdin=subprocess.DEVNULL, env={**os.environ, **environment})
            == 0
        )
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
