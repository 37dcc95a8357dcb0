"""When the rounds of a folder ended (specs/etlegacy.md 1.1): one rule for the bot, its rebuild and the tools.

A file's own modification time tells the true instant, with no zone, if it differs from the name by a sane
offset. In a folder that was copied or restored it does not, and the name is read in a configured zone. Where
few files were copied soon after they were written, a copy's time can look sane by chance: it is given away
by another file that was stamped within the same minutes though its round ended at another time, unless the
rest of its evening was written with the same offset.

So an instant depends on the whole folder, and a file that comes later can show that an earlier one was a copy.
The bot therefore keeps no decision of its own: names and modification times are all it remembers, and from them
the instants are made anew at every listing with something new and at every rebuild. That is why both agree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.rounds.files import OFFSET_SLACK, ended_at, parse_name, sane_offset
from bot.core.rounds.reading import ROUND_KINDS

_COPIED_WITHIN = timedelta(minutes=2)
_NEIGHBOURS = 8  # files on each side that are looked at, so that a folder of any size is read in no time
_SAME_EVENING = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """The two clocks of a file: its name's, local and naive, and when it was modified, aware UTC."""

    wall_clock: datetime
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EndTime:
    """When a round ended, aware UTC. `later` is the other instant its wall clock stands for, None if there is none."""

    at: datetime
    later: datetime | None = None


def folder_times(modified: Mapping[str, datetime], zone: ZoneInfo | None) -> dict[str, EndTime]:
    """Give when each round of a folder ended; `modified` is by name, and names of no round are left out."""
    stamps = {
        name: Stamp(wall_clock=parsed.wall_clock, modified_at=at)
        for name, at in modified.items()
        if (parsed := parse_name(name)) is not None and parsed.kind in ROUND_KINDS
    }
    return ended_times(stamps, zone)


def ended_times(stamps: Mapping[str, Stamp], zone: ZoneInfo | None) -> dict[str, EndTime]:
    """Give when each round ended, by name of its file.

    Without a `zone` a name is read with the offset of a file of the same evening, or as UTC.
    """
    known = _offsets(stamps)
    by_clock = sorted((stamps[name].wall_clock, offset) for name, offset in known.items())
    times = {}
    for name, stamp in stamps.items():
        if name in known:
            times[name] = EndTime(at=(stamp.wall_clock - known[name]).replace(tzinfo=UTC))
        elif zone is not None:
            times[name] = _read_in(zone, stamp.wall_clock)
        else:
            offset = _of_the_evening(stamp.wall_clock, by_clock) or timedelta()
            times[name] = EndTime(at=(stamp.wall_clock - offset).replace(tzinfo=UTC))
    return times


def _offsets(stamps: Mapping[str, Stamp]) -> dict[str, timedelta]:
    """Give the server's offset where a file's own stamp tells it."""
    by_stamp = sorted(stamps, key=lambda name: (stamps[name].modified_at, name))
    ordered = [stamps[name] for name in by_stamp]
    trusted: dict[str, timedelta] = {}
    doubtful: dict[str, timedelta] = {}
    for at, name in enumerate(by_stamp):
        offset = sane_offset(stamps[name].wall_clock, stamps[name].modified_at)
        if offset is not None:
            (doubtful if _was_copied(ordered, at) else trusted)[name] = offset
    known = sorted((stamps[name].wall_clock, offset) for name, offset in trusted.items())
    # Where the evening agrees, it is the neighbour that was copied or touched.
    return trusted | {
        name: offset
        for name, offset in doubtful.items()
        if _of_the_evening(stamps[name].wall_clock, known) == offset
    }


def _was_copied(stamps: Sequence[Stamp], at: int) -> bool:
    """Tell whether a neighbour gives a file away; `stamps` are by the time of modification."""
    for other in _near(stamps, at):
        apart = abs(other.modified_at - stamps[at].modified_at)
        written_apart = abs(other.wall_clock - stamps[at].wall_clock)
        if written_apart > apart + _COPIED_WITHIN + OFFSET_SLACK:
            return True
    return False


def _near(stamps: Sequence[Stamp], at: int) -> Iterator[Stamp]:
    """Give the neighbours stamped within the same minutes, the nearest first on each side."""
    for side in (range(at - 1, -1, -1), range(at + 1, len(stamps))):
        for other in side[:_NEIGHBOURS]:
            if abs(stamps[other].modified_at - stamps[at].modified_at) > _COPIED_WITHIN:
                break
            yield stamps[other]


def _of_the_evening(wall_clock: datetime, known: Sequence[tuple[datetime, timedelta]]) -> timedelta | None:
    """Give the offset that the nearest file of the same evening was written with, None if there is none."""
    at = bisect_left(known, (wall_clock, timedelta.min))
    near = [(abs(wall_clock - other), offset) for other, offset in known[max(0, at - 1) : at + 1]]
    distance, offset = min(near, default=(timedelta.max, timedelta()))
    return offset if distance <= _SAME_EVENING else None


def _read_in(zone: ZoneInfo, wall_clock: datetime) -> EndTime:
    at = ended_at(wall_clock, None, zone)
    later = wall_clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return EndTime(at=at, later=later if later > at else None)
