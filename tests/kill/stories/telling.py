"""How a story is told: what it needs besides the bot, and what many of them do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.kill.mortal import Mortal
from tools.sandbox.discord.world import FIRST_ID

ADMIN = FIRST_ID + 2
DELIVERY = ("outbox.", "bot/discord/courier", "bot/discord/looking", "bot/discord/places")
SETTLED = "everything was delivered"
ROUND_1 = "2025-10-26-191725-supply-round-1.txt"
ROUND_2 = "2025-10-26-192624-supply-round-2.txt"
Story = Callable[[Mortal, Path], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """A story, its settings, and what is another in its copy of the bot.

    `alone` needs no stand-ins; `paid` needs ScrapeCreators as well, which is all that posts are read from then.
    """

    story: Story
    alone: bool = False
    paid: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


async def set_up(bot: Mortal, **chosen: str) -> None:
    await bot.command("setup", chosen or {"lives": "lives", "rounds": "rounds", "admin": "admin"})
    await bot.until(bot.settled, "the test posts came")


async def follow(bot: Mortal, handle: str = "ana", channel: str = "lives") -> None:
    options = {"user": f"@{handle}", "channel": channel, "role": "Live pings"}
    await bot.command("live add", options)


async def imported(bot: Mortal, count: int) -> bool:
    return await bot.count("rounds") == count
