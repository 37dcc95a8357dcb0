"""The page over a small Discord: the sample bot of tests/sandbox, which has every kind of option and a modal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from tests.samplebot import SampleBot, running_bot
from tools.sandbox.clock import WorldClock
from tools.sandbox.discord.permissions import BOT, OPTIONAL, named
from tools.sandbox.page.panel import Panel
from tools.sandbox.page.server import PageServer
from tools.sandbox.page.status import ONLINE, Stage, Status
from tools.sandbox.processes import StandIn

#: The bot is not what is tested: nothing is slowed down, nor compared with Discord's schemas.
QUIET = ("--no-rate-limits", "--schemas", "none")


@contextlib.asynccontextmanager
async def served_sample_bot() -> AsyncIterator[tuple[str, SampleBot]]:
    """Give the address of the page, and the bot; behind it there is Discord, and nothing else of the world."""
    nowhere: Any = SimpleNamespace(facts={"base": "http://127.0.0.1:9"})
    status = Status(clock=WorldClock(None))
    page = PageServer(status, Panel(status, kill=lambda: None))
    async with StandIn("discord", *QUIET) as discord, page.served(0) as address:
        await discord.control("PATCH", "roles/Vedette", {"permissions": named(BOT | OPTIONAL)})
        status.set_discord(discord)
        status.set_stage(Stage(discord=discord, tiktok=nowhere, gameserver=nowhere, scrapecreators=nowhere))
        with running_bot(cast("Any", discord)) as bot:
            await asyncio.to_thread(bot.wait_for, "ready")
            status.set_bot(ONLINE)
            yield address, bot
