"""Keeps one connection to Discord alive, with everything that hangs on it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

import discord

from bot.clock import Clock
from bot.discord.client import VedetteClient
from bot.discord.delivery import Delivery
from bot.discord.results import TROUBLE
from bot.discord.watchdog import until_deaf
from bot.errors import SettingsError, StorageError
from bot.ports import ChartRenderer

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0
LONG_ENOUGH_SECONDS = 600.0  # after it, what ended a connection is no consequence of its beginning
CLOSE_SECONDS = 10.0
_TOKEN_REFUSED = 4004  # with which the gateway closes
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
    failures, was_ready = 0, True
    while True:
        began_at = clock.monotonic()
        was_ready = await _one_connection(make_client(), token, renderer, clock, is_news=was_ready)
        failures = 1 if clock.monotonic() - began_at >= LONG_ENOUGH_SECONDS else failures + 1
        # Ready or not, each connection is one of the 1,000 a day after which Discord takes the token away.
        pause = min(FIRST_PAUSE_SECONDS * (1 << min(failures - 1, 16)), LONGEST_PAUSE_SECONDS)
        log.debug("The connection to Discord is made anew in %d s", pause)
        await clock.sleep(pause)


async def _one_connection(
    client: VedetteClient, token: str, renderer: ChartRenderer, clock: Clock, *, is_news: bool
) -> bool:
    """Run one client until it or anything beside it ends; gives whether it was ready.

    The end of one that never was is not told again where the one before it never was ready either (`is_news`).
    """
    delivery = Delivery(client, client.services.announcements, renderer)
    tasks = [
        asyncio.create_task(client.start(token), name="gateway"),
        asyncio.create_task(delivery.run(), name="delivery"),
        asyncio.create_task(until_deaf(client, clock), name="watchdog"),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        was_ready = client.is_ready()
        await _close(client, tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            _explain(task.get_name(), error, logging.ERROR if was_ready or is_news else logging.DEBUG)
    return was_ready


def _explain(name: str, error: BaseException, level: int) -> None:
    """Log why a part of a connection ended. Raises `SettingsError` where only a person can help."""
    if isinstance(error, discord.LoginFailure) or getattr(error, "code", None) == _TOKEN_REFUSED:
        # Not "DISCORD_TOKEN: ...": what follows a name and a colon is hidden as a secret.
        raise SettingsError((_REFUSED,)) from None
    if isinstance(error, discord.PrivilegedIntentsRequired):
        raise SettingsError(("Discord refuses the connection: an intent is not granted",)) from None
    if isinstance(error, (*TROUBLE, StorageError)):
        log.log(level, "The connection to Discord ended: %s: %s; it is made anew", name, error)
    else:
        log.log(
            level,
            "The connection to Discord ended: %s, incident %s; it is made anew",
            name,
            secrets.token_hex(4),
            exc_info=error,
        )


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
