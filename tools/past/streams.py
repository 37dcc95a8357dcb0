"""What the recorder would have kept of the lives that were found: it came when they were found, and lost some minutes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from bot.core.streams.intervals import sum_up
from bot.core.streams.minutes import minute_of
from bot.core.streams.models import StreamMinute
from bot.core.streams.recording import RecordingState
from bot.core.streams.scoring import MinuteScores
from bot.core.streams.values import ValueSource
from bot.services.stream_retention import MINUTES_KEPT
from bot.storage.stream_tables import (
    contribution_gifts,
    contributions,
    gift_kinds,
    recordings,
    stream_gifts,
    stream_minutes,
    stream_people,
)
from tools.past.looks import Found
from tools.past.rows import Rows
from tools.sandbox.tiktok.gifts import Gift, gift_of
from tools.sandbox.world.audience import Giving, Minute, minutes_of
from tools.sandbox.world.people import Person, regulars_of, stranger

CONNECTS_AFTER = timedelta(seconds=4)
LOST_IN = 0.12
"""In this share of lives the connection is lost once, for some minutes."""
INTERVAL_MINUTES = 5
_COUNTS = ("comments", "likes", "gifts", "diamonds", "follows", "shares", "joins")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A minute of a live that the recorder was there for; `part` is the share of it."""

    at: datetime
    minute: Minute
    viewers_before: int
    part: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A live as it was recorded, minute by minute."""

    found: Found
    rows: tuple[StreamMinute, ...]
    connections: int
    last_event_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Since when minutes are kept by themselves, and since when any details are: lives that ended before have none."""

    single_since: datetime
    details_since: datetime

    @classmethod
    def after(cls, night: datetime, details: timedelta) -> Reach:
        """Give what the retention of that night left."""
        return cls(single_since=night - MINUTES_KEPT, details_since=night - details)


def record(found: Found, reach: Reach, rows: Rows, names: Names) -> Recorded:
    """Write a recorded live into the tables; gives it for what is found out about it."""
    luck = random.Random(f"recording {found.live.key}")  # noqa: S311 - invented
    taken, connections = _taken(found, luck)
    names.note(taken)
    minutes = _scored([_row(one, luck) for one in taken])
    recorded = Recorded(
        found=found,
        rows=tuple(minutes),
        connections=connections,
        last_event_at=taken[-1].at + timedelta(seconds=59) if taken else found.found_at,
    )
    part = _parts(found, taken, luck)
    _write_people(found, part, rows)
    rows.add(recordings, _recording(recorded, part))
    if found.live.ended_at >= reach.details_since:
        kept = minutes if found.live.ended_at >= reach.single_since else sum_up(minutes, INTERVAL_MINUTES)
        rows.add(stream_minutes, *[_as_row(found.live_id, one) for one in kept])
        rows.add(stream_gifts, *_gifts(found, taken))
    return recorded


def _taken(found: Found, luck: random.Random) -> tuple[list[Taken], int]:
    """Give the minutes the recorder was there for, and how often it connected."""
    live, begins = found.live, found.found_at + CONNECTS_AFTER
    all_of_them = minutes_of(live)
    lost = range(0)
    if luck.random() < LOST_IN:
        first = luck.randrange(len(all_of_them))
        lost = range(first, first + luck.randrange(2, 9))
    taken = []
    for before, minute in zip((None, *all_of_them), all_of_them, strict=False):
        since = live.started_at + minute.number * _MINUTE
        until = min(since + _MINUTE, live.ended_at)
        is_down = any(one.start <= since < one.end for one in found.down)
        if until <= begins or is_down or minute.number in lost:
            continue
        # A minute of the live lies over two of the clock; it counts for the one that has its middle.
        taken.append(
            Taken(
                at=minute_of(since + _MINUTE / 2),
                minute=minute,
                viewers_before=minute.viewers if before is None else before.viewers,
                part=(until - max(since, begins)) / _MINUTE,
            )
        )
    return taken, 2 if lost and taken and taken[0].minute.number < lost.start else 1


