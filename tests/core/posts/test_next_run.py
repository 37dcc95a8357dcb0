"""The next reading of a profile keeps its time of day, whatever happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.next_run import next_run

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("planned", "now", "expected"),
    [
        pytest.param(NOON, NOON, NOON + DAY, id="on time"),
        pytest.param(NOON, NOON + HOUR, NOON + DAY, id="an hour late: tomorrow's is not"),
        pytest.param(NOON, NOON + 5 * DAY + HOUR, NOON + 6 * DAY, id="off for days: one run, then as ever"),
        pytest.param(NOON, NOON - 2 * HOUR, NOON, id="read meanwhile because somebody asked: the plan stays"),
        pytest.param(NOON + 9 * DAY, NOON, NOON + DAY, id="the clock was set back"),
    ],
)
def test_a_run_is_planned_at_the_next_regular_instant(planned, now, expected):
    assert next_run(planned, DAY, now) == expected


@given(
    late=st.integers(-10_000, 10_000),
    hours=st.integers(1, 720),
)
def test_the_next_run_is_never_past_and_never_further_than_an_interval(late, hours):
    now, interval = NOON + timedelta(minutes=late), timedelta(hours=hours)
    assert now < next_run(NOON, interval, now) <= now + interval
