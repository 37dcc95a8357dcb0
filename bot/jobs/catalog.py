"""The one table of job kinds: which queue each goes into, how long it may take, and how it is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.jobs import Job, RetryStrategy
from bot.storage.engine import Connection


class JobHandler(Protocol):
    """Does the jobs of one kind."""

    async def run(self, job: Job) -> None:
        """Do it. Raises `JobFailed` where something was wrong that was to be expected.

        Every transaction in it begins with `storage.jobs.require(conn, job)`, so that a worker that was taken for
        dead writes nothing more. A job can be run again after any of them. When the worker ends, or has lost the
        job, it is cancelled.
        """

    async def given_up(self, conn: Connection, job: Job, error: str, now: datetime) -> None:
        """Tidy up after a job that failed for good, also one whose worker died with it: in the same transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What holds for all jobs of a kind."""

    queue: str
    longest: timedelta
    retry: RetryStrategy


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """All kinds by name, and how many jobs of each queue run at once over all processes."""

    kinds: Mapping[str, Kind]
    at_once: Mapping[str, int]
