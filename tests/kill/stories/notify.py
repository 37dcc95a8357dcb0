"""What admins choose with `/notify` and its panel, and members by a button, while the bot dies over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.kill.mortal import Mortal
from tests.kill.stories.telling import SETTLED, Told, follow, set_up
from tools.sandbox.discord.permissions import BOT, Bits, named

MAY = named(BOT | Bits.MANAGE_ROLES)

Step = tuple[str, tuple[str, ...]]


async def notify(bot: Mortal, _: Path) -> None:
    """Every command; the panel through its pages and forms; a role offered, taken and left; an account asked for."""
    discord, tiktok = bot.world.discord, bot.world.tiktok
    await tiktok.control("POST", "accounts", {"handle": "ana", "nickname": "Ana"})
    await discord.control("PATCH", "roles/Vedette", {"permissions": MAY})
    lives = await channel_id(bot, "lives")
    key = f"{lives}:live:account:1"
    async with bot.alive():
        await set_up(bot)
        await follow(bot)
        for name, options in (
            ("notify list", {}),
            ("notify add", {"kind": "round", "channel": "general"}),
            ("notify pause", {"subscription": key, "until": "1h"}),
            ("notify pause", {"subscription": key, "until": "now"}),
            ("notify copy", {"subscription": key, "channel": "general"}),
            ("notify template", {"subscription": key}),
            ("notify log", {}),
            ("notify personal", {"on": True}),
            ("notify roles", {"offer": "Quiet"}),
            ("notify roles", {"withdraw": "Quiet"}),
            ("notify roles", {"offer": "Live pings", "post": "general"}),
        ):
            await bot.command(name, options)
        await bot.until(lambda: panel_was_used(bot, key), "the panel was used")
        await bot.until(lambda: defaults_were_forgotten(bot), "a default was chosen and forgotten")
        await bot.until(lambda: was_removed(bot), "a subscription was removed")
        await bot.until(bot.settled, SETTLED)
        await bot.until(lambda: chose(bot), "a member chose")
        await bot.until(lambda: rang(bot, key), "a member rang the bell of an alert")
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("notification_rules", "kind = 'round'") == 0
    assert await bot.count("notification_rules", "kind = 'live'") >= 1
    assert await bot.count("personal_roles") == 1
    assert await bot.count("offered_roles") == 1
    state = await discord.control("GET", "state")
    names = [role["name"] for role in state["guilds"][0]["roles"]]
    assert names.count("🔔 ana") == 1


async def channel_id(bot: Mortal, name: str) -> str:
    state = await bot.world.discord.control("GET", "state")
    return next(one["id"] for one in state["guilds"][0]["channels"] if one["name"] == name)


async def used(
    bot: Mortal, shown: dict[str, Any], *steps: Step, channel: str = "admin"
) -> dict[str, Any] | None:
    """Use controls of a message one after the other, each once it is there; None when the bot died over one."""
    answer: dict[str, Any] | None = None
    deaths = bot.deaths  # of all steps: it may die over one that it has acknowledged already
    for custom_id, values in steps:

        async def is_there(step: Step = (custom_id, values)) -> bool:
            return bot.deaths != deaths or await offers(bot, shown, channel, *step)

        await bot.until(is_there, f"{custom_id} was there")
        if bot.deaths != deaths:
            return None
        order = {
            "user": "admin",
            "channel": channel,
            "message_id": shown["id"],
            "custom_id": custom_id,
            "values": values,
        }
        answer = await bot._ask("component", order)
        if answer is None:
            return None
    return answer


async def offers(
    bot: Mortal, shown: dict[str, Any], channel: str, custom_id: str, values: tuple[str, ...]
) -> bool:
    """Tell whether a message has a control, and what is to be chosen in it."""
    messages = await bot.world.discord.control("GET", f"messages?channel={channel}")
    mine = next(one for one in messages if one["id"] == shown["id"])
    for row in mine["components"]:
        for control in row["components"]:
            if control.get("custom_id") == custom_id:  # a link has none
                return set(values) <= {one["value"] for one in control.get("options", ())}
    return False


async def panel_was_used(bot: Mortal, key: str) -> bool:
    shown = (await bot.command("notify panel"))["response"]
    pick: Step = ("vn:pick:", (key,))
    put = await used(
        bot,
        shown,
        pick,
        ("vn:setting:" + key, ("quiet",)),
        (f"vn:put.quiet:{key}", ("silent",)),
        ("vn:setting:" + key, ("mention",)),
        (f"vn:put.mention:{key}", ("personal",)),
    )
    if put is None:
        return False
    opened = await used(bot, shown, ("vn:setting:" + key, ("template",)), (f"vn:ask.template:{key}", ()))
    if opened is None:
        return False
    fields = {"field0": "{streamer}: {title}"}
    order = {"user": "admin", "interaction_id": opened["id"], "fields": fields}
    if await bot._ask("modal", order) is None:
        return False
    tested = await used(bot, shown, (f"vn:test:{key}", ()))
    return tested is not None and await bot.has_passed(
        "bot/discord/notify_panel _test: press.interaction.followup.send",
        "bot/discord/notify_panel Form.on_submit: interaction.response.defer",
    )


async def defaults_were_forgotten(bot: Mortal) -> bool:
    shown = (await bot.command("notify edit", {"subscription": "0:live:"}))["response"]
    done = await used(
        bot,
        shown,
        ("vn:setting:0:live:", ("cooldown_minutes",)),
        ("vn:put.cooldown_minutes:0:live:", ("30",)),
        ("vn:remove:0:live:", ()),
        ("vn:removed:0:live:", ()),
    )
    return done is not None


async def was_removed(bot: Mortal) -> bool:
    general = await channel_id(bot, "general")
    if not await bot.count("notification_rules", "kind = 'round'"):
        return await bot.has_passed("notify.remove")
    asked = await bot.command("notify remove", {"subscription": f"{general}:round:"})
    if not asked["response"]["components"]:  # the bot died once it was removed, and now there is none
        return False
    return await bot.press(asked, 0) is not None and not await bot.count(
        "notification_rules", "kind = 'round'"
    )


async def chose(bot: Mortal) -> bool:
    """Take the role and leave it, ask for Ana and leave her, as often as it takes to pass each."""
    (panel, *_) = await bot.stands("general", "Choose your pings")  # one for each time it was asked for
    opened = await used(bot, panel, ("vm:open", ()), channel="general")
    if opened is None or not opened["response"]:
        return False
    state = await bot.world.discord.control("GET", "state")
    role = next(one["id"] for one in state["guilds"][0]["roles"] if one["name"] == "Live pings")
    done = await used(
        bot,
        opened["response"],
        ("vm:roles", (role,)),
        ("vm:roles", ()),
        ("vm:people:0", ("1",)),
        ("vm:people:0", ()),
        channel="general",
    )
    return done is not None and await bot.has_passed(
        "bot/discord/giving made_role: guild.create_role",
        "bot/discord/giving set_roles: member.add_roles",
        "bot/discord/giving set_roles: member.remove_roles",
        "notify.keep_role",
    )


async def rang(bot: Mortal, key: str) -> bool:
    """Ana goes live; her alert has a bell, because those are pinged who asked for her."""
    await bot.world.tiktok.control("POST", "accounts/ana/live", {"title": "Hello"})
    await bot.command("live check", {"user": "ana"})
    posted = await bot.stands("lives", "Ana is live")  # the test post among them
    alerts = [one for one in posted if one["embeds"][0].get("description") == "Hello"]
    return bool(alerts) and await used(bot, alerts[0], ("vm:bell:1", ()), channel="lives") is not None


TOLD = {"notify": Told(story=notify)}
