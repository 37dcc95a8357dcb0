"""A stand-in of TikTok, and a source that watches its lives. The library is imported only where a test wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from bot.core.streams.events import StreamEvent
from bot.ports import Ending, StreamSource
from tests.clocks import ManualClock
from tools.sandbox.processes import StandIn

HOST_ID = 7_000_000_000_000_000_001
KEY = "key-nobody-may-see"


async def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Poll until the condition, which may be a coroutine, holds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.005)  # noqa: TID251 - another process, in real time


class Watching:
    """A source watching one room, and all it gave."""

    def __init__(self, tiktok: StandIn, source: StreamSource, room_id: int, earlier: int) -> None:
        self.events: list[StreamEvent] = []
        self.room_id = room_id
        self._earlier = earlier
        self._tiktok = tiktok
        self.task = asyncio.create_task(
            source.watch(room_id, "ana.live", self.events.append, host_id=HOST_ID)
        )

    async def entered(self) -> Watching:
        """Wait until its connection stands and is in the room."""
        await until(self._is_entered)
        return self

    async def _is_entered(self) -> bool:
        if self.task.done():
            await self.task
            raise AssertionError("the connection has ended already")
        return any(socket["open"] and socket["entered"] for socket in await self.sockets())

    async def sockets(self) -> list[dict[str, Any]]:
        sockets = await self._tiktok.control("GET", "sockets")
        return sockets[self._earlier :]

    async def send(self, *events: dict[str, Any], **how: Any) -> None:
        await self._tiktok.control("POST", "rooms/ana.live/events", {"events": list(events), **how})

    async def end(self) -> list[StreamEvent]:
        """End the live, wait for it, and give what came between the connection and the end."""
        await self._tiktok.control("POST", "accounts/ana.live/end", {})
        assert await asyncio.wait_for(self.task, 10) is Ending.LIVE_ENDED
        return self.events[1:-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn("tiktok") as standin:
        yield standin


@pytest_asyncio.fixture(loop_scope="module")
async def tiktok(standin: StandIn) -> StandIn:
    """The stand-in with one account, ana.live, that is not live."""
    for what in ("accounts", "faults", "requests"):
        await standin.control("DELETE", what)
    await standin.control("POST", "accounts", {"handle": "ana.live", "id": HOST_ID})
    return standin


@pytest_asyncio.fixture(loop_scope="module")
async def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture(loop_scope="module")
async def streams(tiktok: StandIn, clock: ManualClock) -> AsyncIterator[StreamSource]:
    from bot.sources.tiktok.stream import TikTokStreamSource

    async with TikTokStreamSource(
        sign_api_url=tiktok.facts["sign"], sign_api_key=KEY, timeout_seconds=5.0, clock=clock
    ) as source:
        yield source


@pytest_asyncio.fixture(loop_scope="module")
async def watch(tiktok: StandIn, streams: StreamSource) -> AsyncIterator[Callable[..., Watching]]:
    """Go live and watch: ``watching = await watch()``."""
    begun: list[Watching] = []

    async def begin(**live: Any) -> Watching:
        shown = await tiktok.control("POST", "accounts/ana.live/live", live)
        earlier = len(await tiktok.control("GET", "sockets"))
        begun.append(Watching(tiktok, streams, int(shown["room_id"]), earlier))
        return await begun[-1].entered()

    yield begin
    for watching in begun:
        watching.task.cancel()
    await asyncio.gather(*(watching.task for watching in begun), return_exceptions=True)
