"""A run that is killed at any transaction: it goes on with its own number, and nothing is lost or doubled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.posts.models import Counts, ReadProfile, Trouble
from bot.storage.post_tables import post_snapshots, posts, profile_runs, profile_snapshots
from bot.storage.tables import outbox
from tests.services.post_world import FIRST, PostWorld, feed
from tests.services.round_world import Crash, CrashingDatabase

# The batches of two pages of twelve: the first, the last of a page, the first of the second page.
KILLS = [("profile.begin", 1), *[("profile.posts", nth) for nth in (1, 3, 4)], ("profile.read", 1)]


@pytest.fixture
async def world(database, clock):
    world = PostWorld(database, clock)
    world.source.shown, world.source.per_page = feed(24), 12
    world.source.told = ReadProfile(followers=5000)
    return world


async def crash(world, name: str, nth: int, *, committed: bool) -> None:
    with pytest.raises(Crash):
        await world.work(CrashingDatabase(world.database, name, committed=committed, nth=nth))
    await world.die()


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("name", "nth"), KILLS, ids=str)
async def test_nothing_is_lost_or_doubled_by_a_kill(world, name, nth, committed):
    ana = await world.watch()
    run_id = await world.put(ana)
    await crash(world, name, nth, committed=committed)
    pages = (await world.run(run_id))["pages"]
    if (await world.run(run_id))["state"] != "completed":
        assert await world.work() is None
    run = await world.run(run_id)
    assert (run["state"], run["posts"], run["new_posts"], run["unwritten"]) == ("completed", 24, 24, None)
    assert run["pages"] >= max(2, pages)
    assert await world.snapshots_of(run_id) == {number: 1000 * number for number in range(1, 25)}
    assert len(await world.rows(posts)) == len(await world.rows(post_snapshots)) == 24
    assert len(await world.rows(profile_runs)) == len(await world.rows(profile_snapshots)) == 1
    assert (await world.sums(run_id))["followers"] == 5000


@pytest.mark.parametrize("nth", [1, 2], ids=["first batch", "second batch"])
async def test_a_killed_run_that_cannot_go_on_leaves_no_half_page(world, nth):
    ana = await world.watch()
    run_id = await world.put(ana)
    await crash(world, "profile.posts", nth, committed=True)
    assert len(await world.snapshots_of(run_id)) == 5 * nth
    world.source.troubles = {1: Trouble.PRIVATE}
    await world.work()
    assert set(await world.snapshots_of(run_id)) == set(range(13, 25))
    run = await world.run(run_id)
    assert (run["state"], run["pages"], run["posts"], run["unwritten"]) == ("failed", 1, 12, None)


async def test_a_run_that_takes_its_worker_down_every_time_leaves_no_half_page(world):
    ana = await world.watch()
    run_id = await world.put(ana)
    await crash(world, "profile.posts", 4, committed=True)
    async with world.database.write("test.claim") as conn:
        (job,) = await world.claim(conn)
        await world.monitor().given_up(conn, job, "its worker died", world.clock.now())
    assert len(await world.snapshots_of(run_id)) == 24
    run = await world.run(run_id)
    assert (run["state"], run["error"]) == ("failed", "its worker died")
    assert (await world.profile(ana))["trouble"] == Trouble.UNAVAILABLE


async def test_what_was_left_of_a_page_is_written_as_it_was_read(world):
    ana = await world.watch()
    run_id = await world.put(ana)
    await crash(world, "profile.posts", 2, committed=True)
    read_at = world.clock.now()
    world.clock.advance(3600)
    world.source.shown = [replace(one, counts=Counts(views=5)) for one in feed(24)[:3]]
    assert await world.work() is None
    views = await world.snapshots_of(run_id)
    assert {number: views[number] for number in (24, 23, 22, 21, 13)} == {
        24: 5, 23: 5, 22: 5, 21: 21_000, 13: 13_000,
    }  # fmt: skip
    rows = {row["post_id"] - FIRST: row["at"] for row in await world.rows(post_snapshots)}
    assert (rows[13], rows[24] > read_at) == (read_at, True)


async def test_a_worker_that_was_taken_for_dead_writes_nothing_more(world):
    ana = await world.watch()
    run_id = await world.put(ana)
    late = world.monitor()
    async with world.database.write("test.claim") as conn:
        (job,) = await world.claim(conn)
    await world.die()
    assert await world.work() is None
    before = await world.rows(post_snapshots)
    world.clock.advance(60)
    with pytest.raises(Exception, match="not held any more"):
        await late.run(job)
    assert await world.rows(post_snapshots) == before
    assert (await world.run(run_id))["attempts"] == 1


async def test_the_end_of_an_outage_is_told_with_the_state_or_not_at_all(world):
    ana = await world.watch()
    world.source.troubles = {1: Trouble.PRIVATE}
    await world.fail(ana)
    world.source.troubles = {}
    await world.put(ana)
    await crash(world, "profile.read", 1, committed=False)
    assert await world.told() == ["The posts of @ana cannot be read"]
    assert (await world.profile(ana))["trouble"] == Trouble.PRIVATE
    assert await world.work() is None
    assert await world.told() == ["The posts of @ana are read again"]
    assert [row["revision"] for row in await world.rows(outbox)] == [2]
