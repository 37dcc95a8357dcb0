"""What moderators do to a post of a forum or a thread concerns that one, and not the channel it is in."""

from __future__ import annotations

import pytest

from bot.core.notifications.placement import Placement
from tests.discord_room.room import Room
from tests.discord_room.test_more_than_posts import (
    ENDED,
    LIVE,
    RECAP,
    admins_are_told_in,
    allow,
    asked,
    control,
    forum,
    remove,
    settled,
    threads,
    titles,
)


async def test_a_post_that_a_moderator_deleted_keeps_nothing_from_its_forum(room: Room) -> None:
    (channel, _), admin = await forum(room), await room.channel()
    await admins_are_told_in(room, admin)
    await room.put(channel, LIVE)
    row = await settled(room, channel)
    await control(room, "DELETE", f"channels/{row['thread_id']}")
    await room.put(channel, ENDED)
    await room.put(channel, LIVE, "live:2")
    await settled(room, channel, "live:2")
    assert (await settled(room, channel))["message_id"] is None
    assert await room.announcements.blocked_channels(room.guild_id) == ()
    assert await room.shown(admin) == []
    assert len(await threads(room, channel)) == 1


async def test_a_post_that_a_moderator_locked_is_not_edited_and_others_go_on(room: Room) -> None:
    (channel, _), admin = await forum(room), await room.channel()
    await admins_are_told_in(room, admin)
    await room.put(channel, LIVE)
    post = (await settled(room, channel))["thread_id"]
    await control(room, "PATCH", f"channels/{post}", {"archived": True, "locked": True})
    await room.put(channel, ENDED)
    await room.put(channel, LIVE, "live:2")
    await settled(room, channel, "live:2")
    assert "locked" in (await settled(room, channel))["error"]
    assert await titles(room, post) == [LIVE.title]
    assert await room.announcements.blocked_channels(room.guild_id) == ()
    assert await room.shown(admin) == []
    await control(room, "PATCH", f"channels/{post}", {"archived": False, "locked": False})
    await room.put(channel, RECAP)
    await settled(room, channel)
    assert await titles(room, post) == [RECAP.title]


async def test_a_recap_in_a_thread_that_is_gone_counts_as_deleted(room: Room) -> None:
    channel = await room.channel()
    await allow(room, channel, "create_public_threads")
    await room.put(channel, LIVE, placement=Placement(opens_thread=True))
    thread = (await settled(room, channel))["thread_id"]
    await room.put(channel, RECAP, "recap:1", placement=Placement(in_thread_of="live:1"))
    await settled(room, channel, "recap:1")
    await control(room, "DELETE", f"channels/{thread}")
    await room.put(channel, ENDED, "recap:1")
    assert (await settled(room, channel, "recap:1"))["message_id"] is None
    assert await titles(room, channel) == [LIVE.title]
    assert await room.announcements.blocked_channels(room.guild_id) == ()


@pytest.mark.parametrize("code", [50013, 160005])
async def test_a_post_that_may_not_be_closed_counts_as_removed_without_the_bots_words(
    room: Room, code: int
) -> None:
    channel, _ = await forum(room)
    await room.put(channel, LIVE)
    post = (await settled(room, channel))["thread_id"]
    await room.fault(post, "code", body=str(code), method="PATCH", path=f"/channels/{post}$", times=9)
    await remove(room, channel)
    await room.becomes(channel, "removed")
    assert await titles(room, post) == []
    assert len(await asked(room, "PATCH", f"/channels/{post}")) == 1


async def test_a_channel_goes_on_once_the_bot_may_post_whatever_else_it_lacks(room: Room) -> None:
    channel = await room.channel()
    deny = {"permissions": ["send_messages", "attach_files"]}
    await control(room, "POST", f"channels/{channel}/deny", deny)
    await room.until(
        lambda: not (it := room.client.get_channel(channel)).permissions_for(it.guild.me).send_messages
    )
    await room.put(channel, LIVE)
    await room.becomes(channel, "parked")
    order = {"overwrites": [{"target": "Vedette", "deny": ["attach_files"]}]}
    await control(room, "PATCH", f"channels/{channel}", order)
    await settled(room, channel)
    assert await titles(room, channel) == [LIVE.title]


async def test_a_thread_that_was_locked_goes_on_once_it_is_open_again(room: Room) -> None:
    channel = await room.channel()
    await allow(room, channel, "create_public_threads")
    posted = await room.client.get_channel(channel).send("Hello")
    thread = (await posted.create_thread(name="Lives")).id
    await room.until(lambda: room.client.get_guild(room.guild_id).get_thread(thread))
    await control(room, "PATCH", f"channels/{thread}", {"archived": True, "locked": True})
    await room.until(lambda: not room.client.get_guild(room.guild_id).get_thread(thread))
    await room.put(thread, LIVE)
    await room.becomes(thread, "parked")
    await control(room, "PATCH", f"channels/{thread}", {"archived": False, "locked": False})
    await settled(room, thread)
    assert LIVE.title in [one["embeds"][0]["title"] for one in await room.shown(thread) if one["embeds"]]
