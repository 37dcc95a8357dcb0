"""The loops that keep the house: backups, retention, tidying, and what watches over them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apscheduler.triggers.base import BaseTrigger

from bot.clock import Clock
from bot.jobs.loops import Loop
from bot.jobs.schedule import NIGHTLY_BACKUP, NIGHTLY_RETENTION, NIGHTLY_TIDYING, CalendarStep
from bot.services.announcements import Announcements
from bot.services.machine import Machine
from bot.services.post_retention import PostRetention
from bot.services.privacy import Privacy
from bot.services.staleness import Staleness
from bot.services.stream_retention import StreamRetention
from bot.services.upkeep import Upkeep
from bot.settings import Settings
from bot.storage.engine import Database


def upkeep_loops(  # noqa: PLR0917 - what the house is built of
    settings: Settings,
    database: Database,
    announcements: Announcements,
    machine: Machine,
    privacy: Privacy,
    clock: Clock,
) -> list[Loop]:
    """Build what looks after the database and the machine; gives its loops."""
    upkeep = Upkeep(
        database=database,
        backup_folder=settings.backup_folder,
        backups_kept=settings.backups_kept,
        clock=clock,
    )
    posts = PostRetention(
        database=database,
        archive_folder=settings.archive_folder,
        clock=clock,
        details_days=settings.post_details_days,
    )
    retention = StreamRetention(
        database=database,
        archive_folder=settings.archive_folder,
        posts=posts,
        machine=machine,
        clock=clock,
        details_days=settings.stream_details_days,
        comments_days=settings.comments_days,
    )
    staleness = Staleness(
        database=database,
        announcements=announcements,
        upkeep=upkeep,
        retention=retention,
        machine=machine,
        clock=clock,
        settings=settings,
    )

    def nightly(name: str, trigger: BaseTrigger, job: Callable[[], Awaitable[None]]) -> Loop:
        return Loop(name=name, step=CalendarStep(trigger, job, clock), wake=asyncio.Event())

    night = CalendarStep(NIGHTLY_RETENTION, retention.night, clock, at_start=retention.catch_up)
    return [
        Loop(name="staleness", step=staleness.step, wake=asyncio.Event()),
        Loop(name="machine", step=machine.step, wake=asyncio.Event(), of_machine=True),
        Loop(name="retention", step=night, wake=asyncio.Event()),
        nightly("backup", NIGHTLY_BACKUP, upkeep.back_up),
        nightly("tidying", NIGHTLY_TIDYING, upkeep.tidy),
        nightly("privacy", NIGHTLY_TIDYING, privacy.sweep),
    ]
