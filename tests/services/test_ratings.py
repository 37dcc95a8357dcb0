"""Ratings follow the rounds: they are those of a replay of everything, whenever something changed."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from bot.core.rounds.rating import rate
from bot.services.ratings import LOOK_EVERY, Ratings
from bot.storage import ratings as store
from bot.storage import status
from bot.storage.round_tables import player_ratings, rounds
from tests.services.round_world import FIRST, LATER, SECOND, Crash, CrashingDatabase, RoundWorld

LATER_SECOND = "2025-10-26-222414-supply-round-2.txt"


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.start_watching()
    return world


def ratings_of(world, **more) -> Ratings:
    return Ratings(**{"database": world.database, "clock": world.clock} | more)


async def kept(world) -> dict:
    """What is stored, by GUID."""
    async with world.database.read() as conn:
        guids = (await conn.execute(select(player_ratings.c.guid))).scalars().all()
        return await store.ratings_of(conn, guids)


async def replayed(world) -> dict:
    """What a replay of all counted maps gives, as precise as it is stored."""
    async with world.database.read() as conn:
        known = rate([one async for some in store.counted_maps(conn) for one in some])
    return {
        guid: (pytest.approx(one.mean, abs=1e-6), pytest.approx(one.deviation, abs=1e-6), one.maps)
        for guid, one in known.items()
    }


def as_tuples(ratings) -> dict:
    return {guid: (one.mean, one.deviation, one.maps) for guid, one in ratings.items()}


async def play(world, *names: str) -> None:
    world.drop(*names)
    await world.run_for(130)


async def test_everybody_on_a_map_has_a_rating_after_its_second_round(world):
    ratings = ratings_of(world)
    await play(world, FIRST)
    assert await ratings.step() == world.clock.now() + LOOK_EVERY
    assert await kept(world) == {}
    await play(world, SECOND)
    await ratings.step()
    known = await kept(world)
    assert len(known) >= 6
    assert {one.maps for one in known.values()} == {1}
    assert max(one.mean for one in known.values()) > 25 > min(one.mean for one in known.values())


async def test_a_longer_history_is_a_replay_of_all(world):
    ratings = ratings_of(world)
    await play(world, FIRST, SECOND)
    await ratings.step()
    after_one = await kept(world)
    await play(world, LATER, LATER_SECOND)
    await ratings.step()
    assert as_tuples(await kept(world)) == await replayed(world)
    assert {one.maps for one in (await kept(world)).values()} >= {2}
    assert await kept(world) != after_one


async def test_a_round_that_was_left_out_never_happened(world):
    ratings = ratings_of(world)
    await play(world, LATER, LATER_SECOND)
    await ratings.step()
    alone = await kept(world)
    await play(world, FIRST, SECOND)
    await ratings.step()
    assert await kept(world) != alone
    async with world.database.write("test.void") as conn:
        first_map = rounds.c.map == "etl_adlernest"
        await conn.execute(update(rounds).where(first_map).values(counted=False))
    await ratings.step()
    assert await kept(world) == alone


async def test_nothing_is_calculated_while_nothing_changed(world):
    slices = []

    async def beside(work, maps, before):
        slices.append(len(maps))
        return work(maps, before)

    await play(world, FIRST, SECOND)
    await ratings_of(world, beside=beside).step()
    assert slices == [1]
    await ratings_of(world, beside=beside).step()  # as after a restart
    await play(world, LATER)  # of a round 1 alone no map is made
    await ratings_of(world, beside=beside).step()
    assert slices == [1]


async def test_a_long_history_is_calculated_in_slices(world, monkeypatch):
    monkeypatch.setattr(store, "MAPS_AT_ONCE", 1)
    slices = []

    async def beside(work, maps, before):
        slices.append(len(maps))
        return work(maps, before)

    await play(world, FIRST, SECOND, LATER, LATER_SECOND)
    await ratings_of(world, beside=beside).step()
    assert slices == [1, 1]
    assert as_tuples(await kept(world)) == await replayed(world)


@pytest.mark.parametrize("committed", [False, True])
async def test_a_crash_leaves_either_the_old_ratings_or_the_new(world, committed):
    await play(world, FIRST, SECOND)
    await ratings_of(world).step()
    before = as_tuples(await kept(world))
    await play(world, LATER, LATER_SECOND)
    dying = CrashingDatabase(world.database, "ratings.keep", committed=committed)
    with pytest.raises(Crash):
        await ratings_of(world, database=dying).step()
    assert as_tuples(await kept(world)) == (await replayed(world) if committed else before)
    await ratings_of(world).step()
    assert as_tuples(await kept(world)) == await replayed(world)


async def test_rounds_that_came_wake_the_ratings(world):
    await world.run_for(130)
    assert not world.rounds_came.is_set()
    await play(world, FIRST)
    assert world.rounds_came.is_set()


async def test_without_a_map_there_is_nothing_to_rate(world):
    await ratings_of(world).step()
    assert await kept(world) == {}
    async with world.database.read() as conn:
        assert await status.note(conn, "ratings_of") != ""
