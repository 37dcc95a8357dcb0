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

from bot.clock import Clock, SteadyClock, clock_of
from bot.jobs.loops import Loop, keep_running
from bot.jobs.stopping import until_stopped
from bot.logs import log_to_parent
from bot.services.forgotten_people import ForgottenPeople
from bot.services.stream_recorder import StreamRecorder
from bot.settings import Settings
from bot.storage.engine import Database

LAST_SECONDS = 4.0
"""So long after its parent's death the process ends, whatever still hangs."""
BELL = b"\n"

log = logging.getLogger(__name__)


def run(settings: Settings, holder: str) -> int:
    """Record until told to stop, or until the bot is gone; gives the exit code. `holder` names the leases."""
    parent = _Parent()
    parent.listen()
    stop_logging = log_to_parent(settings)
    name = holder or f"by-hand-{secrets.token_hex(4)}"
    try:
        asyncio.run(_record(settings, SteadyClock(clock_of(settings.clock_file)), name, parent))
    finally:
        stop_logging()
    return 0


async def _record(settings: Settings, clock: SteadyClock, holder: str, parent: _Parent) -> None:
    parent_gone = asyncio.Event()
    async with _recorder(settings, clock, holder) as (recorder, forgotten):
        parent.tell(recorder.changed, parent_gone)
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
    if parent_gone.is_set():
        os._exit(0)  # all is saved and given back; nobody is there to wait for polite goodbyes


@asynccontextmanager
async def _recorder(
    settings: Settings, clock: Clock, holder: str
) -> AsyncIterator[tuple[StreamRecorder, ForgottenPeople]]:
    """Build everything; in the end what was counted is saved, and the rooms are given back."""
    from bot.sources.tiktok.stream import TikTokStreamSource  # noqa: PLC0415 - 60 MB, for this process alone

    key = settings.sign_api_key
    turn = asyncio.Lock()
    source = TikTokStreamSource(
        sign_api_url=settings.sign_api_url,
        sign_api_key=None if key is None else key.get_secret_value(),
        timeout_seconds=settings.tiktok_timeout_seconds,
        clock=clock,
        turn=turn,
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
                turn=turn,
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


class _Parent:
    """The bot at the other end of the standard input, heard in a thread: pipes cannot be awaited on every system."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._gone = asyncio.Event()

    def listen(self) -> None:
        """Begin to listen; while nothing is recorded yet, the parent's end is ours at once."""
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def tell(self, changed: asyncio.Event, gone: asyncio.Event) -> None:
        """Set these events of the running loop from now on: for a bell, and for the parent's end."""
        with self._turn:
            self._loop, self._changed, self._gone = asyncio.get_running_loop(), changed, gone

    def _listen(self) -> None:
        # Unbuffered: a thread that waits in a buffer aborts the exit of the process.
        while os.read(sys.stdin.fileno(), 1024):
            self._pass_on(gone=False)
        last = threading.Timer(LAST_SECONDS, os._exit, (1,))
        last.daemon = True
        last.start()
        if not self._pass_on(gone=True):
            os._exit(0)

    def _pass_on(self, *, gone: bool) -> bool:
        """Set an event of the loop; false where there is no loop yet."""
        with self._turn:
            if self._loop is None:
                return False
            with contextlib.suppress(RuntimeError):  # the loop has ended: so does the process
                self._loop.call_soon_threadsafe((self._gone if gone else self._changed).set)
            return True


def _ring() -> None:
    """Tell the parent that there is something to look at; one that is gone is noticed elsewhere."""
    with contextlib.suppress(OSError):
        sys.stdout.buffer.write(BELL)
        sys.stdout.buffer.flush()
