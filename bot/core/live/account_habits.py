"""What is usual for an account, as people are shown it: its patterns in the clock of their guild."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.live.past_lives import PastLive, zone_named
from bot.core.live.patterns import StartWindow, patterns_of
from bot.core.live.predictions import Habits, TypicalWindow

MINUTES = 24 * 60


def habits_of(lives: Sequence[PastLive], zone: str, now: datetime) -> Habits:
    """Sum up the lives of one account; days and hours are those of `zone`."""
    found = patterns_of(lives, zone, now)
    changed_on = found.changed_on
    clock = zone_named(zone)
    changed_at = None
    if changed_on is not None:
        changed_at = datetime(changed_on.year, changed_on.month, changed_on.day, tzinfo=clock)
    return Habits(
        lives=found.lives,
        windows=tuple(_window(window) for window in found.windows),
        weekdays=found.weekdays,
        typical_duration=None if found.durations is None else timedelta(minutes=found.durations.median),
        consistency=found.consistency,
        confidence=found.confidence,
        changed_at=changed_at,
        peak_viewers=None if found.peak_viewers is None else round(found.peak_viewers),
        diamonds_per_hour=found.diamonds_per_hour,
    )


def _window(window: StartWindow) -> TypicalWindow:
    return TypicalWindow(
        start_minute=round(window.since * 60) % MINUTES,
        end_minute=round(window.until * 60) % MINUTES,
        share=window.share,
    )
