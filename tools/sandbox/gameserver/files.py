"""The stats folder on disk: files that appear at once or grow, and names that only the listing shows."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko

from tools.sandbox.clock import WorldClock

REGULAR = stat.S_IFREG | 0o644
FOLDER = stat.S_IFDIR | 0o755


@dataclass(kw_only=True)
class Growing:
    """A file that is still being written: the bytes to come and how many come at a time."""

    rest: bytes
    chunk_bytes: int
    mtime: int | None


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """An entry that a listing shows although no such file can be opened; `name` is raw bytes."""

    name: bytes
    size: int
    mtime: int
    folder: bool = False


def attributes(name: bytes, *, size: int, mtime: int, mode: int) -> paramiko.SFTPAttributes:
    """Make a listing entry. paramiko's server sends a name of bytes as it is, so any name can be shown."""
    entry = paramiko.SFTPAttributes()
    entry.filename = name  # type: ignore[assignment]
    entry.st_size, entry.st_mode = size, mode
    entry.st_uid = entry.st_gid = 0
    entry.st_atime = entry.st_mtime = mtime
    return entry


class StatsFolder:
    """What the server shows and what the control API changes. Both sides run in their own threads."""

    def __init__(self, folder: Path, clock: WorldClock) -> None:
        self.folder = folder
        self._clock = clock
        self.growing: dict[str, Growing] = {}
        self.ghosts: list[Ghost] = []
        self._lock = threading.Lock()

    def path_of(self, name: str) -> Path:
        """Give the place of a file on disk. Raises ValueError for a name that would leave the folder."""
        if not name or "/" in name or "\0" in name or name in {".", ".."}:
            raise ValueError(f"{name!r} is not a file name; use ghosts for names that only a listing shows")
        return self.folder / name

    def existing(self, name: str) -> Path:
        """Give the place of a file that is there. Raises ValueError otherwise."""
        path = self.path_of(name)
        if not path.exists():
            raise ValueError(f"there is no file {name!r}")
        return path

    def write(self, name: str, content: bytes, *, mtime: int | None = None) -> None:
        """Write a whole file at once; it appears complete, as a rename would make it."""
        path = self.path_of(name)
        # By a rename, so that no listing sees half of a file that is meant to be whole.
        part = self.folder.parent / f".{self.folder.name}.part"
        part.write_bytes(content)
        self._date(part, mtime)
        part.replace(path)
        self.growing.pop(name, None)

    def begin(self, name: str, content: bytes, *, chunk_bytes: int, mtime: int | None) -> None:
        """Begin a file that holds its first chunk and grows by `grow`; `mtime` is what it shows all the while."""
        if chunk_bytes < 1:
            raise ValueError("chunk_bytes must be at least 1")
        self.write(name, content[:chunk_bytes], mtime=mtime)
        self.growing[name] = Growing(rest=content[chunk_bytes:], chunk_bytes=chunk_bytes, mtime=mtime)

    def grow(self, name: str, nbytes: int | None = None) -> int:
        """Append the next `nbytes` (one chunk if None) of a growing file; answers how many are still to come."""
        # The timer of a file that grows by itself and a command may come at the same time.
        with self._lock:
            growing = self.growing[name]
            take = growing.chunk_bytes if nbytes is None else nbytes
            with self.path_of(name).open("ab") as file:
                file.write(growing.rest[:take])
            growing.rest = growing.rest[take:]
            self._date(self.path_of(name), growing.mtime)
            if not growing.rest:
                del self.growing[name]
            return len(growing.rest)

    def finish(self, name: str) -> None:
        self.grow(name, len(self.growing[name].rest))

    def touch(self, name: str, mtime: int) -> None:
        self._date(self.existing(name), mtime)

    def _date(self, path: Path, mtime: float | None) -> None:
        """Say when a file was written (Unix seconds): now, if None, by the world's clock."""
        at = self._clock.unix() if mtime is None else mtime
        os.utime(path, (at, at))

    def rename(self, name: str, to: str) -> None:
        self.existing(name).rename(self.path_of(to))
        if name in self.growing:
            self.growing[to] = self.growing.pop(name)

    def delete(self, name: str) -> None:
        self.existing(name).unlink()
        self.growing.pop(name, None)

    def entries(self) -> Iterator[paramiko.SFTPAttributes]:
        """List the folder as ``lstat`` sees it, then the ghosts."""
        for entry in sorted(os.scandir(os.fsencode(self.folder)), key=lambda entry: entry.name):
            found = entry.stat(follow_symlinks=False)
            yield attributes(entry.name, size=found.st_size, mtime=int(found.st_mtime), mode=found.st_mode)
        for ghost in self.ghosts:
            mode = FOLDER if ghost.folder else REGULAR
            yield attributes(ghost.name, size=ghost.size, mtime=ghost.mtime, mode=mode)
