"""Reading a profile: what is written of it, page by page, whatever the sources do, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.posts.models import Counts, ReadProfile, RunReason, Trouble
from bot.storage.post_tables import profile_runs
from tests.services.post_world import DAY, PostWorld, feed, post

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(database, clock):
    return PostWorld(database, clock)


async def test_the_first_run_reads_all_pages_and_keeps_a_snapshot_of_each_post(world):
    ana = await world.watch()
    world.source.shown = feed(230, every=3 * DAY)
    run_id = await world.read(ana, reason=RunReason.FIRST)
    run, kept = await world.run(run_id), await world.posts()
    assert (run["state"], run["is_complete"], run["source"]) == ("completed", True, "yt-dlp")
    assert (run["posts"], run["pages"], run["requests"], run["new_posts"]) == (230, 16, 17, 230)
    assert await world.snapshots_of(run_id) == {number: 1000 * number for number in range(1, 231)}
    assert kept[7]["caption"] == "post 7"
    assert (kept[7]["views"], kept[7]["saves"], kept[7]["account_id"]) == (7000, 7, ana)
    sums = await world.sums(run_id)
    assert (sums["posts"], sums["comments"], sums["followers"]) == (230, sum(range(231)), None)
    profile = await world.profile(ana)
    assert profile["last_run_at"] == profile["full_read_at"] == run["finished_at"]


async def test_a_daily_run_reads_the_newest_hundred_and_all_younger_than_thirty_days(world):
    ana = await world.watch()
    world.source.shown = feed(300)
    await world.read(ana)
    world.source.pages_given = 0
    run_id = await world.read(ana)
    run = await world.run(run_id)
    assert (run["posts"], run["pages"], run["new_posts"], run["is_complete"]) == (105, 7, 0, True)
    assert (world.source.pages_given, world.source.closed) == (7, 2)
    world.source.shown = feed(300, every=timedelta(hours=4))
    run_id = await world.read(ana)
    assert (await world.run(run_id))["posts"] == 195  # of 30 days


async def test_every_run_keeps_its_own_snapshots_and_counts_may_fall(world):
    ana = await world.watch()
    world.source.shown = [post(2), post(1)]
    first = await world.read(ana)
    world.clock.advance(86_400)
    world.source.shown = [replace(post(2), counts=Counts(views=1500, likes=3)), post(1)]
    second = await world.read(ana)
    assert await world.snapshots_of(first) == {1: 1000, 2: 2000}
    assert await world.snapshots_of(second) == {1: 1000, 2: 1500}
    assert (await world.sums(second))["views"] == 2500
    kept = (await world.posts())[2]
    assert (kept["views"], kept["likes"]) == (1500, 3)
    assert kept["first_seen_at"] < kept["last_seen_at"] == kept["counted_at"]


async def test_what_a_source_does_not_give_is_empty_and_leaves_the_last_known_count(world):
    ana = await world.watch()
    world.source.shown = [post(2, counts=Counts(views=50)), post(1, counts=Counts(views=7, saves=1))]
    await world.read(ana)
    world.clock.advance(86_400)
    bare = {"caption": "", "cover_url": "", "duration_seconds": None, "counts": Counts()}
    world.source.shown = [post(2, **bare), post(1, counts=Counts(views=8))]
    run_id = await world.read(ana)
    assert await world.snapshots_of(run_id) == {1: 8, 2: None}
    kept = await world.posts()
    assert (kept[2]["views"], kept[2]["saves"], kept[2]["duration_seconds"]) == (50, None, 10)
    assert (kept[2]["caption"], kept[2]["counted_at"] < kept[2]["last_seen_at"]) == ("post 2", True)
    sums = await world.sums(run_id)
    assert (sums["views"], sums["saves"], sums["likes"]) == (58, 1, None)


async def test_posts_of_others_and_repeated_ones_are_not_kept_twice_or_under_a_wrong_name(world):
    ana, ben = await world.watch(), await world.watch("ben")
    world.source.shown = [post(9, handle="ben")]
    await world.read(ben)
    odd = replace(post(9), url="https://www.tiktok.com/@_/video/9")  # it names nobody, and is ben's
    pinned = post(1, age=900 * DAY)
    world.source.shown = [
        pinned,
        post(5),
        post(4, handle="cara"),
        odd,
        post(3, handle="ANA"),
        post(5),
        pinned,
    ]
    world.source.per_page = 3
    run_id = await world.read(ana)
    assert await world.snapshots_of(run_id) == {1: 1000, 3: 3000, 5: 5000}
    kept = await world.posts()
    assert {number: row["account_id"] for number, row in kept.items()} == {1: ana, 3: ana, 5: ana, 9: ben}
    assert (await world.run(run_id))["posts"] == (await world.sums(run_id))["posts"] == 3


async def test_a_listing_that_always_ends_short_is_not_read_as_a_whole_every_day(world):
    ana = await world.watch()
    world.source.shown, world.source.says_end = feed(300), False
    pages = []
    for _ in range(4):
        pages.append((await world.run(await world.read(ana)))["pages"])
        world.clock.advance(86_400)
    assert pages == [20, 20, 7, 7]  # once more, in case it broke off by accident


async def test_a_long_reading_that_breaks_off_behind_what_every_run_reads_has_read_that(world):
    ana = await world.watch()
    world.source.shown, world.source.troubles = feed(300), {15: Trouble.UNAVAILABLE}
    run_id = await world.read(ana)
    run = await world.run(run_id)
    assert (run["state"], run["is_complete"], run["posts"]) == ("completed", False, 210)
    assert (await world.sums(run_id))["posts"] == 210
    assert (await world.profile(ana))["full_read_at"] is None
    world.source.troubles = {5: Trouble.UNAVAILABLE}
    await world.put(ana)
    assert await world.work() is not None  # of what every run reads a part was not shown


async def test_a_listing_that_goes_in_a_circle_is_trouble_and_not_read_for_ever(world):
    ana = await world.watch()
    world.source.shown = [post(2), post(1)] * 50
    world.source.per_page = 2
    await world.put(ana)
    error = await world.work()
    assert "again and again" in error.words
    assert (world.source.pages_given, len(await world.posts())) == (6, 2)


# --- Posts that are missing ----------------------------------------------------------------------


async def gone(world) -> set[int]:
    return {number for number, row in (await world.posts()).items() if row["gone_at"] is not None}


async def test_a_post_is_marked_after_two_complete_runs_without_it_and_unmarked_when_it_is_back(world):
    ana = await world.watch()
    world.source.shown = feed(20)
    await world.read(ana)
    world.source.shown = [one for one in feed(20) if one.caption != "post 7"]
    await world.read(ana)
    assert await gone(world) == set()
    marked = await world.read(ana)
    assert await gone(world) == {7}
    at = (await world.posts())[7]["gone_at"]
    assert at == (await world.run(marked))["finished_at"]
    world.clock.advance(86_400)
    await world.read(ana)
    assert (await world.posts())[7]["gone_at"] == at
    world.source.shown = feed(20)
    await world.read(ana)
    assert await gone(world) == set()
    world.source.shown = feed(20)[1:]
    await world.read(ana)
    assert await gone(world) == set()


async def test_absence_counts_only_as_far_as_a_run_has_read(world):
    ana = await world.watch()
    whole = feed(45)
    world.source.shown = whole
    await world.read(ana)
    # Run after run reads the newest 15: 40 is among them, 5 is not.
    world.wanted = replace(world.wanted, newest=15, recent=10 * DAY)
    world.source.shown = [one for one in whole if one.caption not in {"post 40", "post 5"}]
    for _ in range(3):
        await world.read(ana)
    assert await gone(world) == {40}
    await world.read(ana, is_full=True)
    assert await gone(world) == {40}
    await world.read(ana, is_full=True)
    assert await gone(world) == {40, 5}


async def test_a_pinned_post_does_not_stretch_what_a_run_has_read(world):
    ana = await world.watch()
    whole = feed(60)
    world.source.shown = whole
    await world.read(ana)
    pinned = [post(1, age=59 * DAY), post(2, age=58 * DAY)]
    world.source.shown = pinned + [one for one in whole if one.caption not in {"post 50", "post 10"}]
    world.wanted = replace(world.wanted, newest=15, recent=10 * DAY)
    for _ in range(2):
        run_id = await world.read(ana)
    assert (await world.run(run_id))["pages"] == 2  # the pinned ones are none of the newest 15
    assert await gone(world) == {50}


@pytest.mark.parametrize("why", ["the listing is not exhaustive", "the listing broke off"])
async def test_absence_says_nothing_where(world, why):
    ana = await world.watch()
    world.source.shown = feed(20)
    await world.read(ana)
    world.source.shown = feed(20)[5:]
    if why == "the listing broke off":
        world.source.says_end = False
    else:
        world.source.lists_all = False
    for _ in range(3):
        run_id = await world.read(ana)
    assert await gone(world) == set()
    run = await world.run(run_id)
    assert (run["state"], run["is_complete"]) == ("completed", why != "the listing broke off")


@pytest.mark.parametrize("known", [0, 3])
async def test_a_source_that_shows_nothing_and_no_end_has_not_read_the_profile(world, known):
    ana = await world.watch()
    if known:
        world.source.shown = feed(known)
        await world.read(ana)
    world.source.shown, world.source.says_end = [], False
    await world.put(ana)
    assert await world.work() is not None
    assert {row["trouble"] for row in (await world.rows(profile_runs))[-1:]} == {Trouble.CHANGED}


async def test_what_the_platform_counts_makes_no_post_missing_that_a_source_leaves_out(world):
    ana = await world.watch()
    world.sources = [world.other]
    world.other.shown = feed(3)
    await world.read(ana)
    world.other.shown, world.other.told = feed(3)[:1], ReadProfile(posts=0)
    for _ in range(2):
        await world.read(ana)
    assert await gone(world) == set()


async def test_an_empty_listing_is_trouble_unless_the_platform_counts_no_posts(world):
    ana = await world.watch()
    world.source.shown = feed(3)
    await world.read(ana)
    world.source.shown = []
    run_id = await world.fail(ana)
    assert "empty" in (await world.run(run_id))["error"]
    assert await gone(world) == set()
    world.source.told = ReadProfile(posts=0)
    for _ in range(2):
        await world.read(ana)
    assert await gone(world) == {1, 2, 3}


async def test_a_profile_without_posts_is_read(world):
    ana = await world.watch()
    run_id = await world.read(ana)
    run, sums = await world.run(run_id), await world.sums(run_id)
    assert (run["state"], run["is_complete"], run["pages"]) == ("completed", True, 1)
    assert (sums["posts"], sums["views"]) == (0, None)


# --- Several sources -----------------------------------------------------------------------------


async def test_the_next_source_is_asked_and_its_rows_take_the_place_of_the_first_ones(world):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.shown, world.source.troubles = feed(40), {3: Trouble.BLOCKED}
    world.other.shown = [replace(one, counts=Counts(views=7)) for one in feed(20)]
    world.other.credits_left = 93
    run_id = await world.read(ana)
    views = await world.snapshots_of(run_id)
    assert {views[number] for number in range(1, 21)} == {7}
    assert views[30] == 30_000  # of the newest 30 that the first source gave
    run = await world.run(run_id)
    assert (run["source"], run["credits_left"], run["posts"], run["trouble"]) == (
        "scrapecreators",
        93,
        40,
        "",
    )
    assert world.source.closed == world.other.closed == 1


@pytest.mark.parametrize(
    ("first", "second", "trouble", "retry"),
    [
        (Trouble.PRIVATE, Trouble.PRIVATE, Trouble.PRIVATE, False),
        (Trouble.GONE, Trouble.UNAVAILABLE, Trouble.GONE, True),  # not confirmed yet
        (Trouble.GONE, Trouble.NO_CREDITS, Trouble.GONE, False),  # nobody else can look
        (Trouble.BLOCKED, Trouble.NO_CREDITS, Trouble.BLOCKED, True),
        (Trouble.NO_CREDITS, Trouble.AUTH, Trouble.NO_CREDITS, False),
        (Trouble.CHANGED, Trouble.PRIVATE, Trouble.PRIVATE, True),
    ],
)
async def test_a_profile_is_believed_private_or_gone_where_all_that_can_look_say_so(
    world, first, second, trouble, retry
):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.troubles, world.other.troubles = {1: first}, {1: second}
    run_id = await world.put(ana)
    error = await world.work()
    run = await world.run(run_id)
    assert (error.retry, run["trouble"]) == (retry, trouble)
    assert run["state"] == ("running" if retry else "failed")
    assert error.words == f"yt-dlp: it is {first}; scrapecreators: it is {second}"


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_listing_that_ends_short_lets_the_next_source_be_asked(world, is_read):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.shown, world.source.says_end = feed(40)[:15], False
    world.other.shown, world.other.troubles = feed(40), {} if is_read else {1: Trouble.NO_CREDITS}
    run = await world.run(await world.read(ana))
    assert (run["state"], run["posts"], run["is_complete"]) == ("completed", 40 if is_read else 15, is_read)
    assert run["source"] == ("scrapecreators" if is_read else "yt-dlp")


async def test_who_shows_what_every_run_reads_is_enough(world):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.shown, world.source.says_end = feed(300), False
    await world.read(ana)
    assert world.other.asked == []


async def test_requests_that_brought_nothing_are_in_the_log_too(world):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.shown, world.source.troubles = feed(30), {2: Trouble.PRIVATE}
    world.other.troubles = {1: Trouble.GONE}
    assert (await world.run(await world.fail(ana)))["requests"] == 2 + 1 + 1
    world.other.troubles, world.other.shown = {}, feed(3)
    assert (await world.run(await world.read(ana)))["requests"] == 2 + 1 + 2


async def test_what_one_source_calls_private_another_may_read(world):
    ana = await world.watch()
    world.sources = [world.source, world.other]
    world.source.troubles, world.other.shown = {1: Trouble.PRIVATE}, feed(3)
    run_id = await world.read(ana)
    assert len(await world.snapshots_of(run_id)) == 3


# --- All pages, asked for while the newest posts are read -------------------------------------------


async def test_all_pages_are_read_too_where_somebody_asks_for_them_while_the_newest_are_read(world):
    ana = await world.watch()
    world.source.shown = feed(300)
    before = await world.read(ana)
    world.clock.advance(86_400)
    run_id, pages, asked = await world.put(ana), world.source.pages, []

    async def interrupted(profile):
        async for page in pages(profile):
            yield page
            if not asked:
                asked.append(await world.put(ana, RunReason.ASKED, is_full=True))

    world.source.pages = interrupted
    assert await world.work() is None
    assert asked == [run_id]
    assert len(await world.snapshots_of(run_id)) == 300
    run = await world.run(run_id)
    assert (run["state"], run["posts"], run["is_full"], run["is_complete"]) == ("completed", 300, True, True)
    assert (await world.profile(ana))["full_read_at"] == run["finished_at"]
    assert len(await world.snapshots_of(before)) == 300
