"""What admins change about rounds, as they and the audit channel read it."""

from __future__ import annotations

import pytest

from bot.core.requester import Requester
from bot.storage.round_tables import audit_log
from tests.services.round_world import CHANNEL, FIRST, LATER, SECOND, RoundWorld

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.stats_sync", "cogs.rounds_admin", "cogs.admin") as room:
        yield room


@pytest.fixture
async def world(room, reference_data):
    world = RoundWorld(room.database, reference_data / "etlegacy", guild=room.guild_id)
    world.clock.auto = True
    await world.join(room.guild_id + 1, CHANNEL)
    await world.start_watching()
    world.drop(FIRST, SECOND, LATER)
    await world.run_for(10)
    cog = room.client.tree.get_command("rounds").get_command("toggle").binding
    cog._admin, cog._suggestions = world.admin, world.suggestions
    world.admin._announcements = room.announcements
    return world


async def say(room, command, **options):
    said = (await room.command(command, **options))["response"]
    assert said["ephemeral"]
    return said["content"] or said["embeds"][0]["description"]


async def file_of(world, name):
    return str((await world.files())[name]["id"])


async def suggested(room, name, option, user="admin", **options):
    order = {"user": user, "channel": "general", "name": name, "options": options, "focused": option}
    started = await room.ask(room.server.control, "POST", "autocomplete", order)
    return (await room.ask(room.server.answer, started["interaction_id"]))["choices"]


async def test_what_is_changed_is_told_in_the_audit_channel_and_pings_nobody(room, world):
    channel = await room.channel()
    await room.command("setup", audit=str(channel))
    given = {"team": "A", "name": "@everyone <@&1>"}
    await room.ask(room.server.run, "rounds team name", given, user="admin", channel="general")
    posts = await room.until_async(lambda: _posts(room, channel, 3))
    admin = room.server.facts["users"]["admin"]
    bodies = [post["embeds"][0].get("description", "") for post in posts]
    (named,) = [body for body in bodies if "is called" in body]
    assert named.startswith(f"<@{admin}>: **alpha**: Team A of the evening of ")
    assert r"\@everyone \<\@&1\>" in named
    assert any(body == f"<@{admin}>: What admins change is told in <#{channel}>." for body in bodies)
    for post in posts:
        assert (post["pinged_roles"], post["pinged_users"], post["pinged_everyone"]) == ([], [], False)


async def _posts(room, channel, count):
    posts = await room.shown(channel)
    return posts if len(posts) == count else None


async def test_an_audit_channel_the_bot_cannot_write_in_is_named_at_set_up(room, world):
    channel = await room.channel()
    order = {"permissions": ["send_messages"]}
    await room.ask(room.server.control, "POST", f"channels/{channel}/deny", order)
    me = room.client.get_guild(room.guild_id).me
    await room.until(lambda: not room.client.get_channel(channel).permissions_for(me).send_messages)
    said = (await room.command("setup", audit=str(channel)))["response"]["embeds"][0]
    assert f"What admins changed: <#{channel}> - I lack Send Messages" in said["description"]


async def test_the_log_is_read_in_pages_newest_first(room, world):
    admin = room.server.facts["users"]["admin"]
    for on in (False, True) * 5:
        await world.admin.toggle(_by(room, admin), "posts", on=on)
    said = (await room.command("rounds audit"))["response"]
    assert said["ephemeral"]
    first, *_ = said["embeds"][0]["description"].split("\n")
    assert first.endswith(f"<@{admin}>: **alpha**: Posts of rounds: on")
    assert "Page 1 of 2" in str(said["embeds"][0])


def _by(room, user):
    return Requester(guild_id=room.guild_id, user_id=int(user))


async def test_times_are_those_of_the_guild(room, world):
    await room.command("setup", time_zone="Asia/Jakarta")
    choices = await suggested(room, "rounds void", "round", round="supply")
    assert choices == [
        {"name": "supply · round 1 · 27 Oct 2025, 05:14", "value": await file_of(world, LATER)}
    ]
    said = await say(room, "rounds void", round=choices[0]["value"])
    assert said == "**alpha**: Round 1 of Supply, ended 27 Oct 2025, 05:14, is void."
    await world.admin.void(_by(room, 1), choices[0]["value"], void=False)
    assert "27 Oct 2025, 05:14, is not void any more" in await say(room, "rounds audit")


async def test_a_map_is_suggested_until_it_is_ignored_and_then_to_be_taken_in_again(room, world):
    maps = [choice["value"] for choice in await suggested(room, "rounds ignore", "map", map="")]
    assert maps == ["supply", "etl_adlernest"]
    said = await say(room, "rounds ignore", map="supply")
    assert "`supply` is left out of all tables (1 round)" in said
    maps = await suggested(room, "rounds ignore", "map", map="", ignored=False)
    assert [choice["value"] for choice in maps] == ["supply"]
    assert "counts again" in await say(room, "rounds ignore", map="supply", ignored=False)


async def test_players_are_suggested_from_the_evening_that_was_chosen(room, world):
    first = await file_of(world, FIRST)
    players = await suggested(room, "rounds team player", "player", player="", round=first)
    assert players
    said = await say(room, "rounds team player", player=players[0]["value"], team="B", round=first)
    assert "is in team B on the evening of" in said


async def test_all_switches_are_shown(room, world):
    await say(room, "rounds toggle", what="monitoring", on=False)
    lines = (await say(room, "rounds toggle")).split("\n")
    assert lines[0] == "**alpha**: Watching the server: off"
    assert len(lines) == 5
    assert "beta" not in str(lines)


async def test_members_change_nothing_and_are_suggested_nothing(room, world):
    for name, option in (
        ("rounds ignore", "player"),
        ("rounds ignore", "map"),
        ("rounds ignore", "server"),
        ("rounds void", "round"),
        ("rounds reimport", "file"),
        ("rounds team player", "player"),
    ):
        assert await suggested(room, name, option, **{option: ""})
        assert await suggested(room, name, option, "member", **{option: ""}) == []
    for name, options in (
        ("rounds toggle", {"what": "posts"}),
        ("rounds void", {"round": await file_of(world, FIRST)}),
        ("rounds team reset", {}),
        ("rounds audit", {}),
    ):
        said = (await room.command(name, user="member", **options))["response"]
        assert "Manage Server" in said["content"]
    assert await world.rows(audit_log) == []
