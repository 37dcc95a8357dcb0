"""A stand-in of TikTok behind its proxy, and the source that lists posts there."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from bot.clock import SystemClock
from bot.core.posts.models import Page, ProfileRef
from bot.errors import PostsUnread
from bot.sources.tiktok.listing import TikTokPosts
from tests.standins import StandIn


class HastyClock(SystemClock):
    """Real time, but for the pause between pages, which is only noted."""

    PAUSE = 1.25

    def __init__(self) -> None:
        self.pauses = 0

    async def sleep(self, seconds: float) -> None:
        if seconds == self.PAUSE:
            self.pauses += 1
            await asyncio.sleep(0)  # noqa: TID251 - the loop's other tasks must come to their turn
        else:
            await super().sleep(seconds)


class Site:
    """TikTok as a test sees it."""

    def __init__(self, standin: StandIn, clock: HastyClock) -> None:
        self.standin = standin
        self.clock = clock
        self.source = TikTokPosts(
            clock=clock,
            page_seconds=clock.PAUSE,
            limit_seconds=60,
            proxy=standin.facts["proxy"],
            ca_file=standin.facts["ca_file"],
            answer_seconds=5,
        )

    def account(self, handle: str = "ana", posts: int = 0, **facts: Any) -> dict[str, Any]:
        shown = self.standin.control("POST", "accounts", {"handle": handle, "videos": posts, **facts})
        if posts:
            self.standin.control("POST", f"accounts/{handle}/posts", {"count": posts})
        return shown

    async def read(self, handle: str = "ana", most: int = 100, **known: Any) -> list[Page]:
        """Read up to `most` pages."""
        pages = []
        async with aclosing(self.source.pages(ref(handle, **known))) as reading:
            async for page in reading:
                pages.append(page)
                if len(pages) == most:
                    break
        return pages

    async def trouble(self, handle: str = "ana", **known: Any) -> tuple[list[Page], PostsUnread]:
        """Read until it fails; gives what came before and why it failed."""
        pages: list[Page] = []
        try:
            async for page in self.source.pages(ref(handle, **known)):
                pages.append(page)  # noqa: PERF401 - those that came before it failed are kept
        except PostsUnread as error:
            return pages, error
        raise AssertionError(f"nothing failed; {len(pages)} pages were read")

    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [entry["path"] for entry in self.standin.seen(kind="http")]


def ref(handle: str = "ana", **known: Any) -> ProfileRef:
    return ProfileRef(account_id=1, handle=handle, **known)
