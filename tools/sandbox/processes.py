"""Starts stand-ins as processes of their own and speaks to their control APIs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30


class Programs:
    """How programs are started; the tests put in its place what starts them sooner."""

    spawn = staticmethod(asyncio.create_subprocess_exec)


class StandIn:
    """One running stand-in: ``async with StandIn("tiktok") as tiktok``. `facts` is what it announced."""

    def __init__(self, name: str, *arguments: str) -> None:
        self._command = (sys.executable, "-m", f"tools.sandbox.{name}", *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self.facts: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._process = await Programs.spawn(
            *self._command, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(START_SECONDS):
            line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise RuntimeError(f"{' '.join(self._command)} ended before it was ready")
        self.facts = json.loads(line)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()
        if self._process and self._process.stdin:
            self._process.stdin.close()
            await self._process.wait()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send one command to the control API; raises ValueError with the reason where it is refused."""
        if self._session is None:
            raise RuntimeError("the stand-in is not running")
        url = f"{self.facts['base']}/_control/{path}"
        async with self._session.request(method, url, json=body) as answer:
            data = await answer.json()
            if answer.status != 200:
                raise ValueError(f"{method} {path}: {data.get('error', data)}")
            return data


def bot_settings(
    discord: Mapping[str, Any],
    tiktok: Mapping[str, Any],
    gameserver: Mapping[str, Any],
    data_folder: Path,
    scrapecreators: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Give the settings that point a bot at running stand-ins, and trust the game server's host key.

    Writes `known_hosts` into the data folder.
    """
    data_folder.mkdir(parents=True, exist_ok=True)
    host = f"[{gameserver['ssh_host']}]:{gameserver['ssh_port']}"
    (data_folder / "known_hosts").write_text(f"{host} {gameserver['host_key']}\n", "utf-8")
    server = "GAME_SERVERS__SANDBOX__"
    posts = {}
    if "proxy" in tiktok:
        # What lists posts knows only https://www.tiktok.com: it gets there by a proxy, and trusts what it finds.
        posts = {"POST_PROXY_URL": tiktok["proxy"], "SSL_CERT_FILE": tiktok["ca_file"]}
    if scrapecreators:
        posts |= {
            "SCRAPECREATORS_URL": scrapecreators["base"],
            "SCRAPECREATORS_API_KEY": scrapecreators["key"],
        }
    return {
        "DISCORD_TOKEN": discord["token"],
        "DISCORD_API_URL": discord["api"],
        "DISCORD_GATEWAY_URL": discord["gateway"],
        "TIKTOK_URL": tiktok["www"],
        "TIKTOK_WEBCAST_URL": tiktok["webcast"],
        "SIGN_API_URL": tiktok["sign"],
        "DATA_FOLDER": str(data_folder),
        **posts,
        f"{server}HOST": gameserver["ssh_host"],
        f"{server}PORT": str(gameserver["ssh_port"]),
        f"{server}USERNAME": gameserver["username"],
        f"{server}PASSWORD": gameserver["password"],
        f"{server}STATS_FOLDER": gameserver["stats_folder"],
        f"{server}QUERY_HOST": gameserver["query_host"],
        f"{server}QUERY_PORT": str(gameserver["query_port"]),
    }
