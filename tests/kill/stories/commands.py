"""What people ask: every command about lives and plans, its refusals and its pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import ADMIN, SETTLED, Told, follow, set_up
from tools.sandbox.stored import rows_of

MORE_CHANNELS = """
    INSERT INTO subscriptions (account_id, guild_id, channel_id, created_by, created_at)
    WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 16)
    SELECT account_id, guild_id, number, created_by, created_at FROM numbers, subscriptions
    WHERE id = (SELECT min(id) FROM subscriptions)
"""  # more lines than fit on a page of /live list


async def commands(bot: Mortal, _: Path) -> None:
    """Every command, its refusals and its pages; a profile that cannot be read, a person with a new name."""
    tiktok = bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    await tiktok.control("POST", "accounts", {"handle": "bea", "nickname": "Bea"})
    async with bot.alive():
        await set_up(bot)
        await bot.until(lambda: told_about_itself(bot), "what the bot is was told")
        await bot.command("status")
        await bot.command("rounds sync", by="member", channel="general")
        await bot.command("live check", {"user": "nobody"})
        await follow(bot)
        await bot.command("live check", {"user": "ana"})
        await bot.command("live pause", {"user": "ana"})
        await bot.command("live pause", {"user": "ana", "paused": False})
        await a_profile_that_cannot_be_read(bot)
    await bot.change(MORE_CHANNELS)
    async with bot.alive():
        await bot.until(lambda: turned_a_page(bot), "the second page was shown")
        await bot.until(lambda: buttons_went_away(bot), "the list lost its buttons")
        await tiktok.control("PATCH", "accounts/ana", {"handle": "anna"})
        await bot.until(lambda: is_renamed(bot), "the new name was learnt")
        await bot.command("live remove", {"user": "anna"})
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("subscriptions s JOIN accounts a ON a.id = s.account_id", "a.handle = 'anna'") == 0
    assert await bot.count("subscriptions s JOIN accounts a ON a.id = s.account_id", "a.handle = 'bea'") == 1


async def told_about_itself(bot: Mortal) -> bool:
    """A bot that dies of something else has answered, and may not have heard that Discord took it."""
    await bot.command("about", by="member", channel="general")
    return await bot.has_passed("cogs/admin Admin.about: interaction.response.send_message")


async def a_profile_that_cannot_be_read(bot: Mortal) -> None:
    """The page answers 500 until the bot has written that it does."""
    await bot.world.fault(bot.world.tiktok, kind="status", status=500, path="^/@bea", times=1000)
    await follow(bot, "bea")
    await bot.world.tiktok.control("DELETE", "faults")


async def is_renamed(bot: Mortal) -> bool:
    await bot.command("live check", {"user": "ana"})
    return bool(await bot.count("accounts", "handle = 'anna'"))


async def turned_a_page(bot: Mortal) -> bool:
    shown = await bot.command("live list")
    turned = await bot.press(shown, 1)
    return turned is not None and await bot.has_passed(
        "bot/discord/pages Pages._turn: interaction.response.edit_message"
    )


async def buttons_went_away(bot: Mortal) -> bool:
    """Buttons last as long as the bot that made them: after a death the list is asked for again."""
    shown, deaths = await bot.command("live list"), bot.deaths

    async def gone() -> bool:
        messages = await bot.world.discord.control("GET", "messages?channel=admin")
        mine = next(one for one in messages if one["id"] == shown["response"]["id"])
        return not mine["components"] or bot.deaths != deaths

    await bot.until(gone, "the buttons went away")
    return bot.deaths == deaths and await bot.has_passed(
        "bot/discord/views AskersView.on_timeout: self._shown_by.edit_original_response"
    )


async def predictions(bot: Mortal, _: Path) -> None:
    """What admins ask of the plan of checks; a board; a night each four seconds."""
    await bot.world.tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # noqa: TID251 - the bot's clock is this machine's
    asked = (
        ("predict next", {}),
        ("live why", {"user": "ana"}),
        ("predict policy", {"policy": "fixed", "user": "ana"}),
        ("predict policy", {"policy": "roadmap"}),
        ("predict priority", {"user": "ana", "priority": 2.0}),
        ("predict pin", {"user": "ana", "minutes": 60}),
        ("predict boost", {"user": "ana", "hours": 1.0}),
        ("predict freeze", {"user": "ana", "frozen": False}),
        ("predict shadow", {"policy": "fixed"}),
        ("predict scores", {"on": True}),
        ("predict holidays", {"country": "ID"}),
        ("predict event add", {"day": tomorrow.isoformat(), "name": "Fair"}),
        ("predict event list", {}),
        ("predict board", {"channel": "general"}),
    )
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        for name, options in asked:
            await bot.command(name, options)
        ((event,),) = await rows_of(bot.database, "SELECT min(id) FROM special_events")
        await bot.command("predict event remove", {"event": str(event)})
        await bot.until(lambda: bot.has_passed("boards.refresh"), "the board was brought up to date")
        await bot.until(bot.settled, SETTLED)
        await bot.command("predict board", {"channel": "general", "remove": True})
        await bot.until(lambda: bot.has_passed("predictions.keep", "predictions.compare"), "a night was over")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("status_boards") == 0
    assert await bot.count("account_overrides") == 1
    assert await bot.count("day_scores") == 1


TOLD = {
    "commands": Told(story=commands, constants={"bot/discord/views.py LIFETIME_SECONDS": "1.0"}),
    "predictions": Told(
        story=predictions,
        settings={"OWNER_ID": str(ADMIN)},
        constants={
            "bot/jobs/schedule.py QUIET_TIME": "{'second': '*/4'}",
            "bot/services/prediction_log.py SOON": "timedelta(seconds=1)",
        },
    ),
}
