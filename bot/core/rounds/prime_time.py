"""The policy `classic`: windows of the community's evening decide (specs/scheduling.md 6).

    window                    found   empty in a row   next look
    prime 20:00-23:00         yes     -                1 min
    prime                     no      1                1 min
    prime                     no      2-9              10 min
    prime                     no      10 or more       30 min
    ramp-up 19:30-20:00       any     any              5 min
    off-hours                 yes     -                5 min
    off-hours                 no      1-5              10 min
    off-hours                 no      6 or more        at the next 19:30
    any                       error   -                5 min, then as above

The count begins anew with each window, and no look is put behind the beginning of a window: there one happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from bot.core.rounds.looking import AFTER_AN_ERROR, Known, LookPlan, Result, Why

RAMP_UP_FROM, PRIME_FROM, PRIME_UNTIL = time(19, 30), time(20), time(23)
_WINDOWS = ((RAMP_UP_FROM, Why.RAMP_UP), (PRIME_FROM, Why.PRIME), (PRIME_UNTIL, Why.OFF_HOURS))
_DAY = timedelta(days=1)
_ONE, _FIVE, _TEN, _THIRTY = (timedelta(minutes=minutes) for minutes in (1, 5, 10, 30))


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A window of a certain day: from `begin` to before `end`, UTC."""

    kind: Why
    begin: datetime
    end: datetime


def window_at(at: datetime, zone: tzinfo) -> Window:
    """Give the window in which an instant lies; windows are of the wall clock, whatever the clocks do at night."""
    today = at.astimezone(zone).date()
    begins = [
        (datetime.combine(today + _DAY * day, begin, zone).astimezone(UTC), kind)
        for day in (-1, 0, 1)
        for begin, kind in _WINDOWS
    ]
    number = max(number for number, (begin, _) in enumerate(begins) if begin <= at)
    begin, kind = begins[number]
    return Window(kind=kind, begin=begin, end=begins[number + 1][0])


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassicLooks:
    """Plans by the windows of `zone`, the community's."""

    zone: tzinfo
    name: str = "classic"

    def longest_pause(self, known: Known) -> timedelta:  # noqa: ARG002 - the protocol's
        """Give the time from the end of prime time to the next ramp-up, on the longest day."""
        return timedelta(hours=21, minutes=30)

    def plan(self, known: Known, now: datetime) -> LookPlan:
        """Plan the next look by the table."""
        if not known.looks:
            return LookPlan(look_at=now, why=Why.START)
        last = known.looks[-1]
        window = window_at(last.at, self.zone)
        if last.result is Result.FAILED:
            due, why = last.at + AFTER_AN_ERROR, Why.ERROR
        else:
            pause = _pause(window.kind, _empty(known, window))
            # What comes after the off-hours is the ramp-up.
            due, why = (window.end, Why.ASLEEP) if pause is None else (last.at + pause, window.kind)
        if due > window.end:
            due, why = window.end, Why.BOUNDARY
        return LookPlan(look_at=max(now, due), why=why)


def _empty(known: Known, window: Window) -> int:
    """Count the empty looks of a window since the last that found something; a failed one counts for nothing."""
    count = 0
    for look in reversed(known.looks):
        if look.result is Result.FOUND or look.at < window.begin:
            break
        count += look.result is Result.EMPTY
    return count


def _pause(window: Why, empty: int) -> timedelta | None:
    """Give the pause of the table; None: until the next ramp-up. `empty` is 0 after a look that found something."""
    if window is Why.RAMP_UP:
        return _FIVE
    if window is Why.PRIME:
        return _ONE if empty <= 1 else _TEN if empty <= 9 else _THIRTY
    return _FIVE if empty == 0 else _TEN if empty <= 5 else None