def _row(one: Taken, luck: random.Random) -> StreamMinute:
    minute, before = one.minute, one.viewers_before
    seconds = round(60 * one.part, 3)
    commenters = minute.comments - luck.randrange(1 + minute.comments // 4)
    gifters = len({given.person for given in minute.gifts})
    return StreamMinute(
        minute=one.at,
        viewers_first=before,
        viewers_last=minute.viewers,
        viewers_min=min(before, minute.viewers),
        viewers_max=max(before, minute.viewers),
        viewer_seconds=seconds * (before + minute.viewers) / 2,
        watched_seconds=seconds,
        connected_seconds=seconds,
        comments=minute.comments,
        likes=minute.likes,
        gifts=sum(given.count for given in minute.gifts),
        diamonds=sum(given.diamonds for given in minute.gifts),
        follows=minute.follows,
        shares=minute.shares,
        joins=minute.joins,
        people=commenters + gifters + minute.joins + minute.likes // 25,
        commenters=commenters,
        gifters=gifters,
    )


def _scored(rows: Sequence[StreamMinute]) -> list[StreamMinute]:
    scores = MinuteScores().of(rows)
    return [
        replace(row, activity=scores[row.minute].activity, influence=scores[row.minute].correlation)
        for row in rows
    ]


def _as_row(live_id: int, minute: StreamMinute) -> dict[str, Any]:
    return {"live_id": live_id, **{name: getattr(minute, name) for name in StreamMinute.__dataclass_fields__}}


def _gifts(found: Found, taken: Sequence[Taken]) -> Iterator[dict[str, Any]]:
    for one in taken:
        for number, given in enumerate(one.minute.gifts):
            kind = gift_of(given.gift)
            at = _given_at(one, given)
            yield {
                "live_id": found.live_id,
                "person_id": given.person.id,
                "gift_id": kind.id,
                "group_id": 100 * one.minute.number + number + 1,
                "count": given.count,
                "diamonds_each": kind.diamonds,
                "value_from": ValueSource.EVENT,
                "first_at": at,
                "last_at": at + timedelta(seconds=given.count // 3),
            }


def _given_at(one: Taken, given: Giving) -> datetime:
    return one.at + timedelta(seconds=given.second)


# --- People ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """What one person did in a live, between two of its minutes."""

    person: Person
    first_at: datetime
    last_at: datetime
    counts: Counter[str]
    kinds: dict[int, list[int]]
    last_gift_at: datetime | None = None


def _parts(found: Found, taken: Sequence[Taken], luck: random.Random) -> list[_Part]:
    """Say who did what: gifts as the world has them, everything else shared out among who was there."""
    parts: dict[str, _Part] = {}
    for one in taken:
        for given in one.minute.gifts:
            _give(parts, given, _given_at(one, given))
    crowd = list(_crowd(found, taken, luck).values())
    weights = list(accumulate((1 + number) ** -0.6 for number in range(len(crowd))))
    for what in ("joins", "comments", "likes", "follows", "shares") if taken else ():
        total = sum(getattr(one.minute, what) for one in taken)
        # Thousands of taps come in handfuls, so that each need not be drawn by itself.
        size = max(1, total // (4 * len(crowd)))
        drawn = Counter(luck.choices(crowd, cum_weights=weights, k=total // size))
        for person, count in drawn.items():
            _part_of(parts, person, taken, luck).counts[what] += count * size
    return list(parts.values())


def _give(parts: dict[str, _Part], given: Giving, at: datetime) -> None:
    part = parts.get(given.person.handle)
    if part is None:
        part = parts[given.person.handle] = _Part(given.person, at, at, Counter(), {})
    part.counts.update(gifts=given.count, diamonds=given.diamonds)
    kind = part.kinds.setdefault(gift_of(given.gift).id, [0, 0])
    kind[0] += given.count
    kind[1] += given.diamonds
    part.last_at, part.last_gift_at = max(part.last_at, at), max(part.last_gift_at or at, at)


def _part_of(parts: dict[str, _Part], person: Person, taken: Sequence[Taken], luck: random.Random) -> _Part:
    """Give the part of somebody who was there for some of the minutes; who is new in it came at some minute."""
    part = parts.get(person.handle)
    if part is None:
        first, last = sorted(luck.choices(range(len(taken)), k=2))
        begin = taken[first].at + timedelta(seconds=luck.randrange(60))
        part = _Part(person, begin, max(begin, taken[last].at), Counter(), {})
        parts[person.handle] = part
    return part


def _crowd(found: Found, taken: Sequence[Taken], luck: random.Random) -> dict[str, Person]:
    """Give who was there to write and tap: most of the regulars, and strangers as many as viewers allow."""
    streamer = found.live.streamer
    came = [person for person in regulars_of(streamer) if luck.random() < 0.7]
    most = max((one.minute.viewers for one in taken), default=1)
    came += [stranger(streamer.language, luck) for _ in range(10 + most // 4)]
    return {person.handle: person for person in came}


def _write_people(found: Found, parts: Sequence[_Part], rows: Rows) -> None:
    for part in parts:
        rows.add(contributions, _contribution(found, part))
        for gift_id, (count, diamonds) in part.kinds.items():
            rows.add(
                contribution_gifts,
                {
                    "live_id": found.live_id,
                    "person_id": part.person.id,
                    "gift_id": gift_id,
                    "count": count,
                    "diamonds": diamonds,
                },
            )


def _contribution(found: Found, part: _Part) -> dict[str, Any]:
    return {
        "live_id": found.live_id,
        "person_id": part.person.id,
        "account_id": found.account_id,
        **{name: part.counts[name] for name in _COUNTS},
        "first_at": part.first_at,
        "last_at": part.last_at,
        "last_comment_at": part.last_at if part.counts["comments"] else None,
        "last_gift_at": part.last_gift_at,
    }


# --- The whole ---------------------------------------------------------------------------------------


def _recording(recorded: Recorded, parts: Sequence[_Part]) -> dict[str, Any]:
    found, rows, counts = recorded.found, recorded.rows, [part.counts for part in parts]
    live = found.live
    peak = max(rows, key=lambda row: row.viewers_max or 0, default=None)
    totals = {name: sum(getattr(row, name) for row in rows) for name in _COUNTS}
    return {
        "live_id": found.live_id,
        "account_id": found.account_id,
        "state": RecordingState.DONE,
        "room_id": live.room_id,
        "wanted_at": found.found_at,
        "ended_seen_at": live.ended_at,
        "first_connected_at": found.found_at + CONNECTS_AFTER,
        "last_event_at": recorded.last_event_at,
        "connected_seconds": sum(row.connected_seconds for row in rows),
        "connections": recorded.connections,
        "viewers": rows[-1].viewers_last if rows else None,
        "viewers_at": recorded.last_event_at if rows else None,
        "peak_viewers": peak.viewers_max if peak else None,
        "peak_at": peak.minute if peak else None,
        "viewer_seconds": sum(row.viewer_seconds for row in rows),
        "watched_seconds": sum(row.watched_seconds for row in rows),
        "entered": 3 * totals["joins"] + (peak.viewers_max or 0 if peak else 0),
        "room_likes": round(1.07 * totals["likes"]),
        **totals,
        "people": len(parts),
        "commenters": sum(one["comments"] > 0 for one in counts),
        "likers": sum(one["likes"] > 0 for one in counts),
        "gifters": sum(one["gifts"] > 0 for one in counts),
        "batches": len(rows) * 6,
    }


@dataclass(slots=True)
class Names:
    """Who gave, as last seen, and when each gift was last given."""

    people: dict[int, tuple[Person, datetime]] = field(default_factory=dict)
    gifts: dict[str, datetime] = field(default_factory=dict)

    def note(self, taken: Sequence[Taken]) -> None:
        """Take in a live that was recorded after all others."""
        for one in taken:
            for given in one.minute.gifts:
                at = self.gifts[given.gift] = _given_at(one, given)
                self.people[given.person.id] = given.person, at

    def take(self, later: Names) -> None:
        """Take in those of later lives."""
        self.people |= later.people
        self.gifts |= later.gifts

    def write(self, rows: Rows) -> None:
        """Write them into the tables."""
        rows.add(
            stream_people,
            *[
                {"person_id": key, "handle": person.handle, "nickname": person.nickname, "seen_at": at}
                for key, (person, at) in self.people.items()
            ],
        )
        rows.add(gift_kinds, *[_kind(gift_of(name), at) for name, at in self.gifts.items()])


def _kind(gift: Gift, at: datetime) -> dict[str, Any]:
    return {
        "gift_id": gift.id,
        "name": gift.name,
        "diamonds": gift.diamonds,
        "streakable": gift.streakable,
        "seen_at": at,
    }
