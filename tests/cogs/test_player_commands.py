"""`/player`, as members and admins use it; the rounds are real ones."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.services.players import Players
from bot.storage.round_tables import player_links
from tests.services.round_world import CHANNEL, FIRST, SECOND, RoundWorld

pytest_plugins = ("tests.discord_room.conftest",)
BRONZE, SMETARSKI, OLZ = "2B5938F5", "1C747DF1", "5D989160"


@pytest.fixture
async def room(open_room):
    async with open_room("cogs.players") as room:
        yield room


@pytest.fixture
async def world(room, reference_data):
    """Both halves of a map were played here, and nothing on the other guild's server."""
    world = RoundWorld(room.database, reference_data / "etlegacy", guild=room.guild_id)
    world.clock.auto = True
    await world.join(room.guild_id + 1, CHANNEL)
    await world.start_watching()
    world.drop(FIRST, SECOND)
    await world.run_for(10)
    room.client.get_cog("PlayerCommands")._players = Players(
        database=room.database,
        servers_of=world.sync.servers_of,
        announcements=room.announcements,
        clock=room.clock,
    )
    return world


async def said(room, name: str, user: str = "member", **options: Any) -> dict[str, Any]:
    return (await room.command(f"player {name}", user=user, **options))["response"]


async def press(room, message, what: str, *values: str, user: str = "member") -> dict[str, Any]:
    """Use the select or the button with this label; give the interaction."""
    controls = [one for line in message["components"] for one in line["components"]]
    control = next(one for one in controls if what in {one.get("label"), one["type"]})
    number = await room.ask(room.server.press, message, control["custom_id"], *values, user=user)
    return await room.ask(room.server.answer, number)


async def linked(room) -> dict[int, tuple[str, int]]:
    async with room.database.read() as conn:
        return {row.user_id: (row.guid, row.linked_by) for row in await conn.execute(select(player_links))}


def person(room, name: str) -> int:
    return int(room.server.facts["users"][name])


async def test_a_player_is_shown_to_everyone(room, world):
    answer = await said(room, "stats", player="bronze.")
    assert not answer["ephemeral"]
    (embed,) = answer["embeds"]
    assert embed["title"] == "bronze."
    assert "2 rounds" in embed["description"]
    names = [field["name"] for field in embed["fields"]]
    assert names[:3] == ["Totals", "Ratios", "In ten minutes"]
    assert "Names" in names


async def test_who_is_not_linked_learns_how_and_who_is_sees_the_own_card(room, world):
    answer = await said(room, "stats")
    assert answer["ephemeral"]
    assert "`/player link`" in answer["content"]
    asked = await said(room, "link", player=BRONZE)
    await press(room, asked, "Yes, link")
    answer = await said(room, "stats")
    assert answer["embeds"][0]["title"] == "bronze."
    member = person(room, "member")
    assert f"This is <@{member}>." in answer["embeds"][0]["description"]
    assert (answer["pinged_users"], answer["pinged_roles"], answer["pinged_everyone"]) == ([], [], False)


async def test_a_linked_member_is_shown_by_mention(room, world):
    await press(room, await said(room, "link", player=BRONZE), "Yes, link")
    found = await room.ask(
        room.server.run, "player stats", {"user": str(person(room, "member"))}, user="admin"
    )
    assert found["response"]["embeds"][0]["title"] == "bronze."


async def test_two_players_are_compared_or_oneself_with_one(room, world):
    answer = await said(room, "compare", a=BRONZE, b=OLZ)
    assert not answer["ephemeral"]
    assert answer["embeds"][0]["title"].startswith("bronze. and ")
    assert "A: **bronze.**" in answer["embeds"][0]["description"]
    await press(room, await said(room, "link", player=SMETARSKI), "Yes, link")
    me = await said(room, "compare", a=BRONZE)
    assert me["embeds"][0]["description"].startswith("A: **SmetarskiProner**\nB: **bronze.**")


async def test_the_chart_of_a_comparison_is_a_radar_where_both_can_be_ranked(room, world):
    answer = await said(room, "compare", a=BRONZE, b=OLZ)
    assert "No radar" in answer["embeds"][0]["description"]
    assert room.painter.drawn == []


async def test_a_name_is_proposed_and_counts_when_it_is_confirmed(room, world):
    asked = await said(room, "link", player="bronze")
    assert asked["ephemeral"]
    assert "Link with **bronze.** (2B5938F5)?" in asked["content"]
    assert await linked(room) == {}
    done = await press(room, asked, "Yes, link")
    member = person(room, "member")
    assert done["response"]["content"] == f"<@{member}> is bronze. now."
    assert done["response"]["components"] == []
    assert await linked(room) == {member: (BRONZE, member)}


async def test_cancelling_changes_nothing(room, world):
    done = await press(room, await said(room, "link", player=BRONZE), "Cancel")
    assert done["response"]["content"] == "Nothing is changed."
    assert await linked(room) == {}


async def test_a_player_who_is_somebody_can_be_taken_by_an_admin_alone(room, world):
    await press(room, await said(room, "link", user="admin", player=BRONZE), "Yes, link", user="admin")
    admin, member = person(room, "admin"), person(room, "member")
    asked = await said(room, "link", player=BRONZE)
    assert f"bronze. is <@{admin}>." in asked["content"]
    refused = await press(room, asked, "Yes, link")
    assert "An admin of this server can change that." in refused["response"]["content"]
    assert refused["response"]["ephemeral"]
    assert await linked(room) == {admin: (BRONZE, admin)}
    order = await room.ask(
        room.server.run, "player link", {"player": BRONZE, "user": str(member)}, user="admin"
    )
    await press(room, order["response"], "Yes, link", user="admin")
    assert await linked(room) == {member: (BRONZE, admin)}


async def test_members_choose_for_nobody_else(room, world):
    admin = str(person(room, "admin"))
    for name in ("link", "unlink"):
        found = await room.ask(room.server.run, f"player {name}", {"user": admin}, user="member")
        assert found["response"]["ephemeral"]
        assert "Manage Server" in found["response"]["content"]
    assert await linked(room) == {}


async def test_a_link_is_undone_by_oneself_or_an_admin(room, world):
    member = person(room, "member")
    for user, options in (("member", {}), ("admin", {"user": str(member)})):
        await press(room, await said(room, "link", player=BRONZE), "Yes, link")
        found = await room.ask(room.server.run, "player unlink", options, user=user)
        assert found["response"]["content"] == f"<@{member}> is linked with no player now."
        assert await linked(room) == {}
