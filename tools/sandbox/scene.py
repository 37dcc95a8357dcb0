"""Four processes on real sockets: three stand-ins and the bot, which can be killed and started again.

For end-to-end tests and benchmarks. The bot is only started as a program; nothing of it is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tools.sandbox.processes import ROOT, Programs, StandIn, bot_settings
from tools.sandbox.stored import change, rows_of

QUICK = {
    "RECORD_LIVES": "false",  # a recorder takes seconds to start: for the tests of what it records
    "DISCOVERY_CHECKS_PER_DAY": "5760",
    "CHECK_SPACING_SECONDS": "1",
    "FOLLOWUP_REQUESTS_PER_DAY": "5760",
    "REQUESTS_PER_MINUTE": "1000",
    "SWEEP_SECONDS": "1",
    "VIEWERS_SECONDS": "1",
    "END_CONFIRM_SECONDS": "1",
    "RESTART_GAP_SECONDS": "600",
    "ROUND_POLL_SECONDS": "1",
}
PATIENCE_SECONDS = 110
"""An account whose check was cut off by a kill is looked at again after 90 s."""


async def until(condition: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Look again and again until the condition gives something true; gives what it gave.

    Raises AssertionError, which names `what` was waited for.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (result := await condition()):  # noqa: ASYNC110 - what is waited for is in another process
                await asyncio.sleep(0.05)  # noqa: TID251 - other processes need real time
            return result
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None


class World:
    """The stand-ins, and the bot as a process."""

    def __init__(self, discord: StandIn, tiktok: StandIn, gameserver: StandIn, folder: Path) -> None:
        self.discord = discord
        self.tiktok = tiktok
        self.gameserver = gameserver
        self.folder = folder
        self.settings: dict[str, str] = {}
        self.bot: asyncio.subprocess.Process | None = None

    async def start_bot(self, **settings: str) -> None:
        """Start the bot and wait until the gateway knows it."""
        before = await self._identifies()
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        log = (self.folder / "bot.out").open("ab")
        self.bot = await Programs.spawn(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **self.settings, **settings},
            stdout=log,
            stderr=log,
        )
        log.close()
        await until(lambda: self._is_ready(before), f"the bot became ready; see {self.folder}/bot.out")

    async def _identifies(self) -> int:
        return int((await self.discord.control("GET", "gateway"))["identify"])

    async def _is_ready(self, before: int) -> bool:
        if self.bot is not None and self.bot.returncode is not None:
            raise AssertionError(f"the bot ended:\n{self.log()}")
        return await self._identifies() > before

    async def kill_bot(self) -> None:
        """End it as a power cut would."""
        bot = self._running()
        bot.kill()
        await bot.wait()

    async def stop_bot(self) -> int:
        """Ask it to stop; gives its exit code."""
        bot = self._running()
        bot.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await bot.wait()

    def _running(self) -> asyncio.subprocess.Process:
        if self.bot is None:
            raise RuntimeError("the bot was not started")
        return self.bot

    def log(self) -> str:
        file = self.folder / "bot.out"
        return file.read_text("utf-8") if file.exists() else ""

    async def command(
        self, name: str, options: dict[str, Any] | None = None, *, by: str = "admin", channel: str = "admin"
    ) -> dict[str, Any]:
        """Give a slash command and wait for its answer."""
        order = {"user": by, "channel": channel, "name": name, "options": options or {}}
        sent = await until(lambda: self._try_command(order), f"/{name} was known")
        answered: dict[str, Any] = await self.discord.control(
            "GET", f"interactions/{sent['interaction_id']}?wait=30"
        )
        return answered

    async def _try_command(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Commands are sent to Discord a moment after the bot identified."""
        known = {command["name"] for command in (await self.discord.control("GET", "state"))["commands"]}
        if order["name"].split()[0] not in known:
            return None
        sent: dict[str, Any] = await self.discord.control("POST", "command", order)
        return sent

    async def set_up(self) -> None:
        await self.command("setup", {"lives": "lives", "rounds": "rounds", "admin": "admin"})
        await until(lambda: self.posts("lives"), "the test post came")
        await until(self._nothing_waits, "every test post came")

    async def _nothing_waits(self) -> bool:
        return not await self.count("outbox", "delivered_revision < revision AND state = 'pending'")

    async def posts(self, channel: str, title: str = "") -> list[dict[str, Any]]:
        """The messages of the bot that stand in a channel and have `title` in their embed's title."""
        messages = await self.discord.control("GET", f"messages?channel={channel}")
        return [
            message
            for message in messages
            if not message["deleted"]
            and not message["ephemeral"]
            and any(title in embed.get("title", "") for embed in message["embeds"])
        ]

    async def fault(self, standin: StandIn, **values: Any) -> None:
        await standin.control("POST", "faults", values)

    async def follow(self, handle: str = "ana") -> None:
        await self.tiktok.control("POST", "accounts", {"handle": handle, "nickname": "Ana *star*"})
        await self.command("live add", {"user": f"@{handle}", "channel": "lives", "role": "Live pings"})

    async def go_live(self, handle: str = "ana", **values: Any) -> None:
        """Go live and have the bot look, so that a test need not wait for the planned check."""
        await self.tiktok.control(
            "POST", f"accounts/{handle}/live", {"title": "Hello", "viewers": 12, **values}
        )

    async def write_round(self, file: Path, *, minutes_ago: int = 1, **more: Any) -> str:
        """Write a real round's file as if it had ended just now; gives its name on the server."""
        ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes_ago)  # noqa: TID251
        name = f"{ended:%Y-%m-%d-%H%M%S}-{file.name[18:]}"
        body = {"name": name, "content": _text(file), "mtime": ended.timestamp(), **more}
        await self.gameserver.control("POST", "files", body)
        return name

    @property
    def database(self) -> str:
        """The URL of the bot's database."""
        return self.settings.get("DATABASE_URL") or f"sqlite:///{self.folder}/data/vedette.db"

    async def count(self, table: str, where: str = "1 = 1") -> int:
        """Count rows in the bot's database, read from outside."""
        query = f"SELECT count(*) FROM {table} WHERE {where}"  # noqa: S608 - a test gives both
        return int((await rows_of(self.database, query))[0][0])

    async def stored_message(self, event: str) -> dict[str, Any]:
        """Give the first message in the bot's outbox whose event begins so."""
        query = f"SELECT message FROM outbox WHERE event_key LIKE '{event}%' ORDER BY id"  # noqa: S608 - as above
        stored: dict[str, Any] = json.loads((await rows_of(self.database, query))[0][0])
        return stored

    async def clear_leases(self) -> None:
        """Let what a killed bot had claimed be claimed again, as if its lease had run out."""
        await change(self.database, "UPDATE accounts SET leased_until = NULL")

    async def violations(self) -> list[dict[str, Any]]:
        answer = await self.discord.control("GET", "violations")
        if answer["validation"] != "on":
            raise RuntimeError(f"nothing was validated: {answer['validation']}")
        found: list[dict[str, Any]] = answer["violations"]
        return found


def _text(file: Path) -> str:
    return file.read_text("ascii")


@asynccontextmanager
async def world(folder: Path, *options: str) -> AsyncIterator[World]:
    """Start the stand-ins, Discord's with more options; the bot is started by the test."""
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(StandIn("discord", "--no-rate-limits", *options))
        tiktok = await stack.enter_async_context(StandIn("tiktok", "--proxy"))
        gameserver = await stack.enter_async_context(StandIn("gameserver"))
        scene = World(discord, tiktok, gameserver, folder)
        scene.settings = {
            **bot_settings(discord.facts, tiktok.facts, gameserver.facts, folder / "data"),
            **QUICK,
            "GAME_SERVERS__SANDBOX__GUILD_IDS": discord.facts["guild"],
        }
        await stack.enter_async_context(its_bot(scene))
        yield scene


@asynccontextmanager
async def its_bot(scene: World) -> AsyncIterator[None]:
    """Let no bot outlive its scene."""
    try:
        yield
    finally:
        if scene.bot is not None and scene.bot.returncode is None:
            await scene.kill_bot()
