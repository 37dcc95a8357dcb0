"""One life of the bot's process, from its start until it is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

LIFE: ContextVar[Life] = ContextVar("life")


class Life:
    """Whatever a process asks of the outside passes a point first; a dead one gets past none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, passing: Callable[[str], bool]) -> None:
        self.is_dead = False
        self._loop = loop
        self._passing = passing
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order they began

    async def point(self, name: str, seconds: float = 0.0) -> None:
        """Pass a named point, at which the process may be killed, then let some time go by."""
        if self.is_dead:
            raise asyncio.CancelledError
        if self._passing(name):
            await self._loop.create_future()  # what called is cancelled here
        if seconds > 0:
            await asyncio.sleep(seconds)  # noqa: TID251 - the loop's time is virtual

    def began(self, task: asyncio.Task[Any]) -> None:
        """Note a task of this life."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def end(self) -> None:
        """Die: nothing of this life reaches the outside any more."""
        self.is_dead = True
        for task in tuple(self._tasks):
            task.cancel()


def task_factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    """Make a task that belongs to the life it is made in."""
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
    life = LIFE.get(None)
    if life is not None:
        life.began(task)
    return task
