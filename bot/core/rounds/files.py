"""Round files in a folder: what a name says, when the round ended, and what to do with the file.

The life of a round file; `next_state` decides from what a listing shows::

    known      FOREIGN    CHANGED    RESTING    DUE
    (nothing)  ignored    seen       -          -
    seen       ignored    seen       seen       stable, fetch
    stable     ignored    seen       stable     stable, fetch
    failed     ignored    seen       failed     stable, fetch
    imported   imported   seen       imported   imported
    ignored    ignored    ignored    ignored    ignored

    FOREIGN  the name is not one of a round, its awards or a gather's document
    CHANGED  new here, or another size or time than known: everything starts anew
    RESTING  as known, but listed unchanged for less than 3 s, or the next try is not due
    DUE      as known, in two listings at least 3 s apart, and the next try is due

    after the fetch:  stable -> imported (`imported`) | failed, tries + 1, next try (`failed`) | ignored

The two listings prove that nobody writes any more; a modification time proves nothing, because the
clock of the server may be wrong (specs/etlegacy.md 3, row 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

SETTLE = timedelta(seconds=3)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)

# A clock's offset from UTC is a multiple of a quarter of an hour, at most 14 hours (specs/etlegacy.md 1.1).
_OFFSET_STEP = timedelta(minutes=15)
OFFSET_SLACK = timedelta(seconds=5)
_OFFSET_LIMIT = timedelta(hours=14)

# Date and time from the left, `-round-N` from the right; a map name holds any printable ASCII character
# but a separator of paths.
_NAME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)-(\d\d)(\d\d)(\d\d)-(?P<map>[!-.0-\[\]-~]{1,64})-round-(?P<round>[12])"
    r"(?P<suffix>|-endstats|_ws|_engagements)\.txt",
    re.ASCII,
)
# Far from the ends of what a datetime can hold, so that spans and time zones can be added to any name's date.
_YEARS = range(2000, 2101)
# What the gathers' script writes: the id of the match, then as above.
_GATHER = re.compile(
    r"gamestats-[0-9A-Za-z_.-]{1,64}?-(?P<rest>\d{4}-\d\d-\d\d-\d{6}-.*)\.json", re.ASCII | re.DOTALL
)
_GAMETIME = re.compile(r"gametime-[!-.0-\[\]-~]{1,64}-R\d-\d{1,12}\.json", re.ASCII)


class FileKind(StrEnum):
    """What a name in the folder of stats files stands for."""

    ROUND = "round"
    ENDSTATS = "endstats"
    WEAPONS = "weapons"
    ENGAGEMENTS = "engagements"
    GAMETIME = "gametime"
    GATHER = "gather"
    UNKNOWN = "unknown"


WANTED = frozenset({FileKind.ROUND, FileKind.ENDSTATS, FileKind.GATHER})
"""What is fetched. A file of awards is written in many small pieces, so that it may be read more than once."""

TRIES_BEFORE_ALERT = 6
"""So often a file has failed, over half an hour, when admins are told of it."""

MOST_TOLD = 10
"""Rounds of one look that are posted: after hours without a connection a channel is not flooded."""

_SUFFIXES = {
    "": FileKind.ROUND,
    "-endstats": FileKind.ENDSTATS,
    "_ws": FileKind.WEAPONS,
    "_engagements": FileKind.ENGAGEMENTS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundName:
    """What the name of a round's file says; `wall_clock` is the server's local time at the end, naive."""

    kind: FileKind
    map: str
    round: int
    wall_clock: datetime


def parse_name(name: str) -> RoundName | None:
    """Read the name of a round's file or of one of its neighbours; None when it is neither."""
    if gather := _GATHER.fullmatch(name):
        parsed = parse_name(f"{gather['rest']}.txt")
        is_round = parsed is not None and parsed.kind is FileKind.ROUND
        return replace(parsed, kind=FileKind.GATHER) if parsed and is_round else None
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if year not in _YEARS:
        return None
    try:
        wall_clock = datetime.combine(date(year, month, day), time(hour, minute, second))
    except ValueError:
        return None
    kind = _SUFFIXES[match["suffix"]]
    return RoundName(kind=kind, map=match["map"], round=int(match["round"]), wall_clock=wall_clock)


def file_kind(name: str) -> FileKind:
    """Say what a name stands for; whatever is not known is UNKNOWN, never guessed."""
    if parsed := parse_name(name):
        return parsed.kind
    return FileKind.GAMETIME if _GAMETIME.fullmatch(name) else FileKind.UNKNOWN


def untold(new: Iterable[str]) -> frozenset[str]:
    """Give those of the files that appeared together whose rounds are too many to be posted: the older ones."""
    named = ((name, parse_name(name)) for name in new)
    rounds = [(one.wall_clock, name) for name, one in named if one and one.kind is not FileKind.ENDSTATS]
    return frozenset(name for _, name in sorted(rounds)[:-MOST_TOLD])


def ended_at(wall_clock: datetime, modified_at: datetime | None, zone: ZoneInfo) -> datetime:
    """Give the instant (UTC) at which a round ended.

    The name tells the server's local time and `modified_at` the true instant of the same write, so that
    their difference is the server's offset: no zone is needed. Where that is no sane offset, the folder
    was copied or restored, and the name is read in `zone` (specs/etlegacy.md 1.1).
    """
    offset = sane_offset(wall_clock, modified_at) if modified_at else None
    if offset is not None:
        return (wall_clock - offset).replace(tzinfo=UTC)
    return wall_clock.replace(tzinfo=zone).astimezone(UTC)


