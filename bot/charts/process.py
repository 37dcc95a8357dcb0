"""The chart process: one child draws, so that the event loop never waits for a picture.

The child starts with the first chart and ends when nobody wanted one for ten minutes. A child that dies
is replaced once per chart. It is spawned, never forked: threads and sockets do not survive a fork.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from bot.clock import Clock
from bot.core.charts import ChartSpec
from bot.errors import ChartFailed

QUEUE_LIMIT = 20
IDLE_SECONDS = 600.0
LONGEST_DRAWING_SECONDS = 60.0  # a chart takes 0.15 s, the first one with its child a second
# Then a new child, since a drawing library may leak. Counted here: the executor's own
# max_tasks_per_child hangs in Python 3.11 when more than one chart waits (seen with 3.11.7).
CHARTS_PER_CHILD = 500

_T = TypeVar("_T")


class ProcessChartRenderer:
    """The port `ChartRenderer`: at most 20 charts wait or are drawn at a time, in one child process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pool: ProcessPoolExecutor | None = None
        self._drawn = 0
        self._waiting = 0
        self._idle: asyncio.Task[None] | None = None
        self._closed = False

    async def render(self, spec: ChartSpec) -> bytes:
        """Draw a PNG. Raises `ChartFailed` when it cannot be drawn or too many charts wait."""
        return await self._ask(_draw, spec)

    async def warm_up(self) -> None:
        """Start the child and load the drawing library, so that the first chart is quick."""
        await self._ask(_load)

    async def close(self) -> None:
        """End the child and draw nothing more; who still waits gets `ChartFailed`."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        pool = self._pool
        self._end_child()
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def _ask(self, work: Callable[..., _T], *arguments: object) -> _T:
        if self._waiting >= QUEUE_LIMIT:
            raise ChartFailed(f"{QUEUE_LIMIT} charts are waiting to be drawn")
        if self._idle is not None:
            self._idle.cancel()
        self._waiting += 1
        try:
            return await self._ask_twice(work, *arguments)
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._pool is not None:
                self._rest()

    async def _ask_twice(self, work: Callable[..., _T], *arguments: object) -> _T:
        """Ask the child; if it died meanwhile, ask a new one once."""
        try:
            return await self._ask_child(work, *arguments)
        except BrokenProcessPool:
            pass
        try:
            return await self._ask_child(work, *arguments)
        except BrokenProcessPool:
            raise ChartFailed("the chart process died twice") from None

    async def _ask_child(self, work: Callable[..., _T], *arguments: object) -> _T:
        """Run `work` in the child. Raises `BrokenProcessPool` when the child died, else `ChartFailed`."""
        if self._closed:
            raise ChartFailed("charts are closed")
        pool = self._pool = self._pool or _new_pool()
        try:
            answer = asyncio.wrap_future(pool.submit(work, *arguments))
            await self._wait_for(answer)
            error = BrokenProcessPool("ended") if answer.cancelled() else answer.exception()
        except BrokenProcessPool as broken:
            error = broken
        if isinstance(error, BrokenProcessPool):
            if self._pool is pool:
                self._end_child()
            raise error
        if error is not None:
            raise ChartFailed(f"a chart could not be drawn: {error!r}") from error
        self._drawn += 1
        return answer.result()

    async def _wait_for(self, answer: asyncio.Future[_T]) -> None:
        """Wait for the child, but not for ever; a child that hangs is ended. Raises `ChartFailed`."""
        deadline = asyncio.ensure_future(self._clock.sleep(LONGEST_DRAWING_SECONDS))
        try:
            either: set[asyncio.Future[Any]] = {answer, deadline}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        finally:
            deadline.cancel()
            await asyncio.wait({deadline})
        if not answer.done():
            answer.cancel()
            self._end_child()
            raise ChartFailed(f"a chart was not drawn within {LONGEST_DRAWING_SECONDS:.0f} s")

    def _rest(self) -> None:
        if self._drawn >= CHARTS_PER_CHILD:
            self._end_child()
        else:
            self._idle = asyncio.ensure_future(self._end_when_idle())

    async def _end_when_idle(self) -> None:
        await self._clock.sleep(IDLE_SECONDS)
        self._end_child()

    def _end_child(self) -> None:
        pool, self._pool, self._drawn = self._pool, None, 0
        if pool is not None:
            # Killed, because it holds nothing worth saving and might hang; Python 3.14 has kill_workers().
            children = list((pool._processes or {}).values())  # noqa: SLF001
            pool.shutdown(wait=False, cancel_futures=True)
            for child in children:
                child.kill()


def _new_pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_start_child)


def _start_child() -> None:
    """Let the parent alone decide when the child ends: it ignores Ctrl-C, and never outlives the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _draw(spec: ChartSpec) -> bytes:
    from bot.charts.render import draw  # noqa: PLC0415 - only the child may load matplotlib

    return draw(spec)


def _load() -> None:
    from bot.charts.render import warm_up  # noqa: PLC0415 - only the child may load matplotlib

    warm_up()
