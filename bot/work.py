"""Puts a worker's process together: it does jobs of the queue beside the bot, and has no connection to Discord.

What is to be said stands in the outbox, from where the bot posts it. Any number of workers may run, on the same
machine or, where the database is on a server, on others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bot.clock import Clock, clock_of
from bot.jobs.loops import keep_running
from bot.jobs.profile_jobs import embedded_queue, worker_of
from bot.jobs.stopping import until_stopped
from bot.logs import set_up_logging
from bot.profile_rooms import job_handlers, media_of
from bot.services.announcements import Announcements
from bot.settings import Settings
from bot.storage.engine import Database
from bot.storage.migrate import require_current

log = logging.getLogger(__name__)


def run(settings: Settings, queues: Sequence[str]) -> int:
    """Do jobs of these queues until told to stop; gives the exit code.

    Raises `StorageError` where the database is not there, or of another version.
    """
    stop_logging = set_up_logging(settings, file=None)  # the bot's own file has one writer
    try:
        asyncio.run(_work(settings, clock_of(settings.clock_file), queues))
    finally:
        stop_logging()
    return 0


async def _work(settings: Settings, clock: Clock, queues: Sequence[str]) -> None:
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        await require_current(database)
        queue = embedded_queue(database, clock)
        announcements = Announcements(database, clock)
        media = media_of(settings, database, clock)
        handlers = await stack.enter_async_context(
            job_handlers(settings, database, announcements, media, clock)
        )
        worker = worker_of(settings, database, clock, queue, handlers=handlers, name="work", queues=queues)
        stack.push_async_callback(worker.close)
        log.info("Doing jobs of the queues: %s", ", ".join(queues))
        await until_stopped(
            [asyncio.create_task(keep_running(loop, clock), name=loop.name) for loop in worker.loops()]
        )
