from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.live.account_habits import habits_of
from bot.core.live.past_lives import PastLive

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def evenings(count: int) -> list[PastLive]:
    starts = [NOW - timedelta(days=number, hours=-5) for number in range(1, count + 1)]  # 17:00 UTC
    return [
        PastLive(
            account_id=1,
            started_at=start,
            ended_at=start + timedelta(minutes=90),
            peak_viewers=40,
            diamonds=300,
        )
        for start in starts
    ]


def test_hours_are_those_of_the_zone_and_may_cross_midnight():
    habits = habits_of(evenings(30), "Asia/Jakarta", NOW)  # 00:00 there
    (window,) = habits.windows
    assert window.start_minute > 1380 or window.start_minute < 60
    assert 0 <= window.end_minute < 1440
    assert (habits.lives, habits.typical_duration) == (30, timedelta(minutes=90))
    assert (habits.peak_viewers, habits.diamonds_per_hour) == (40, 200)
    assert len(habits.weekdays) == 7


def test_nothing_is_usual_for_who_was_never_live():
    habits = habits_of([], "UTC", NOW)
    assert (habits.lives, habits.windows, habits.typical_duration) == (0, (), None)
    assert habits.changed_at is None
