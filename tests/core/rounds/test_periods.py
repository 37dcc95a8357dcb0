from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.rounds.periods import TITLES, Period, Span, days_words, evening_began, span_of

JAKARTA, BERLIN, BEIRUT = (ZoneInfo(name) for name in ("Asia/Jakarta", "Europe/Berlin", "Asia/Beirut"))
SATURDAY = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)  # in Jakarta it is Sunday already


def at(day: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        (Period.THIS_WEEK, "2026-11-16", None),
        (Period.LAST_WEEK, "2026-11-09", "2026-11-16"),
        (Period.THIS_MONTH, "2026-11-01", None),
        (Period.THIS_SEASON, "2026-10-01", None),
        (Period.LAST_SEASON, "2026-07-01", "2026-10-01"),
    ],
)
def test_a_period_begins_at_midnight_of_the_zone(period, since, until):
    for zone in (JAKARTA, BERLIN):
        expected = Span(since=at(since, zone), until=until and at(until, zone))
        assert span_of(period, SATURDAY, zone) == expected


def test_a_week_begins_on_the_monday_that_clocks_of_the_zone_show():
    late_sunday = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)  # Monday, half past midnight, in Jakarta
    assert span_of(Period.THIS_WEEK, late_sunday, JAKARTA).since == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert span_of(Period.THIS_WEEK, late_sunday, BERLIN).since == at("2026-11-16", BERLIN)


def test_the_week_in_which_clocks_are_set_back_is_an_hour_longer():
    span = span_of(Period.LAST_WEEK, datetime(2026, 10, 28, tzinfo=UTC), BERLIN)
    assert span.until - span.since == timedelta(days=7, hours=1)


def test_a_day_without_midnight_begins_when_its_clocks_do():
    month = span_of(Period.THIS_MONTH, datetime(2022, 3, 30, tzinfo=UTC), BEIRUT)
    week = span_of(Period.THIS_WEEK, datetime(2022, 3, 29, tzinfo=UTC), BEIRUT)
    assert month.since == at("2022-03-01", BEIRUT)
    assert week.since == datetime(2022, 3, 27, 21, tzinfo=UTC)


def test_last_30_days_end_now_and_all_time_never_began():
    assert span_of(Period.LAST_30_DAYS, SATURDAY, JAKARTA) == Span(since=SATURDAY - timedelta(days=30))
    assert span_of(Period.ALL_TIME, SATURDAY, JAKARTA) == Span()


def test_every_period_has_a_title():
    assert TITLES.keys() == set(Period)


def minutes(*ended_and_played):
    return [(SATURDAY + timedelta(minutes=end), played and played * 60) for end, played in ended_and_played]


@pytest.mark.parametrize(
    ("rounds", "began"),
    [
        (minutes((0, 10)), 0),
        (minutes((0, 10), (60, 10)), 0),
        (minutes((0, 10), (80, 10), (90, 10)), 80),
        (minutes((0, 10), (70, 10)), 0),  # an hour between them is no new evening
        (minutes((0, 10), (90, None)), 90),
        (minutes((-900, 10), (-100, 10), (-50, 10), (0, 10)), -100),
    ],
)
def test_an_evening_goes_back_to_the_last_gap_of_more_than_an_hour(rounds, began):
    assert evening_began(rounds) == SATURDAY + timedelta(minutes=began)


def test_days_are_written_with_the_last_one_in():
    span = Span(since=at("2026-11-09", JAKARTA), until=at("2026-11-16", JAKARTA))
    assert days_words(span, JAKARTA) == "2026-11-09 to 2026-11-15"
    assert days_words(Span(since=at("2026-11-09", JAKARTA)), JAKARTA) == "since 2026-11-09"
    assert days_words(Span(), JAKARTA) == ""
    assert date.fromisoformat("2026-11-09").weekday() == 0
