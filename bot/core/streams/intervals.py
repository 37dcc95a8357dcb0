"""The course of a live in steps of several minutes, as it is shown and as it is kept once it is old."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from bot.core.streams.models import StreamMinute

INTERVALS = (5, 10)
"""How many minutes an interval may have: so many as a rule, so many on a machine that is short of something."""

_SUMS = (
    "viewer_seconds",
    "watched_seconds",
    "connected_seconds",
    "comments",
    "likes",
    "gifts",
    "diamonds",
    "estimated_diamonds",
    "guest_gifts",
    "guest_diamonds",
    "follows",
    "shares",
    "joins",
    "subscriptions",
    "dropped_joins",
    "coalesced_likes",
)
# Who they were is not kept, so the same people may be in several minutes: there were at least this many.
_AT_LEAST = ("people", "commenters", "gifters")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def interval_of(at: datetime, interval_minutes: int) -> datetime:
    """Give the first instant of the interval that `at` is in; intervals begin at full multiples of their length."""
    return at - (at - _EPOCH) % timedelta(minutes=interval_minutes)


def sum_up(minutes: Sequence[StreamMinute], interval_minutes: int) -> tuple[StreamMinute, ...]:
    """Sum rows, in order of time, into intervals of `interval_minutes`.

    Counts and seconds add up, so the time-weighted mean of the viewers stays right. `people`, `commenters` and
    `gifters` become the most of one row ("at least so many"), the scores their mean over the minutes that have one.
    Rows that are longer already stay as they are. An interval without a row is not there.
    """
    groups: list[tuple[datetime, int, list[StreamMinute]]] = []
    ends = _EPOCH
    for row in minutes:
        if not groups or row.minute >= ends:
            long_already = row.minutes >= interval_minutes
            begins = row.minute if long_already else interval_of(row.minute, interval_minutes)
            groups.append((begins, max(interval_minutes, row.minutes), []))
            ends = begins + timedelta(minutes=groups[-1][1])
        groups[-1][2].append(row)
    return tuple([_sum_of(*group) for group in groups])


def _sum_of(minute: datetime, length: int, rows: Sequence[StreamMinute]) -> StreamMinute:
    return StreamMinute(
        minute=minute,
        minutes=length,
        viewers_first=next((row.viewers_first for row in rows if row.viewers_first is not None), None),
        viewers_last=next((row.viewers_last for row in reversed(rows) if row.viewers_last is not None), None),
        viewers_min=_known(min, (row.viewers_min for row in rows)),
        viewers_max=_known(max, (row.viewers_max for row in rows)),
        **{name: sum(getattr(row, name) for row in rows) for name in _SUMS},
        **{name: max(getattr(row, name) for row in rows) for name in _AT_LEAST},
        activity=_mean(rows, "activity"),
        influence=_mean(rows, "influence"),
    )


def _known(choose: Callable[[list[int]], int], counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return choose(known) if known else None


def _mean(rows: Sequence[StreamMinute], name: str) -> float | None:
    scored = [(row.minutes, getattr(row, name)) for row in rows if getattr(row, name) is not None]
    length = sum(minutes for minutes, _ in scored)
    return sum(minutes * score for minutes, score in scored) / length if length else None
