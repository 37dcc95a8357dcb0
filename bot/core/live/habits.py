"""What is usual for an account, for people to read: its patterns in the values they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from bot.core.live.past_lives import PastLive, credible
from bot.core.live.predictions import Habits


def habits_of(lives: Sequence[PastLive], now: datetime) -> Habits:
    """Sum up the lives of one account."""
    kept, _ = credible(lives, now)
    days = [live.started_at.astimezone(UTC).weekday() for live in kept]
    qualities = [live.diamonds_per_hour for live in kept if live.diamonds_per_hour is not None]
    return Habits(
        lives=len(kept),
        windows=(),
        weekdays=tuple(days.count(day) / len(days) if days else 0.0 for day in range(7)),
        typical_duration=timedelta(minutes=median(live.minutes for live in kept)) if kept else None,
        consistency=0.0,
        confidence=0.0,
        changed_at=None,
        peak_viewers=max((live.peak_viewers or 0 for live in kept), default=0) or None,
        diamonds_per_hour=median(qualities) if qualities else None,
    )