def sane_offset(wall_clock: datetime, modified_at: datetime) -> timedelta | None:
    """Give the server's offset from UTC as the two clocks of a file tell it; None if it cannot be one."""
    difference = wall_clock.replace(tzinfo=UTC) - modified_at
    offset = round(difference / _OFFSET_STEP) * _OFFSET_STEP
    is_sane = abs(offset) <= _OFFSET_LIMIT and abs(difference - offset) <= OFFSET_SLACK
    return offset if is_sane else None


class FileState(StrEnum):
    """Where a file stands; see the table above."""

    SEEN = "seen"
    STABLE = "stable"
    IMPORTED = "imported"
    FAILED = "failed"
    IGNORED = "ignored"


class Sight(StrEnum):
    """What a listing shows of a file; see the table above."""

    FOREIGN = "foreign"
    CHANGED = "changed"
    RESTING = "resting"
    DUE = "due"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRecord:
    """What is known of a file. `listed_at` is the listing that first showed this size and time."""

    state: FileState
    size: int
    modified_at: datetime
    listed_at: datetime
    reason: str = ""
    tries: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FileDecision:
    """What to remember of a file, and whether to fetch it now."""

    record: FileRecord
    fetch: bool


TRANSITIONS: Mapping[tuple[FileState | None, Sight], tuple[FileState, bool]] = {
    (None, Sight.FOREIGN): (FileState.IGNORED, False),
    (None, Sight.CHANGED): (FileState.SEEN, False),
    (FileState.SEEN, Sight.FOREIGN): (FileState.IGNORED, False),
    (FileState.SEEN, Sight.CHANGED): (FileState.SEEN, False),
    (FileState.SEEN, Sight.RESTING): (FileState.SEEN, False),
    (FileState.SEEN, Sight.DUE): (FileState.STABLE, True),
    (FileState.STABLE, Sight.FOREIGN): (FileState.IGNORED, False),
    (FileState.STABLE, Sight.CHANGED): (FileState.SEEN, False),
    (FileState.STABLE, Sight.RESTING): (FileState.STABLE, False),
    (FileState.STABLE, Sight.DUE): (FileState.STABLE, True),
    (FileState.FAILED, Sight.FOREIGN): (FileState.IGNORED, False),
    (FileState.FAILED, Sight.CHANGED): (FileState.SEEN, False),
    (FileState.FAILED, Sight.RESTING): (FileState.FAILED, False),
    (FileState.FAILED, Sight.DUE): (FileState.STABLE, True),
    (FileState.IMPORTED, Sight.FOREIGN): (FileState.IMPORTED, False),
    (FileState.IMPORTED, Sight.CHANGED): (FileState.SEEN, False),
    (FileState.IMPORTED, Sight.RESTING): (FileState.IMPORTED, False),
    (FileState.IMPORTED, Sight.DUE): (FileState.IMPORTED, False),
    (FileState.IGNORED, Sight.FOREIGN): (FileState.IGNORED, False),
    (FileState.IGNORED, Sight.CHANGED): (FileState.IGNORED, False),
    (FileState.IGNORED, Sight.RESTING): (FileState.IGNORED, False),
    (FileState.IGNORED, Sight.DUE): (FileState.IGNORED, False),
}


def next_state(
    known: FileRecord | None,
    *,
    name: str,
    size: int,
    modified_at: datetime,
    now: datetime,
    settle: timedelta = SETTLE,
) -> FileDecision:
    """Decide what to do with a listed file. A record equal to `known` need not be written."""
    fresh = FileRecord(state=FileState.SEEN, size=size, modified_at=modified_at, listed_at=now)
    if file_kind(name) not in WANTED:
        sight = Sight.FOREIGN
    elif known is None or _is_changed(known, fresh):
        sight = Sight.CHANGED
    else:
        sight = Sight.DUE if _is_due(known, now, settle) else Sight.RESTING
    state, fetch = TRANSITIONS[None if known is None else known.state, sight]
    if known is None or (sight is Sight.CHANGED and state is FileState.SEEN):
        record = replace(fresh, state=state)
    else:
        record = replace(known, state=state, next_try_at=None if fetch else known.next_try_at)
    return FileDecision(record=record, fetch=fetch)


def imported(record: FileRecord) -> FileRecord:
    """Give the record of a file whose round is stored."""
    return replace(record, state=FileState.IMPORTED, reason="", tries=0, next_try_at=None)


def failed(record: FileRecord, *, reason: str, now: datetime) -> FileRecord:
    """Give the record of a file that could not be fetched or read; it rests 1 min, doubling to 6 h."""
    doublings = min(record.tries, 16)  # 2^16 min is beyond the longest wait, and cannot overflow
    wait = min(FIRST_RETRY * 2**doublings, LONGEST_RETRY)
    return replace(
        record, state=FileState.FAILED, reason=reason, tries=record.tries + 1, next_try_at=now + wait
    )


def forgotten(record: FileRecord) -> FileRecord:
    """Give the record of a file that the next look shall fetch again, if it is still there unchanged."""
    return replace(record, state=FileState.SEEN, reason="", tries=0, next_try_at=None)


def ignored(record: FileRecord, *, reason: str) -> FileRecord:
    """Give the record of a file that shall not be looked at again."""
    return replace(record, state=FileState.IGNORED, reason=reason, next_try_at=None)


def _is_changed(known: FileRecord, listed: FileRecord) -> bool:
    # Two listings whose order the clock denies prove nothing, so the proof starts anew.
    stepped_back = known.state is FileState.SEEN and listed.listed_at < known.listed_at
    return stepped_back or (known.size, known.modified_at) != (listed.size, listed.modified_at)


def _is_due(known: FileRecord, now: datetime, settle: timedelta) -> bool:
    if known.next_try_at is not None:
        # A wait longer than any we give comes from a clock that stepped back.
        return known.next_try_at <= now or known.next_try_at - now > LONGEST_RETRY
    return now - known.listed_at >= settle
