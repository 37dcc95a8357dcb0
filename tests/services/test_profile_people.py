"""Whose posts they are: names that change, people known twice, followers, pictures, the next reading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from bot.core.posts.models import ReadProfile, RunReason, Trouble
from bot.storage.post_tables import jobs, profile_watches, profiles
from bot.storage.tables import accounts
from tests.services.post_world import DAY, PostWorld, feed, post

TOLD = ReadProfile(handle="ana", platform_id=77, sec_uid="MS4wLjABAAAAana", nickname="Ana", followers=5000)
OTHERS = {"platform_id": 77, "nickname": "Ana"}


@pytest.fixture
async def world(database, clock):
    world = PostWorld(database, clock)
    world.source.shown = feed(3)
    return world


async def account(world, account_id: int):
    (row,) = await world.rows(accounts, accounts.c.id == account_id)
    return row


async def test_what_a_source_tells_of_the_person_is_kept_and_used_the_next_time(world):
    ana = await world.watch()
    world.source.told = TOLD
    run_id = await world.read(ana)
    known = await account(world, ana)
    assert (known["platform_id"], known["nickname"], known["followers"]) == (77, "Ana", 5000)
    assert (await world.sums(run_id))["followers"] == 5000
    await world.read(ana)
    assert (world.source.asked[0].sec_uid, world.source.asked[1].sec_uid) == ("", TOLD.sec_uid)
    assert world.source.asked[1].platform_id == 77


async def test_posts_of_a_renamed_account_stay_with_it(world):
    ana = await world.watch(platform_id=77)
    await world.read(ana)
    world.source.told = ReadProfile(handle="Ana.New", platform_id=77, sec_uid=TOLD.sec_uid)
    world.source.shown = [post(4, handle="ana.new"), post(3, handle="ana.new")]
    run_id = await world.read(ana)
    assert set(await world.snapshots_of(run_id)) == {3, 4}
    known = await account(world, ana)
    assert (known["handle"], known["nickname"]) == ("ana.new", "")


async def test_a_name_that_somebody_else_took_gives_no_posts(world):
    ana = await world.watch(platform_id=12)
    world.source.told = TOLD
    run_id = await world.put(ana)
    error = await world.work()
    assert (error.retry, await world.posts()) == (False, {})
    assert (await world.run(run_id))["trouble"] == Trouble.GONE
    assert (await account(world, ana))["platform_id"] == 12


@pytest.mark.parametrize("is_watched_twice", [False, True])
async def test_two_accounts_that_turn_out_to_be_one_person_keep_all_posts(world, is_watched_twice):
    """Ana is followed for her lives by her number; her new name was added as somebody unknown."""
    if is_watched_twice:
        known = await world.watch("ana.old", **OTHERS)
        await world.read(known)
        waiting = await world.put(known)
        async with world.database.write("test.put off") as conn:
            await conn.execute(
                update(jobs).where(jobs.c.state == "todo").values(scheduled_at=world.clock.now() + DAY)
            )
    else:
        known = await world.watch("ana.old", **OTHERS)
        async with world.database.write("test.unwatch") as conn:
            for table in (profile_watches, profiles):
                await conn.execute(delete(table))
    new = await world.watch("ana", guild_id=2)
    world.source.told, world.source.shown = TOLD, feed(5)
    run_id = await world.put(new, RunReason.FIRST)
    assert await world.work() is None
    assert [row["id"] for row in await world.rows(accounts)] == [known]
    assert {row["account_id"] for row in (await world.posts()).values()} == {known}
    assert set(await world.posts()) == {1, 2, 3, 4, 5}
    run = await world.run(run_id)
    assert (run["state"], run["account_id"], run["posts"]) == ("completed", known, 5)
    watched = {row["guild_id"] for row in await world.rows(profile_watches)}
    assert watched == ({1, 2} if is_watched_twice else {2})
    assert (await world.profile(known))["sec_uid"] == TOLD.sec_uid
    if is_watched_twice:
        assert (await world.run(waiting))["state"] == "failed"


async def test_followers_of_the_live_check_count_for_the_next_snapshot_only(world):
    ana = await world.watch()
    first = await world.read(ana)
    world.clock.advance(3600)
    async with world.database.write("test.live") as conn:
        told = {"followers": 900, "total_likes": 8000, "counted_at": world.clock.now()}
        await conn.execute(update(profiles).values(told))
    world.clock.advance(3600)
    second, third = await world.read(ana), await world.read(ana)
    counted = [(await world.sums(run_id))["followers"] for run_id in (first, second, third)]
    assert counted == [None, 900, None]
    assert (await world.sums(second))["total_likes"] == 8000
    assert (await world.profile(ana))["followers"] == 900


# --- Pictures ------------------------------------------------------------------------------------


async def wanted(world) -> dict[tuple[str, int], str]:
    rows = await world.rows(jobs, jobs.c.kind == "media")
    return {(row["args"]["owner"], row["args"]["owner_id"]): row["args"]["url"] for row in rows}


async def test_covers_of_what_every_run_reads_and_the_avatar_are_fetched_once(world):
    ana = await world.watch()
    world.source.shown = feed(150)
    world.source.told = ReadProfile(avatar_url="https://p16-sign.tiktokcdn.com/obj/ana.jpeg?x=1")
    await world.read(ana)
    covers = await wanted(world)
    assert covers.pop(("profile", ana)) == world.source.told.avatar_url
    assert set(covers) == {("post", post(number).post_id) for number in range(51, 151)}
    await world.read(ana)
    assert len(await world.rows(jobs, jobs.c.kind == "media")) == 101


async def test_a_post_without_a_cover_wants_none(world):
    ana = await world.watch()
    world.source.shown = [post(1, cover_url="")]
    await world.read(ana)
    assert await wanted(world) == {}


# --- The next reading ----------------------------------------------------------------------------


async def test_a_run_that_fails_keeps_the_plan_moving(world):
    ana = await world.watch()
    planned = (await world.profile(ana))["next_run_at"]
    world.source.troubles = {1: Trouble.UNAVAILABLE}
    world.clock.advance(DAY.total_seconds() * 3 + 60)
    run_id = await world.fail(ana)
    run, profile = await world.run(run_id), await world.profile(ana)
    assert (run["state"], run["attempts"], run["error"]) == ("failed", 3, "yt-dlp: it is unavailable")
    assert profile["next_run_at"] == planned + 3 * DAY
    assert (profile["trouble"], profile["last_run_at"]) == (Trouble.UNAVAILABLE, None)
    assert profile["failing_since"] == run["finished_at"]


async def test_a_reading_that_was_asked_for_leaves_the_plan_alone(world):
    ana = await world.watch()
    planned = (await world.profile(ana))["next_run_at"]
    world.clock.advance(3600)
    await world.read(ana, reason=RunReason.ASKED)
    assert (await world.profile(ana))["next_run_at"] == planned


async def test_retry_after_of_a_source_is_handed_to_the_queue(world):
    ana = await world.watch()
    world.source.troubles, world.source.retry_after_seconds = {1: Trouble.BLOCKED}, 900
    await world.put(ana)
    assert (await world.work()).retry_after_seconds == 900
    (job,) = await world.rows(jobs)
    assert job["scheduled_at"] >= world.clock.now() + timedelta(seconds=900)


async def test_a_source_that_asks_for_an_age_is_asked_again_within_a_day(world):
    ana = await world.watch()
    world.source.troubles, world.source.retry_after_seconds = {1: Trouble.UNAVAILABLE}, 1e17
    await world.put(ana)
    assert (await world.work()).retry_after_seconds == 86_400
    world.clock.advance(86_400)
    world.source.troubles = {}
    assert await world.work() is None
