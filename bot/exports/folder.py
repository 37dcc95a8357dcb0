"""Where exports are written and kept. A file under its final name is always a whole one."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=7)
_UNFINISHED = ".unfinished-"
_UNFINISHED_KEPT = timedelta(days=1)
_NAME = re.compile(r"vedette_[\w.-]+\.(xlsx|zip)")


def open_place(folder: Path) -> Path:
    """Make a folder for one export to be written in. Blocks. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=folder, prefix=_UNFINISHED))


def publish(files: Iterable[Path], folder: Path) -> tuple[Path, ...]:
    """Move finished files under their final names, beside those that are there already. Blocks. Raises OSError."""
    return tuple(file.rename(_free(folder / file.name)) for file in files)


def close_place(place: Path) -> None:
    """Remove the folder of one export with whatever is left in it. Blocks."""
    shutil.rmtree(place, ignore_errors=True)


def forget_old(folder: Path, now: datetime) -> int:
    """Delete exports after a week, and after a day what was never finished; gives how many. Blocks. Raises OSError."""
    if not folder.is_dir():
        return 0
    gone = 0
    for entry in sorted(folder.iterdir()):
        with suppress(FileNotFoundError):  # an export that ends just now removes its own
            age = now - datetime.fromtimestamp(entry.stat().st_mtime, UTC)
            if entry.name.startswith(_UNFINISHED) and age > _UNFINISHED_KEPT:
                close_place(entry)
                gone += 1
            elif _NAME.fullmatch(entry.name) and age > KEPT:
                entry.unlink()
                gone += 1
    return gone


def _free(file: Path) -> Path:
    """Give a name that is not taken, with a number where it must be."""
    numbers = (file.with_stem(f"{file.stem}_{number}") for number in range(2, 10_000))
    return next(one for one in (file, *numbers) if not one.exists())
