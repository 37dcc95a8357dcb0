"""Keeps one connection to Discord alive, with everything that hangs on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import discord

from bot.clock import Clock
from bot.discord.client import VedetteClient
from bot.discord.delivery import Delivery
from bot.discord.results import TROUBLE
from bot.discord.watchdog import until_deaf
from bot.errors import SettingsError
from bot.ports import ChartRenderer

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
CLOSE_SECONDS = 10.0
# No colon behind the name: the redactor would take the next word for the token.
_REFUSED = (
    "Discord does not accept the token in DISCORD_TOKEN; make a new one (developer portal, Bot, Reset Token) "
    "and copy it without quotes or the word Bot"
)

log = logging.getLogger(__name__)


async def stay_connected(
    make_client: Callable[[], VedetteClient], token: str, renderer: ChartRenderer, clock: Clock
) -> None:
    """Connect, deliver, and start over with a new client when the gateway is lost or deaf; never returns.

    Raises `SettingsError` where Discord refuses the token or the intents: trying again would not help.
    """
    failures = 0
    while True:
        client = make_client()
        was_ready = await _one_connection(client, token, renderer, clock)
        failures = 1 if was_ready else failures + 1
        await clock.sleep(min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS))


async def _one_connection(client: VedetteClient, token: str, renderer: ChartRenderer, clock: Clock) -> bool:
    """Run one client until it ends; tells whether it had been ready."""
    connected = asyncio.create_task(client.start(token), name="gateway")
    delivery = Delivery(client, client.services.announcements, renderer)
    beside = [
        asyncio.create_task(delivery.run(), name="delivery"),
        asyncio.create_task(until_deaf(client, clock), name="watchdog"),
    ]
    try:
        await asyncio.wait({connected, *beside}, return_when=asyncio.FIRST_COMPLETED)
        was_ready = client.is_ready()
        if connected.done():
            _explain(connected.exception())
        return was_ready
    finally:
        await _close(client, [connected, *beside])


def _explain(error: BaseException | None) -> None:
    if isinstance(error, discord.LoginFailure):
        # Not "DISCORD_TOKEN: ...": what follows a name and a colon is hidden as a secret.
        raise SettingsError((_REFUSED,)) from None
    if isinstance(error, discord.PrivilegedIntentsRequired):
        raise SettingsError(("Discord refuses the connection: an intent is not granted",)) from None
    if error is not None and not isinstance(error, TROUBLE):
        raise error
    log.error("The connection to Discord ended (%s); it is made anew", error or "closed")


async def _close(client: VedetteClient, tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks[1:]:
        task.cancel()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()
    except TimeoutError:
        log.warning("The old connection to Discord did not close in time")
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
