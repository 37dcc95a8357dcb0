"""TikTok as a `PostSource`: yt-dlp lists the posts, in a child process that asks before every request.

So the pause between requests and their number are kept here, and none is made that nobody wants. The child ends with
the iterator, and when its standard input does: it never outlives the bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

from bot.clock import Clock
from bot.core.posts.models import Page, ProfileRef
from bot.errors import PostsUnread
from bot.settings import environment_of_others
from bot.sources.tiktok.listing_lines import changed, unavailable
from bot.sources.tiktok.listing_state import Reading
from bot.texts import text

COMMAND = (sys.executable, "-m", "bot.sources.tiktok.listing_child")
ANSWER_SECONDS = 20.0
SILENT_SECONDS = 90.0
"""A child that says nothing for so long hangs: an answer takes `ANSWER_SECONDS`, TikTok's riddle some more."""
LONGEST_LINE = 8 * 1024 * 1024

log = logging.getLogger(__name__)
_T = TypeVar("_T")


class TikTokPosts:
    """The port `PostSource`, by TikTok's own pages.

    `page_seconds` is the pause between two requests, `limit_seconds` the longest that one listing may take.
    `ca_file` is for tests: the authority that is trusted instead of the usual ones.
    """

    name = "yt-dlp"
    lists_all = True

    def __init__(
        self,
        *,
        clock: Clock,
        page_seconds: float,
        limit_seconds: float,
        proxy: str = "",
        ca_file: str = "",
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._clock = clock
        self._page_seconds = page_seconds
        self._limit_seconds = limit_seconds
        self._order = {"proxy": proxy, "ca_file": ca_file, "timeout_seconds": answer_seconds}

    async def pages(self, profile: ProfileRef) -> AsyncGenerator[Page, None]:
        """Read the listing page by page, from the newest; see the port. Close it to end the child."""
        reading = Reading(profile)
        try:
            async with aclosing(self._pages(profile, reading)) as pages:
                async for page in pages:
                    yield page
        except PostsUnread as error:
            error.requests = reading.untold_requests
            raise

    async def _pages(self, profile: ProfileRef, reading: Reading) -> AsyncGenerator[Page, None]:
        ends_at = self._clock.machine.monotonic() + self._limit_seconds
        targets = [f"https://www.tiktok.com/@{profile.handle}"]
        if profile.sec_uid:  # it saves a request, and outlives a change of the handle
            targets.insert(0, f"tiktokuser:{profile.sec_uid}")
        for number, target in enumerate(targets, start=1):
            reading.begin(is_last_name=number == len(targets))
            child = await self._start(target)
            try:
                async with aclosing(self._listed(child, reading, ends_at)) as pages:
                    async for page in pages:
                        yield page
            finally:
                await asyncio.shield(_end(child))
            if not reading.wants_other_name:
                return

    async def _start(self, target: str) -> Process:
        try:
            child = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, env=environment_of_others()
            )
        except OSError as error:
            raise unavailable(
                text("yt-dlp could not be started: {reason}", reason=error.strerror or str(error))
            ) from error
        _say(child, json.dumps({"url": target, **self._order}))
        return child

    async def _listed(self, child: Process, reading: Reading, ends_at: float) -> AsyncGenerator[Page, None]:
        """Follow what the child says; gives its pages, the last one marked as such."""
        while True:
            line = await self._heard(child, ends_at)
            if "asks" in line:
                if page := reading.page(self._clock.now()):
                    yield page
                await self._allow(child, reading)
            elif "end" in line or "failed" in line:
                if "failed" in line and (page := reading.page(self._clock.now())):
                    yield page
                if page := reading.last_page(line.get("failed"), self._clock.now()):
                    yield page
                return
            else:
                reading.take(line)

    async def _allow(self, child: Process, reading: Reading) -> None:
        reading.count_request()
        if reading.requests_in_all > 1:
            await self._clock.sleep(self._page_seconds)
        _say(child, "")

    async def _heard(self, child: Process, ends_at: float) -> Mapping[str, Any]:
        """Wait for the child's next line. Raises `PostsUnread` where none comes."""
        assert child.stdout is not None  # noqa: S101 - for the type checker: it was asked for
        left = ends_at - self._clock.machine.monotonic()
        try:
            line = await _within(self._clock.machine, min(left, SILENT_SECONDS), child.stdout.readline())
        except ValueError:
            raise changed(text("TikTok's answer is far too large")) from None
        if line is None:
            took = text("yt-dlp took more than {seconds} seconds", seconds=int(min(left, SILENT_SECONDS)))
            raise unavailable(took if left > SILENT_SECONDS else text("the listing took too long"))
        if not line:
            code = await child.wait()
            raise unavailable(text("yt-dlp ended unexpectedly (exit code {code})", code=code))
        said: Mapping[str, Any] = json.loads(line)
        if "bug" in said.get("failed", {}):
            log.error("The listing process failed:\n%s", said["failed"]["bug"])
        return said


def _say(child: Process, line: str) -> None:
    if child.stdin is not None:
        with contextlib.suppress(ConnectionError):  # it has ended, which is heard next
            child.stdin.write(line.encode() + b"\n")


async def _end(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    if child.stdin is not None:
        child.stdin.close()
    await child.wait()


async def _within(clock: Clock, seconds: float, work: Coroutine[Any, Any, _T]) -> _T | None:
    """Give what comes of `work`, None where it takes longer than `seconds`."""
    task = asyncio.ensure_future(work)
    deadline = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, deadline}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        deadline.cancel()
        await asyncio.gather(task, deadline, return_exceptions=True)
