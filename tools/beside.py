"""What programs beside the bot need to look at its game servers: the settings, the database and a lease a server."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.app import round_sync_of
from bot.charts.process import ProcessChartRenderer
from bot.clock import Clock
from bot.core.requester import Requester
from bot.jobs.loops import Loop
from bot.services.announcements import Announcements
from bot.services.round_sync import RoundSync
from bot.settings import Settings
from bot.storage import leases
from bot.storage.engine import Database
from bot.storage.migrate import require_current

LEASE = timedelta(minutes=2)
RENEW_EVERY = timedelta(seconds=30)
OWNER = Requester(guild_id=0, user_id=0, is_owner=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """A round sync of its own on the bot's database, and the leases it holds under `name`."""

    sync: RoundSync
    database: Database
    clock: Clock
    name: str
    servers: Sequence[str]

    async def take(self) -> tuple[str, ...]:
        """Take or renew every lease there is to be had; gives the servers that another program holds."""
        now = self.clock.now()
        async with self.database.write("beside.take") as conn:
            taken = {
                server: await leases.take(conn, server, self.name, now, now + LEASE)
                for server in self.servers
            }
        return tuple(server for server, is_ours in taken.items() if not is_ours)

    def loop(self) -> Loop:
        """Give the loop that renews the leases."""

        async def renew() -> datetime:
            await self.take()
            return self.clock.now() + RENEW_EVERY

        return Loop(name="leases", step=renew, wake=asyncio.Event())

    async def leave(self) -> None:
        """Let all leases go, so that the bot goes on at once."""
        async with self.database.write("beside.leave") as conn:
            for server in self.servers:
                await leases.leave(conn, server, self.name)


@asynccontextmanager
async def beside(settings: Settings, clock: Clock) -> AsyncIterator[Beside]:
    """Open the bot's database and connections of our own. Raises `StorageError` where its schema is another."""
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database)
        stack.push_async_callback(database.close)
        await require_current(database)
        charts = ProcessChartRenderer(clock)
        stack.push_async_callback(charts.close)
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        sync = round_sync_of(
            settings, database, Announcements(database, clock), charts=charts, clock=clock, holder=name
        )
        stack.push_async_callback(sync.close)
        ours = Beside(
            sync=sync, database=database, clock=clock, name=name, servers=tuple(settings.game_servers)
        )
        stack.push_async_callback(ours.leave)
        yield ours
