"""Looks after the recorder's process: started when a live is to be recorded, ended when none was for long.

What is recorded stands in the database; the pipes are bells only. The child ends when its standard input does, so
that it does not outlive the bot, however that ends. One that dies is started again, later and later; one that hangs,
answering no bell, is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.services.recording_control import RecordingControl

IDLE = timedelta(minutes=10)
LOOK_EVERY = timedelta(minutes=1)
PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds before it is started again after so many deaths in a row."""
STEADY = timedelta(minutes=10)
"""One that lived for so long dies for the first time."""
HUNG = timedelta(minutes=3)
"""One that answers no bell for so long hangs; loading everything takes far less."""
END_SECONDS = 6.0
LONGEST_LINE = 1024 * 1024
BELL = b"\n"

_LINE = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) (\S+): (.*)")

log = logging.getLogger(__name__)


class RecorderProcess:
    """Keeps at most one child. `command` is what starts it, but for the name of its leases.

    `changed` is set here when the child ends, and by whoever knows of a change of what is to be recorded;
    `told` are set when the child has reported something.
    """

    def __init__(
        self,
        *,
        control: RecordingControl,
        command: Sequence[str],
        clock: Clock,
        changed: asyncio.Event,
        told: Sequence[asyncio.Event],
    ) -> None:
        self._control = control
        self._command = command
        self._clock = clock
        self._changed = changed
        self._told = told
        self._child: Process | None = None
        self._holder = ""
        self._listeners: list[asyncio.Task[None]] = []
        self._started_at = self._start_at = clock.now()
        self._wanted_at = clock.now()
        self._deaths = 0
        self._unanswered_since: datetime | None = None

    @property
    def process_id(self) -> int | None:
        """The child's process id, None where there is none."""
        return None if self._child is None else self._child.pid

    async def step(self) -> datetime:
        """See to it that there is a child when one is needed; gives when to look again. Raises `StorageError`."""
        if self._child is not None and self._child.returncode is not None:
            await self._bury(self._child.returncode)
        wanted, now = await self._control.anything_to_record(), self._clock.now()
        if wanted:
            self._wanted_at = now
            if self._child is None and now < self._start_at:
                return self._start_at
            if self._child is None:
                await self._start()
            self._kill_if_hung(now)
            self._ring()
        elif self._child is not None:
            self._ring()
            if now - self._wanted_at >= IDLE:
                log.info("Nothing was recorded for %s; the recorder ends", IDLE)
                await self.close()
        return now + LOOK_EVERY

    async def close(self) -> None:
        """End the child: it saves what it has and goes; one that does not is killed."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), END_SECONDS)
        except TimeoutError:
            log.warning("The recorder does not end; it is killed")
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        await self._stop_listening()

    async def _start(self) -> None:
        holder = secrets.token_hex(8)
        self._child = child = await asyncio.create_subprocess_exec(
            *self._command, holder, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE
        )
        self._holder, self._started_at, self._unanswered_since = holder, self._clock.now(), None
        log.info("The recorder was started (process %d)", child.pid)
        self._listeners = [
            asyncio.create_task(self._hear(child), name="recorder's bell"),
            asyncio.create_task(self._pass_on(child), name="recorder's log"),
        ]

    async def _bury(self, code: int) -> None:
        """Free what a dead child held, and put off the next one. Raises `StorageError`."""
        now = self._clock.now()
        await self._control.free(self._holder)
        await self._stop_listening()
        self._child = None
        self._deaths = 1 if now - self._started_at >= STEADY else self._deaths + 1
        pause = PAUSES[min(self._deaths, len(PAUSES)) - 1]
        self._start_at = now + timedelta(seconds=pause)
        level = logging.WARNING if self._deaths == 1 else logging.DEBUG
        log.log(level, "The recorder ended (%d); it is started again in %.0f s if needed", code, pause)

    def _kill_if_hung(self, now: datetime) -> None:
        """End a child that answers no more; its end is noticed as any other."""
        since = self._unanswered_since
        if self._child is None or since is None or now - since < HUNG:
            return
        log.warning("The recorder has not answered since %s; it is killed", since)
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()

    def _ring(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._unanswered_since = self._unanswered_since or self._clock.now()
            with contextlib.suppress(OSError, RuntimeError):  # it is dying; the next look sees it
                self._child.stdin.write(BELL)

    async def _hear(self, child: Process) -> None:
        """Pass the child's bell on, and its end."""
        if child.stdout is not None:
            while await child.stdout.read(1024):
                self._unanswered_since = None
                for told in self._told:
                    told.set()
        await child.wait()
        self._changed.set()

    async def _pass_on(self, child: Process) -> None:
        """Put what the child logs into our log."""
        last = (logging.WARNING, __name__)
        while child.stderr is not None:
            try:
                line = await child.stderr.readline()
            except ValueError:  # longer than any line of a log
                continue
            if not line:
                return
            words = line.decode("utf-8", "replace").rstrip()
            if (found := _LINE.fullmatch(words)) is not None:
                last = (logging.getLevelNamesMapping()[found[1]], found[2])
                words = found[3]
            logging.getLogger(last[1]).log(last[0], "%s", words)

    async def _stop_listening(self) -> None:
        """Let what the child said last be heard; somebody else may hold its pipes open."""
        listeners, self._listeners = self._listeners, []
        if listeners:
            _, late = await asyncio.wait(listeners, timeout=1)
            for task in late:
                task.cancel()
            await asyncio.gather(*listeners, return_exceptions=True)
