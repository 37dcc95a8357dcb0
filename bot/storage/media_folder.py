"""The folder that pictures are kept in, each under a name of our own. A file under its final name is a whole one.

Every method blocks and raises OSError.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from datetime import timedelta
from pathlib import Path

from bot.core.posts.models import MediaOwner
from bot.core.posts.pictures import Picture
from bot.storage.backup import flush

_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"(post|profile)-\d{1,20}-[0-9a-f]{16}\.(jpg|png|webp|gif)")
LEFT_ALONE = timedelta(hours=1)
"""Nobody takes longer from writing a file to noting it in the database."""


def name_of(owner: MediaOwner, owner_id: int, picture: Picture) -> str:
    """Name the file of a picture; another picture of the same owner has another name."""
    return f"{owner}-{owner_id}-{sha256_of(picture.content)[:16]}.{picture.ending}"


def sha256_of(content: bytes) -> str:
    """Hash a picture."""
    return hashlib.sha256(content).hexdigest()


class MediaFolder:
    """The pictures on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, content: bytes) -> None:
        """Write a file beside its place and move it there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=_UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as opened:
                opened.write(content)
            flush(Path(unfinished))
            Path(unfinished).replace(self._folder / name)
        except OSError:
            Path(unfinished).unlink(missing_ok=True)
            raise

    def read(self, name: str, sha256: str) -> bytes | None:
        """Read a file; None where it is not there or not what was kept."""
        if _NAME.fullmatch(name) is None:
            return None
        try:
            content = (self._folder / name).read_bytes()
        except OSError:
            return None
        return content if sha256_of(content) == sha256 else None
