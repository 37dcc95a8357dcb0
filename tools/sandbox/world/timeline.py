"""An audience as the events a room tells, second by second: what the stand-in of TikTok is given to say."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.sandbox.world.audience import Audience, Giving, Minute
from tools.sandbox.world.people import Person, comment_of, regulars_of, stranger
from tools.sandbox.world.streamers import Streamer

_MOST_TAPS = 15
"""TikTok tells taps in bundles of at most so many."""
_LIKE_MESSAGES = 6
_COUNTED_AT = (15, 30, 45, 59)
"""The seconds of a minute at which the number of viewers is told; the last is the minute's own."""
_FAMILIAR = 0.6


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One event, and when it is in the world (Unix seconds)."""

    at: float
    event: dict[str, Any]


def happenings(audience: Audience) -> Iterator[Happening]:
    """Give all events of a live in order."""
    begins, viewers, entered = audience.live.started_at.timestamp(), 0, 0
    for minute in audience.minutes:
        luck = random.Random(f"events {audience.live.key} {minute.number}")  # noqa: S311 - invented
        entered += max(minute.joins, minute.viewers - viewers)
        events = [
            *_viewers(minute, viewers, entered),
            *_spoken(minute, audience.live.streamer, luck),
            *_tapped(minute, audience.live.streamer, luck),
            *((giving.second, _given(giving)) for giving in minute.gifts),
        ]
        viewers, start = minute.viewers, begins + 60 * minute.number
        for second, event in sorted(events, key=lambda one: one[0]):
            yield Happening(at=start + second, event={**event, "at": start + second})


def together(due: Sequence[Happening]) -> list[dict[str, Any]]:
    """Give the events of a bundle; of several counts of viewers in one minute the last is enough."""
    last: dict[int, int] = {}
    for place, one in enumerate(due):
        if one.event["kind"] == "viewers":
            last[int(one.at // 60)] = place
    kept = set(last.values())
    return [one.event for place, one in enumerate(due) if one.event["kind"] != "viewers" or place in kept]


def person_script(person: Person) -> dict[str, Any]:
    """Give somebody as the stand-in wants them described."""
    return {"handle": person.handle, "id": person.id, "nickname": person.nickname}


def _viewers(minute: Minute, before: int, entered: int) -> Iterator[tuple[float, dict[str, Any]]]:
    for second in _COUNTED_AT:
        share = second / _COUNTED_AT[-1]
        count = round(before + (minute.viewers - before) * share)
        yield second, {"kind": "viewers", "count": count, "entered": max(entered, count)}


def _spoken(
    minute: Minute, streamer: Streamer, luck: random.Random
) -> Iterator[tuple[float, dict[str, Any]]]:
    kinds = {
        "comment": minute.comments,
        "follow": minute.follows,
        "share": minute.shares,
        "join": minute.joins,
    }
    for kind, count in kinds.items():
        for _ in range(count):
            # Whoever comes again and again follows already.
            person = stranger(streamer.language, luck) if kind == "follow" else _somebody(streamer, luck)
            event: dict[str, Any] = {"kind": kind, "user": person_script(person)}
            if kind == "comment":
                event |= {"text": comment_of(streamer, luck), "language": streamer.language}
            yield luck.uniform(0, 58), event


def _tapped(
    minute: Minute, streamer: Streamer, luck: random.Random
) -> Iterator[tuple[float, dict[str, Any]]]:
    """Tell all taps in a few messages: how many there are costs nothing, each message does."""
    left, messages = minute.likes, min(_LIKE_MESSAGES, -(-minute.likes // _MOST_TAPS))
    for number in range(messages, 0, -1):
        taps = left if number == 1 else max(1, min(left - number + 1, round(left / number)))
        left -= taps
        user = person_script(_somebody(streamer, luck))
        yield luck.uniform(0, 58), {"kind": "like", "user": user, "count": taps}


def _given(giving: Giving) -> dict[str, Any]:
    steps = sorted({1, (giving.count + 1) // 2, giving.count})
    user = person_script(giving.person)
    return {"kind": "gift", "user": user, "gift": giving.gift, "count": giving.count, "steps": steps}


def _somebody(streamer: Streamer, luck: random.Random) -> Person:
    if luck.random() < _FAMILIAR:
        return luck.choice(regulars_of(streamer))
    return stranger(streamer.language, luck)
