"""``python -m tools.bench.bare_sender API TOKEN HOW``: what discord.py alone makes of many messages; beside the bot in a benchmark.

Reads ids of channels, one a line, and sends one message to each: "all" at once, trying again what fails, as one would
write it first, or "paced": begun evenly, 1/48 s apart, which no client could do faster under 50 a second. Prints the seconds and how
many requests failed in the end as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

import discord
from discord.http import Route

PACE_SECONDS = 1 / 48
PAUSE_SECONDS = 1.0


async def main(api: str, token: str, how: str) -> None:
    """Send, and tell."""
    logging.disable()
    Route.BASE = api
    client = discord.Client(intents=discord.Intents.none())
    channels = [int(line) for line in sys.stdin]
    failed = 0

    async def send(channel_id: int) -> None:
        nonlocal failed
        channel = client.get_partial_messageable(channel_id)
        while True:
            try:
                await channel.send("Popular is live", nonce=str(channel_id))
            except (discord.DiscordException, OSError):
                failed += 1
                await asyncio.sleep(PAUSE_SECONDS)  # noqa: TID251 - a client like any other
            else:
                return

    await client.login(token)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number, channel_id in enumerate(channels):
            if how == "paced":
                due = began + number * PACE_SECONDS
                await asyncio.sleep(max(0.0, due - time.perf_counter()))  # noqa: TID251 - as above
            tasks.create_task(send(channel_id))
    print(json.dumps({"seconds": time.perf_counter() - began, "failed": failed}))
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
