"""One live at the stand-in of TikTok: its room, its audience, its end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn
from tools.sandbox.world.audience import audience_of
from tools.sandbox.world.lives import PlannedLive
from tools.sandbox.world.timeline import Happening, happenings, together

_SPACING_SECONDS = 0.1
"""Of the machine: bundles of events follow each other no sooner, however fast the world is."""
_MOST_IN_BUNDLE = 200


class OnAir:
    """A live while it is on; `viewers` is what was told last."""

    def __init__(
        self, live: PlannedLive, tiktok: StandIn, clock: WorldClock, *, joined_at: float | None = None
    ) -> None:
        """Prepare a live; `joined_at` (Unix seconds) is when the world began in the middle of it."""
        self.live = live
        self._joined_at = joined_at
        self.viewers = 0
        self._cut, self._ended = asyncio.Event(), asyncio.Event()
        self._audience = audience_of(live)
        self._tiktok = tiktok
        self._clock = clock
        self._told_at = float("-inf")

    async def perform(self) -> None:
        """Open the room, let the audience come until the live's time is over or `cut`, and end the live."""
        account = f"accounts/{self.live.streamer.handle}"
        room = {"title": self.live.title, "viewers": 1, "room_id": self.live.room_id}
        try:
            await self._tiktok.control("POST", f"{account}/live", room)
            await self._go_on()
            await self._tiktok.control("POST", f"{account}/end", {})
        finally:
            self._ended.set()

    async def cut(self) -> None:
        """End the live before its time, as its host would; returns when it has ended."""
        self._cut.set()
        await self._ended.wait()

    async def _go_on(self) -> None:
        audience, cut = asyncio.create_task(self._be_watched()), asyncio.create_task(self._cut.wait())
        try:
            await asyncio.wait({audience, cut}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            audience.cancel()
            cut.cancel()
            await asyncio.wait({audience, cut})
        if not audience.cancelled():
            await audience  # it may have failed

    async def _be_watched(self) -> None:
        """Let the audience do what it does when it does it."""
        due: list[Happening] = []
        for happening in await self._coming():
            if due and (happening.at > self._clock.unix() or len(due) >= _MOST_IN_BUNDLE):
                await self._tell(due)
                due = []
            await self._clock.sleep_until(happening.at)
            due.append(happening)
        await self._tell(due)
        await self._clock.sleep_until(self.live.ended_at.timestamp())

    async def _coming(self) -> list[Happening]:
        """Give what will happen; what has happened before the world began is only counted."""
        ended_at = self.live.ended_at.timestamp()
        told = [one for one in happenings(self._audience) if one.at < ended_at]
        if self._joined_at is None:
            return told
        past = [one.event for one in told if one.at < self._joined_at]
        counts = [event for event in past if event["kind"] == "viewers"]
        room = {"likes": sum(event["count"] for event in past if event["kind"] == "like")}
        if counts:
            self.viewers = counts[-1]["count"]
            room |= {"viewers": self.viewers, "entered": counts[-1]["entered"]}
        await self._tiktok.control("PATCH", f"accounts/{self.live.streamer.handle}", room)
        return [one for one in told if one.at >= self._joined_at]

    async def _tell(self, due: list[Happening]) -> None:
        events = together(due)
        if not events:
            return
        left = self._told_at + _SPACING_SECONDS - time.monotonic()  # noqa: TID251 - the machine's
        if left > 0:
            await asyncio.sleep(left)  # noqa: TID251 - as above
        self._told_at = time.monotonic()  # noqa: TID251 - as above
        order: dict[str, Any] = {"events": events, "together": True}
        await self._tiktok.control("POST", f"rooms/{self.live.streamer.handle}/events", order)
        counts = [event["count"] for event in events if event["kind"] == "viewers"]
        self.viewers = counts[-1] if counts else self.viewers
