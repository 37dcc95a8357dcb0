"""In which order people read of accounts."""

from __future__ import annotations

from bot.core.live.predictions import Expected, Standing, likeliest_first
from tests.predicted import expected, window


def handles(*accounts: Expected) -> list[str]:
    return [one.handle for one in sorted(accounts, key=likeliest_first)]


def test_of_those_with_the_same_chance_the_one_expected_first_comes_first() -> None:
    bayu = expected("bayu", live_now=0.0, within_hour=0.009, window=window(16, 0.52))
    sam = expected("sam", live_now=0.0, within_hour=0.004, window=window(6, 0.31))
    mila = expected("mila", live_now=0.0, within_hour=0.0001, window=window(3, 0.47))
    never = expected("never", live_now=0.0, within_hour=0.008, window=None)
    assert handles(never, bayu, sam, mila) == ["mila", "sam", "bayu", "never"]


def test_a_greater_chance_and_whoever_is_live_come_before_them() -> None:
    live = expected("live", standing=Standing.LIVE)
    likely = expected("likely", within_hour=0.4, window=window(16))
    soon = expected("soon", within_hour=0.38, window=window(1))
    paused = expected("paused", standing=Standing.PAUSED, within_hour=0.9)
    unknown = expected("unknown", standing=Standing.UNKNOWN, within_hour=None, live_now=None)
    assert handles(paused, soon, unknown, likely, live) == ["live", "likely", "soon", "unknown", "paused"]
