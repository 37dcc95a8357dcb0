"""``python -m tools.sandbox``: all stand-ins, and a short play on them that repeats.

When everything is ready one line of JSON is printed, ``{"ready": true, "env": {NAME: value}}``: the
settings that point the bot here. From then on the posts that reach the Discord stand-in are printed for
people. It ends on SIGTERM, SIGINT, or when its standard input closes. The data folder is DATA_FOLDER
from the environment, or a temporary one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tools.sandbox.play import Stage, play
from tools.sandbox.processes import StandIn, bot_settings
from tools.sandbox.standin import announce, until_stopped
from tools.sandbox.terminal import print_posts

#: The bot's usual rhythm is far too slow to watch: a check of one account every 15 s, a look at files every 2 s.
QUICK = {
    "DISCOVERY_CHECKS_PER_DAY": "5760",
    "CHECK_SPACING_SECONDS": "15",
    "FOLLOWUP_REQUESTS_PER_DAY": "5760",
    "REQUESTS_PER_MINUTE": "60",
    "SWEEP_SECONDS": "10",
    "VIEWERS_SECONDS": "15",
    "END_CONFIRM_SECONDS": "5",
    "RESTART_GAP_SECONDS": "5",
    "ROUND_POLL_SECONDS": "2",
    "PROFILE_INTERVAL_HOURS": "1",
}


async def serve() -> None:
    """Run the stand-ins, the play and the printer until told to stop."""
    async with AsyncExitStack() as stack:
        folder = os.environ.get("DATA_FOLDER") or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="vedette-sandbox-", ignore_cleanup_errors=True)
        )
        discord = await stack.enter_async_context(StandIn("discord"))
        tiktok = await stack.enter_async_context(StandIn("tiktok", "--proxy"))
        gameserver = await stack.enter_async_context(StandIn("gameserver"))
        paid = await stack.enter_async_context(StandIn("scrapecreators"))
        stage = Stage(discord=discord, tiktok=tiktok, gameserver=gameserver, scrapecreators=paid)
        guild = (await discord.control("GET", "state"))["guilds"][0]
        announce(
            env={
                **bot_settings(discord.facts, tiktok.facts, gameserver.facts, Path(folder), paid.facts),
                **QUICK,
                "GAME_SERVERS__SANDBOX__GUILD_IDS": guild["id"],
            }
        )
        tasks = [asyncio.create_task(play(stage)), asyncio.create_task(print_posts(discord))]
        stopped = asyncio.create_task(until_stopped())
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not stopped.done():
                raise result


if __name__ == "__main__":
    asyncio.run(serve())
