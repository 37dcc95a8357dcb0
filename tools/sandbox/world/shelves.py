"""The posts of the streamers, and how they are seen, at both sources of posts."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn
from tools.sandbox.world.creators import FIRST_POST, PlannedPost, counts_at, posts_of, profile_at
from tools.sandbox.world.streamers import Streamer

_GROW_WORLD_SECONDS, _GROW_MACHINE_SECONDS = 600.0, 3.0


class Shelves:
    """Puts what is posted at the sources, and lets it grow."""

    def __init__(
        self, sources: tuple[StandIn, ...], clock: WorldClock, streamers: tuple[Streamer, ...]
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._streamers = streamers
        self._posts: dict[str, list[PlannedPost]] = {}
        self._listed_until: datetime | None = None

    async def fill(self) -> None:
        """List everything that is posted already."""
        await self._list(self._clock.now())

    async def grow(self) -> None:
        """Let new posts appear and all be seen more, for ever."""
        while True:
            await self._clock.sleep(max(_GROW_WORLD_SECONDS, _GROW_MACHINE_SECONDS * self._clock.speed))
            now = self._clock.now()
            await self._list(now)
            for streamer in self._streamers:
                await self._count(streamer, now)

    async def _list(self, now: datetime) -> None:
        since = self._listed_until or FIRST_POST
        for streamer in self._streamers:
            new = posts_of(streamer, since, now)
            self._posts.setdefault(streamer.handle, []).extend(new)
            if new:
                await self._at_all("POST", streamer, "/posts", [_described(post, now) for post in new])
        self._listed_until = now

    async def _count(self, streamer: Streamer, now: datetime) -> None:
        posts = self._posts[streamer.handle]
        await self._at_all("PATCH", streamer, "/posts", {str(post.id): _counted(post, now) for post in posts})
        profile = profile_at(streamer, now)
        told = {"followers": profile.followers, "hearts": profile.hearts, "videos": profile.videos}
        await self._at_all("PATCH", streamer, "", told)

    async def _at_all(self, method: str, streamer: Streamer, what: str, body: Any) -> None:
        for source in self._sources:
            await source.control(method, f"accounts/{streamer.handle}{what}", body)


def _described(post: PlannedPost, now: datetime) -> dict[str, Any]:
    return {
        "id": str(post.id),
        "created_at": int(post.posted_at.timestamp()),
        "caption": post.caption,
        "duration": post.duration,
        **_counted(post, now),
    }


def _counted(post: PlannedPost, now: datetime) -> dict[str, int]:
    return dataclasses.asdict(counts_at(post, now))
