"""Reads known lives, refuses what cannot be true line by line, and draws accounts of them."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TextIO, TypeVar, cast

from bot.core.live.budget import DAY
from bot.core.live.past_lives import PastLive
from bot.errors import VedetteError

COLUMNS = ("account", "start_utc", "end_utc")
COVERAGE_COLUMNS = ("from_utc", "to_utc")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_BROKEN_FILE = (OSError, EOFError, zlib.error)

T = TypeVar("T")
Stretch = tuple[datetime, datetime]
Bad = tuple[int, str]
"""A line, and what is wrong with it."""
Values = Mapping[str, str]
"""The values of a line by their columns."""


class BadInput(VedetteError):
    """What was given cannot be replayed; the text is one line that says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Lives by account, whose `names` they have in the file; `polled` are the stretches in which all lives are known.

    Without `polled` (empty) everything is taken as known. `skipped` says what of the file was left out.
    """

    names: Mapping[int, str]
    lives: Sequence[PastLive]
    polled: Sequence[Stretch] = ()
    skipped: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    line: int
    account: str
    start: datetime
    end: datetime


def read_history(file: Path, now: datetime, *, skip_bad: bool = False) -> History:
    """Read a file of `account,start_utc,end_utc`, plain or gzip, with the stretches polled from beside it.

    Raises `BadInput` for a file that cannot be read, that holds no lives, and for a broken row (with its
    line), unless `skip_bad`.
    """
    read, bad = _read(file, COLUMNS, partial(_row, now))
    rows, untrue = _true_ones(read)
    skipped = _skipped(file, bad + untrue, skip_bad=skip_bad)
    if not rows:
        raise BadInput(f"no live can be used: {skipped[0]}" if skipped else f"{file} holds no lives")
    beside = _beside(file)
    polled: list[Stretch] = []
    if beside is not None:
        polled, bad = _read(beside, COVERAGE_COLUMNS, _stretch)
        skipped += _skipped(beside, bad, skip_bad=skip_bad)
    lives = ((row.account, row.start, row.end) for row in rows)
    return history_of(lives, polled=polled, skipped=skipped)


def _skipped(file: Path, bad: Iterable[Bad], *, skip_bad: bool) -> list[str]:
    """Say which lines are left out and why. Raises `BadInput` unless they may be."""
    told = [f"{file}, line {line}: {words}" for line, words in sorted(bad)]
    if told and not skip_bad:
        more = f"; {len(told) - 1} more are bad, too" if len(told) > 1 else ""
        raise BadInput(f"{told[0]}{more} (--skip-bad uses the rest)")
    return told


def history_of(
    lives: Iterable[tuple[str, datetime, datetime]],
    *,
    polled: Sequence[Stretch] = (),
    skipped: Sequence[str] = (),
) -> History:
    """Give the history of lives (account, start, end) that are in order."""
    known = list(lives)
    names = dict(enumerate(sorted({account for account, _, _ in known}), start=1))
    ids = {name: account_id for account_id, name in names.items()}
    past = [
        PastLive(account_id=ids[account], started_at=start, ended_at=end) for account, start, end in known
    ]
    past.sort(key=lambda live: (live.account_id, live.started_at))
    return History(names=names, lives=past, polled=polled, skipped=skipped)


# --- Rows --------------------------------------------------------------------------------------


def _read(file: Path, columns: Sequence[str], make: Callable[[int, Values], T]) -> tuple[list[T], list[Bad]]:
    """Give what `make` makes of the lines of a file, and what is wrong with the others.

    A line is a row: a quote left open must not take the lines after it along.
    """
    good: list[T] = []
    bad: list[Bad] = []
    line = 0
    try:
        with _opened(file) as stream:
            names = _header(file, stream.readline(), columns)
            for line, written in enumerate(stream, start=2):
                try:
                    values = _values(written)
                    if values:
                        good.append(make(line, _by_name(values, names, columns)))
                except ValueError as error:
                    bad.append((line, str(error)))
    except _BROKEN_FILE as error:
        reason = " ".join((getattr(error, "strerror", None) or str(error)).split())
        if not line:
            raise BadInput(f"{file} cannot be read: {reason}") from error
        bad.append((line + 1, f"the file cannot be read from here on ({reason})"))
    return good, bad


def _opened(file: Path) -> TextIO:
    """Open a file, plain or gzip; bytes that are not UTF-8 are kept, so that their line can be named."""
    with file.open("rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    if is_gzip:
        return cast(TextIO, gzip.open(file, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""))
    return file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _header(file: Path, written: str, columns: Sequence[str]) -> list[str]:
    try:
        names = _values(written)
    except ValueError:
        names = []
    if not set(columns) <= set(names):
        raise BadInput(f"{file}, line 1: its columns must be {','.join(columns)}")
    return names


def _values(written: str) -> list[str]:
    """Give the values of a line, none where it is empty. Raises ValueError, which says what is wrong."""
    try:
        written.encode()
        return next(csv.reader([written], strict=True), [])
    except UnicodeEncodeError:
        raise ValueError("it holds bytes that are not UTF-8") from None
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _by_name(values: Sequence[str], names: Sequence[str], columns: Sequence[str]) -> Values:
    """Give the values by the names of their columns. Raises ValueError where there are too many or too few."""
    named = dict(zip(names, values, strict=False))
    if len(values) > len(names) or not set(columns) <= named.keys():
        raise ValueError("it has not as many values as there are columns")
    return named


def _true_ones(rows: Iterable[_Row]) -> tuple[list[_Row], list[Bad]]:
    """Give the rows that can be true beside each other, by account and start, and what is wrong with the others."""
    kept: list[_Row] = []
    bad: list[Bad] = []
    for row in sorted(rows, key=lambda row: (row.account, row.start, row.end)):
        before = kept[-1] if kept and kept[-1].account == row.account else None
        if before is not None and row.start < before.end:
            bad.append((row.line, f"the live overlaps that of line {before.line}"))
        else:
            kept.append(row)
    return kept, bad


def _row(now: datetime, line: int, values: Values) -> _Row:
    """Read a row. Raises ValueError, which says what is wrong."""
    account, start, end = (values[column].strip() for column in COLUMNS)
    if not account:
        raise ValueError("it names no account")
    row = _Row(line=line, account=account, start=instant(start), end=instant(end))
    if row.end <= row.start:
        raise ValueError(f"the live ends ({end}) before it starts ({start})")
    if row.end > now:
        raise ValueError(f"the live lies in the future ({start} to {end})")
    if row.start < EARLIEST:
        raise ValueError(f"no live can have begun then ({start})")
    return row


def instant(written: str) -> datetime:
    """Read an instant in ISO 8601; without a zone it is UTC. Raises ValueError."""
    try:
        at = datetime.fromisoformat(written)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{written[:40]!r} is no instant such as 2026-08-01T20:15:00Z") from None


def _beside(file: Path) -> Path | None:
    """Give the file of the stretches polled that belongs to a file of lives."""
    stem = file.name.removesuffix(".gz").removesuffix(".csv")
    found = (file.with_name(f"{stem}.coverage.csv{ending}") for ending in ("", ".gz"))
    return next((one for one in found if one.is_file()), None)


def _stretch(_line: int, values: Values) -> Stretch:
    begin, end = (instant(values[column].strip()) for column in COVERAGE_COLUMNS)
    return begin, end


# --- Drawing -----------------------------------------------------------------------------------


def eligible(history: History, since: datetime, until: datetime, a_week: float) -> list[int]:
    """Give the accounts with at least so many lives `a_week` that start in a window, in order."""
    wanted = a_week * ((until - since) / timedelta(days=7))
    counts = Counter(live.account_id for live in history.lives if since <= live.started_at < until)
    return sorted(account for account, count in counts.items() if count >= wanted)


def draw(accounts: Sequence[int], count: int, seed: int) -> list[int]:
    """Draw accounts uniformly, without replacement. Raises `BadInput` where there are not as many."""
    if count > len(accounts):
        raise BadInput(f"only {len(accounts)} accounts meet the rule, {count} are asked for")
    return sorted(Random(seed).sample(list(accounts), count))  # noqa: S311 - the same draw each time


def span_of(history: History) -> Stretch:
    """Give the days (UTC) that hold a history: from the midnight before it to the midnight after it."""
    first = min(live.started_at for live in history.lives)
    last = max(live.ended_at for live in history.lives)
    begin = first.replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, begin - (begin - last) // DAY * DAY
