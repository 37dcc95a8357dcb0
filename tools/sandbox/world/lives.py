"""When somebody is live, and what it is called."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tools.sandbox.world import START
from tools.sandbox.world.streamers import Kind, Streamer

#: From this day on those who change their schedule keep to the new one.
CHANGED_ON = (START - timedelta(days=30)).date()
_SEED = 219  # one with which soon after START somebody goes live, and two more by ten
_LONGEST = timedelta(hours=8)
_COMES = {
    Kind.DAILY: 0.93,
    Kind.WEEKDAY: 0.9,
    Kind.TWO_SHIFTS: 0.88,
    Kind.CHANGES: 0.9,
    Kind.UNPREDICTABLE: 0.55,
}
_LATE_MINUTES = 9.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedLive:
    """One live; `viewers` is what it has at its best when nothing special happens."""

    streamer: Streamer
    started_at: datetime
    ended_at: datetime
    title: str
    viewers: int

    @property
    def room_id(self) -> int:
        """TikTok's number of the room: its start (Unix seconds), then a number of the streamer's own."""
        return int(self.started_at.timestamp()) << 32 | self.streamer.number

    @property
    def key(self) -> str:
        """What chance within this live is drawn from."""
        return f"{self.streamer.handle} {self.room_id}"


def lives_of(streamer: Streamer, since: datetime, until: datetime) -> list[PlannedLive]:
    """Give the lives that begin in [since, until), in order; the same ones for any window they are in."""
    day = (since.astimezone(streamer.tz) - timedelta(days=1)).date()
    last = (until.astimezone(streamer.tz) + timedelta(days=1)).date()
    found = []
    while day <= last:
        found += [live for live in _of_day(streamer, day) if since <= live.started_at < until]
        day += timedelta(days=1)
    return found


def live_at(streamer: Streamer, instant: datetime) -> PlannedLive | None:
    """Give the live that is on at an instant."""
    near = lives_of(streamer, instant - _LONGEST, instant + timedelta(microseconds=1))
    return next((live for live in near if live.ended_at > instant), None)


def forced_live(streamer: Streamer, start: datetime) -> PlannedLive:
    """Plan the live of somebody who was asked to go live at an instant."""
    luck = random.Random(f"forced {streamer.handle} {int(start.timestamp())}")  # noqa: S311 - an invented life
    return make_live(streamer, start, luck)


def make_live(
    streamer: Streamer, start: datetime, luck: random.Random, *, minutes: int | None = None
) -> PlannedLive:
    """Plan a live that begins at an instant, as long as this one's lives are unless `minutes` says so."""
    start = start.astimezone(UTC).replace(microsecond=0)
    seconds = int(60 * (minutes or min(streamer.minutes * luck.lognormvariate(0, 0.25), 7 * 60)))
    return PlannedLive(
        streamer=streamer,
        started_at=start,
        ended_at=start + timedelta(seconds=seconds),
        title=luck.choice(streamer.titles),
        viewers=max(3, round(streamer.viewers * luck.lognormvariate(0, 0.3))),
    )


def _of_day(streamer: Streamer, day: date) -> list[PlannedLive]:
    luck = random.Random(f"lives {_SEED} {streamer.handle} {day}")  # noqa: S311 - an invented life
    lives: list[PlannedLive] = []
    for hour in _hours(streamer, day, luck):
        comes, late = luck.random() < _COMES[streamer.kind], luck.gauss(0, _LATE_MINUTES)
        start = datetime.combine(day, time(), streamer.tz) + timedelta(minutes=round(hour * 60 + late, 1))
        live = make_live(streamer, start, luck)
        if comes and (not lives or live.started_at > lives[-1].ended_at + timedelta(minutes=30)):
            lives.append(live)
    return lives


def _hours(streamer: Streamer, day: date, luck: random.Random) -> Iterator[float]:
    """Give the local hours at which a live of this day would begin."""
    if streamer.kind is Kind.UNPREDICTABLE:
        yield luck.uniform(9, 20.0)
    elif streamer.kind is Kind.CHANGES:
        yield streamer.hours[day >= CHANGED_ON]
    elif streamer.kind is not Kind.WEEKDAY or day.weekday() < 5:
        yield from streamer.hours
