"""A real client in the test's process, connected to the Discord stand-in in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import select

from bot.clock import SystemClock
from bot.core.announcements import Message
from bot.core.charts import ChartSpec
from bot.discord.client import Services, VedetteClient
from bot.discord.delivery import Delivery
from bot.discord.pace import Pace
from bot.discord.pictures import Pictures
from bot.errors import ChartFailed
from bot.services.announcements import Announcements
from bot.services.boards import Boards
from bot.services.exports import Exports
from bot.services.health import Health
from bot.services.overrides import Overrides
from bot.services.predictions import Predictions
from bot.services.recorded_lives import RecordedLives
from bot.services.round_book import RoundBook
from bot.settings import Settings
from bot.storage import outbox
from bot.storage.engine import Database
from bot.storage.tables import outbox as outbox_table
from tests.clocks import ManualClock
from tests.discordserver import DiscordServer
from tests.exporter import FakeExporter
from tests.machines import machine_of
from tests.notify_services import notify_services
from tests.profiles import profiles_of
from tests.services.live_world import LiveWorld

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c626001"
    "0000000500010d0a2db40000000049454e44ae426082"
)
_LIBRARY_TASKS = ("discord.py", "CommandTree")
_names = count(1)


@dataclass
class Painter:
    """A renderer that gives one small picture, or fails on order."""

    trouble: str = ""
    drawn: list[ChartSpec] = field(default_factory=list)

    async def render(self, spec: ChartSpec) -> bytes:
        if self.trouble:
            raise ChartFailed(self.trouble)
        self.drawn.append(spec)
        return PNG


class Room:
    """The Discord room on a real database, with what a test needs to look at it from both sides."""

    def __init__(
        self, server: DiscordServer, database: Database, settings: Settings, cogs: tuple[str, ...]
    ) -> None:
        self.server, self.database, self.cogs = server, database, cogs
        self.settings = settings
        self.clock = ManualClock(datetime.now(UTC))  # noqa: TID251 - the stand-in's clock is the real one
        self.painter = Painter()
        self.exporter = FakeExporter()
        self.guild_id = int(server.facts["guild"])
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        """Begin as a new process would: nothing is remembered but the database."""
        self.announcements = Announcements(self.database, self.clock, jitter=lambda: 1.0)
        self.world = world = LiveWorld(self.database, self.clock)
        predictions = Predictions(
            database=self.database, monitor=world.monitor, clock=self.clock, default_time_zone="UTC"
        )
        machine = machine_of(self.database, self.clock)
        self.services = Services(
            watchlist=world.watchlist,
            live_monitor=world.monitor,
            predictions=predictions,
            overrides=Overrides(database=self.database, monitor=world.monitor, clock=self.clock),
            boards=Boards(
                database=self.database,
                predictions=predictions,
                announcements=self.announcements,
                clock=self.clock,
            ),
            round_sync=None,
            leaderboards=None,
            profiles=profiles_of(self.settings, self.database, self.announcements, self.clock),
            recorded=RecordedLives.of(
                self.settings, self.database, self.announcements, world.monitor, machine, clock=self.clock
            ),
            round_book=RoundBook(database=self.database, clock=self.clock),
            balance=None,
            players=None,
            privacy=None,
            round_admin=None,
            round_suggestions=None,
            exports=Exports(
                database=self.database,
                exporter=self.exporter,
                clock=self.clock,
                default_time_zone="UTC",
                usd_per_diamond=self.settings.usd_per_diamond,
            ),
            **notify_services(self.database, world.watchlist, self.announcements, self.clock, {}),
            health=Health(database=self.database, machine=machine, clock=self.clock, settings=self.settings),
            machine=machine,
            announcements=self.announcements,
            pictures=Pictures(self.painter),
            settings=self.settings,
            clock=self.clock,
        )
        self.client = VedetteClient(self.services, self.cogs, Pace(SystemClock()))
        delivery = Delivery(self.client, self.announcements, self.painter)
        self._tasks = [asyncio.create_task(self.client.start(self.server.facts["token"]))]
        await asyncio.wait_for(self._when_ready(), 20)
        self._tasks.append(asyncio.create_task(delivery.run()))

    async def _when_ready(self) -> None:
        while not self.client.is_ready():
            if self._tasks[0].done():
                await self._tasks[0]
            await asyncio.sleep(0.01)  # noqa: TID251 - polls an observable

    async def stop(self) -> None:
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()
        # discord.py tracks neither its event handlers nor running commands; they use the database.
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith(_LIBRARY_TASKS)]
        # As `bot.app` does: an answer may follow for minutes what it tells of.
        for task in left:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*left, return_exceptions=True), 10)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def ask(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Use the control API beside the loop, which the client needs meanwhile."""
        return await asyncio.to_thread(call, *args, **kwargs)

    async def channel(self, **kind: Any) -> int:
        """Make a channel of the test's own."""
        order = {"name": f"room-{next(_names)}", **kind}
        made = await self.ask(self.server.control, "POST", "channels", order)
        channel_id = int(made["id"])
        await self.until(lambda: self.client.get_channel(channel_id) is not None)
        return channel_id

    async def put(self, channel_id: int, message: Message, event_key: str = "live:1", **more: Any) -> None:
        async with self.database.write("test.put") as conn:
            await outbox.put(
                conn,
                event_key=event_key,
                channel_id=channel_id,
                message=message,
                now=self.clock.now(),
                **{"guild_id": self.guild_id, **more},
            )
        self.announcements.wake()

    async def row(self, channel_id: int, event_key: str = "live:1") -> dict[str, Any]:
        async with self.database.read() as conn:
            query = select(outbox_table).where(
                outbox_table.c.channel_id == channel_id, outbox_table.c.event_key == event_key
            )
            return dict((await conn.execute(query)).mappings().one())

    async def becomes(self, channel_id: int, state: str, event_key: str = "live:1") -> dict[str, Any]:
        """Wait until the message of the channel is in this state; give its row."""

        async def reached() -> dict[str, Any] | None:
            row = await self.row(channel_id, event_key)
            return row if row["state"] == state else None

        return await self.until_async(reached)

    async def until(self, condition: Callable[[], Any]) -> Any:
        async def check() -> Any:
            return condition()

        return await self.until_async(check)

    async def until_async(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(60):
            while not (found := await condition()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # noqa: TID251 - polls an observable
            return found

    async def shown(self, channel_id: int | str) -> list[dict[str, Any]]:
        """What stands in the channel now."""
        return await self.ask(self.server.messages, str(channel_id))

    async def posts(self, channel_id: int) -> list[dict[str, Any]]:
        """The requests to post into the channel."""
        return await self.ask(self.server.requests, "POST", f"/channels/{channel_id}/messages")

    async def fault(self, channel_id: int, kind: str = "status", **more: Any) -> None:
        more = {"method": "POST", "path": f"/channels/{channel_id}/messages", **more}
        await self.ask(self.server.fault, kind, **more)

    async def command(
        self, name: str, /, *, user: str = "admin", channel: str = "general", **options: Any
    ) -> dict[str, Any]:
        """Use a slash command and wait for its answer."""
        return await self.ask(self.server.run, name, options, user=user, channel=channel)
