"""How a process of the bot ends: told by a signal, or because some of its work has ended."""

from __future__ import annotations

import asyncio
import logging
import signal

log = logging.getLogger(__name__)


async def until_stopped(work: list[asyncio.Task[None]]) -> None:
    """Wait for SIGINT, SIGTERM or the end of any work (which is an error), then end all of it."""
    stop = asyncio.create_task(stop_signal(), name="stop signal")
    try:
        done, _ = await asyncio.wait({stop, *work}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            await task
        log.info("Stopping")
    finally:
        for task in (stop, *work):
            task.cancel()
        await asyncio.gather(stop, *work, return_exceptions=True)


async def stop_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: its loop has no signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    await stop.wait()
