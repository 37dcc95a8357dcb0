"""The Discord stand-in below discord.py: raw requests and raw frames, for tests of its protocol."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.discordserver import DiscordServer

GUILDS = 1


class Rest:
    """Requests with the bot's token; ``{app}``, ``{guild}`` and channels' names in a path become their ids."""

    def __init__(self, server: DiscordServer, http: aiohttp.ClientSession) -> None:
        self.server, self.http = server, http

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any, Any]:
        facts = self.server.facts
        path = path.format_map(
            {"app": facts["application_id"], "guild": facts["guild"], **facts["channels"], **facts["users"]}
        )
        async with self.http.request(method, facts["api"] + path, json=body, **more) as answer:
            data = await answer.json() if answer.status != 204 else None
            return answer.status, data, answer.headers

    async def done(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer of a request that must succeed."""
        status, data, _ = await self(method, path, body, **more)
        assert status < 300, data
        return data

    async def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, int]:
        """Status and code of a request that must not succeed."""
        status, data, _ = await self(method, path, body, **more)
        assert status >= 400, data
        return status, data["code"]


async def identify(server: DiscordServer, socket: aiohttp.ClientWebSocketResponse, **more: Any) -> None:
    data = {"token": server.facts["token"], "intents": GUILDS, "properties": {}, **more}
    await socket.send_json({"op": 2, "d": data})


async def identified(
    server: DiscordServer, socket: aiohttp.ClientWebSocketResponse
) -> tuple[dict[str, Any], dict[str, Any]]:
    """READY and GUILD_CREATE of a new session."""
    await identify(server, socket)
    ready = await socket.receive_json()
    assert ready["t"] == "READY"
    created = await socket.receive_json()
    assert created["t"] == "GUILD_CREATE"
    return ready["d"], created["d"]
