"""Round numbers of profiles: written down at the end of a run, news once ever, and nothing of what was before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from bot.core.posts.milestones import Passed
from bot.storage.post_tables import post_snapshots, posts, profile_milestones, profile_snapshots
from bot.storage.profile_milestones import passed_between, write_down
from tests.kept_posts import DAY, FIRST_POST, START, keep_profile

OLD, YOUNG = FIRST_POST + 901, FIRST_POST + 902
PASSED = [(Passed.TOTAL_VIEWS, 100_000), (Passed.POST_VIEWS, 10_000), (Passed.FOLLOWERS, 1000)]


class Runs:
    """A profile whose completed runs tell what they are given; the first was at START."""

    def __init__(self, database, account_id):
        self.database = database
        self.account_id = account_id
        self.number, self.day = 0, -1

    async def run(self, *, followers=None, views=None, of_posts=None, days_later=1):
        self.day += days_later
        now = START + self.day * DAY
        self.number += 1
        async with self.database.write("test.run") as conn:
            for post_id, count in (of_posts or {}).items():
                await self._read(conn, post_id, count, now)
            row = {"account_id": self.account_id, "run_id": self.number, "at": now, "posts": 1}
            await conn.execute(
                insert(profile_snapshots).values(**row, views=views, followers=followers, source="yt-dlp")
            )
            news = await write_down(conn, self.account_id, now)
            assert await write_down(conn, self.account_id, now) == ()
        return sorted((one.measure, one.value) for one in news)

    async def read_only(self, post_id, views):
        """Read a post in a run that never completes."""
        async with self.database.write("test.half") as conn:
            await self._read(conn, post_id, views, START - DAY)

    async def _read(self, conn, post_id, views, now):
        known = (await conn.execute(select(posts.c.post_id).where(posts.c.post_id == post_id))).first()
        if known is None:
            values = {
                "post_id": post_id,
                "account_id": self.account_id,
                "posted_at": START - 9 * DAY if post_id == OLD else now - timedelta(hours=5),
                "caption": "hello",
                "url": "https://www.tiktok.com/@ana/video/1",
                "first_seen_at": now,
                "last_seen_at": now,
                "counted_at": now,
            }
            await conn.execute(insert(posts).values(values))
        await conn.execute(update(posts).where(posts.c.post_id == post_id).values(views=views))
        sample = {"post_id": post_id, "run_id": int(now.timestamp()), "at": now, "views": views}
        await conn.execute(insert(post_snapshots).values(**sample, source="yt-dlp"))


@pytest.fixture
async def runs(database):
    async with database.write("test.profile") as conn:
        kept = await keep_profile(conn, runs=1, post_count=0)
        await conn.execute(delete(profile_snapshots))
    return Runs(database, kept.account_id)


async def test_what_was_passed_at_the_first_run_is_no_news(runs):
    assert await runs.run(followers=7000, views=900_000, of_posts={OLD: 60_000}) == []
    assert await runs.run(followers=7100, views=910_000, of_posts={OLD: 61_000}) == []
    async with runs.database.read() as conn:
        rows = (await conn.execute(select(profile_milestones.c.value, profile_milestones.c.passed_at))).all()
        assert await passed_between(conn, runs.account_id, START - DAY, START + 9 * DAY) == ()
    assert sorted(rows) == [(5000, None), (50_000, None), (500_000, None)]


async def test_a_round_number_is_news_once_though_counts_fall_and_rise_again(runs):
    await runs.run(followers=900, views=90_000, of_posts={OLD: 9000})
    assert await runs.run(followers=1001, views=100_000, of_posts={OLD: 10_500}) == sorted(PASSED)
    assert await runs.run(followers=950, views=99_000, of_posts={OLD: 9500}) == []
    assert await runs.run(followers=1050, views=101_000, of_posts={OLD: 11_000}) == []
    assert await runs.run(followers=2500, views=101_000, of_posts={OLD: 11_000}) == [(Passed.FOLLOWERS, 2500)]
    async with runs.database.read() as conn:
        passed = await passed_between(conn, runs.account_id, START, START + DAY)
        assert await passed_between(conn, runs.account_id, START + DAY, START + 2 * DAY) == ()
    assert [(one.measure, one.value) for one in passed] == PASSED
    assert [(one.post_id, one.caption) for one in passed] == [(0, ""), (OLD, "hello"), (0, "")]


async def test_a_count_that_a_source_tells_for_the_first_time_is_no_news(runs):
    await runs.run(views=5)
    assert await runs.run(followers=7000, views=5) == []
    assert await runs.run(followers=10_000, views=5) == [(Passed.FOLLOWERS, 10_000)]


async def test_a_post_that_came_while_somebody_looked_is_news_at_its_first_reading(runs):
    await runs.run(views=5)
    assert await runs.run(views=6, of_posts={OLD: 80_000, YOUNG: 60_000}) == [(Passed.POST_VIEWS, 50_000)]


async def test_what_a_first_run_read_before_it_failed_is_no_news_for_the_next(runs):
    await runs.read_only(OLD, 20_000)
    assert await runs.run(views=5, of_posts={OLD: 20_100}) == []


async def test_a_post_is_told_of_each_higher_number(runs):
    await runs.run(views=5)
    assert await runs.run(views=6, of_posts={OLD: 9000, YOUNG: 20_000}) == [(Passed.POST_VIEWS, 10_000)]
    assert await runs.run(views=7, of_posts={OLD: 10_000, YOUNG: 51_000}) == [
        (Passed.POST_VIEWS, 10_000),
        (Passed.POST_VIEWS, 50_000),
    ]


async def test_views_of_old_posts_that_were_found_late_are_no_news(runs):
    await runs.run(views=95_000)
    assert await runs.run(views=104_000, of_posts={OLD: 9000}) == []
    assert await runs.run(views=251_000) == [(Passed.TOTAL_VIEWS, 250_000)]
    assert await runs.run(views=500_000, of_posts={YOUNG: 9000}) == [(Passed.TOTAL_VIEWS, 500_000)]


async def test_nothing_is_news_after_nobody_had_looked_for_months(runs):
    await runs.run(followers=900, views=5, of_posts={OLD: 9000})
    assert await runs.run(followers=3000, views=200_000, of_posts={OLD: 60_000}, days_later=60) == []
    assert await runs.run(followers=5000, views=200_000) == [(Passed.FOLLOWERS, 5000)]
