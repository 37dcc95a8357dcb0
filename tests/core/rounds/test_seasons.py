from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.seasons import Season, season_at

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Jakarta",
    "America/Asuncion",  # clocks skipped midnight of 2017-10-01
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
instants = st.integers(0, 47 * 365 * 86_400).map(
    lambda seconds: at("1990-01-02T00:00") + timedelta(seconds=seconds)
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("instant", "zone", "label"),
    [
        ("2026-11-21T20:00", "Europe/Berlin", "2026 Q4"),
        ("2026-12-31T22:59:59", "Europe/Berlin", "2026 Q4"),
        ("2026-12-31T23:00", "Europe/Berlin", "2027 Q1"),
        ("2026-12-31T23:00", "UTC", "2026 Q4"),
        ("2026-06-30T17:00", "Asia/Jakarta", "2026 Q3"),
        ("2026-03-31T21:59:59", "Europe/Berlin", "2026 Q1"),
        ("2026-03-31T22:00", "Europe/Berlin", "2026 Q2"),
    ],
)
def test_season_is_the_quarter_that_local_clocks_show(instant, zone, label):
    assert season_at(at(instant), ZoneInfo(zone)).label == label


def test_span_follows_the_clocks_of_the_zone():
    """The first quarter begins in winter time and ends in summer time."""
    assert Season(2026, 1).span(ZoneInfo("Europe/Berlin")) == (at("2025-12-31T23:00"), at("2026-03-31T22:00"))


def test_season_that_begins_at_a_midnight_that_never_was():
    """In Paraguay clocks went from 23:59:59 to 01:00 on 2017-10-01."""
    began, _ = Season(2017, 4).span(ZoneInfo("America/Asuncion"))
    assert began == at("2017-10-01T04:00")


@given(st.integers(1990, 2037), st.integers(1, 4), zones)
def test_spans_join_without_gap_and_hold_their_instants(year, quarter, zone):
    season = Season(year, quarter)
    began, ended = season.span(zone)
    assert season_at(began, zone) == season
    assert season_at(began - timedelta(microseconds=1), zone) == season.previous
    assert season_at(ended - timedelta(microseconds=1), zone) == season
    assert season.following.span(zone)[0] == ended
    assert season.previous.following == season
    assert season.previous < season < season.following


@given(instants, zones)
def test_every_instant_is_within_its_season(instant, zone):
    began, ended = season_at(instant, zone).span(zone)
    assert began <= instant < ended
