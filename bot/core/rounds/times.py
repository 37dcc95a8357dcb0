"""When the rounds of a whole folder ended (specs/etlegacy.md 1.1).

A file's own modification time tells the true instant, with no zone, if it differs from the name by a sane
offset. In a folder that was copied or restored it does not, and the name is read in a configured zone. Where
few files were copied soon after they were written, a copy's time can look sane by chance: it is given away
by another file that was stamped within the same minutes though its round ended at another time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.rounds.files import OFFSET_SLACK, ended_at, sane_offset

_COPIED_WITHIN = timedelta(minutes=2)
_NEIGHBOURS = 8  # files on each side that are looked at, so that a folder of any size is read in no time
_SAME_EVENING = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stamp:
    """The two clocks of a file: its name's, local and naive, and when it was modified, aware UTC."""

    wall_clock: datetime
    modified_at: datetime


def ended_times(stamps: Mapping[str, Stamp], zone: ZoneInfo | None) -> dict[str, datetime]:
    """Give the instant (UTC) at which each round ended, by name of its file.

    Without a `zone` a name is read with the offset of a file of the same evening, or as UTC.
    """
    by_stamp = sorted(stamps, key=lambda name: stamps[name].modified_at)
    offsets = {}
    for at, name in enumerate(by_stamp):
        near = [stamps[other] for other in by_stamp[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]]
        offset = sane_offset(stamps[name].wall_clock, stamps[name].modified_at)
        if offset is not None and not _was_copied(stamps[name], near):
            offsets[name] = offset
    known = sorted((stamps[name].wall_clock, offset) for name, offset in offsets.items())
    times = {}
    for name, stamp in stamps.items():
        if name in offsets:
            times[name] = (stamp.wall_clock - offsets[name]).replace(tzinfo=UTC)
        elif zone is not None:
            times[name] = ended_at(stamp.wall_clock, None, zone)
        else:
            times[name] = (stamp.wall_clock - _borrowed(stamp.wall_clock, known)).replace(tzinfo=UTC)
    return times


def _was_copied(stamp: Stamp, near: Sequence[Stamp]) -> bool:
    for other in near:
        apart = abs(other.modified_at - stamp.modified_at)
        written_apart = abs(other.wall_clock - stamp.wall_clock)
        if apart <= _COPIED_WITHIN and written_apart > apart + _COPIED_WITHIN + OFFSET_SLACK:
            return True
    return False


def _borrowed(wall_clock: datetime, known: Sequence[tuple[datetime, timedelta]]) -> timedelta:
    """Give the offset that the nearest file of the same evening was written with, 0 if there is none."""
    at = bisect_left(known, (wall_clock, timedelta.min))
    near = [(abs(wall_clock - other), offset) for other, offset in known[max(0, at - 1) : at + 1]]
    distance, offset = min(near, default=(timedelta.max, timedelta()))
    return offset if distance <= _SAME_EVENING else timedelta()


def other_fold(wall_clock: datetime, instant: datetime, zone: ZoneInfo | None) -> datetime | None:
    """Give the later instant of a wall clock that a zone shows twice; None if it was not read so."""
    if zone is None or instant != ended_at(wall_clock, None, zone):
        return None
    later = wall_clock.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return later if later > instant else None
