"""`/live` as admins use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.discord_room.room import Room

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def live_room(open_room: Callable[..., Any]) -> AsyncIterator[Room]:
    async with open_room("cogs.monitoring", "cogs.admin") as room:
        room.world.tiktok.add("ana", 1)
        yield room


async def add(room: Room, **more: str) -> str:
    answer = await room.ask(room.server.run, "live add", {"user": "@ana", **more})
    said = answer["response"]
    assert said["ephemeral"]
    return said["content"]


async def channels(room: Room) -> list[int]:
    return [entry.channel_id for entry in await room.services.watchlist.entries(room.guild_id)]


async def test_without_a_channel_an_account_is_followed_in_the_one_chosen_for_lives(live_room: Room) -> None:
    room = live_room
    lives, other = await room.channel(), await room.channel()
    await room.command("setup", lives=str(lives))
    assert f"<#{lives}>" in await add(room)
    assert await channels(room) == [lives]
    assert f"<#{other}>" in await add(room, channel=str(other))
    assert sorted(await channels(room)) == sorted([lives, other])


async def test_with_no_channel_at_all_it_says_how_to_choose_one(live_room: Room) -> None:
    assert "/setup" in await add(live_room)
    assert await channels(live_room) == []


async def test_a_chosen_channel_that_was_deleted_is_none(live_room: Room) -> None:
    room = live_room
    lives = await room.channel()
    await room.command("setup", lives=str(lives))
    await room.ask(room.server.control, "DELETE", f"channels/{lives}")
    await room.until(lambda: room.client.get_channel(lives) is None)
    assert "/setup" in await add(room)
    assert await channels(room) == []


async def test_an_account_is_followed_in_a_forum_which_may_want_a_tag(live_room: Room) -> None:
    room = live_room
    forum = await room.channel(kind="forum", tags=["Lives"], needs_tag=True)
    said = await add(room, channel=str(forum))
    assert "wants a tag on each post" in said
    assert await channels(room) == [forum]
    await room.ask(room.server.run, "live remove", {"user": "@ana", "channel": str(forum)})
    assert await channels(room) == []
