"""Reads when round files were written, from a folder of them or from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.core.rounds.files import FileKind, ended_at, parse_name
from bot.errors import VedetteError

COLUMN = "file_written_utc"


class BadInput(VedetteError):
    """What was given cannot be replayed; the text is one line that says why."""


def read_times(source: Path, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Give the instants (UTC) at which round files were written, oldest first; `zone` is the game server's.

    In a folder the names tell, with the files' own stamps where those are sane. Raises `BadInput`.
    """
    found = sorted(_of_folder(source, zone) if source.is_dir() else _of_csv(source))
    if not found:
        raise BadInput(f"{source} holds no round files")
    return tuple(found)


def _of_folder(folder: Path, zone: ZoneInfo) -> Iterator[datetime]:
    for file in folder.iterdir():
        name = parse_name(file.name)
        if name is not None and name.kind is FileKind.ROUND:
            modified_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
            yield ended_at(name.wall_clock, modified_at, zone)


def _of_csv(file: Path) -> Iterator[datetime]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            if COLUMN not in (reader.fieldnames or ()):
                raise BadInput(f"{file}, line 1: there is no column {COLUMN}")
            for row in reader:
                yield _instant(f"{file}, line {reader.line_num}", row[COLUMN] or "")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{file} cannot be read: {' '.join(reason.split())}") from error


def _instant(where: str, written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{where}: {written[:40]!r} is no instant such as 2026-08-01T20:15:00Z") from None
    if not 2000 <= at.year < 2100:
        raise BadInput(f"{where}: no round can have ended then ({written[:40]})")
    return at


def days_around(times: tuple[datetime, ...]) -> tuple[datetime, datetime]:
    """Give the midnights (UTC) before the first and after the last."""
    first, last = (at.replace(hour=0, minute=0, second=0, microsecond=0) for at in (times[0], times[-1]))
    return first, last + timedelta(days=1)
