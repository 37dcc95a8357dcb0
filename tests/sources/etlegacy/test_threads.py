"""Calls that block, in threads that nobody waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from bot.sources.etlegacy.threads import LooseThreads
from tests.standins import ROOT

A_CALL_THAT_NEVER_ENDS = """
import asyncio, threading
from bot.sources.etlegacy.threads import LooseThreads

async def main():
    blocked, began = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    waiting = loop.run_in_executor(LooseThreads(), lambda: (began.set(), blocked.wait()))
    await asyncio.to_thread(began.wait)
    waiting.cancel()

asyncio.run(main())
"""


def test_the_process_ends_although_a_call_does_not() -> None:
    """As the look-up of a server's name, which nothing can cut short."""
    ended = subprocess.run([sys.executable, "-c", A_CALL_THAT_NEVER_ENDS], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 0


async def test_a_call_gives_its_result_or_its_error() -> None:
    loop, threads = asyncio.get_running_loop(), LooseThreads()
    assert await loop.run_in_executor(threads, int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await loop.run_in_executor(threads, int, "seven")


async def test_a_call_that_is_stuck_holds_up_no_other() -> None:
    loop, threads, blocked = asyncio.get_running_loop(), LooseThreads(), threading.Event()
    stuck = [loop.run_in_executor(threads, blocked.wait) for _ in range(10)]
    assert await loop.run_in_executor(threads, int, "7") == 7
    assert not any(call.done() for call in stuck)
    blocked.set()
    assert all(await asyncio.gather(*stuck))
