"""Files that old details are kept in once they leave the database.

An archive is ``lives-2026-03-01.jsonl.gz``: gzipped JSON lines, one for each row of the lives that began on that
day (UTC), with its table under ``table`` and instants as ISO 8601. It bears its name only once it was read back.
``posts-2026-03-01.jsonl.gz`` has the snapshots of that day that are not its last, ``posts-week-2026-03-02.jsonl.gz``
those of the week that begins then.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

from bot.errors import ArchiveFailed
from bot.storage.backup import flush
from bot.texts import join, text

_UNFINISHED = ".unfinished-"
_PART_BYTES = 256 * 1024
_SUMMED = ("comments", "likes", "gifts", "diamonds", "count", "views", "shares", "saves")


@dataclass(kw_only=True)
class Content:
    """What was written to an archive: the number of rows, sums by table and column, a hash of all lines."""

    rows: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, line: bytes, row: Mapping[str, Any]) -> None:
        """Count one row in."""
        self.rows += 1
        self.digest.update(line)
        self.sums[f"{row['table']}.rows"] += 1
        for name in _SUMMED:
            if row.get(name) is not None:
                self.sums[f"{row['table']}.{name}"] += row[name]


class ArchiveWriter:
    """Writes one archive; every method blocks and may raise `ArchiveFailed`. Until `publish` it is no archive."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / name
        self.content = Content()
        self._unfinished = folder / (_UNFINISHED + name)
        with _failures(name):
            folder.mkdir(parents=True, exist_ok=True)
            self._remove_unfinished()
            self._opened = gzip.open(self._unfinished, "wb", compresslevel=6)  # noqa: SIM115 - closed by the end

    def write(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows of a table."""
        with _failures(self.file.name):
            for row in rows:
                named = {"table": table, **row}
                line = json.dumps(named, default=datetime.isoformat, separators=(",", ":")).encode() + b"\n"
                self._opened.write(line)
                self.content.take(line, named)

    def publish(self, expected: Mapping[str, int]) -> str:
        """Read all of it back, compare, and give it its name; gives the file's SHA-256.

        `expected` are the rows and sums that the database itself tells, named as those of `Content`.
        """
        with _failures(self.file.name):
            self._opened.close()
            flush(self._unfinished)
            held = self.content
            wrong = sorted(name for name in expected if held.sums[name] != expected[name])
            if read_back(self._unfinished) != (held.digest.hexdigest(), held.rows) or wrong:
                raise ArchiveFailed(
                    text(
                        "{file} does not hold what was written to it: {what}",
                        file=self.file.name,
                        what=", ".join(wrong) or text("other lines"),
                    )
                )
            sha256 = sha256_of(self._unfinished)
            self._unfinished.replace(self.file)
            if os.name == "posix":  # elsewhere a folder cannot be opened to be flushed
                flush(self.file.parent)
        return sha256

    def abandon(self) -> None:
        """Remove what was written so far; a full disk needs the room."""
        with suppress(OSError):  # what was not written yet still does not fit
            self._opened.close()
        with _failures(self.file.name):
            self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        self._unfinished.unlink(missing_ok=True)


def rows_in(file: Path, at_once: int) -> Iterator[list[dict[str, Any]]]:
    """Read the rows of an archive, so many at once, instants as they are written. Raises `ArchiveFailed`."""
    with _failures(file.name), gzip.open(file, "rb") as opened:
        while lines := list(islice(opened, at_once)):
            yield [json.loads(line) for line in lines]


def free_name(topic: str, day: datetime, taken: Collection[str]) -> str:
    """Name an archive; a day has a second one where more came later, or the first was damaged."""
    for number in count(1):
        name = f"{topic}-{day:%Y-%m-%d}{'' if number == 1 else f'-{number}'}.jsonl.gz"
        if name not in taken:
            return name
    raise AssertionError


def read_back(file: Path) -> tuple[str, int]:
    """Unpack an archive from beginning to end; gives the hash of all lines, and their number.

    In large parts: a thread that looked at each line would keep the event loop waiting.
    """
    digest, rows = hashlib.sha256(), 0
    for part in _parts(file):
        digest.update(part)
        rows += part.count(b"\n")
    return digest.hexdigest(), rows


def is_whole(file: Path, sha256: str) -> bool:
    """Tell whether an archive is there and holds what it held when it was verified."""
    try:
        return sha256_of(file) == sha256
    except OSError:
        return False


def sha256_of(file: Path) -> str:
    """Hash a file. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _parts(file: Path) -> Iterator[bytes]:
    with _failures(file.name), gzip.open(file, "rb") as opened:
        while part := opened.read(_PART_BYTES):
            yield part


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Turn errors of files, and of what is in them, into `ArchiveFailed`."""
    try:
        yield
    except (OSError, EOFError, ValueError) as error:
        raise ArchiveFailed(join(": ", (text("the archive {file}", file=name), str(error)))) from error
