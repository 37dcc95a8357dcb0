"""How many snapshots are kept: all at first, then the last of each day, after a year the last of each week.

Days and weeks are those of UTC, and a week begins on Monday. One is thinned only when all of it is old enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

DAILY_FOR = timedelta(days=365)
"""One a day is kept until it is so old."""
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


class Stage(StrEnum):
    """How far thinning has come; the value names its archives."""

    WEEKLY = "posts-week"
    DAILY = "posts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A day or a week of which the last snapshot is kept, from its first instant to that of the next."""

    stage: Stage
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What is thinned at a stage: the periods that begin from `begins_at` on and end by `ends_at`."""

    stage: Stage
    begins_at: datetime | None
    ends_at: datetime


def reaches(now: datetime, details: timedelta, done: dict[Stage, datetime]) -> tuple[Reach, ...]:
    """Say what is to be thinned to one a week, and then what to one a day.

    `details` is how long all are kept; `done` is up to where each stage has come. What is thinned by weeks is not
    thinned by days before, so it goes into one archive.
    """
    weekly = _start(now - max(DAILY_FOR, details), Stage.WEEKLY)
    daily = _start(now - details, Stage.DAILY)
    return (
        Reach(stage=Stage.WEEKLY, begins_at=done.get(Stage.WEEKLY), ends_at=weekly),
        Reach(stage=Stage.DAILY, begins_at=max(done.get(Stage.DAILY, weekly), weekly), ends_at=daily),
    )


def period_of(at: datetime, stage: Stage) -> Period:
    """Give the day or the week that an instant lies in."""
    begins_at = _start(at, stage)
    return Period(stage=stage, begins_at=begins_at, ends_at=begins_at + _length(stage))


def _length(stage: Stage) -> timedelta:
    return _WEEK if stage is Stage.WEEKLY else _DAY


def _start(at: datetime, stage: Stage) -> datetime:
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday()) if stage is Stage.WEEKLY else day
