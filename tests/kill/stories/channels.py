"""Trouble with channels."""

from __future__ import annotations

from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import DELIVERY, ROUND_1, ROUND_2, SETTLED, Told, set_up


async def channels(bot: Mortal, data: Path) -> None:
    """A channel is closed and opened again; a message is refused for ever; the bot is removed and invited."""
    scene, discord = bot.world, bot.world.discord
    general = discord.facts["channels"]["general"]
    async with bot.alive():
        await set_up(bot)
        bot.chapter("blocked", *DELIVERY)
        await discord.control("POST", "channels/rounds/deny", {"permissions": ["send_messages"]})
        await scene.write_round(data / "etlegacy" / ROUND_1, minutes_ago=14)
        await bot.until(lambda: bot.stands("admin", "cannot post"), "the admins were told")
        bot.chapter("opened", *DELIVERY)
        await discord.control("POST", "channels/rounds/allow", {})
        await bot.until(lambda: bot.stands("rounds", "round 1"), "the round was posted")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("refused", *DELIVERY)
        await a_round_that_is_refused(bot, data)
        bot.chapter("left")
        await bot.until(lambda: left_and_joined(bot), "Discord told of a removal and a return")
        await bot.until(bot.settled, SETTLED)
        bot.chapter("too late", *DELIVERY)
        await a_post_whose_answer_is_lost(bot)
        await a_test_post_that_is_refused(bot)
    await bot.change("UPDATE outbox SET expires_at = created_at WHERE state IN ('parked', 'pending')")
    async with bot.alive():
        await bot.until(lambda: given_up(bot), "both test posts were given up, tried or not")
        await discord.control("DELETE", "faults")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("outbox", f"channel_id = {general} AND state <> 'delivered'") == 0
    assert await bot.count("outbox", "state = 'dead'") == 1


async def given_up(bot: Mortal) -> bool:
    return await bot.count("outbox", "state = 'expired'") >= 2


async def left_and_joined(bot: Mortal) -> bool:
    """A bot that dies or connects meanwhile is not told, so this may have to happen again."""
    for order, then in (("kick", "left_at IS NOT NULL"), ("invite", "left_at IS NULL")):
        await bot.until(bot.connected, "the bot was connected")
        await bot.world.discord.control("POST", order, {})
        await bot.until(lambda then=then: bot.count("guilds", then), f"{order} was noted")
    return await bot.has_passed("guilds.left", "guilds.joined")


async def a_round_that_is_refused(bot: Mortal, data: Path) -> None:
    """Discord finds it invalid, every time; the admins see it in /status."""
    refusal = '{"message": "Invalid Form Body", "code": 50035}'
    rounds = bot.world.discord.facts["channels"]["rounds"]
    await bot.world.fault(
        bot.world.discord,
        status=400,
        body=refusal,
        headers={"Content-Type": "application/json"},
        method="POST",
        path=f"/channels/{rounds}/messages$",
        times=1000,
    )
    await bot.world.write_round(data / "etlegacy" / ROUND_2, minutes_ago=5)
    await bot.until(lambda: bot.count("outbox", "state = 'dead'"), "it was given up")
    await bot.world.discord.control("DELETE", "faults")
    status = await bot.command("status")
    assert "finds the message invalid" in str(status["response"]["embeds"])


async def a_post_whose_answer_is_lost(bot: Mortal) -> None:
    """It stands there, which the bot learns only when it looks after its next start."""
    general = bot.world.discord.facts["channels"]["general"]
    path = f"/channels/{general}/messages$"
    await bot.world.fault(bot.world.discord, kind="hang", when="after", method="POST", path=path, times=1000)
    await bot.command("setup", {"lives": "general"})
    await bot.until(lambda: bot.stands("general", "works"), "the test post came")


async def a_test_post_that_is_refused(bot: Mortal) -> None:
    """The admins' own channel is closed, so they are told in a direct message; a second post waits untried."""
    admin = bot.world.discord.facts["channels"]["admin"]
    await bot.world.fault(
        bot.world.discord,
        status=403,
        body='{"message": "Missing Permissions", "code": 50013}',
        headers={"Content-Type": "application/json"},
        method="POST",
        path=f"/channels/{admin}/messages$",
        times=1000,
    )
    await bot.command("setup", {"admin": "admin"})
    await bot.until(lambda: bot.count("outbox", "state = 'parked'"), "the test post was refused")
    await bot.until(lambda: bot.count("outbox", "direct AND state = 'delivered'"), "the admin was told")
    await bot.command("setup", {"admin": "admin"})


TOLD = {
    "channels": Told(story=channels),
}
