"""How long a source that fails is left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.breaker import pause_after

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 240), (60, 240)]
)
def test_a_block_pauses_longer_each_time(failures: int, minutes: int) -> None:
    assert pause_after(failures, blocked=True) == minutes * MINUTE


@pytest.mark.parametrize(("failures", "minutes"), [(1, None), (2, None), (3, 10), (4, 20), (99, 240)])
def test_time_outs_count_as_a_block_from_the_third_in_a_row(failures: int, minutes: int | None) -> None:
    assert pause_after(failures, blocked=False) == (None if minutes is None else minutes * MINUTE)


def test_it_is_never_shorter_than_what_the_source_asked_for() -> None:
    assert pause_after(1, blocked=True, retry_after_seconds=3600) == 60 * MINUTE
    assert pause_after(1, blocked=False, retry_after_seconds=30) == timedelta(seconds=30)
    assert pause_after(1, blocked=True, retry_after_seconds=30) == 10 * MINUTE
