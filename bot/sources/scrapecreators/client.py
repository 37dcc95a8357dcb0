"""ScrapeCreators as a `PostSource`: the profile, then its posts by a cursor; every good answer costs a credit.

The feed is not exhaustive and its pages overlap: posts are told once, and the end of the feed is the end of the
profile only where about as many were told as the profile has.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from bot.clock import Clock
from bot.core.posts.models import Page, ProfileRef, ReadPost, ReadProfile, Trouble
from bot.core.posts.reading import is_whole
from bot.errors import PostsUnread
from bot.sources.scrapecreators import parse
from bot.texts import text

ANSWER_SECONDS = 60.0  # it asks TikTok meanwhile
LARGEST_ANSWER = 16 * 1024 * 1024
MOST_REPEATS = 3
"""So many pages in a row with nothing but known posts are no accident."""


class ScrapeCreatorsPosts:
    """The port `PostSource`; `page_seconds` is the pause between two requests, `limit_seconds` the longest reading."""

    name = "scrapecreators"
    lists_all = False  # its feed leaves posts out

    def __init__(
        self,
        *,
        clock: Clock,
        url: str,
        key: str,
        page_seconds: float,
        limit_seconds: float,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._clock = clock
        self._url = url
        self._headers = {"x-api-key": key, "Accept": "application/json"}
        self._page_seconds = page_seconds
        self._limit_seconds = limit_seconds
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds)

    async def pages(self, profile: ProfileRef) -> AsyncGenerator[Page, None]:
        """Read the profile and its posts page by page, from the newest; see the port."""
        asked = _Asked()
        try:
            async with aclosing(self._pages(profile, asked)) as pages:
                async for page in pages:
                    yield page
        except PostsUnread as error:
            error.requests = asked.untold
            raise

    async def _pages(self, profile: ProfileRef, asked: _Asked) -> AsyncGenerator[Page, None]:
        ends_at = self._clock.machine.monotonic() + self._limit_seconds
        async with self._session() as session:
            answer = await self._get(session, "/v1/tiktok/profile", {"handle": profile.handle}, asked)
            reading = _Reading(profile, parse.read_profile(answer), asked)
            reading.note_credits(answer)
            while True:
                if self._clock.machine.monotonic() > ends_at:
                    raise PostsUnread(Trouble.UNAVAILABLE, text("the listing took too long"))
                await self._clock.sleep(self._page_seconds)
                answer = await self._get(session, "/v3/tiktok/profile/videos", reading.query, asked)
                reading.note_credits(answer)
                if page := reading.take(parse.read_posts(answer, reading.handle), self._clock.now()):
                    yield page
                if reading.trouble:
                    raise reading.trouble
                if reading.is_over:
                    return

    async def credits_left(self) -> int | None:
        """Ask what is left to be used, which costs nothing; None where it does not say. Raises `PostsUnread`."""
        async with self._session() as session:
            return parse.credits_in(await self._get(session, "/v1/account/credit-balance", {}, _Asked()))

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=self._timeout, headers=self._headers, middlewares=(_only_once,))

    async def _get(
        self, session: aiohttp.ClientSession, path: str, query: Mapping[str, str], asked: _Asked
    ) -> dict[str, Any]:
        asked.untold += 1
        try:
            # The key goes to no other host.
            async with session.get(self._url + path, params=query, allow_redirects=False) as response:
                if response.status != 200:
                    raise parse.refusal_of(response.status, response.headers.get("Retry-After", ""))
                return parse.read_answer(await _read(response))
        except TimeoutError:
            raise _unreached(text("ScrapeCreators did not answer in time")) from None
        except aiohttp.ClientError as error:
            raise _no_way(error) from None


@dataclass(kw_only=True, slots=True)
class _Asked:
    """How many requests were made that no page has told of."""

    untold: int = 0


class _Reading:
    """How far one reading has come."""

    def __init__(self, profile: ProfileRef, found: ReadProfile, asked: _Asked) -> None:
        if profile.platform_id and found.platform_id != profile.platform_id:
            raise PostsUnread(Trouble.GONE, text("the handle belongs to somebody else now"))
        self.handle = found.handle or profile.handle
        self.is_over = False
        self.trouble: PostsUnread | None = None
        # The order stays the same along a chain of cursors, or the chain breaks.
        self.query = {
            "handle": self.handle,
            "user_id": str(found.platform_id),
            "sort_by": "latest",
            "trim": "true",
        }
        self._found = found
        self._asked = asked
        self._credits_left: int | None = None
        self._seen: set[int] = set()
        self._cursors: set[str] = set()
        self._repeats = 0

    def note_credits(self, answer: Mapping[str, Any]) -> None:
        """Keep what is left to be used."""
        left = parse.credits_in(answer)
        self._credits_left = self._credits_left if left is None else left

    def take(self, listed: parse.Listed, now: datetime) -> Page | None:
        """Take in a page; None for one that tells nothing new, and is not the last."""
        # A page that comes again may differ, and in a page a post may stand twice: the first of each is taken.
        new = {one.post_id: one for one in reversed(listed.posts) if one.post_id not in self._seen}
        posts = tuple(reversed(new.values()))
        self._seen.update(new)
        self._repeats = 0 if posts else self._repeats + 1
        self.is_over = not listed.cursor
        if self.is_over and not self._seen and self._found.posts != 0:
            self.trouble = _unreached(text("ScrapeCreators lists no posts of a profile that has some"))
        elif not self.is_over and (listed.cursor in self._cursors or self._repeats >= MOST_REPEATS):
            self.trouble = _unreached(text("ScrapeCreators gives the same page again and again"))
        self._cursors.add(listed.cursor)
        self.query["max_cursor"] = listed.cursor
        return self._page(posts, now) if posts or (self.is_over and not self.trouble) else None

    def _page(self, posts: tuple[ReadPost, ...], now: datetime) -> Page:
        requests, self._asked.untold = self._asked.untold, 0
        return Page(
            posts=posts,
            read_at=now,
            is_last=self.is_over and is_whole(len(self._seen), self._found.posts),
            requests=requests,
            profile=self._found,
            credits_left=self._credits_left,
        )


def _unreached(reason: str) -> PostsUnread:
    return PostsUnread(Trouble.UNAVAILABLE, reason)


def _no_way(error: aiohttp.ClientError) -> PostsUnread:
    return _unreached(text("ScrapeCreators cannot be reached ({kind})", kind=type(error).__name__))


async def _only_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a dropped GET again by itself: it may have cost a credit."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _no_way(error) from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise parse.changed()
    return bytes(body)
