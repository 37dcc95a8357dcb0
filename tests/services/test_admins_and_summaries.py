"""The summary of an evening follows what admins change afterwards."""

from __future__ import annotations

from bot.core.requester import Requester
from bot.storage.round_tables import round_players
from tests.services.round_world import GUILD
from tests.services.test_evening_summaries import FIRST_MAP, SECOND_MAP, let_pass, summaries, watch, world
from tests.services.test_round_telling import play

__all__ = ["world"]
BY = Requester(guild_id=GUILD, user_id=42)


async def summed_up(world):
    """Play two maps, and let the evening be over."""
    await play(world, *FIRST_MAP, *SECOND_MAP)
    await let_pass(world, watch(world), 70)
    return await told(world)


async def told(world):
    (summary,) = await summaries(world)
    return str(summary["message"])


async def file_of(world, name):
    return str((await world.files())[name]["id"])


async def test_a_round_made_void_changes_the_summary_and_restored_it_reads_as_before(world):
    before = await summed_up(world)
    chosen = await file_of(world, SECOND_MAP[1])
    await world.admin.void(BY, chosen)
    assert "round not counted" in await told(world)
    await world.admin.void(BY, chosen, void=False)
    assert await told(world) == before


async def test_names_of_teams_stand_in_the_summary(world):
    before = await summed_up(world)
    await world.admin.name_team(BY, 0, "Foxes")
    assert "Foxes" in await told(world)
    await world.admin.reset_teams(BY)
    assert await told(world) == before


async def test_an_ignored_player_leaves_the_tables_of_the_summary_and_no_post_of_a_round(world):
    before = await summed_up(world)
    posts = [row["message"] for row in await world.posts()]
    rows = await world.rows(round_players, "guid")
    best = max(rows, key=lambda row: row["damage_given"])
    await world.admin.ignore_player(BY, best["guid"])
    (summary,) = await summaries(world)
    tables = [
        str(field["value"])
        for field in summary["message"]["fields"]
        if "Player " in str(field["value"]) or field["name"] == "Notable"
    ]
    assert len(tables) == 2
    assert best["name"][:14] not in str(tables)
    assert best["name"][:14] in before
    assert [row["message"] for row in await world.posts()] == posts
    await world.admin.ignore_player(BY, best["guid"], ignored=False)
    assert await told(world) == before


async def members(world, name):
    """Who is in the team of that name, as the summary has it."""
    (summary,) = await summaries(world)
    lines = [line for field in summary["message"]["fields"] for line in field["value"].splitlines()]
    (found,) = [line for line in lines if line.startswith("-# ") and f"{name}: " in line]
    return set(found.partition(": ")[2].split(", "))


async def test_a_team_keeps_its_name_when_its_first_round_is_made_void(world):
    await summed_up(world)
    await world.admin.name_team(BY, 0, "Foxes")
    foxes = await members(world, "Foxes")
    await world.admin.void(BY, await file_of(world, FIRST_MAP[0]))
    assert await members(world, "Foxes") == foxes


async def test_a_player_who_is_put_into_the_other_team_leaves_the_others_where_they_are(world):
    await summed_up(world)
    first, second = await members(world, "Team A"), await members(world, "Team B")
    names = {row["name"]: row["guid"] for row in await world.rows(round_players, "guid")}
    moved = min(first)
    await world.admin.put_player(BY, names[moved], 1)
    assert await members(world, "Team A") == first - {moved}
    assert await members(world, "Team B") == second | {moved}
