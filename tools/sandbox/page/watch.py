"""Whether the bot is online: what Discord sees of it, and what is told by who started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import Any

from tools.sandbox.page.status import OFFLINE, ONLINE, STARTING, Status

LOOK_SECONDS = 0.25


class BotWatch:
    """`told` gets the lines of standard input: ``{"bot": "started", "pid": N}``, ``{"bot": "ended", "text": T}``."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._pid: int | None = None
        self._ended: str | None = None
        self._was_online = False
        self.first_online = asyncio.Event()

    def told(self, line: str) -> None:
        """Hear that the bot's process was started or has ended."""
        order: dict[str, Any] = json.loads(line)
        self._was_online = False
        if order["bot"] == "started":
            self._pid, self._ended = order["pid"], None
            self._status.set_bot(STARTING)
        else:
            self._pid, self._ended = None, order["text"]
            self._status.set_bot(OFFLINE, self._ended)

    def kill_left(self) -> None:
        """Kill a bot whose starter is gone: nobody else will."""
        if self._pid is not None:
            with contextlib.suppress(OSError):
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    async def follow(self) -> None:
        """Tell the page, until this is cancelled."""
        discord = await self._status.discord()
        while True:
            sessions = (await discord.control("GET", "gateway"))["sessions"]
            self._look(is_connected=any(session["connected"] for session in sessions))
            await asyncio.sleep(LOOK_SECONDS)  # noqa: TID251 - the stand-ins are the outside world

    def _look(self, *, is_connected: bool) -> None:
        if self._ended is not None:
            return
        if is_connected:
            self._was_online = True
            self.first_online.set()
            self._status.set_bot(ONLINE)
        elif self._was_online:
            self._status.set_bot(OFFLINE, "It has lost its connection to Discord.")
