"""A live from its announcement to its summary, and one that cannot be stored."""

from __future__ import annotations

from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import DELIVERY, SETTLED, Told, follow, set_up

REFUSED = (
    "CREATE TRIGGER broken BEFORE INSERT ON lives BEGIN SELECT RAISE(FAIL, 'on order'); END",
    "DROP TRIGGER broken",
)
REFUSED_BY_SERVER = (
    "ALTER TABLE lives ADD CONSTRAINT broken CHECK (false) NOT VALID",
    "ALTER TABLE lives DROP CONSTRAINT broken",
)


async def a_live(bot: Mortal, _: Path) -> None:
    """Set up, follow, found, more viewers, told to a second channel, ended and summed up."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana *star*"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        bot.chapter("found", "live.", *DELIVERY)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.until(lambda: bot.stands("lives", "is live"), "the live was announced")
        bot.chapter("viewers", "live.", *DELIVERY)
        await tiktok.control("PATCH", "accounts/ana", {"viewers": 345})
        await bot.until(lambda: viewers_shown(bot, "345"), "the new count was shown")
        await bot.until(lambda: bot.has_passed("live.sweep"), "the rooms were swept")
        bot.chapter("told", *DELIVERY)
        await follow(bot, channel="general")
        await bot.until(lambda: bot.stands("general", "is live"), "the second channel heard of it")
        bot.chapter("ended", "live.", *DELIVERY)
        await tiktok.control("POST", "accounts/ana/end", {})
        await bot.until(lambda: bot.stands("lives", "was live"), "the live was summed up")
        await bot.until(lambda: bot.stands("general", "was live"), "the second channel read the summary")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("lives") == 1
    for channel, pings in (("lives", 1), ("general", 0)):  # the role is the same, and one live pings it once
        (post,) = await bot.posts(channel, "live")
        assert len(post["pinged_roles"]) == pings


async def viewers_shown(bot: Mortal, count: str) -> bool:
    (post,) = await bot.stands("lives", "is live")
    return any(value["value"] == count for value in post["embeds"][0]["fields"])


async def an_answer_that_cannot_be_stored(bot: Mortal, _: Path) -> None:
    """The database refuses the live it is told of, until somebody mends it."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    await bot.run("migrate")
    breaking, mending = REFUSED_BY_SERVER if bot.is_on_server else REFUSED
    await bot.change(breaking)
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.until(lambda: checked_in_vain(bot), "the answer was put off")
    await bot.change(mending)
    facts = bot.world.discord.facts
    await bot.change(
        "INSERT INTO outbox (event_key, guild_id, channel_id, message, nonce, state, created_at, next_try_at) "
        f"VALUES ('unreadable', {facts['guild']}, {facts['channels']['general']}, '{{}}', 'n', 'pending', 1, 1)"
    )
    async with bot.alive():
        await bot.until(lambda: bot.has_passed("outbox.give_up"), "what cannot be read was given up")
        await bot.command("live check", {"user": "ana"})
        await bot.until(lambda: bot.stands("lives", "is live"), "the live was announced")
        await bot.until(bot.settled, SETTLED)


async def checked_in_vain(bot: Mortal) -> bool:
    await bot.command("live check", {"user": "ana"})
    return await bot.has_passed("live.put_off")


TOLD = {
    "a live": Told(story=a_live),
    "an answer that cannot be stored": Told(story=an_answer_that_cannot_be_stored),
}
