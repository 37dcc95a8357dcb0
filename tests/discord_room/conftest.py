"""A stand-in for the whole run, a room for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.settings import load_settings
from bot.storage.engine import Database, sqlite_url
from bot.storage.tables import metadata
from tests.discord_room.room import Room
from tests.discordserver import DiscordServer, running_discord


@pytest.fixture(scope="session")
def server() -> Iterator[DiscordServer]:
    with running_discord("--no-rate-limits") as server:
        yield server


@pytest.fixture
def discord_addresses() -> Iterator[None]:
    """Put discord.py's addresses back, which a client with loopback settings changes for its process."""
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before


@pytest.fixture
def open_room(server: DiscordServer, tmp_path: Path, discord_addresses: None) -> Callable[..., Any]:
    @asynccontextmanager
    async def opened(*cogs: str, settings: str = "") -> AsyncIterator[Room]:
        env = tmp_path / "test.env"
        addresses = f"DISCORD_API_URL={server.facts['api']}\nDISCORD_GATEWAY_URL={server.facts['gateway']}\n"
        env.write_text(addresses + settings)
        database = Database.open(sqlite_url(tmp_path / "vedette.db"))
        async with database.write("test.create") as conn:
            await conn.run_sync(metadata.create_all)
        room = Room(server, database, load_settings(env), cogs)
        await room.start()
        try:
            yield room
        finally:
            await room.stop()
            await database.close()
            server.control("DELETE", "faults")
        assert server.violations() == []

    return opened


@pytest.fixture
async def room(open_room: Callable[..., Any]) -> AsyncIterator[Room]:
    async with open_room() as room:
        yield room
