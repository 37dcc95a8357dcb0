"""What is read of watched profiles, on every engine."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from sqlalchemy import delete, insert, select, update

from bot.core.posts.models import RunState
from bot.core.requester import Requester
from bot.storage import post_reading, profile_watches
from bot.storage.post_tables import post_snapshots, posts, profile_runs, profile_snapshots, profiles
from bot.storage.post_tables import profile_watches as watches
from bot.storage.tables import accounts
from tests.kept_posts import DAY, FIRST_POST, START, keep_profile

BY = Requester(guild_id=1, user_id=7)


async def keep(database, **more):
    async with database.write("test.keep") as conn:
        return await keep_profile(conn, **more)


async def test_a_guild_reads_what_it_watches_and_nothing_else(database):
    ana, ben = await keep(database), await keep(database, handle="ben", guild_id=2)
    async with database.read() as conn:
        (mine,) = await post_reading.watched(conn, 1)
        assert (mine.account_id, mine.handle, mine.interval_hours) == (ana.account_id, "ana", 24)
        assert await post_reading.watched_profile(conn, 1, "ben") is None
        assert (await post_reading.watched_profile(conn, 2, "ben")).account_id == ben.account_id
        assert await post_reading.post_here(conn, 1, ben.post_ids[0]) is None
        assert (await post_reading.post_here(conn, 1, ana.post_ids[0])).account_id == ana.account_id
        named = await post_reading.newest_here(conn, 1, 3)
    assert [one.post_id for one in named] == sorted(ana.post_ids, reverse=True)[:3]
    assert {one.handle for one in named} == {"ana"}


async def test_samples_come_in_order_and_as_many_as_are_asked_for(database):
    ana = await keep(database)
    async with database.read() as conn:
        samples = await post_reading.profile_samples(conn, ana.account_id, START + 3 * DAY)
        of_post = await post_reading.last_samples(conn, ana.post_ids[0], 4)
        now, before = await post_reading.samples_of_run(conn, ana.account_id, ana.run_ids[5])
        missing = await post_reading.samples_of_run(conn, ana.account_id, 10**9)
    assert [sample.at for sample in samples] == list(ana.runs_at[3:])
    assert [sample.counts.views for sample in samples] == [ana.total("views", run) for run in range(3, 10)]
    assert [sample.counts.likes for sample in of_post] == [
        count["likes"] for count in ana.counts[ana.post_ids[0]][-4:]
    ]
    assert (now.at, before.at) == (ana.runs_at[5], ana.runs_at[4])
    assert missing == (None, None)


async def test_the_sample_before_an_instant_is_that_of_each_post_and_of_no_other_profile(database):
    ana = await keep(database)
    await keep(database, handle="ben")
    skipped = ana.post_ids[0]
    async with database.write("test.skip") as conn:
        this = (post_snapshots.c.post_id == skipped) & (post_snapshots.c.run_id == ana.run_ids[4])
        await conn.execute(delete(post_snapshots).where(this))
    async with database.read() as conn:
        found = await post_reading.samples_before(conn, ana.account_id, ana.runs_at[4] + timedelta(hours=1))
        nothing = await post_reading.samples_before(conn, ana.account_id, START - DAY)
        first = await post_reading.first_samples(conn, ana.post_ids)
    assert found.keys() == {post for post in ana.post_ids if any(ana.counts[post][:5])}
    assert found[skipped].at == ana.runs_at[3]
    assert {found[post].at for post in found if post != skipped} == {ana.runs_at[4]}
    assert nothing == {}
    for post in ana.post_ids:
        number = next(at for at, count in enumerate(ana.counts[post]) if count)
        assert first[post].at == ana.runs_at[number]
        assert first[post].counts.views == ana.counts[post][number]["views"]


async def test_runs_are_read_with_what_they_marked_as_gone(database):
    ana = await keep(database)
    async with database.write("test.gone") as conn:
        this = posts.c.post_id == ana.post_ids[0]
        await conn.execute(update(posts).where(this).values(gone_at=ana.runs_at[-1]))
    async with database.read() as conn:
        runs = await post_reading.runs_of(conn, ana.account_id, 3)
        assert [run.id for run in runs] == list(reversed(ana.run_ids))[:3]
        assert runs[0].state is RunState.COMPLETED
        assert [await post_reading.gone_during(conn, run) for run in runs] == [1, 0, 0]
        assert await post_reading.run_of(conn, 10**9) is None
        assert await post_reading.trouble_of(conn, ana.account_id) == ""
        assert await post_reading.last_run_at(conn, ana.account_id) == ana.runs_at[-1]


async def test_watching_again_lets_it_be_read_sooner_and_never_later(database):
    ana = await keep(database)

    async def watch(hours):
        async with database.write("test.watch") as conn:
            await profile_watches.watch(
                conn,
                ana.account_id,
                BY,
                interval_hours=hours,
                next_run_at=ana.runs_at[-1] + timedelta(hours=hours),
                now=ana.runs_at[-1],
            )
            query = select(profiles.c.next_run_at, watches.c.interval_hours, watches.c.paused).join(
                watches, watches.c.account_id == profiles.c.account_id
            )
            return tuple((await conn.execute(query)).one())

    async with database.write("test.pause") as conn:
        await profile_watches.set_paused(conn, ana.account_id, 1, paused=True)
    assert await watch(6) == (ana.runs_at[-1] + timedelta(hours=6), 6, False)
    assert await watch(48) == (ana.runs_at[-1] + timedelta(hours=6), 48, False)


async def test_ends_are_waited_for_until_they_were_told_in_each_channel(database):
    ana = await keep(database)
    async with database.write("test.ask") as conn:
        row = {"account_id": ana.account_id, "state": "running", "reason": "asked", "is_full": False}
        run_id = (
            await conn.execute(
                insert(profile_runs).values(**row, queued_at=START).returning(profile_runs.c.id)
            )
        ).scalar_one()
        for channel_id in (11, 12, 11):
            await profile_watches.wait_for(conn, run_id, BY, channel_id, START)
    async with database.read() as conn:
        assert await profile_watches.waiting_for_ended(conn) == []
    async with database.write("test.end") as conn:
        await conn.execute(update(profile_runs).where(profile_runs.c.id == run_id).values(finished_at=START))
        waiting = await profile_watches.waiting_for_ended(conn)
        assert [(one.run_id, one.channel_id) for one in waiting] == [(run_id, 11), (run_id, 12)]
        await profile_watches.was_told(conn, run_id, 11)
        assert [one.channel_id for one in await profile_watches.waiting_for_ended(conn)] == [12]
        # With the account goes what is waited for about it.
        await conn.execute(delete(accounts).where(accounts.c.id == ana.account_id))
        assert await profile_watches.waiting_for_ended(conn) == []


async def find_late(database, ana, number: int, views: int) -> None:
    """Let a run find a post that was there before ana was ever read."""
    post_id, at = FIRST_POST + 77, ana.runs_at[number]
    seen = {"first_seen_at": at, "last_seen_at": ana.runs_at[-1], "counted_at": ana.runs_at[-1]}
    post = {"post_id": post_id, "account_id": ana.account_id, "posted_at": START - 300 * DAY, "url": ""}
    sums = profile_snapshots.c.views
    async with database.write("test.late") as conn:
        await conn.execute(insert(posts).values(**post, **seen, views=views + 5))
        for run_id, counted in ((ana.run_ids[number], views), (ana.run_ids[-1], views + 5)):
            sample = {"run_id": run_id, "at": ana.runs_at[ana.run_ids.index(run_id)], "views": counted}
            await conn.execute(insert(post_snapshots).values(post_id=post_id, source="yt-dlp", **sample))
        since = profile_snapshots.c.run_id >= ana.run_ids[number]
        more = {"views": sums + views, "posts": profile_snapshots.c.posts + 1}
        await conn.execute(update(profile_snapshots).where(since).values(more))
        last = profile_snapshots.c.run_id == ana.run_ids[-1]
        await conn.execute(update(profile_snapshots).where(last).values(views=sums + 5))


async def test_a_post_that_is_found_late_is_no_growth_of_its_profile(database):
    """A first reading that did not come to its end knows fewer posts than the next: nobody saw those grow."""
    ana = await keep(database)
    await find_late(database, ana, 6, 5_000_000)
    async with database.read() as conn:
        samples = await post_reading.profile_samples(conn, ana.account_id, START)
        now, before = await post_reading.samples_of_run(conn, ana.account_id, ana.run_ids[6])
    own = [ana.total("views", run) for run in range(10)]
    assert [one.counts.views for one in samples] == [5_000_000 + views for views in own[:-1]] + [
        5_000_005 + own[-1]
    ]
    assert now.counts.views - before.counts.views == own[6] - own[5]
    assert {later.posts - one.posts for one, later in pairwise(samples)} <= {0, 1}
