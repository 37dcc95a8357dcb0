"""What the live monitor learns of an account whose posts are watched."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from bot.core.live.models import Person, ProfileState
from bot.storage import live as store
from bot.storage.engine import Database
from bot.storage.post_tables import (
    media,
    post_snapshots,
    posts,
    profile_milestones,
    profile_runs,
    profile_snapshots,
    profile_watches,
    profiles,
)
from tests.clocks import START, ManualClock
from tests.kept_posts import KeptProfile, keep_profile
from tests.services.live_world import BY, CHANNEL, LiveWorld

HOUR = timedelta(hours=1)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> LiveWorld:
    world = LiveWorld(database, clock)
    world.tiktok.add("ana", 1, followers=7000)
    await world.watchlist.add(BY, "@Ana", CHANNEL, None)
    return world


async def profile(world: LiveWorld) -> dict:
    async with world.database.read() as conn:
        return dict((await conn.execute(select(profiles))).mappings().one())


async def test_the_followers_of_a_profile_come_with_its_live_check(world: LiveWorld) -> None:
    async with world.database.write("test") as conn:
        await keep_profile(conn, followers=5000)
        await conn.execute(update(profiles).values(total_likes=9))
    await world.run_for(HOUR)
    kept = await profile(world)
    assert (kept["followers"], kept["total_likes"]) == (7000, 9)
    assert kept["counted_at"] > START - HOUR


async def test_what_is_not_told_or_is_older_takes_nothing_away(world: LiveWorld) -> None:
    later = START + 100 * HOUR
    async with world.database.write("test") as conn:
        await keep_profile(conn, followers=5000)
        await conn.execute(update(profiles).values(counted_at=later))
    await world.run_for(HOUR)
    assert ((await profile(world))["followers"], (await profile(world))["counted_at"]) == (5000, later)
    async with world.database.write("test") as conn:
        await conn.execute(update(profiles).values(counted_at=None))
    world.tiktok.people[0].followers = None
    await world.run_for(HOUR)
    assert ((await profile(world))["followers"], (await profile(world))["counted_at"]) == (5000, None)


async def two_of_one(conn: object) -> tuple[KeptProfile, store.Account, KeptProfile]:
    """Keep a profile under the old handle of a person, and another under the new one, not known to be the same."""
    old = await keep_profile(conn, handle="ana", guild_id=1, followers=1)
    new = await keep_profile(conn, handle="ana.new", guild_id=2, followers=2, seed=2)
    for kept in (old, new):
        run = {"state": "pending", "reason": "due", "is_full": False, "queued_at": START}
        await conn.execute(insert(profile_runs).values(account_id=kept.account_id, **run))
        passed = {"post_id": 0, "measure": "views", "value": 1000, "passed_at": START}
        await conn.execute(insert(profile_milestones).values(account_id=kept.account_id, **passed))
        watch = {"guild_id": 3, "interval_hours": 24, "created_by": kept.account_id, "created_at": START}
        await conn.execute(insert(profile_watches).values(account_id=kept.account_id, **watch))
    picture = {"owner": "profile", "owner_id": new.account_id, "source_url": "https://a.example/1.png"}
    await conn.execute(insert(media).values(**picture))
    account = await store.account_by_id(conn, new.account_id)
    assert account is not None
    return old, account, new


async def count(conn: object, table: object, account_id: int) -> int:
    query = select(func.count()).select_from(table).where(table.c.account_id == account_id)
    return (await conn.execute(query)).scalar_one()


async def test_two_profiles_that_turn_out_to_be_one_person_lose_nothing(database: Database) -> None:
    async with database.write("test") as conn:
        old, account, new = await two_of_one(conn)
        known = await store.account_by_id(conn, old.account_id)
        assert known is not None
        person = Person(platform_id=known.platform_id, handle="ana.new")
        stays = await store.learn_person(conn, account, person)
        assert (stays.id, stays.handle) == (old.account_id, "ana.new")
        runs = len(old.run_ids) + len(new.run_ids)
        assert await count(conn, posts, stays.id) == len(old.post_ids) + len(new.post_ids)
        assert await count(conn, profile_snapshots, stays.id) == runs
        assert await count(conn, profile_runs, stays.id) == runs + 2
        is_open = profile_runs.c.finished_at.is_(None)  # of the two that waited one may, and one was ended
        assert len((await conn.execute(select(profile_runs.c.id).where(is_open))).all()) == 1
        assert await count(conn, profile_watches, stays.id) == 3
        assert await count(conn, profile_milestones, stays.id) == 1
        samples = sum(
            len([one for one in many if one]) for kept in (old, new) for many in kept.counts.values()
        )
        assert (await conn.execute(select(func.count()).select_from(post_snapshots))).scalar_one() == samples
        assert (await conn.execute(select(profiles.c.followers))).scalars().all() == [1]
        assert (await conn.execute(select(media.c.owner_id))).scalars().all() == [stays.id]


async def test_a_run_that_has_begun_outlives_one_that_waits(database: Database) -> None:
    async with database.write("test") as conn:
        old, account, new = await two_of_one(conn)
        mine = (profile_runs.c.account_id == new.account_id) & profile_runs.c.finished_at.is_(None)
        await conn.execute(update(profile_runs).where(mine).values(state="running"))
        known = await store.account_by_id(conn, old.account_id)
        assert known is not None
        await store.learn_person(conn, account, Person(platform_id=known.platform_id, handle="ana.new"))
        open_runs = select(profile_runs.c.state).where(profile_runs.c.finished_at.is_(None))
        assert (await conn.execute(open_runs)).scalars().all() == ["running"]


async def test_a_profile_moves_to_an_account_that_had_none(database: Database) -> None:
    async with database.write("test") as conn:
        person = Person(platform_id=5, handle="ben")
        known = await store.add_account(conn, person, ProfileState.ACTIVE, START)
        kept = await keep_profile(conn, handle="ben.new", followers=2)
        account = await store.account_by_id(conn, kept.account_id)
        assert account is not None
        stays = await store.learn_person(conn, account, Person(platform_id=5, handle="ben.new"))
        assert stays.id == known.id
        assert (await conn.execute(select(profiles.c.account_id))).scalars().all() == [known.id]
        assert await count(conn, posts, known.id) == len(kept.post_ids)
