"""Spans cut into whole months and rests: no instant is lost, none is there twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.periods import Span
from bot.core.streams.months import EVER, Parts, month_of, parts_of

# Some of them on the first instant of a month, or right before it.
MONTHS = st.builds(datetime, st.integers(2024, 2027), st.integers(1, 12), st.just(1), tzinfo=st.just(UTC))
NEAR = st.sampled_from([timedelta(), timedelta(microseconds=-1), timedelta(days=3)])
ENDS = st.builds(lambda month, near: month + near, MONTHS, NEAR)


def holds(span: Span, at: datetime) -> bool:
    return (span.since is None or span.since <= at) and (span.until is None or at < span.until)


@given(
    ends=st.lists(ENDS, min_size=2, max_size=2).map(sorted), at=ENDS, without=st.sampled_from([0, 1, None])
)
def test_an_instant_of_a_span_is_in_one_part_and_no_other_is_in_any(ends, at, without):
    since, until = (None if number == without else end for number, end in enumerate(ends))
    span = Span(since=since, until=until)
    parts = parts_of(span)
    in_months = parts.months is not None and parts.months[0] <= month_of(at) <= parts.months[1]
    found = [in_months, *(holds(rest, at) for rest in parts.rests)]
    assert found.count(True) == holds(span, at)
    assert all(rest.since is not None and rest.until is not None for rest in parts.rests)


def test_all_time_has_sums_of_its_own():
    assert parts_of(Span()) == Parts(months=(EVER, EVER), rests=())


def test_months_are_those_of_utc_and_december_is_followed_by_january():
    assert month_of(datetime.fromisoformat("2026-03-01T06:00+07:00")) == 202602
    year = Span(since=datetime(2026, 1, 1, tzinfo=UTC), until=datetime(2027, 1, 1, tzinfo=UTC))
    assert parts_of(year) == Parts(months=(202601, 202612), rests=())
