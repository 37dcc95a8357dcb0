"""The world at the stand-ins, on the world's clock: what is planned happens there when its time has come.

``World.prepare`` puts there what is true already, before the bot starts; ``World.run`` goes on from then, for
ever. In between somebody may go live, end a live or play a map because the page asks for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn
from tools.sandbox.world.creators import profile_at
from tools.sandbox.world.evenings import MAPS
from tools.sandbox.world.gameplay import GameServer
from tools.sandbox.world.lives import PlannedLive, forced_live, live_at, lives_of
from tools.sandbox.world.onair import OnAir
from tools.sandbox.world.shelves import Shelves
from tools.sandbox.world.streamers import STREAMERS, Streamer

_LOOK_AHEAD = timedelta(days=7)
_LOOK_BACK = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Places:
    """The running stand-ins where the world happens, and its clock."""

    clock: WorldClock
    tiktok: StandIn
    gameserver: StandIn
    scrapecreators: StandIn


class World:
    """All that happens outside Discord."""

    def __init__(self, places: Places, streamers: Sequence[Streamer] = STREAMERS) -> None:
        self._places = places
        self._clock = places.clock
        self._streamers = {streamer.handle: streamer for streamer in streamers}
        self._on: dict[str, OnAir] = {}
        self._last_start: dict[str, datetime] = {}
        self._game = GameServer(places.gameserver, places.clock)
        sources = (places.tiktok, places.scrapecreators)
        self._shelves = Shelves(sources, places.clock, tuple(streamers))
        self._group: asyncio.TaskGroup | None = None

    async def prepare(self) -> None:
        """Put there what is true at this instant: accounts with their last lives, posts, the server's files."""
        await asyncio.gather(*map(self._create, self._streamers.values()))
        await self._shelves.fill()
        await self._game.fill()

    async def run(self) -> None:
        """Let it happen, until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for streamer in self._streamers.values():
                group.create_task(self._live_as_planned(streamer))
            group.create_task(self._game.play_evenings())
            group.create_task(self._shelves.grow())

    async def go_live(self, handle: str) -> None:
        """Let somebody go live now. Raises KeyError for a stranger, ValueError if they are live already."""
        streamer = self._streamers[handle]
        if handle in self._on:
            raise ValueError(f"{handle} is live already")
        start = self._clock.now()
        if handle in self._last_start:
            start = max(start, self._last_start[handle] + timedelta(seconds=1))
        self._start(forced_live(streamer, start))

    async def end_live(self, handle: str) -> None:
        """Let somebody end their live. Raises KeyError for a stranger, ValueError if they are not live."""
        streamer = self._streamers[handle]
        on_air = self._on.get(handle)
        if on_air is None:
            raise ValueError(f"{streamer.handle} is not live")
        await on_air.cut()

    async def play_map(self) -> None:
        """Let a map be played now. Raises ValueError while one is played."""
        now = self._clock.now()
        name = tuple(MAPS)[int(now.timestamp()) % len(MAPS)]
        self._tasks().create_task(self._game.play(self._game.map_now(name, now)))

    def state(self) -> dict[str, Any]:
        """Give what a panel shows: ``streamers`` (`since` and `next` are Unix seconds or None) and ``game``."""
        return {
            "streamers": [self._shown(streamer) for streamer in self._streamers.values()],
            "game": {"playing": self._game.playing, "map": self._game.map, "players": self._game.players},
        }

    def _shown(self, streamer: Streamer) -> dict[str, Any]:
        on_air, now = self._on.get(streamer.handle), self._clock.now()
        coming = lives_of(streamer, now, now + _LOOK_AHEAD)
        return {
            "handle": streamer.handle,
            "nickname": streamer.nickname,
            "kind": streamer.kind.value,
            "live": on_air is not None,
            "viewers": on_air.viewers if on_air else 0,
            "since": on_air.live.started_at.timestamp() if on_air else None,
            "next": coming[0].started_at.timestamp() if coming else None,
        }

    async def _create(self, streamer: Streamer) -> None:
        now = self._clock.now()
        profile = profile_at(streamer, now)
        facts = {
            "handle": streamer.handle,
            "id": str(streamer.id),
            "nickname": streamer.nickname,
            "followers": profile.followers,
            "hearts": profile.hearts,
            "videos": profile.videos,
        }
        await self._places.scrapecreators.control("POST", "accounts", facts)
        account = f"accounts/{streamer.handle}"
        await self._places.tiktok.control(
            "POST", "accounts", {**facts, "following": profile.following, "never_live": True}
        )
        for live in lives_of(streamer, now - _LOOK_BACK, now)[-1:]:
            if live.ended_at <= now:
                room = {"title": live.title, "room_id": live.room_id}
                await self._places.tiktok.control("POST", f"{account}/live", room)
                await self._places.tiktok.control("POST", f"{account}/end", {"announce": False})

    async def _live_as_planned(self, streamer: Streamer) -> None:
        since = self._clock.now()
        running = live_at(streamer, since)
        if running is not None:
            self._start(running, joined_at=since.timestamp())
        while True:
            for live in lives_of(streamer, since, since + _LOOK_AHEAD):
                await self._clock.sleep_until(live.started_at.timestamp())
                # Whoever is live because the page asked for it does not begin anew.
                if streamer.handle not in self._on and live.ended_at > self._clock.now():
                    self._start(live)
            since += _LOOK_AHEAD

    def _start(self, live: PlannedLive, *, joined_at: float | None = None) -> None:
        on_air = OnAir(live, self._places.tiktok, self._clock, joined_at=joined_at)
        self._tasks().create_task(self._be_live(on_air))
        handle = live.streamer.handle
        self._on[handle], self._last_start[handle] = on_air, live.started_at

    async def _be_live(self, on_air: OnAir) -> None:
        try:
            await on_air.perform()
        finally:
            del self._on[on_air.live.streamer.handle]

    def _tasks(self) -> asyncio.TaskGroup:
        if self._group is None:
            raise ValueError("the world does not run yet")
        return self._group
