"""Who asked for a reading hears of its end, also where two asked at once."""

from __future__ import annotations

import pytest

from bot.core.requester import Requester
from bot.services.announcements import Announcements
from bot.services.profile_asking import ProfileAsking
from bot.storage import profile_watches
from tests.services.post_world import PostWorld, feed

CHANNEL = 55


@pytest.fixture
async def world(database, clock):
    return PostWorld(database, clock)


async def asked_twice(world) -> tuple[ProfileAsking, int]:
    """Two admins ask in one channel, and the reading ends."""
    ana = await world.watch()
    world.source.shown = feed(3)
    run_id = await world.put(ana)
    async with world.database.write("test.ask") as conn:
        for user_id in (7, 8):
            by = Requester(guild_id=1, user_id=user_id)
            await profile_watches.wait_for(conn, run_id, by, CHANNEL, world.clock.now())
    assert await world.work() is None
    announcements = Announcements(world.database, world.clock)
    return ProfileAsking(database=world.database, announcements=announcements, clock=world.clock), run_id


async def test_the_second_who_asked_hears_of_the_end_though_the_first_was_answered(world):
    asking, run_id = await asked_twice(world)
    with asking.following(run_id, CHANNEL):  # the answer to the second can be changed no more
        with asking.following(run_id, CHANNEL):
            await asking.answered(run_id, CHANNEL)
        await asking.step()
        assert await world.told(CHANNEL) == []
    await asking.step()
    assert await world.told(CHANNEL) == ["\\@ana was read"]


async def test_nothing_is_told_in_the_channel_where_both_were_answered(world):
    asking, run_id = await asked_twice(world)
    with asking.following(run_id, CHANNEL):
        with asking.following(run_id, CHANNEL):
            await asking.answered(run_id, CHANNEL)
        await asking.answered(run_id, CHANNEL)
    await asking.step()
    assert await world.told(CHANNEL) == []
