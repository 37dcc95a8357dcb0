"""The circuit breaker of an outside source: how long to leave it alone after it failed."""

from __future__ import annotations

from datetime import timedelta

FIRST_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(minutes=240)
PATIENCE = 3
"""So many failures in a row count as a block, even when none of them was one (time-outs)."""


def pause_after(
    failures: int, *, blocked: bool, retry_after_seconds: float | None = None
) -> timedelta | None:
    """Give how long no request may leave, None while the breaker stays closed.

    `failures` are those in a row, this one included. The pauses are 10, 20, 40 ... 240 minutes with one
    probe after each (specs/tiktok-live.md 4), and never shorter than what the source asked for.
    """
    asked = timedelta(seconds=retry_after_seconds or 0)
    step = failures - (1 if blocked else PATIENCE)
    if step < 0:
        return asked or None
    return max(asked, min(FIRST_PAUSE * (1 << min(step, 10)), LONGEST_PAUSE))
