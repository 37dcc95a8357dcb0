"""Where a finished past is kept, so that it is made once for each state of the code it is made from.

Standard library only: with a past that is there already the program ends before anything of the bot is loaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE_FROM = (
    "tools/past",
    "tools/sandbox/world",
    "tools/sandbox/tiktok/gifts.py",
    "tools/sandbox/discord/world.py",
    "bot/core",
    "bot/jobs/schedule.py",
    "bot/services",
    "bot/settings.py",
    "bot/storage",
)
"""A change of any source below these makes another past. What each of them imports besides decides nothing of it."""
KEPT = 2
"""So many are kept: of two checkouts that share the temporary folder, each keeps its own."""


def digest() -> str:
    """Give a short name for the state of the code that a past is made from."""
    found = hashlib.sha256()
    for file in _sources():
        found.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for name in MADE_FROM:
        place = ROOT / name
        yield from [place] if place.is_file() else sorted(place.rglob("*.py"))


def folder() -> Path:
    """Give the folder for it: the checkout's own, or where that cannot be written the temporary one."""
    here = ROOT / ".sandbox"
    try:
        here.mkdir(exist_ok=True)
        if os.access(here, os.W_OK):
            return here
    except OSError:
        pass
    there = Path(tempfile.gettempdir()) / "vedette-sandbox"
    there.mkdir(exist_ok=True)
    return there


def cached(name: str) -> Path:
    """Give the file of the past with this digest; whether it is there is another question."""
    return folder() / f"past-{name}.db"


def copy(source: Path, target: Path) -> None:
    """Copy a file so that `target` is there as a whole or not at all, also where two do so at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        shutil.copyfile(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def forget_old(kept: Path) -> None:
    """Delete the pasts of older states of the code; one that cannot be deleted is in use and stays."""
    others = [file for file in kept.parent.glob("past-*.db") if file != kept]
    for file in sorted(others, key=_age)[: max(0, len(others) - KEPT + 1)]:
        try:
            file.unlink(missing_ok=True)
        except OSError:
            continue


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # another process was quicker
        return 0.0
