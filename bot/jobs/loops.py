"""Keeps the bot's endless work going: one loop per job, one border for what goes wrong in it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock, wait_for_event
from bot.errors import VedetteError

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 300.0

log = logging.getLogger(__name__)

Step = Callable[[], Awaitable[datetime]]
"""Does what is due and gives the instant at which to come back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """A step that is repeated for ever; setting `wake` brings it back before its time.

    `of_machine` tells that the instants it gives are of the machine's time.
    """

    name: str
    step: Step
    wake: asyncio.Event
    of_machine: bool = False


async def keep_running(loop: Loop, clock: Clock) -> None:
    """Repeat a step until cancelled. An error never ends it: it is logged once, and once when it is over.

    After an error the step is tried again in 5 s, then twice as late each time, at most every 5 minutes.
    """
    failures, its_clock = 0, clock.machine if loop.of_machine else clock
    while True:
        try:
            come_back_at = await loop.step()
        except Exception as error:  # noqa: BLE001 - the border of all background work
            failures += 1
            _report(loop.name, error, failures)
            pause = min(FIRST_PAUSE_SECONDS * (1 << min(failures - 1, 16)), LONGEST_PAUSE_SECONDS)
            await clock.machine.sleep(pause)
            continue
        if failures:
            log.info("%s works again after %d failures", loop.name, failures)
            failures = 0
        seconds = (come_back_at - its_clock.now()).total_seconds()
        await wait_for_event(its_clock, loop.wake, max(0.0, seconds))


def _report(name: str, error: Exception, failures: int) -> None:
    if failures > 1:
        log.debug("%s fails still (%d): %s", name, failures, error)
    elif isinstance(error, VedetteError):
        log.error("%s: %s; it is tried again", name, error)
    else:
        log.error("%s failed, incident %s; it is tried again", name, secrets.token_hex(4), exc_info=error)
