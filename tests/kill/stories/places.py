"""What is done with a message besides posting and editing it: forums, threads, publishing, deleting, posting anew."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from bot.core.announcements import Message, Tone, nonce_for
from bot.core.notifications.placement import Placement
from tests.kill.mortal import Mortal
from tests.kill.stories.telling import DELIVERY, SETTLED, Told, set_up

HOUR = 3_600_000_000


async def places(bot: Mortal, _: Path) -> None:
    """Lives are told in all sorts of channels; their messages change, grow too old to be edited, and go."""
    discord = bot.world.discord
    async with bot.alive():
        await set_up(bot)
    channels = await all_sorts(bot)
    for channel_id in channels.values():
        await put(bot, "live:1", channel_id, Placement(opens_thread=True))
    # A try to post in a forum is looked for among what stands there already.
    await put(bot, "live:2", channels["forum"], Placement())
    await put(bot, "recap:1", channels["text"], Placement(in_thread_of="live:1"))
    bot.chapter("posted", *DELIVERY)
    async with bot.alive():
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("outbox", "published") == 1
    assert await bot.count("outbox", "thread_id IS NOT NULL") == 6
    await archive_all(bot)
    await change(bot)
    bot.chapter("edited", *DELIVERY)
    async with bot.alive():
        await bot.until(bot.settled, SETTLED)
    await grow_old(bot, channels["text"])
    bot.chapter("posted anew", *DELIVERY)
    async with bot.alive():
        await bot.until(lambda: bot.count("outbox", "generation = 1"), "it was posted anew")
        await bot.until(bot.settled, SETTLED)
    await discord.control("POST", "rate_limits", {"old_edits": [3, 20]})
    await bot.change("UPDATE outbox SET removing = true, state = 'pending' WHERE event_key = 'live:1'")
    bot.chapter("deleted", *DELIVERY)
    async with bot.alive():
        await bot.until(bot.settled, SETTLED)
    assert await bot.count("outbox", "state = 'removed'") == len(channels)


async def all_sorts(bot: Mortal) -> dict[str, int]:
    """Make a channel of each sort, in which the bot may do what it needs; of forums one where it may not."""
    found = {}
    for name, kind, allowed in (
        ("text", "text", ["create_public_threads"]),
        ("announcement", "announcement", ["create_public_threads"]),
        ("forum", "forum", ["manage_threads"]),
        ("strict-forum", "forum", []),
    ):
        control = bot.world.discord.control
        made = await control("POST", "channels", {"name": name, "kind": kind})
        order = {"overwrites": [{"target": "Vedette", "allow": allowed}]}
        await control("PATCH", f"channels/{made['id']}", order)
        found[name] = int(made["id"])
    return found


async def put(bot: Mortal, event_key: str, channel_id: int, placement: Placement) -> None:
    """Put a message as the services do, while the bot does not run."""
    at = time.time_ns() // 1000
    message = Message(title=event_key, tone=Tone.LIVE, lead="Come in!")
    row: dict[str, Any] = {
        "event_key": event_key,
        "guild_id": int(bot.world.discord.facts["guild"]),
        "channel_id": channel_id,
        "message": json.dumps(message.to_json()),
        "nonce": nonce_for(event_key, channel_id),
        "state": "pending",
        "revision": 1,
        "created_at": at,
        "next_try_at": at,
        "placement": json.dumps(placement.to_json()),
    }
    values = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in row.values())
    await bot.change(f"INSERT INTO outbox ({', '.join(row)}) VALUES ({values})")


async def archive_all(bot: Mortal) -> None:
    state = await bot.world.discord.control("GET", "state")
    for thread in state["guilds"][0]["threads"]:
        await bot.world.discord.control("PATCH", f"channels/{thread['id']}", {"archived": True})


async def change(bot: Mortal, where: str = "placement IS NOT NULL") -> None:
    """Let messages say something else."""
    await bot.change(
        "UPDATE outbox SET message = replace(message, 'Come in!', 'It is over.'), revision = revision + 1, "
        f"state = 'pending' WHERE {where}"
    )


async def grow_old(bot: Mortal, channel_id: int) -> None:
    """Let two hours pass for an alert whose text then changes, while Discord takes no edits of so old a message."""
    control = bot.world.discord.control
    await bot.change(
        f"UPDATE outbox SET posted_at = posted_at - {2 * HOUR}, delivered_at = delivered_at - {2 * HOUR}"
    )
    for message in await bot.posts(str(channel_id)):
        await control("PATCH", f"messages/{message['id']}", {"hours_old": 2})
    # So long that discord.py does not wait for it.
    await control("POST", "rate_limits", {"old_edits": [0, 600]})
    await change(bot, f"channel_id = {channel_id} AND event_key = 'live:1'")


TOLD = {
    "places": Told(story=places, constants={"bot/core/delivery.py OLD_EDIT_TRIES": "1"}),
}
