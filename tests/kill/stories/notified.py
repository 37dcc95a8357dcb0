"""Alerts that are held, let out, told in a digest, and deleted when their time is over."""

from __future__ import annotations

import json
from pathlib import Path

from bot.core.notifications.options import AfterLive, Digest, Options, Quiet, QuietMode
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import DELIVERY, SETTLED, Told, follow, set_up

WORK = ("notifications.", *DELIVERY)


async def notified(bot: Mortal, _: Path) -> None:
    """One channel holds a live until its quiet hours end, another reads of it in a digest."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        await follow(bot, channel="general")
        await bot.until(bot.settled, SETTLED)
    await choose(bot, "lives", Options(quiet=Quiet(mode=QuietMode.HOLD, begins=0, ends=1439)))
    await choose(bot, "general", Options(digest=Digest.DAILY))
    async with bot.alive():
        await tiktok.control("POST", "accounts/ana/live", {"title": "Hello", "viewers": 12})
        await bot.command("live check", {"user": "ana"})
        await bot.until(lambda: bot.count("outbox", "state = 'held'"), "it was held")
    assert await bot.count("outbox", "state = 'held'") == 2
    # The morning comes.
    await choose(bot, "lives", Options(after_live=AfterLive.DELETE))
    await bot.change("UPDATE outbox SET held_until = 1 WHERE state = 'held'")
    bot.chapter("morning", *WORK)
    async with bot.alive():
        await bot.until(lambda: bot.stands("lives", "is live"), "it was let out")
        await bot.until(lambda: bot.stands("general", "What there was to tell"), "the digest came")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("over", *WORK)
        await tiktok.control("POST", "accounts/ana/end", {})
        await bot.until(lambda: bot.count("outbox", "state = 'removed'"), "the alert was deleted")
        await bot.until(bot.settled, SETTLED)
    (post,) = await bot.posts("lives", "live")
    assert post["deleted"]
    assert len(post["pinged_roles"]) == 1
    assert len(await bot.posts("general", "What there was to tell")) == 1
    assert await bot.count("outbox", "state = 'skipped'") == 1


async def choose(bot: Mortal, channel: str, options: Options) -> None:
    """Choose something for a channel as `/notify` does, while the bot does not run."""
    facts = bot.world.discord.facts
    chosen, channel_id = json.dumps(options.to_json()), facts["channels"][channel]
    await bot.change(
        f"DELETE FROM notification_rules WHERE channel_id = {channel_id}",
        "INSERT INTO notification_rules "
        "(channel_id, kind, subject, guild_id, options, created_by, created_at) "
        f"VALUES ({channel_id}, 'live', '', {facts['guild']}, '{chosen}', 1, 1)",
    )


TOLD = {"notified": Told(story=notified)}
