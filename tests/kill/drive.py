"""Tells stories to mortal bots, each on stand-ins of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.kill import oracle
from tests.kill.mortal import EACH, Mortal
from tests.kill.points import copy_of_the_bot
from tests.kill.stories import Told
from tools.sandbox.scene import world

AT_ONCE = 2
FORGETFUL = ("--nonce-seconds", "0")
"""Discord forgets every nonce at once: only the look into the channel keeps a killed bot from posting twice."""


@dataclass(kw_only=True)
class Outcome:
    """How a story went: the passages, the deaths, the requests without a step, and what was wrong."""

    passed: Iterable[str] = ()
    unnamed: Iterable[str] = ()
    deaths: int = 0
    error: Exception | None = None


async def tell(told: Told, folder: Path, data: Path, order: str, *, shared: Path | None = None) -> Outcome:
    """Drive one story to its end with the kills that `order` names."""
    house = copy_of_the_bot(folder / "house", told.constants, told.files)
    bot = Mortal(house, folder / "run", order, settings=told.settings, shared=shared)
    error = None
    try:
        async with AsyncExitStack() as stack:
            if not told.alone:
                bot.enter(await stack.enter_async_context(world(bot.folder, *FORGETFUL)))
            async with bot:
                await told.story(bot, data)
            await bot.examine()
            oracle.at_the_end(bot.database, await bot.posts())
            assert bot.world is None or await bot.world.violations() == []
    except Exception as raised:  # noqa: BLE001 - the test of this story raises it
        error = raised
    return Outcome(passed=bot.passed(), unnamed=bot.unnamed(), deaths=bot.deaths, error=error)


async def tell_all(stories: Mapping[str, Told], folder: Path, data: Path) -> dict[str, Outcome]:
    """Tell all stories, two at a time; what one has visited the others leave out."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Outcome:
        async with places:
            return await tell(stories[name], folder / name, data, EACH, shared=folder / "visited")

    return dict(zip(stories, await asyncio.gather(*map(one, stories)), strict=True))
