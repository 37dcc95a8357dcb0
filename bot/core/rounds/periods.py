"""Spans of time that people name: this week, last season. Days begin at midnight of the community's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.core.rounds.evenings import GAP
from bot.core.rounds.seasons import midnight, season_at
from bot.texts import text

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


class Period(StrEnum):
    """What can be asked for. Weeks begin on Monday, seasons are quarters."""

    LAST_EVENING = "last_evening"
    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_30_DAYS = "last_30_days"
    THIS_SEASON = "this_season"
    LAST_SEASON = "last_season"
    ALL_TIME = "all_time"


TITLES = {
    Period.LAST_EVENING: text("Last evening"),
    Period.THIS_WEEK: text("This week"),
    Period.LAST_WEEK: text("Last week"),
    Period.THIS_MONTH: text("This month"),
    Period.LAST_30_DAYS: text("Last 30 days"),
    Period.THIS_SEASON: text("This season"),
    Period.LAST_SEASON: text("Last season"),
    Period.ALL_TIME: text("All time"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From `since` on and before `until`, aware UTC; None: without an end."""

    since: datetime | None = None
    until: datetime | None = None


def span_of(period: Period, now: datetime, zone: ZoneInfo) -> Span:
    """Give the span of a period at an instant. That of an evening is in the rounds: `evening_began`."""
    today = now.astimezone(zone).date()
    monday, season = monday_of(today), season_at(now, zone)
    last_season = season.previous.span(zone)
    spans = {
        Period.THIS_WEEK: Span(since=midnight(monday, zone)),
        Period.LAST_WEEK: week_from(monday - _WEEK, zone),
        Period.THIS_MONTH: Span(since=midnight(today.replace(day=1), zone)),
        Period.LAST_30_DAYS: Span(since=now - timedelta(days=30)),
        Period.THIS_SEASON: Span(since=season.span(zone)[0]),
        Period.LAST_SEASON: Span(since=last_season[0], until=last_season[1]),
    }
    return spans.get(period, Span())


def monday_of(day: date) -> date:
    """Give the Monday of the week of a date."""
    return day - timedelta(days=day.weekday())


def week_from(monday: date, zone: ZoneInfo) -> Span:
    """Give the span of the seven local days from a date on."""
    return Span(since=midnight(monday, zone), until=midnight(monday + _WEEK, zone))


def evening_began(rounds: Sequence[tuple[datetime, int | None]], gap: timedelta = GAP) -> datetime:
    """Give when the first round of the last evening ended; `rounds` of ONE server are end and seconds, by time."""
    first, *earlier = reversed(rounds)
    for one in earlier:
        if first[0] - timedelta(seconds=first[1] or 0) - one[0] > gap:
            break
        first = one
    return first[0]


def days_words(span: Span, zone: ZoneInfo) -> str:
    """Write the local dates of a span, which read the same in every language; nothing for all time."""
    if span.since is None:
        return ""
    first = span.since.astimezone(zone).date()
    if span.until is None:
        return text("since {day}", day=f"{first:%Y-%m-%d}")
    last = span.until.astimezone(zone).date() - _DAY
    return text("{first} to {last}", first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}")
