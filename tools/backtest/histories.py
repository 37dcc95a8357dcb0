"""Reads known lives, refuses what cannot be true line by line, and draws accounts of them."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TextIO, cast

from bot.core.live.budget import DAY
from bot.core.live.past_lives import PastLive
from bot.errors import VedetteError

COLUMNS = ("account", "start_utc", "end_utc")
COVERAGE_COLUMNS = ("from_utc", "to_utc")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_BROKEN_FILE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)

Stretch = tuple[datetime, datetime]


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
    rows, bad = _sorted_out(_numbered(file, COLUMNS), now)
    if bad and not skip_bad:
        more = f"; {len(bad) - 1} more are bad, too" if len(bad) > 1 else ""
        raise BadInput(f"{file}: {bad[0]}{more} (--skip-bad uses the rest)")
    if not rows:
        raise BadInput(f"{file} holds no lives" + (f" that can be used: {bad[0]}" if bad else ""))
    return history_of(
        ((row.account, row.start, row.end) for row in rows),
        polled=_stretches(_beside(file)),
        skipped=[f"{file}: {words}" for words in bad],
    )


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


def _numbered(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Give the rows of a file, each with its line."""
    try:
        with _opened(file) as stream:
            reader = csv.DictReader(stream, strict=True)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise BadInput(f"{file}, line 1: its columns must be {','.join(columns)}")
            for row in reader:
                yield reader.line_num, row
    except _BROKEN_FILE as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{file} cannot be read: {' '.join(reason.split())}") from error


def _opened(file: Path) -> TextIO:
    with file.open("rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    if is_gzip:
        return cast(TextIO, gzip.open(file, "rt", encoding="utf-8-sig", newline=""))
    return file.open(encoding="utf-8-sig", newline="")


def _sorted_out(
    rows: Iterable[tuple[int, Mapping[str, str | None]]], now: datetime
) -> tuple[list[_Row], list[str]]:
    """Give the rows that can be true, by account and start, and what is wrong with the others."""
    good, bad = [], []
    for line, values in rows:
        try:
            good.append(_row(line, values, now))
        except ValueError as error:
            bad.append((line, str(error)))
    kept: list[_Row] = []
    for row in sorted(good, key=lambda row: (row.account, row.start, row.end)):
        before = kept[-1] if kept and kept[-1].account == row.account else None
        if before is not None and row.start < before.end:
            bad.append((row.line, f"the live overlaps that of line {before.line}"))
        else:
            kept.append(row)
    return kept, [f"line {line}: {words}" for line, words in sorted(bad)]


def _row(line: int, values: Mapping[str, str | None], now: datetime) -> _Row:
    """Read a row. Raises ValueError, which says what is wrong."""
    if None in values or any(values[column] is None for column in COLUMNS):
        raise ValueError("it has not as many values as there are columns")
    account, start, end = (str(values[column]).strip() for column in COLUMNS)
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


def _stretches(file: Path | None) -> list[Stretch]:
    if file is None:
        return []
    try:
        return [
            (instant(str(row["from_utc"])), instant(str(row["to_utc"])))
            for _, row in _numbered(file, COVERAGE_COLUMNS)
        ]
    except ValueError as error:
        raise BadInput(f"{file}: {error}") from error


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
