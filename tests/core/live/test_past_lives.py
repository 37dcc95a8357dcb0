"""Histories that cannot be true are set aside, never a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.past_lives import PastLive, SetAside, credible, local_hour, zone_named

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def live(start: float, end: float, **more: int) -> PastLive:
    """Give a live of account 1, in hours before NOW."""
    return PastLive(
        account_id=1, started_at=NOW - timedelta(hours=start), ended_at=NOW - timedelta(hours=end), **more
    )


def test_lives_that_cannot_be_true_are_set_aside_and_counted_by_what_is_wrong() -> None:
    good = [live(10, 9), live(5, 4)]
    bad = [live(3, 4), live(2, 2), live(1, -1), live(-1, -2), live(4.5, 3)]
    kept, aside = credible([*bad, *good], NOW)
    assert kept == tuple(good)
    assert aside == SetAside(backwards=2, in_the_future=2, overlapping=1)
    assert aside.total == 5


@given(st.lists(st.tuples(st.integers(-50, 200), st.integers(-50, 200))))
def test_what_is_kept_is_in_order_and_apart_and_nothing_is_lost(spans: list[tuple[int, int]]) -> None:
    kept, aside = credible([live(start, end) for start, end in spans], NOW)
    assert len(kept) + aside.total == len(spans)
    assert all(one.started_at < one.ended_at <= NOW for one in kept)
    assert all(one.ended_at <= other.started_at for one, other in pairwise(kept))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        PastLive(account_id=1, started_at=NOW.replace(tzinfo=None), ended_at=NOW)


def test_quality_is_diamonds_per_hour_where_diamonds_are_known() -> None:
    assert live(2, 0.5, diamonds=300).diamonds_per_hour == pytest.approx(200)
    assert live(2, 1).diamonds_per_hour is None


@pytest.mark.parametrize("name", ["", "Nowhere/Atlantis", "../etc/passwd", "a\0b", "Europe"])
def test_a_zone_that_does_not_exist_is_utc(name: str) -> None:
    assert local_hour(NOW, zone_named(name)) == 20


def test_the_hour_is_that_of_the_clock_on_the_wall_in_summer_and_in_winter() -> None:
    paris = zone_named("Europe/Paris")
    assert local_hour(datetime(2026, 7, 1, 18, 30, tzinfo=UTC), paris) == 20.5
    assert local_hour(datetime(2026, 12, 1, 18, 30, tzinfo=UTC), paris) == 19.5
