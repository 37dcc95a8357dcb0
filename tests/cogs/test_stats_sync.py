"""`/rounds`, as admins and members use it."""

from __future__ import annotations

import pytest

from bot.errors import SourceAuthFailed, SourceUnavailable
from bot.services.round_book import RoundBook
from tests.services.round_world import CHANNEL, FIRST, REFUSED, SECOND, RoundWorld

pytest_plugins = ("tests.discord_room.conftest",)


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.stats_sync") as room:
        yield room


@pytest.fixture
async def world(room, reference_data):
    world = RoundWorld(room.database, reference_data / "etlegacy", guild=room.guild_id)
    world.clock.auto = True
    await world.join(room.guild_id + 1, CHANNEL)
    await world.start_watching()
    cog = room.client.get_cog("StatsSync")
    cog._round_sync, cog._balance = world.sync, world.balance
    cog._book = RoundBook(database=room.database, clock=world.clock)
    return world


async def test_a_sync_tells_the_admin_alone_what_it_did(room, world):
    world.drop(FIRST, REFUSED)
    said = (await room.command("rounds sync", backfill=True))["response"]
    assert said["ephemeral"]
    body = said["embeds"][0]["description"]
    assert "**alpha**: 1 imported, 2 files of rounds there." in body
    assert "c0rnsp0rn 1.0" in body.replace("\\", "")
    assert "beta" not in body
    assert await world.posts() == []


async def test_a_sync_of_a_server_that_is_down_says_so(room, world):
    world.folder.trouble = SourceUnavailable("alpha: no answer within 10 s")
    said = (await room.command("rounds sync", server="alpha"))["response"]
    assert "not read" in said["embeds"][0]["description"]
    assert "no answer within 10 s" in said["embeds"][0]["description"].replace("\\", "")


async def test_members_may_not_sync_and_nothing_is_read(room, world):
    before = world.folder.listings
    said = (await room.command("rounds sync", user="member"))["response"]
    assert said["ephemeral"]
    assert "Manage Server" in said["content"]
    assert world.folder.listings == before


async def test_nobody_acts_on_the_server_of_another_guild(room, world):
    said = (await room.command("rounds sync", server="beta"))["response"]
    assert said["ephemeral"]
    assert "does not belong" in said["content"]
    assert world.other_folder.listings == 1


async def test_a_member_sees_the_last_round_with_its_chart(room, world):
    world.drop(FIRST)
    await world.run_for(10)
    said = (await room.command("rounds last", user="member"))["response"]
    assert not said["ephemeral"]
    (embed,) = said["embeds"]
    assert embed["title"].startswith("Adlernest · round 1")
    assert embed["image"]["url"].split("?")[0].endswith("chart.png")


async def test_without_a_round_the_last_one_is_a_hint(room, world):
    said = (await room.command("rounds last"))["response"]
    assert "No round has been imported yet." in said["content"]
    assert said["ephemeral"]


async def test_everybody_reads_the_teams_that_were_proposed(room, world):
    world.drop(FIRST)
    await world.run_for(10)
    said = (await room.command("rounds balance", user="member"))["response"]
    assert not said["ephemeral"]
    (embed,) = said["embeds"]
    assert embed["title"] == "Even teams"
    assert "were in the last round" in embed["description"]
    assert [field["name"].split(" · ")[0] for field in embed["fields"]] == ["Team 1", "Team 2"]


async def test_teams_are_not_proposed_for_another_guild(room, world):
    said = (await room.command("rounds balance", server="beta"))["response"]
    assert said["ephemeral"]
    assert "does not belong" in said["content"]


@pytest.mark.parametrize("command", ["rounds last", "rounds balance"])
async def test_only_the_own_servers_are_suggested(room, world, command):
    order = {"user": "admin", "channel": "general", "name": command, "options": {}, "focused": "server"}
    started = await room.ask(room.server.control, "POST", "autocomplete", order)
    answered = await room.ask(room.server.answer, started["interaction_id"])
    assert [choice["value"] for choice in answered["choices"]] == ["alpha"]


