"""Admins hear of files that keep failing; whoever does not look for them would never know of the lost rounds."""

from __future__ import annotations

import pytest

from bot.errors import SourceError
from tests.services.round_world import ADMINS, CHANNEL, FIRST, GUILD, REFUSED, SECOND, RoundWorld
from tests.services.test_round_telling import english

HALF_AN_HOUR = 1800
OTHER = REFUSED.replace("adlernest", "supply")


@pytest.fixture
async def world(database, reference_data):
    world = RoundWorld(database, reference_data / "etlegacy")
    await world.join(GUILD, CHANNEL, admin_channel_id=ADMINS)
    await world.start_watching()
    return world


async def test_a_file_that_fails_for_half_an_hour_is_told_to_admins_once(world):
    world.drop(REFUSED)
    await world.run_for(HALF_AN_HOUR)
    assert await world.notices() == []
    await world.run_for(HALF_AN_HOUR)
    (notice,) = await world.notices()
    assert (notice["channel_id"], notice["revision"]) == (ADMINS, 1)
    assert english(notice["message"]["title"]) == "A round on alpha cannot be imported"
    body = english(notice["message"]["body"])
    assert "c0rnsp0rn 1.0" in body
    assert "Files of this server that fail: 1." in body
    await world.run_for(20 * HALF_AN_HOUR)
    assert [one["revision"] for one in await world.notices()] == [1]


async def test_many_such_files_of_a_day_are_one_notice(world):
    world.drop(REFUSED)
    world.folder.put(OTHER, world.real(REFUSED))
    await world.run_for(2 * HALF_AN_HOUR)
    (notice,) = await world.notices()
    assert "Files of this server that fail: 2." in english(notice["message"]["body"])


async def test_a_file_that_cannot_be_fetched_is_told_too_and_one_that_heals_is_not(world):
    world.folder.bad[FIRST] = SourceError("it is far too large")
    world.folder.bad[SECOND] = SourceError("it is still written")
    world.drop(FIRST, SECOND)
    await world.run_for(600)
    del world.folder.bad[SECOND]
    await world.run_for(2 * HALF_AN_HOUR)
    (notice,) = await world.notices()
    body = english(notice["message"]["body"])
    assert "far too large" in body
    assert "Files of this server that fail: 1." in body
