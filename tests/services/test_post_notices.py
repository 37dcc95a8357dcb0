"""What admins hear of profiles that cannot be read: once when it begins, once when it is over."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from bot.core.announcements import Message
from bot.core.breaker import LONGEST_PAUSE
from bot.core.posts.models import Trouble
from bot.storage.post_tables import profile_watches
from bot.storage.tables import outbox
from tests.services.post_world import DAY, PostWorld, feed

UNREAD, AGAIN = "The posts of @ana cannot be read", "The posts of @ana are read again"
NONE_READ, ALL_AGAIN = "Posts of watched profiles cannot be read", "Posts of watched profiles are read again"


@pytest.fixture
async def world(database, clock):
    world = PostWorld(database, clock)
    world.source.shown = feed(3)
    return world


async def texts(world) -> list[str]:
    return [str(Message.from_json(row["message"]).body) for row in await world.rows(outbox)]


async def test_a_private_profile_is_told_once_and_once_when_it_can_be_read_again(world):
    ana = await world.watch()
    world.source.troubles = {1: Trouble.PRIVATE}
    for _ in range(3):
        await world.fail(ana)
        world.clock.advance(DAY.total_seconds())
        assert await world.told() == [UNREAD]
    (row,) = await world.rows(outbox)
    assert row["revision"] == 1
    assert "it is private" in (await texts(world))[0]
    world.source.troubles = {}
    for _ in range(2):
        await world.read(ana)
        assert await world.told() == [AGAIN]
    assert (await world.profile(ana))["failing_since"] is None
    world.source.troubles = {1: Trouble.PRIVATE}
    await world.fail(ana)
    assert await world.told() == [AGAIN, UNREAD]


async def test_an_attempt_that_fails_is_told_only_when_no_other_follows(world):
    ana = await world.watch()
    await world.put(ana)
    world.source.troubles = {1: Trouble.UNAVAILABLE}
    for _ in range(2):
        await world.work()
        assert await world.told() == []
        world.clock.advance(3600)
    world.source.troubles = {}
    assert await world.work() is None
    assert await world.told() == []
    assert (await world.profile(ana))["trouble"] == ""


async def test_a_block_is_told_once_for_all_profiles_and_is_over_when_all_are_read(world):
    ana, ben = await world.watch(), await world.watch("ben")
    world.source.troubles = {1: Trouble.BLOCKED}
    await world.fail(ana)
    await world.fail(ben)
    await world.fail(ana)
    assert await world.told() == [NONE_READ]
    assert "POST_PROXY_URL" in (await texts(world))[0]
    world.source.troubles = {}
    world.clock.advance(LONGEST_PAUSE.total_seconds())
    await world.read(ana)
    assert await world.told() == [NONE_READ]
    await world.read(ben)
    assert await world.told() == [ALL_AGAIN]


async def test_a_profile_that_nobody_watches_any_more_keeps_no_outage_alive(world):
    ana, ben = await world.watch(), await world.watch("ben")
    world.source.troubles = {1: Trouble.UNAVAILABLE}
    await world.fail(ana)
    await world.fail(ben)
    async with world.database.write("test.pause") as conn:
        await conn.execute(
            update(profile_watches).where(profile_watches.c.account_id == ben).values(paused=True)
        )
    world.source.troubles = {}
    world.clock.advance(LONGEST_PAUSE.total_seconds())
    await world.read(ana)
    assert await world.told() == [ALL_AGAIN]


async def test_only_who_watches_a_profile_hears_of_it(world):
    ana, ben = await world.watch(), await world.watch("ben", guild_id=2)
    await world.join(ana, 3)
    world.source.troubles = {1: Trouble.GONE}
    await world.fail(ana)
    assert [await world.told(channel) for channel in (10, 20, 30)] == [[UNREAD], [], [UNREAD]]
    world.source.troubles = {1: Trouble.CHANGED}
    await world.fail(ben)
    assert [await world.told(channel) for channel in (10, 20, 30)] == [[UNREAD], [NONE_READ], [UNREAD]]


async def test_a_profile_that_becomes_private_in_a_block_is_told_by_itself(world):
    ana = await world.watch()
    world.source.troubles = {1: Trouble.BLOCKED}
    await world.fail(ana)
    world.source.troubles = {1: Trouble.PRIVATE}
    await world.fail(ana)
    assert await world.told() == [NONE_READ, UNREAD]
    world.source.troubles = {}
    await world.read(ana)
    assert await world.told() == [ALL_AGAIN, AGAIN]


async def test_words_of_a_source_are_inert(world):
    ana = await world.watch()
    world.source.name = "@everyone **x**"
    world.source.troubles = {1: Trouble.GONE}
    await world.fail(ana)
    assert r"\@everyone \*\*x\*\*" in (await texts(world))[0]
