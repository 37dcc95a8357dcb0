"""Who does the jobs of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from bot.jobs.catalog import JobHandler


def job_handlers() -> Mapping[str, JobHandler]:
    """Give the handlers by the kinds of their jobs."""
    return {}
