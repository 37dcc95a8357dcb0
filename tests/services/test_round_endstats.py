"""Awards and duels of a round: their file comes before, after or again, and belongs to the right round."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import select

from bot.core.rounds.endstats import PlayerDuel
from bot.storage import evenings
from bot.storage.round_tables import round_duels
from tests.services.round_world import CHANNEL, FIRST, GUILD, SECOND, RoundWorld

AWARDS = b"Most damage given\t^1ana\t3214\nMost deaths\tbo\t14\n"
OF_FIRST = FIRST.replace("213907", "213909").replace(".txt", "-endstats.txt")


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL)
    await world.start_watching()
    return world


async def awards(world: RoundWorld) -> dict[int, list[tuple[str, str, str]]]:
    """Give the awards of all rounds by the label of their round."""
    by_id = {row["id"]: row["round"] for row in await world.rounds()}
    async with world.database.read() as conn:
        kept = await evenings.awards(conn, list(by_id))
    return {by_id[round_id]: rows for round_id, rows in kept.items()}


async def duels(world: RoundWorld) -> set[PlayerDuel]:
    columns = [round_duels.c[field.name] for field in fields(PlayerDuel)]
    async with world.database.read() as conn:
        return {PlayerDuel(**row) for row in (await conn.execute(select(*columns))).mappings()}


def with_duels(world: RoundWorld, name: str) -> tuple[bytes, str, str]:
    """Give awards with one block of duels between two real players of a round, and their GUIDs."""
    rows = [line.split("\\") for line in world.real(name).decode().splitlines()[1:]]
    (one, one_name), (other, other_name) = [(row[0], row[1]) for row in rows[:2]]
    block = f"VS_HEADER\t{one_name}\t{one}{'0' * 24}\n{other_name}\t3\t2\nnobody\t1\t0\n".encode()
    return AWARDS + block, one, other


EXPECTED = [("Most damage given", "ana", "3214"), ("Most deaths", "bo", "14")]


async def test_awards_that_come_with_their_round_are_kept_with_it(world):
    world.folder.put(OF_FIRST, AWARDS)
    world.drop(FIRST, SECOND)
    await world.run_for(60)
    assert await awards(world) == {1: EXPECTED}
    assert len(await world.posts()) == 2


async def test_awards_that_come_before_their_round_wait_for_it(world):
    world.folder.put(OF_FIRST, AWARDS)
    await world.run_for(60)
    assert await world.rounds() == []
    assert (await world.files())[OF_FIRST]["state"] == "imported"
    world.drop(FIRST)
    await world.run_for(60)
    assert await awards(world) == {1: EXPECTED}


async def test_awards_that_come_after_their_round_join_it(world):
    world.drop(FIRST)
    await world.run_for(60)
    world.folder.put(OF_FIRST, AWARDS)
    await world.run_for(60)
    assert await awards(world) == {1: EXPECTED}
    assert len(await world.posts()) == 1


async def test_a_file_of_awards_is_read_when_it_rests_and_again_when_it_has_grown(world):
    world.drop(FIRST)
    await world.run_for(60)
    for length in (10, 30, len(AWARDS) // 2):
        world.folder.put(OF_FIRST, AWARDS[:length])
        await world.run_for(3)
        assert OF_FIRST not in world.folder.fetched
    half = AWARDS.index(b"\n") + 1
    world.folder.put(OF_FIRST, AWARDS[:half])
    await world.run_for(60)
    assert await awards(world) == {1: EXPECTED[:1]}
    world.folder.put(OF_FIRST, AWARDS)
    await world.run_for(60)
    assert await awards(world) == {1: EXPECTED}


async def test_duels_are_kept_by_player_and_again_when_the_round_changes(world):
    content, one, other = with_duels(world, FIRST)
    world.folder.put(OF_FIRST, content)
    world.drop(FIRST)
    await world.run_for(60)
    assert await duels(world) == {PlayerDuel(guid=one, opponent_guid=other, kills=3, deaths=2)}
    lines = world.real(FIRST).splitlines(keepends=True)
    world.folder.put(FIRST, b"".join(line for line in lines if not line.startswith(other.encode())))
    await world.run_for(60)
    assert await duels(world) == set()


@pytest.mark.parametrize("name", ["2025-10-26-213938", "2025-10-26-213836"])
async def test_awards_of_another_time_belong_to_no_round(world, name):
    world.folder.put(name + OF_FIRST[17:], AWARDS)
    world.drop(FIRST)
    await world.run_for(60)
    assert await awards(world) == {}


async def test_a_spoilt_file_of_awards_is_refused_by_name_and_spoils_no_round(world):
    world.folder.put(OF_FIRST, b"one field\n")
    world.drop(FIRST)
    await world.run_for(60)
    files = await world.files()
    assert (files[OF_FIRST]["state"], files[FIRST]["state"]) == ("failed", "imported")
    assert len(await world.posts()) == 1
