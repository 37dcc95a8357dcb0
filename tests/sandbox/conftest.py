"""A Discord stand-in for tests of its protocol; it waits for answers to interactions `PATIENCE` seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.discordserver import DiscordServer, running_discord
from tests.rawdiscord import Rest

PATIENCE = 0.3


@pytest.fixture(scope="module")
def shared() -> Iterator[DiscordServer]:
    with running_discord("--ack-seconds", str(PATIENCE)) as server:
        yield server


@pytest.fixture
def server(shared: DiscordServer) -> DiscordServer:
    shared.control("DELETE", "faults")
    shared.control("DELETE", "violations")
    shared.control("POST", "rate_limits", {"enabled": False})
    return shared


@pytest.fixture
async def http(server: DiscordServer) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bot {server.facts['token']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


@pytest.fixture
def rest(server: DiscordServer, http: aiohttp.ClientSession) -> Rest:
    return Rest(server, http)


@pytest.fixture
async def socket(
    server: DiscordServer, http: aiohttp.ClientSession
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with http.ws_connect(server.facts["gateway"] + "?v=10&encoding=json") as socket:
        hello = await socket.receive_json()
        assert hello["op"] == 10
        yield socket
