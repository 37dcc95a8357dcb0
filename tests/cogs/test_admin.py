"""`/setup`, `/status` and `/about`, as admins and members use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import discord
import pytest

from bot.core.announcements import Message, Tone
from bot.discord.errors import Refused
from bot.storage import round_choices, subscriptions
from tests.discord_room.room import Room

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def admin_room(open_room: Callable[..., Any]) -> AsyncIterator[Room]:
    async with open_room("cogs.admin") as room:
        yield room


def shown(answer: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Give title, body and fields of a private answer."""
    said = answer["response"]
    assert said["ephemeral"]
    (embed,) = said["embeds"]
    fields = {field["name"]: field["value"] for field in embed.get("fields", [])}
    return embed["title"], embed.get("description", ""), fields


async def test_set_up_keeps_what_was_chosen_and_posts_a_test_that_pings_nobody(admin_room: Room) -> None:
    room = admin_room
    lives, rounds = await room.channel(), await room.channel()
    answer = await room.command(
        "setup", lives=str(lives), rounds=str(rounds), time_zone="Asia/Jakarta", language="id"
    )
    title, body, fields = shown(answer)
    assert title == "Set-up"
    assert f"Lives: <#{lives}> - all well" in body
    assert f"Rounds: <#{rounds}> - all well" in body
    assert fields["Time zone"] == "Asia/Jakarta"
    assert fields["Language"] == "Bahasa Indonesia"
    settings = await room.services.guilds.get(room.guild_id)
    assert (settings.lives_channel_id, settings.rounds_channel_id) == (lives, rounds)
    assert settings.set_up_by == int(room.server.facts["users"]["admin"])
    for channel in (lives, rounds):
        await room.until_async(lambda channel=channel: room.shown(channel))
        (post,) = await room.shown(channel)
        assert post["embeds"][0]["title"] == "Channel ini berfungsi"
        assert (post["pinged_roles"], post["pinged_users"], post["pinged_everyone"]) == ([], [], False)


async def test_a_channel_that_was_chosen_can_be_cleared(admin_room: Room) -> None:
    room = admin_room
    lives, rounds = await room.channel(), await room.channel()
    await room.command("setup", lives=str(lives), rounds=str(rounds))
    _, body, _ = shown(await room.command("setup", clear="rounds"))
    assert f"Lives: <#{lives}>" in body
    assert f"<#{rounds}>" not in body
    settings = await room.services.guilds.get(room.guild_id)
    assert (settings.lives_channel_id, settings.rounds_channel_id) == (lives, None)


async def test_set_up_again_without_arguments_shows_and_tests_what_there_is(admin_room: Room) -> None:
    room = admin_room
    lives = await room.channel()
    await room.command("setup", lives=str(lives), time_zone="Asia/Jakarta")
    await room.until_async(lambda: room.shown(lives))
    await room.ask(
        room.server.control,
        "POST",
        f"channels/{lives}/deny",
        {"permissions": ["embed_links", "attach_files"]},
    )
    await room.until(lambda: not room.client.get_channel(lives).permissions_for(_me(room)).embed_links)
    title, body, fields = shown(await room.command("setup"))
    assert title == "Set-up: something is missing"
    assert "I lack Embed Links, Attach Files" in body
    assert fields["Time zone"] == "Asia/Jakarta"
    assert "Test post" not in fields


def _me(room: Room) -> Any:
    return room.client.get_guild(room.guild_id).me


async def test_set_up_says_which_role_would_ping_nobody(admin_room: Room) -> None:
    room = admin_room
    channel = await room.channel()
    await _subscribe(room, channel, "anna", "Quiet")
    await _subscribe(room, channel, "ben", "Live pings")
    title, _, fields = shown(await room.command("setup"))
    assert title == "Set-up: something is missing"
    roles = room.server.facts["roles"]
    assert f"<@&{roles['Quiet']}>" in fields["Roles"]
    assert f"<@&{roles['Live pings']}>" not in fields["Roles"]


async def _subscribe(room: Room, channel: int, handle: str, role: str) -> None:
    from bot.core.live.models import Person, ProfileState
    from bot.storage import live

    now = room.clock.now()
    async with room.database.write("test.follow") as conn:
        person = Person(platform_id=len(handle), handle=handle)
        account = await live.add_account(conn, person, ProfileState.ACTIVE, now)
        role_id = int(room.server.facts["roles"][role])
        one = subscriptions.Subscription(
            account_id=account.id, guild_id=room.guild_id, channel_id=channel, role_id=role_id, paused=False
        )
        await subscriptions.subscribe(conn, one, 1, now)


async def test_set_up_before_anything_was_chosen_says_what_to_do(admin_room: Room) -> None:
    title, body, _ = shown(await admin_room.command("setup"))
    assert title == "Set-up: something is missing"
    assert "No channel is chosen yet" in body


async def test_a_time_zone_that_does_not_exist_is_refused(admin_room: Room) -> None:
    answer = await admin_room.command("setup", time_zone="Mars/Olympus")
    assert "do not know that time zone" in answer["response"]["content"]
    assert (await admin_room.services.guilds.get(admin_room.guild_id)).time_zone == "UTC"


