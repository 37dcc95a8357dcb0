"""Workers as processes on a real database, two at once, one killed in the middle of its job."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.clock import SystemClock
from tests.jobs.toy_jobs import Place
from tests.jobs.worker_process import AT_ONCE

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


class Told:
    """What workers have told: a line each, by their names."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}
        self._news = asyncio.Event()

    async def hear(self, name: str, process: asyncio.subprocess.Process) -> None:
        heard = self.lines.setdefault(name, [])
        while line := await process.stdout.readline():
            heard.append(line.decode().strip())
            self._news.set()

    async def until(self, *lines: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not set(lines) <= {line for heard in self.lines.values() for line in heard}:
                self._news.clear()
                await self._news.wait()

    def who(self, line: str) -> str:
        (name,) = (name for name, heard in self.lines.items() if line in heard)
        return name


@asynccontextmanager
async def worker_process(
    url: str, name: str, told: Told, *, ahead: float = 0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a worker; in the end it is told to stop, if it lives."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.jobs.worker_process", name, str(ahead)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    process.stdin.write(f"{url}\n".encode())
    hearing = asyncio.create_task(told.hear(name, process))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(process.wait(), hearing)


async def test_of_two_workers_one_is_killed_in_its_job_and_every_job_is_done_once(database) -> None:
    place, told, numbers = Place(database, SystemClock()), Told(), range(1, 13)
    url = database.url.render_as_string(hide_password=False)
    await place.put(0, args={"number": 0, "hangs": True}, priority=1)
    await place.put(*numbers)
    async with worker_process(url, "one", told) as one, worker_process(url, "two", told) as two:
        await told.until("begun 0", *(f"done {number}" for number in numbers))
        {"one": one, "two": two}[told.who("begun 0")].kill()
    assert await place.rows() == [("doing", 1), *[("succeeded", 1) for _ in numbers]]
    assert (await place.notes())["half 0"] == "1"

    async with worker_process(url, "early", told), worker_process(url, "late", told, ahead=61):
        await told.until("done 0")
    assert told.who("done 0") == "late"
    assert await place.rows() == [("succeeded", 2), *[("succeeded", 1) for _ in numbers]]
    notes = await place.notes()
    assert notes["half 0"] == "2"
    assert {name for name in notes if name.startswith("done")} == {
        "done 0 2",
        *(f"done {number} 1" for number in numbers),
    }
    spans = [tuple(map(float, notes[f"done {number} 1"].split())) for number in numbers]
    assert max(sum(one[0] <= began < one[1] for one in spans) for began, _ in spans) < AT_ONCE["reading"]
