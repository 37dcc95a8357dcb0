"""The arithmetic of the budget: no rolling window ever holds more than its limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.budget import DAY, Limit, free_at, part_of

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def test_a_fresh_ledger_is_free_now() -> None:
    assert free_at(NOW, [], Limit(requests=1, window=DAY)) == NOW


def test_a_full_window_frees_when_its_oldest_request_leaves_it() -> None:
    asked = [NOW - timedelta(hours=23), NOW - timedelta(hours=1)]
    assert free_at(NOW, asked, Limit(requests=2, window=DAY)) == NOW + timedelta(hours=1)


def test_requests_from_the_future_count_because_the_clock_may_have_been_set_back() -> None:
    asked = [NOW + timedelta(hours=2)]
    assert free_at(NOW, asked, Limit(requests=1, window=DAY)) == NOW + timedelta(hours=26)


@given(
    st.lists(st.integers(min_value=0, max_value=7200), min_size=1, max_size=80),
    st.integers(min_value=1, max_value=5),
    st.integers(min_value=60, max_value=4000),
)
def test_obeying_it_never_passes_the_limit_in_any_window(waits: list[int], most: int, window: int) -> None:
    limit = Limit(requests=most, window=timedelta(seconds=window))
    asked: list[datetime] = []
    now = NOW
    for wait in waits:
        now += timedelta(seconds=wait)
        free = free_at(now, asked, limit)
        assert free >= now
        asked.append(free)
        now = free
    for end in asked:
        assert sum(end - limit.window < instant <= end for instant in asked) <= most


def test_a_part_is_never_less_than_one_request() -> None:
    assert part_of(Limit(requests=480, window=DAY), 25).requests == 120
    assert part_of(Limit(requests=3, window=DAY), 1).requests == 1
