"""Measures, inside a bot it is put in front of by PYTHONPATH, the longest single step of the event loop.

Python imports a module of this name by itself at start. SIGUSR1 forgets what was measured; SIGUSR2 writes
the longest step since then, in milliseconds with the name of the callback, to the file VEDETTE_PROBE_FILE.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

SAMPLED_EVERY_SECONDS = 0.005
"""How long a thread has worked is asked of the system, which at each step takes a sixth of a busy bot's time."""


class Probe:
    """Wraps the one method through which every callback of an event loop runs."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.longest = (0.0, "nothing")
        self.sampled_at, self.worked = 0.0, 0.0

    def install(self) -> None:
        run = asyncio.Handle._run  # noqa: SLF001 - there is no public hook

        def timed(handle: asyncio.Handle) -> None:
            started = time.perf_counter()
            if started - self.sampled_at > SAMPLED_EVERY_SECONDS:
                self.sampled_at, self.worked = started, time.thread_time()
            run(handle)
            took = time.perf_counter() - started
            if took > self.longest[0]:
                busy = 1000 * (time.thread_time() - self.worked)
                self.longest = (took, f"{_name(handle)}, {busy:.0f} ms of it working")

        asyncio.Handle._run = timed  # type: ignore[assignment]  # noqa: SLF001
        signal.signal(signal.SIGUSR1, self.forget)
        signal.signal(signal.SIGUSR2, self.tell)

    def forget(self, *_: Any) -> None:
        self.longest = (0.0, "nothing")

    def tell(self, *_: Any) -> None:
        whole = self.file.with_suffix(".part")
        whole.write_text(f"{self.longest[0] * 1000:.3f}\n{self.longest[1]}\n", "utf-8")
        whole.replace(self.file)


def _name(handle: asyncio.Handle) -> str:
    """Name the coroutine of a task's step, or the callback."""
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001
    return f"in {owner.get_name()}" if isinstance(owner, asyncio.Task) else repr(handle)[:200]


if os.environ.get("VEDETTE_PROBE_FILE"):
    Probe(Path(os.environ["VEDETTE_PROBE_FILE"])).install()
