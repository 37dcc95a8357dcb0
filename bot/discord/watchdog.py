"""Notices when the gateway is deaf: discord.py can wait for ever for a dead host and still be "ready".

discord.py redials the host it was told to resume at for ever (specs/discord.md 1.6); only a new client
starts over.
"""

from __future__ import annotations

import logging
import math

import discord

from bot.clock import Clock

LOOK_EVERY_SECONDS = 30.0
DEAF_AFTER_SECONDS = 600.0
log = logging.getLogger(__name__)


async def until_deaf(client: discord.Client, clock: Clock) -> None:
    """Return when the client was not ready or heard nothing for `DEAF_AFTER_SECONDS`; a new one is needed."""
    heard_at = clock.monotonic()
    while clock.monotonic() - heard_at < DEAF_AFTER_SECONDS:
        await clock.sleep(LOOK_EVERY_SECONDS)
        if hears(client):
            heard_at = clock.monotonic()
    log.critical("Nothing was heard from Discord for %d s; the connection is made anew", DEAF_AFTER_SECONDS)


def hears(client: discord.Client) -> bool:
    """Tell whether Discord has told who is there, the socket is open and its heartbeats are answered."""
    socket = client.ws
    return client.is_ready() and socket is not None and socket.open and math.isfinite(client.latency)
