"""The folder that pictures are kept in, each under a name of our own. A file under its final name is a whole one.

Everything blocks.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture
from bot.storage.backup import flush

LEFT_ALONE = timedelta(hours=1)
"""A file that no row names may be about to get one; nobody takes longer than that."""
_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"(post|profile)-\d{1,20}-[0-9a-f]{16}\.(jpg|png|webp|gif)")


def name_of(owner: MediaOwner, owner_id: int, picture: Picture) -> str:
    """Name the file of a picture; another picture of the same owner has another name."""
    return f"{owner}-{owner_id}-{sha256_of(picture.content)[:16]}.{picture.ending}"


def sha256_of(content: bytes) -> str:
    """Hash a picture."""
    return hashlib.sha256(content).hexdigest()


class MediaFolder:
    """The pictures on the disk. Only files that bear a name of ours are ever read or removed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, content: bytes) -> None:
        """Write a file beside its place and move it there. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            flush(Path(unfinished))
            Path(unfinished).replace(self._folder / name)
        finally:
            Path(unfinished).unlink(missing_ok=True)

    def read(self, name: str, sha256: str) -> bytes | None:
        """Read a file; None where it is not there or not what was kept."""
        if _NAME.fullmatch(name) is None:
            return None
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        return content if sha256_of(content) == sha256 else None

    def sizes(self) -> Mapping[str, int]:
        """Give the sizes of all pictures in bytes, by name. Raises OSError."""
        return {name: entry.stat().st_size for name, entry in self._entries() if _NAME.fullmatch(name)}

    def remove(self, names: Iterable[str]) -> None:
        """Remove pictures that are not used any more. Raises OSError."""
        for name in names:
            if _NAME.fullmatch(name):
                (self._folder / name).unlink(missing_ok=True)

    def remove_all_but(self, used: Collection[str], now: datetime) -> int:
        """Remove what nobody names, and what was never finished, after an hour; gives how many. Raises OSError."""
        gone = 0
        for name, entry in self._entries():
            is_ours = name.startswith(_UNFINISHED) or (_NAME.fullmatch(name) and name not in used)
            with suppress(FileNotFoundError):  # a worker has just finished or replaced it
                if is_ours and now - datetime.fromtimestamp(entry.stat().st_mtime, UTC) > LEFT_ALONE:
                    entry.unlink()
                    gone += 1
        return gone

    def _entries(self) -> list[tuple[str, Path]]:
        if not self._folder.is_dir():
            return []
        return [(entry.name, entry) for entry in sorted(self._folder.iterdir()) if entry.is_file()]