async def test_time_zones_are_suggested_while_typing(admin_room: Room) -> None:
    room = admin_room
    order = {"user": "admin", "channel": "general", "name": "setup", "focused": "time_zone"}
    for typed, expected in (("jakar", "Asia/Jakarta"), ("new york", "America/New_York")):
        order["options"] = {"time_zone": typed}
        made = await room.ask(room.server.control, "POST", "autocomplete", order)
        answer = await room.ask(room.server.answer, made["interaction_id"])
        assert answer["choices"][0]["value"] == expected
    order["options"] = {"time_zone": "a"}
    made = await room.ask(room.server.control, "POST", "autocomplete", order)
    assert len((await room.ask(room.server.answer, made["interaction_id"]))["choices"]) == 25


async def test_status_shows_budgets_sources_and_what_is_stuck(admin_room: Room) -> None:
    room = admin_room
    channel = await room.channel()
    await room.ask(room.server.control, "POST", f"channels/{channel}/deny", {})
    await room.put(channel, Message(title="Anna is live", tone=Tone.LIVE))
    await room.becomes(channel, "parked")
    from bot.core.live.budget import Ledger
    from bot.storage import sources
    from bot.storage.tables import requests

    now = room.clock.now()
    async with room.database.write("test.used") as conn:
        for ledger in (Ledger.DISCOVERY, Ledger.DISCOVERY, Ledger.FOLLOWUP):
            await conn.execute(requests.insert().values(ledger=ledger, purpose="check", asked_at=now))
        await sources.record_failure(conn, "tiktok", "HTTP 429", now)
    title, _, fields = shown(await room.command("status"))
    assert title == "Status"
    assert fields["Requests in 24 hours"] == "discovery: 2 of 120\nfollowup: 1 of 480"
    assert "held: 0\nparked: 1" in fields["Messages"]
    assert f"<#{channel}>" in fields["Blocked channels"]
    assert "tiktok: failing since" in fields["Sources"]
    assert "HTTP 429" in fields["Last error"]
    assert fields["Running"].startswith("0.")


async def test_status_hides_the_game_servers_of_other_guilds(
    open_room: Callable[..., Any], server: Any
) -> None:
    lines = [
        f"GAME_SERVERS__{name}__{key}={value}"
        for name, guild in (("OURS", server.facts["guild"]), ("THEIRS", "4711"))
        for key, value in (("HOST", "127.0.0.1"), ("USERNAME", "et"), ("PASSWORD", "x"), ("GUILD_IDS", guild))
    ]
    async with open_room("cogs.admin", settings="\n".join(lines) + "\n") as room:
        _, _, fields = shown(await room.command("status"))
        async with room.database.write("test.switch") as conn:
            await round_choices.choose(conn, room.guild_id, "ours", "monitoring", on=False)
        _, _, off = shown(await room.command("status"))
    assert "ours" in fields["Rounds"].lower()
    assert "theirs" not in fields["Rounds"].lower()
    assert "switched off" not in fields["Rounds"]
    assert "switched off with `/rounds toggle`" in off["Rounds"]


@pytest.mark.parametrize("name", ["setup", "status"])
async def test_admin_commands_ask_for_manage_server_and_look_again(admin_room: Room, name: str) -> None:
    room = admin_room
    state = await room.ask(room.server.control, "GET", "state")
    (command,) = [command for command in state["commands"] if command["name"] == name]
    assert command["default_member_permissions"] == "32"
    with pytest.raises(AssertionError, match="permission"):
        await room.command(name, user="member")
    (check,) = room.client.tree.get_command(name).checks
    with pytest.raises(Refused):
        check(_Member(room))


class _Member:
    """As much of an interaction as the check reads: somebody a server's own rules let through."""

    def __init__(self, room: Room) -> None:
        self.permissions = discord.Permissions.none()
        self.client, self.guild_id = room.client, room.guild_id
        self.user = discord.Object(1)


async def test_everyone_may_ask_what_this_is(admin_room: Room) -> None:
    title, body, _ = shown(await admin_room.command("about", user="member"))
    assert title.startswith("Vedette ")
    assert "MIT licence" in body
    assert "https://github.com/isaackogan/TikTokLive" in body


async def test_setup_takes_a_forum_and_a_thread_and_tests_them(admin_room: Room) -> None:
    room = admin_room
    forum, text_channel = await room.channel(kind="forum"), await room.channel()
    may = {"overwrites": [{"target": "Vedette", "allow": ["create_public_threads"]}]}
    await room.ask(room.server.control, "PATCH", f"channels/{text_channel}", may)
    found = room.client.get_channel(text_channel)
    thread = await (await found.send("Hello")).create_thread(name="Rounds")
    await room.until(lambda: room.client.get_guild(room.guild_id).get_thread(thread.id))
    await room.command("setup", lives=str(forum), rounds=str(thread.id))
    chosen = await room.services.guilds.get(room.guild_id)
    assert (chosen.lives_channel_id, chosen.rounds_channel_id) == (forum, thread.id)

    async def tested() -> bool:
        shown_there = await room.shown(thread.id)
        return any(one["embeds"] and one["embeds"][0]["title"] == "This channel works" for one in shown_there)

    await room.until_async(tested)
