"""Puts a worker's process together: it does jobs of the queue beside the bot, and has no connection to Discord.

What is to be said stands in the outbox, from where the bot posts it. Any number of workers may run, on the same
machine or, where the database is on a server, on others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from bot.clock import Clock, SystemClock
from bot.jobs.handlers import job_handlers
from bot.jobs.loops import keep_running
from bot.jobs.profile_jobs import embedded_queue, worker_of
from bot.jobs.stopping import until_stopped
from bot.logs import set_up_logging
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
        asyncio.run(_work(settings, SystemClock(), queues))
    finally:
        stop_logging()
    return 0


async def _work(settings: Settings, clock: Clock, queues: Sequence[str]) -> None:
    database = Database.open(settings.database)
    try:
        await require_current(database)
        queue = embedded_queue(database, clock)
        worker = worker_of(
            settings, database, clock, queue, handlers=job_handlers(), name="work", queues=queues
        )
        log.info("Doing jobs of the queues: %s", ", ".join(queues))
        tasks = [asyncio.create_task(keep_running(loop, clock), name=loop.name) for loop in worker.loops()]
        try:
            await until_stopped(tasks)
        finally:
            await worker.close()
    finally:
        await database.close()
