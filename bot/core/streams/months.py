"""Spans of time cut into whole months, of which sums are kept, and what is left before and after them.

Months are those of UTC, named by a number: 202603 is March 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.rounds.periods import Span

EVER = 0
"""The "month" of the sums over all time."""
_FIRST, _LAST = 1, 999912


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a span is made of: the months from one to another, both of them in, and spans of less than a month."""

    months: tuple[int, int] | None
    rests: tuple[Span, ...]


def month_of(instant: datetime) -> int:
    """Give the month of an instant."""
    at = instant.astimezone(UTC)
    return 100 * at.year + at.month


def parts_of(span: Span) -> Parts:
    """Cut a span; that without both ends is `EVER`."""
    if span.since is None and span.until is None:
        return Parts(months=(EVER, EVER), rests=())
    first = _FIRST if span.since is None else _first_within(span.since)
    last = _LAST if span.until is None else _before(month_of(span.until))
    if first > last:
        return Parts(months=None, rests=(span,))
    rests = []
    if span.since is not None and span.since < _begins(first):
        rests.append(Span(since=span.since, until=_begins(first)))
    if span.until is not None and _begins(_after(last)) < span.until:
        rests.append(Span(since=_begins(_after(last)), until=span.until))
    return Parts(months=(first, last), rests=tuple(rests))


def _first_within(since: datetime) -> int:
    month = month_of(since)
    return month if since == _begins(month) else _after(month)


def _begins(month: int) -> datetime:
    return datetime(month // 100, month % 100, 1, tzinfo=UTC)


def _after(month: int) -> int:
    return month + 89 if month % 100 == 12 else month + 1


def _before(month: int) -> int:
    return month - 89 if month % 100 == 1 else month - 1
