"""Courses of lives for tests, minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.streams.models import StreamMinute

START = datetime(2026, 3, 1, 18, tzinfo=UTC)


def minute(number: int, *, minutes: int = 1, viewers: int | None = 100, **values: object) -> StreamMinute:
    """One row; connected all the time unless said otherwise."""
    usual = {
        "viewers_first": viewers,
        "viewers_last": viewers,
        "viewer_seconds": 60.0 * minutes * (viewers or 0),
        "watched_seconds": 60.0 * minutes if viewers is not None else 0.0,
        "connected_seconds": 60.0 * minutes,
    }
    at = START + timedelta(minutes=number)
    return StreamMinute(minute=at, minutes=minutes, **{**usual, **values})
