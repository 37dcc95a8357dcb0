"""What happened, in order, and a way to wait until something more has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any


class Feed:
    """Entries numbered from 1 in `n`. A terminal or a page reads on after the last number it knows."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._closed = False

    def add(self, kind: str, **facts: Any) -> None:
        self.entries.append({"n": len(self.entries) + 1, "kind": kind, **facts})
        self.touch()

    def touch(self) -> None:
        """Wake everyone who waits for a condition, without an entry."""
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """Let nobody wait any longer: a server that stops would have to cut them off."""
        self._closed = True
        self.touch()

    def after(self, number: int) -> list[dict[str, Any]]:
        return self.entries[number:]

    async def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until `condition` holds or this is closed, at most `seconds`; tells whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not condition() and not self._closed:
                    await self._changed.wait()
        return condition()
