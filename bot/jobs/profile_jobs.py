"""The queue of a process with its worker, and the loops that keep profiles read."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bot.clock import Clock
from bot.core.jobs import QUEUES
from bot.jobs.catalog import AT_ONCE, JobHandler, kinds_of
from bot.jobs.loops import Loop
from bot.jobs.queue import EmbeddedQueue
from bot.jobs.schedule import HOURLY_PROFILES, NIGHTLY_TIDYING, CalendarStep
from bot.jobs.worker import Worker
from bot.services.media import Media
from bot.services.profile_schedule import ProfileSchedule
from bot.services.profiles import Profiles
from bot.settings import Settings
from bot.storage.engine import Database

BOT = "bot"
"""How the names of the bot's leases begin."""


def embedded_queue(database: Database, clock: Clock) -> EmbeddedQueue:
    """Give the queue of this process."""
    return EmbeddedQueue(database, clock, queues=QUEUES)


def worker_of(
    settings: Settings,
    database: Database,
    clock: Clock,
    queue: EmbeddedQueue,
    *,
    handlers: Mapping[str, JobHandler],
    name: str,
    queues: Sequence[str],
) -> Worker:
    """Give a worker that does the jobs of these `queues`."""
    return Worker(
        database=database,
        kinds=kinds_of(settings),
        handlers=handlers,
        at_once={name: AT_ONCE[name] for name in queues},
        name=name,
        clock=clock,
        chance=secrets.SystemRandom().random,
        changed=queue.changed,
    )


def media_loop(media: Media, clock: Clock) -> Loop:
    """Give the loop that tidies the pictures every night."""
    return Loop(name="media", step=CalendarStep(NIGHTLY_TIDYING, media.tidy, clock), wake=asyncio.Event())


def profile_answers_loop(profiles: Profiles) -> Loop:
    """Give the loop that tells the ends of runs that somebody waits for in a channel."""
    return Loop(name="profile answers", step=profiles.asking.step, wake=profiles.asking.changed)


@asynccontextmanager
async def bots_jobs(
    settings: Settings,
    database: Database,
    clock: Clock,
    queue: EmbeddedQueue,
    *,
    handlers: Mapping[str, JobHandler],
    queues: Sequence[str],
) -> AsyncIterator[list[Loop]]:
    """Give the loops that put jobs and do those of these `queues`; in the end the jobs are given back.

    On an embedded database what an earlier bot held is taken over at once: there is one bot on a file, so that one
    is dead. On a server it may only be cut off; its leases run out.
    """
    worker = worker_of(settings, database, clock, queue, handlers=handlers, name=BOT, queues=queues)
    if database.embedded_file is not None:
        await worker.take_over(BOT)
    schedule = ProfileSchedule(database, queue, clock)
    hourly = CalendarStep(HOURLY_PROFILES, schedule.put_due, clock, at_start=schedule.put_due)
    try:
        yield [
            *worker.loops(),
            Loop(name="profiles that are due", step=hourly, wake=asyncio.Event()),
        ]
    finally:
        await worker.close()
