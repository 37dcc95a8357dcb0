"""The export process: each export is written by a child of its own, for a million rows are a minute of pure Python.

The child is spawned with the export, writes into a folder that nobody else looks into, and ends with it. What it is
told comes through a pipe, so that no secret stands on a command line. It never outlives the bot.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.clock import Clock
from bot.core.posts.export import ProfileOrder
from bot.core.streams.export import ExportedFile, ExportOrder
from bot.errors import ExportFailed, StorageError
from bot.exports.folder import close_place, forget_old, open_place, publish
from bot.texts import text

AT_ONCE = 2
LONGEST_SECONDS = 720.0  # an answer in Discord can come for 15 minutes
_NICENESS = 10


class ProcessExporter:
    """The port `Exporter`. `url` is the database, `folder` where exports are kept that are too large to hand over."""

    def __init__(self, url: str, folder: Path, clock: Clock) -> None:
        self._url = url
        self._folder = folder
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="exports")
        self._children: set[_Child] = set()

    async def write(
        self, order: ExportOrder | ProfileOrder, *, most_bytes: int, told: Callable[[int], None]
    ) -> tuple[ExportedFile, ...]:
        """Write an export; its files are handed over if they have `most_bytes` together, else kept in the folder.

        `told` takes the number of rows written so far. Raises `ExportFailed` and `StorageError`.
        """
        try:
            place = await asyncio.to_thread(open_place, self._folder)
        except OSError as error:
            raise _not_written(error) from error
        try:
            names = await self._write_in_child(order, place, told)
            files = [place / name for name in names]
            sizes = [file.stat().st_size for file in files]
            if sum(sizes) <= most_bytes:
                contents = [await asyncio.to_thread(file.read_bytes) for file in files]
                return tuple(
                    ExportedFile(name=file.name, size=len(content), content=content)
                    for file, content in zip(files, contents, strict=True)
                )
            # Not in a thread: between looking for a free name and taking it nobody else comes.
            kept = publish(files, self._folder)
            return tuple(
                ExportedFile(name=file.name, size=size, place=str(file))
                for file, size in zip(kept, sizes, strict=True)
            )
        except OSError as error:
            raise _not_written(error) from error
        finally:
            await asyncio.shield(asyncio.to_thread(close_place, place))

    async def forget_old(self) -> int:
        """Delete what was exported more than a week ago; gives how many files. Raises OSError."""
        return await asyncio.to_thread(forget_old, self._folder, self._clock.now())

    async def close(self) -> None:
        """End all children; who waits for them gets `ExportFailed`."""
        for child in self._children:
            child.kill()
        await asyncio.to_thread(self._threads.shutdown)

    async def _write_in_child(
        self, order: ExportOrder | ProfileOrder, place: Path, told: Callable[[int], None]
    ) -> tuple[str, ...]:
        child, loop = _Child(self._url, order, place), asyncio.get_running_loop()
        self._children.add(child)
        listening = loop.run_in_executor(
            self._threads, child.hear_out, lambda rows: loop.call_soon_threadsafe(told, rows)
        )
        deadline = asyncio.ensure_future(self._clock.sleep(LONGEST_SECONDS))
        try:
            either: set[asyncio.Future[Any]] = {listening, deadline}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                raise ExportFailed(
                    text(
                        "The export took more than {minutes} minutes. Ask for a shorter time, or for one account.",
                        minutes=int(LONGEST_SECONDS // 60),
                    )
                )
            return _outcome(listening.result())
        finally:
            deadline.cancel()
            child.kill()
            await asyncio.shield(asyncio.gather(listening, deadline, return_exceptions=True))
            self._children.discard(child)


class _Child:
    """One child process, from outside; `hear_out` blocks, and `kill` may come at any time."""

    def __init__(self, url: str, order: ExportOrder | ProfileOrder, place: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe(duplex=False)
        self.process = context.Process(target=_run_child, args=(self._theirs, url, order, place), daemon=True)
        self._is_given_up = False

    def hear_out(self, told: Callable[[int], object]) -> tuple[str, Any]:
        """Start it and hear what it says; gives the last."""
        with self._ours:
            with self._theirs:  # while it is open here too, the pipe would never end
                self.process.start()
            if self._is_given_up:
                self.process.kill()
            said: tuple[str, Any] = ("rows", 0)
            try:
                while said[0] == "rows":
                    said = self._ours.recv()
                    if said[0] == "rows":
                        told(said[1])
            except (EOFError, OSError):
                said = ("died", None)
            self.process.join()
            return said

    def kill(self) -> None:
        """End it, also where it is just being started."""
        self._is_given_up = True
        if self.process.pid is not None:
            self.process.kill()


def _outcome(said: tuple[str, Any]) -> tuple[str, ...]:
    """Give the names of the files that a child has written. Raises what kept it from it."""
    what, content = said
    if what == "done":
        names: tuple[str, ...] = content
        return names
    if what == "storage":
        raise StorageError(content)
    if what == "disk":
        raise _not_written(content)
    if what == "bug":
        raise RuntimeError(f"the export process failed:\n{content}")
    raise ExportFailed(
        text(
            "The process that wrote the export was ended before it was done; the machine may be short of memory. "
            "Try again, for a shorter time."
        )
    )


def _not_written(error: object) -> ExportFailed:
    return ExportFailed(
        text(
            "The export could not be written into the data folder: {reason}. Whoever runs the bot can mend that.",
            reason=getattr(error, "strerror", None) or str(error),
        )
    )


# --- In the child --------------------------------------------------------------------------------


def _run_child(pipe: Connection, url: str, order: ExportOrder | ProfileOrder, place: Path) -> None:
    """Write an export and say how it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent alone decides when it ends
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(_NICENESS)  # what people wait for in Discord comes first
    pipe.send(_written(pipe, url, order, place))


def _written(pipe: Connection, url: str, order: ExportOrder | ProfileOrder, place: Path) -> tuple[str, Any]:
    from bot.exports.post_writing import write_profile  # noqa: PLC0415 - only the child may load XlsxWriter
    from bot.exports.writing import write_export  # noqa: PLC0415
    from bot.storage.engine import Database  # noqa: PLC0415

    async def write() -> tuple[str, ...]:
        database = Database.open(url)  # it is only read: nothing here opens the writing connection
        try:
            if isinstance(order, ProfileOrder):
                done = await write_profile(database, order, place, lambda rows: pipe.send(("rows", rows)))
            else:
                done = await write_export(database, order, place, lambda rows: pipe.send(("rows", rows)))
        finally:
            await database.close()
        return tuple(file.name for file in done.files)

    try:
        return ("done", asyncio.run(write()))
    except StorageError as error:
        return ("storage", error.words)
    except OSError as error:
        return ("disk", error.strerror or str(error))
    except Exception:  # noqa: BLE001 - the border of the process: the bot tells it, with this traceback
        return ("bug", traceback.format_exc())


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
