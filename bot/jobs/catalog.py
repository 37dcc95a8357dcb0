"""The one table of job kinds: which queue each goes into, how long it may take, and how it is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.jobs import MEDIA_QUEUE, PROFILE_QUEUE, Job, RetryStrategy
from bot.settings import Settings
from bot.storage.engine import Connection

AT_ONCE = {PROFILE_QUEUE: 5, MEDIA_QUEUE: 2}
"""How many jobs of each queue run at once, over all processes."""
SLACK = timedelta(minutes=1)
PROFILE_RETRY = RetryStrategy(base_seconds=60)
MEDIA_RETRY = RetryStrategy(base_seconds=300)


class JobHandler(Protocol):
    """Does the jobs of one kind."""

    async def run(self, job: Job) -> None:
        """Do it. Raises `JobFailed` where something was wrong that was to be expected.

        Every transaction in it begins with `storage.jobs.require(conn, job)`, so that a worker that was taken for
        dead writes nothing more, and the last one may end with `storage.jobs.finish`. A job can be run again after
        any of them. When the worker ends, or has lost the job, this is cancelled.
        """

    async def given_up(self, conn: Connection, job: Job, error: str, now: datetime) -> None:
        """Tidy up after a job that failed for good, also one whose worker died with it: in the same transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What holds for all jobs of a kind. A job that takes longer than `longest` is ended, and has failed."""

    queue: str
    longest: timedelta
    retry: RetryStrategy


def kinds_of(settings: Settings) -> Mapping[str, Kind]:
    """Give all kinds by name."""
    return {
        PROFILE_QUEUE: Kind(
            queue=PROFILE_QUEUE,
            # Each source ends its reading by itself before; then the next one is asked.
            longest=timedelta(minutes=settings.profile_timeout_minutes) * len(settings.post_sources) + SLACK,
            retry=PROFILE_RETRY,
        ),
        MEDIA_QUEUE: Kind(queue=MEDIA_QUEUE, longest=timedelta(minutes=2), retry=MEDIA_RETRY),
    }
