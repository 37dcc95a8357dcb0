"""How signed requests are spent: arithmetic over what the signing service allows and what was asked of it.

A connection costs one signed request. The service counts by minute, hour and day; the scarcest window decides. A
fifth of each is kept for lives that were not recorded yet: they matter more than one more try at a bad connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.live.budget import DAY, HOUR, MINUTE, Limit, free_at, part_of

FOR_RECONNECTS_PERCENT = 80
RECONNECT_SECONDS = (5.0, 15.0, 45.0, 120.0, 300.0)
JITTER = 0.3
SILENT_SECONDS = (60.0, 120.0, 240.0, 480.0, 960.0, 1800.0)
"""A connection without a word for so long is dead, after so many in a row that fell silent: a room may be quiet."""
SPANS = {"minute": MINUTE, "hour": HOUR, "day": DAY}
"""How long the windows are that the service speaks of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """One window of the service: `most` requests in it, of which `left` were left when it said so, at `told_at`.

    `resets_at` is when it has all of them again, None where that was not said.
    """

    name: str
    most: int
    left: int
    resets_at: datetime | None
    told_at: datetime

    @property
    def span(self) -> timedelta:
        """How long the window is; one of an unknown name is taken for a day."""
        return SPANS.get(self.name, DAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Free:
    """The earliest instant at which a request may be signed, and the window that says so; empty where it is now."""

    at: datetime
    window: str = ""


def assumed(now: datetime) -> tuple[Window, ...]:
    """Give what the service allows without a key, for where it does not say (specs/tiktok-live.md 1.3)."""
    known = {"minute": 5, "hour": 30, "day": 100}
    return tuple(
        Window(name=name, most=most, left=most, resets_at=None, told_at=now) for name, most in known.items()
    )


def next_signature(
    windows: Sequence[Window], asked: Sequence[datetime], now: datetime, *, is_new: bool
) -> Free:
    """Give when the next request may be signed.

    `asked` are the instants of earlier ones; `is_new` is true for the first connection to a live.
    """
    free = Free(at=now)
    for window in windows:
        at = _free_in(window, asked, now, is_new=is_new)
        if at > free.at:
            free = Free(at=at, window=window.name)
    return free


def left_of(window: Window, asked: Sequence[datetime], now: datetime) -> int:
    """Give how many requests a window still allows; `asked` are the instants of those that left."""
    spent = sum(instant > now - window.span for instant in asked)
    told = window.left - _since(window, asked) if _holds(window, now) else window.most
    return max(0, min(window.most - spent, told))


def pause_before_reconnect(failures: int, chance: float) -> float:
    """Give the seconds to wait after so many failures in a row (from 1); `chance` is 0..1."""
    pause = RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS)) - 1]
    return pause * (1 - JITTER + 2 * JITTER * chance)


def patience(silences: int) -> float:
    """Give after how many silent seconds a connection is dead, after so many in a row that were (from 0)."""
    return SILENT_SECONDS[min(silences, len(SILENT_SECONDS) - 1)]


def _free_in(window: Window, asked: Sequence[datetime], now: datetime, *, is_new: bool) -> datetime:
    limit = Limit(requests=window.most, window=window.span)
    usable = limit if is_new else part_of(limit, FOR_RECONNECTS_PERCENT)
    at = free_at(now, asked, usable)
    reserved = limit.requests - usable.requests
    if _holds(window, now) and window.left - _since(window, asked) <= reserved:
        at = max(at, _resets_at(window))
    return at


def _since(window: Window, asked: Sequence[datetime]) -> int:
    return sum(instant >= window.told_at for instant in asked)


def _holds(window: Window, now: datetime) -> bool:
    """Tell whether what was said of the window is still of this window."""
    return window.told_at <= now < _resets_at(window)


def _resets_at(window: Window) -> datetime:
    return window.told_at + window.span if window.resets_at is None else window.resets_at
