"""The few jobs that run by the calendar: APScheduler's triggers say when, the bot's clock waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from bot.clock import Clock

NIGHTLY_BACKUP = CronTrigger(hour=4, minute=10, timezone=UTC)
NIGHTLY_RETENTION = CronTrigger(hour=4, minute=25, timezone=UTC)
NIGHTLY_TIDYING = CronTrigger(hour=4, minute=40, timezone=UTC)
HOURLY_PROFILES = CronTrigger(minute=5, timezone=UTC)

_INSTANT = timedelta(microseconds=1)
QUIET_TIME = {"hour": 3, "minute": 30}
"""Local time at which everything is learned anew and yesterday is scored."""


def nightly_scores(time_zone: str) -> CronTrigger:
    """Give the quiet time of a zone (an IANA name)."""
    return CronTrigger(**QUIET_TIME, timezone=time_zone)


def monday_mornings(time_zone: str) -> CronTrigger:
    """Give when a week is told in a zone (an IANA name)."""
    return CronTrigger(day_of_week="mon", hour=10, timezone=time_zone)


def mornings(time_zone: str) -> CronTrigger:
    """Give when a day is told in a zone (an IANA name)."""
    return CronTrigger(hour=10, timezone=time_zone)


class CalendarStep:
    """A `bot.jobs.loops.Step` that runs a job whenever its trigger says so; not at the start.

    `at_start` makes up once for what was due while nothing ran.
    """

    def __init__(
        self,
        trigger: BaseTrigger,
        job: Callable[[], Awaitable[None]],
        clock: Clock,
        *,
        at_start: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._trigger = trigger
        self._job = job
        self._clock = clock
        self._at_start = at_start
        self._due_at: datetime | None = None

    async def __call__(self) -> datetime:
        """Run the job if it is due; gives its next time (a far one when the trigger has ended)."""
        first, self._at_start = self._at_start, None
        now = self._clock.now()
        if first is not None:
            await first()
        if self._due_at is not None and now >= self._due_at:
            await self._job()
            now = self._clock.now()
        if self._due_at is None or now >= self._due_at:
            self._due_at = self._after(self._due_at, now)
        # What is planned lies far ahead where the clock was set back meanwhile.
        self._due_at = min(self._due_at, self._after(None, now + _INSTANT))
        return self._due_at

    def _after(self, previous: datetime | None, now: datetime) -> datetime:
        following: datetime | None = self._trigger.get_next_fire_time(previous, now)
        return following or now + timedelta(days=365)