async def test_a_member_sees_the_evening_that_runs_with_its_picture(room, world):
    world.drop(FIRST, SECOND)
    await world.run_for(10)
    said = (await room.command("rounds evening", user="member"))["response"]
    assert not said["ephemeral"]
    (embed,) = said["embeds"]
    assert embed["title"].startswith("Evening of 2025-10-26 · Team A ")
    assert "so far" in embed["description"]
    assert embed["image"]["url"].split("?")[0].endswith("chart.png")


async def test_two_evenings_of_a_date_are_two_messages(room, world):
    world.drop(FIRST, SECOND)
    await world.run_for(10)
    late = "2025-10-26-235900-supply-round-1.txt"
    world.folder.put(late, world.real("2025-10-26-221428-supply-round-1.txt"))
    await world.run_for(10)
    said = await room.command("rounds evening", date="2025-10-26")
    answers = (await room.shown(said["response"]["channel_id"]))[-2:]
    titles = [one["embeds"][0]["title"] for one in answers]
    assert [title[:21] for title in titles] == ["Evening of 2025-10-26"] * 2
    assert titles[0] != titles[1]


async def test_a_wrong_date_and_an_unknown_map_are_private_hints(room, world):
    world.drop(FIRST)
    await world.run_for(10)
    for command, options in (("rounds evening", {"date": "soon"}), ("rounds map", {"name": "nowhere"})):
        said = (await room.command(command, user="member", **options))["response"]
        assert said["ephemeral"], command
    assert "2026-11-21" in (await room.command("rounds evening", date="soon"))["response"]["content"]


async def test_a_member_sees_a_map(room, world):
    world.drop(FIRST, SECOND)
    await world.run_for(10)
    (embed,) = (await room.command("rounds map", user="member", name="adlernest"))["response"]["embeds"]
    assert embed["title"] == "Adlernest"
    assert [field["name"] for field in embed["fields"]][-1] == "Best times"


async def test_evenings_and_maps_of_the_own_servers_are_suggested(room, world):
    world.drop(FIRST, SECOND)
    world.drop("2025-10-26-221428-supply-round-1.txt", folder=world.other_folder)
    await world.run_for(10)
    await world.run_for(10, "beta")
    wanted = {"evening": ("date", "2025-10-26 21:35"), "map": ("name", "etl_adlernest")}
    for command, (option, value) in wanted.items():
        order = {
            "user": "admin",
            "channel": "general",
            "name": f"rounds {command}",
            "options": {},
            "focused": option,
        }
        started = await room.ask(room.server.control, "POST", "autocomplete", order)
        answered = await room.ask(room.server.answer, started["interaction_id"])
        assert [choice["value"] for choice in answered["choices"]] == [value]


async def test_a_member_sees_when_the_server_is_looked_at_and_what_failed(room, world):
    world.drop(FIRST, REFUSED)
    await world.run_for(20)
    said = (await room.command("rounds scheduler", user="member"))["response"]
    assert said["ephemeral"]
    (field,) = said["embeds"][0]["fields"]
    assert field["name"] == "alpha"
    assert "Policy: fixed" in field["value"]
    assert "(a fixed distance)" in field["value"]
    assert "1 imported, 1 failed" in field["value"]
    assert "c0rnsp0rn 1.0" in field["value"].replace("\\", "")


async def test_why_a_server_cannot_be_read_is_no_members_business(room, world):
    world.folder.trouble = SourceAuthFailed("alpha: the password of secretuser was not accepted")
    await world.run_for(10)
    said = (await room.command("rounds scheduler", user="member", server="alpha"))["response"]
    (field,) = said["embeds"][0]["fields"]
    assert "none until a person has mended it" in field["value"]
    assert "secretuser" not in str(said)
    refused = (await room.command("rounds scheduler", user="member", server="beta"))["response"]
    assert "does not belong" in refused["content"]
