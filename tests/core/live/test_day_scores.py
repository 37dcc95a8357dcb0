from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.core.live.day_scores import DayFacts, by_week, score, score_message
from tests.predicted import outcome_sums

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def facts(**values: object) -> DayFacts:
    known = {
        "day": DAY,
        "policy": "probability",
        "limit": 120,
        "checks": 60,
        "hits": 3,
        "starts": [NOON, NOON, NOON],
        "finds": [NOON + 10 * MINUTE, NOON + 20 * MINUTE, NOON + 90 * MINUTE],
        "expected_missed": 1.0,
        "outcomes": outcome_sums((0.9, True), (0.8, False), (0.1, False), (0.2, True)),
        "lasting": [60.0] * 10,
        "accounts": 20,
    }
    return DayFacts(**{**known, **values})


def test_a_day_is_measured():
    day = score(facts())
    assert (day.found, day.missed, day.coverage) == (3, 1.0, 0.75)
    assert (day.median_delay_minutes, day.within_30, day.false_positives) == (20, 2, 1)
    assert day.efficiency == pytest.approx(3 / 120)
    assert day.brier == pytest.approx((0.01 + 0.64 + 0.01 + 0.64) / 4)
    # Every 80 minutes an even check of 20 accounts finds 3 of 4 lives of an hour.
    assert day.fixed_requests == pytest.approx(20 * 24 * 60 / 80)
    assert day.requests_saved == pytest.approx(360 - 60)


def test_a_day_on_which_nothing_happened_says_so():
    day = score(facts(starts=[], finds=[], expected_missed=0.0, hits=0, outcomes=()))
    assert (day.coverage, day.brier, day.median_delay_minutes, day.fixed_requests) == (None, None, None, None)
    assert "0 of about 0 lives found in 60 of 120 checks" in str(score_message(day).body)


def test_the_message_is_one_line_with_what_is_known():
    body = str(score_message(score(facts())).body)
    assert body == (
        "3 of about 4 lives found in 60 of 120 checks · half of those found within 20 min · 300 checks saved"
        " · 1 false alarm · Brier score 0.325"
    )


def test_a_day_that_took_more_checks_than_evenly_spread_says_so():
    body = str(score_message(score(facts(checks=418))).body)
    assert "58 checks more than evenly spread" in body
    assert "-58" not in body


def test_days_are_summed_by_calendar_week():
    days = [score(facts(day=DAY + timedelta(days=number))) for number in range(4)]  # Friday to Monday
    first, second = by_week(days)
    assert (first.starts_on, first.days, first.requests, first.found) == (date(2026, 11, 16), 3, 180, 9)
    assert (second.starts_on, second.days) == (date(2026, 11, 23), 1)
    assert first.coverage == pytest.approx(0.75)
    assert first.within_30 == pytest.approx(6 / 12)
    assert first.hit_rate == pytest.approx(9 / 180)
    assert first.request_reduction == pytest.approx(1 - 60 / 360)
    assert by_week([]) == ()
