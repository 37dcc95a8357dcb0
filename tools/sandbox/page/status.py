"""What the page knows of the sandbox besides Discord's own state, and how it hears that something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.processes import StandIn

PREPARING, STARTING, ONLINE, OFFLINE = "preparing", "starting", "online", "offline"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The running stand-ins."""

    discord: StandIn
    tiktok: StandIn
    gameserver: StandIn
    scrapecreators: StandIn


def _awaited() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


class Bus:
    """Tells everybody who listens what happens now; who comes later asks for the state instead.

    `heard` is set once somebody has begun to listen.
    """

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[dict[str, Any]]] = set()
        self.heard = asyncio.Event()

    def tell(self, kind: str, **facts: Any) -> None:
        for queue in self._queues:
            queue.put_nowait({"kind": kind, **facts})

    @contextmanager
    def listening(self) -> Iterator[asyncio.Queue[dict[str, Any]]]:
        """Give a queue that gets everything told from now on."""
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._queues.add(queue)
        self.heard.set()
        try:
            yield queue
        finally:
            self._queues.discard(queue)


@dataclass(kw_only=True)
class Status:
    """`preparing` says what is done before the bot can start.

    `bot` is one of the four words above; `trouble` says why it is offline, where somebody knows.
    """

    clock: WorldClock
    tour: bool = False
    bus: Bus = field(default_factory=Bus)
    preparing: str | None = "The stand-ins start"
    bot: str = PREPARING
    trouble: str | None = None
    tour_step: dict[str, Any] | None = None
    _discord: asyncio.Future[StandIn] = field(default_factory=_awaited)
    _staged: asyncio.Future[Stage] = field(default_factory=_awaited)

    @property
    def stage(self) -> Stage | None:
        """Give the stand-ins, if they run already."""
        return self._staged.result() if self._staged.done() else None

    def set_stage(self, stage: Stage) -> None:
        self._staged.set_result(stage)

    def set_discord(self, discord: StandIn) -> None:
        """Tell that Discord runs: the page needs no more to show what there is."""
        self._discord.set_result(discord)

    async def discord(self) -> StandIn:
        """Wait until Discord runs."""
        return await asyncio.shield(self._discord)  # who waits no longer takes it from nobody else

    async def on_stage(self) -> Stage:
        """Wait until the stand-ins run."""
        return await asyncio.shield(self._staged)

    def prepare(self, what: str) -> None:
        """Tell what is being done before the bot can start."""
        self.preparing = what
        self.bus.tell(**self.bot_now())

    def set_bot(self, state: str, trouble: str | None = None) -> None:
        """Tell of the bot what is not told yet."""
        if (state, trouble) != (self.bot, self.trouble):
            self.bot, self.trouble, self.preparing = state, trouble, None
            self.bus.tell(**self.bot_now())

    def set_speed(self, speed: float) -> None:
        """Let the world go on at `speed`. Raises ValueError."""
        self.clock.set(speed=speed)
        self.bus.tell(**self.clock_now())

    def tell_tour(self, step: int | None, caption: str, **more: Any) -> None:
        """Tell at which step the tour is, None after the last; `more` may name a channel and a user to look with."""
        self.tour_step = {"kind": "tour", "step": step, "caption": caption, **more}
        self.bus.tell(**self.tour_step)

    def clock_now(self) -> dict[str, Any]:
        instant = self.clock.now().isoformat(timespec="milliseconds")
        return {"kind": "clock", "clock": {"instant": instant, "speed": self.clock.speed}}

    def bot_now(self) -> dict[str, Any]:
        return {"kind": "bot", "state": self.bot, "text": self.preparing or self.trouble}

    def now(self) -> list[dict[str, Any]]:
        """Give what somebody must hear who begins to listen."""
        return [self.clock_now(), self.bot_now(), *([self.tour_step] if self.tour_step else [])]
