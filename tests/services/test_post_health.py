"""A source that refuses us is left alone: the profiles that are due wait for it, and nobody hammers it."""

from __future__ import annotations

import pytest

from bot.core.posts.models import Trouble
from bot.services.post_monitor import LONGEST_WAIT
from bot.storage import sources
from bot.storage.post_tables import jobs
from tests.services.post_world import PostWorld, feed

HANDLES = ("ana", "ben", "cara", "dan")


@pytest.fixture
async def world(database, clock):
    world = PostWorld(database, clock)
    world.source.shown = feed(3)
    return world


async def due(world) -> list[int]:
    """Four profiles whose runs wait."""
    return [await world.put(await world.watch(handle)) for handle in HANDLES]


async def states(world, runs: list[int]) -> list[str]:
    return [(await world.run(run_id))["state"] for run_id in runs]


async def test_a_block_stops_the_requests_of_all_runs_and_costs_them_no_attempt(world):
    runs = await due(world)
    world.source.troubles = {1: Trouble.BLOCKED}
    for _ in runs:
        await world.work()
    assert [one.handle for one in world.source.asked] == ["ana"]
    assert [row["attempts"] for row in await world.rows(jobs)] == [1, 0, 0, 0]
    assert "left alone" in (await world.run(runs[1]))["error"]
    assert [(await world.run(run_id))["attempts"] for run_id in runs] == [1, 0, 0, 0]
    world.source.troubles = {}
    for _ in runs:
        await world.wait_for_job()
        await world.work()
    while "running" in await states(world, runs):
        await world.wait_for_job()
        await world.work()
    assert await states(world, runs) == ["completed"] * 4
    assert len(world.source.asked) == 5
    assert await world.told() == []


async def test_after_a_pause_one_run_tries_alone_and_a_block_that_lasts_is_left_alone_longer(world):
    runs = await due(world)
    world.source.troubles = {1: Trouble.BLOCKED}
    for _ in runs:
        await world.work()
    world.clock.advance(600)
    for _ in runs:
        await world.work()
    assert len(world.source.asked) == 2
    async with world.database.read() as conn:
        health = await sources.load(conn, "posts:yt-dlp")
    assert (health.closed_until - world.clock.now()).total_seconds() == 1200


async def test_a_block_that_does_not_end_fails_the_runs_and_is_told_once(world):
    runs = await due(world)
    world.source.troubles = {1: Trouble.BLOCKED}
    began = world.clock.now()
    while "pending" in await states(world, runs) or "running" in await states(world, runs):
        await world.wait_for_job()
        await world.work()
    assert await states(world, runs) == ["failed"] * 4
    assert world.clock.now() - began < 2 * LONGEST_WAIT
    assert len(world.source.asked) < 10
    assert await world.told() == ["Posts of watched profiles cannot be read"]


@pytest.mark.parametrize(("trouble", "asked"), [(Trouble.UNAVAILABLE, 3), (Trouble.CHANGED, 4)])
async def test_only_what_says_something_of_the_source_counts_against_it(world, trouble, asked):
    runs = await due(world)
    world.source.troubles = {1: trouble}
    for _ in runs:
        await world.work()
    assert len(world.source.asked) == asked


async def test_a_private_profile_says_that_its_source_answers(world):
    runs = await due(world)
    for trouble in (Trouble.UNAVAILABLE, Trouble.UNAVAILABLE, Trouble.PRIVATE, Trouble.UNAVAILABLE):
        world.source.troubles = {1: trouble}
        await world.work()
    assert len(world.source.asked) == len(runs)
    async with world.database.read() as conn:
        assert (await sources.load(conn, "posts:yt-dlp")).closed_until is None


async def test_while_one_source_is_left_alone_the_next_is_asked(world):
    world.sources = [world.source, world.other]
    world.source.troubles, world.other.shown = {1: Trouble.BLOCKED}, feed(3)
    runs = await due(world)
    for _ in runs:
        assert await world.work() is None
    assert await states(world, runs) == ["completed"] * 4
    assert (len(world.source.asked), len(world.other.asked)) == (1, 4)


async def test_a_source_that_refuses_in_the_middle_of_a_long_reading_is_left_alone_too(world):
    ana, ben = await world.watch("ana"), await world.watch("ben")
    world.source.shown, world.source.troubles = feed(300), {15: Trouble.BLOCKED}
    await world.read(ana)  # what every run reads was there
    await world.put(ben)
    await world.work()
    assert [one.handle for one in world.source.asked] == ["ana"]
