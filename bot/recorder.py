"""Puts the recorder's process together: what it is built of, how it hears of its parent, and how it stops.

The bot starts it (`bot.jobs.recorder_process`) and speaks to it by pipes, the same on every system: a line on the
standard input says that there is something to do, its end that the bot is gone; a line on the standard output
says that there is something for the bot to look at. What it logs goes to the standard error. All else stands in
the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.clock import Clock, SteadyClock, SystemClock
from bot.jobs.loops import Loop, keep_running
from bot.jobs.stopping import until_stopped
from bot.logs import log_to_parent
from bot.services.forgotten_people import ForgottenPeople
from bot.services.stream_recorder import StreamRecorder
from bot.settings import Settings
from bot.storage.engine import Database

LAST_SECONDS = 4.5
"""So long after its parent's death the process ends, whatever still hangs."""
BELL = b"\n"

log = logging.getLogger(__name__)


def run(settings: Settings, holder: str) -> int:
    """Record until told to stop, or until the bot is gone; gives the exit code. `holder` names the leases."""
    stop_logging = log_to_parent(settings)
    try:
        asyncio.run(
            _record(settings, SteadyClock(SystemClock()), holder or f"by-hand-{secrets.token_hex(4)}")
        )
    finally:
        stop_logging()
    return 0


async def _record(settings: Settings, clock: SteadyClock, holder: str) -> None:
    async with _recorder(settings, clock, holder) as (recorder, forgotten):
        parent_gone = asyncio.Event()
        _listen(recorder.changed, parent_gone)
        look = Loop(name="forgotten people", step=forgotten.step, wake=asyncio.Event())
        work = [
            asyncio.create_task(recorder.run(), name="recording"),
            asyncio.create_task(keep_running(look, clock), name=look.name),
            asyncio.create_task(_raise_at(parent_gone), name="parent"),
        ]
        try:
            await until_stopped(work)
        except _ParentGone:
            log.info("The bot is gone; the recorder ends")


@asynccontextmanager
async def _recorder(
    settings: Settings, clock: Clock, holder: str
) -> AsyncIterator[tuple[StreamRecorder, ForgottenPeople]]:
    """Build everything; in the end what was counted is saved, and the rooms are given back."""
    from bot.sources.tiktok.stream import TikTokStreamSource  # noqa: PLC0415 - 60 MB, for this process alone

    key = settings.sign_api_key
    source = TikTokStreamSource(
        sign_api_url=settings.sign_api_url,
        sign_api_key=None if key is None else key.get_secret_value(),
        timeout_seconds=settings.tiktok_timeout_seconds,
        clock=clock,
    )
    async with source:
        database = Database.open(settings.database)
        try:
            forgotten = ForgottenPeople(database, clock)
            await forgotten.step()  # before anybody is counted
            recorder = StreamRecorder(
                database=database,
                source=source,
                clock=clock,
                holder=holder,
                chance=secrets.SystemRandom().random,
                tell=_ring,
                forgotten=forgotten,
            )
            try:
                yield recorder, forgotten
            finally:
                await recorder.close()
        finally:
            await database.close()


class _ParentGone(Exception):
    """The standard input has ended."""


async def _raise_at(event: asyncio.Event) -> None:
    await event.wait()
    raise _ParentGone


def _listen(changed: asyncio.Event, parent_gone: asyncio.Event) -> None:
    """Hear the parent in a thread: pipes cannot be awaited on every system."""
    loop = asyncio.get_running_loop()

    def listen() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before
            while os.read(
                sys.stdin.fileno(), 1024
            ):  # unbuffered: a thread that waits in a buffer aborts the exit
                loop.call_soon_threadsafe(changed.set)
            last = threading.Timer(LAST_SECONDS, os._exit, (1,))
            last.daemon = True
            last.start()
            loop.call_soon_threadsafe(parent_gone.set)

    threading.Thread(target=listen, name="parent", daemon=True).start()


def _ring() -> None:
    """Tell the parent that there is something to look at; one that is gone is noticed elsewhere."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(BELL)
        sys.stdout.buffer.flush()
