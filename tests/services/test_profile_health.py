"""Profiles that nobody reads are told of once, and `/status` shows how those of a guild are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.posts.models import Trouble
from bot.discord.reports import status_report
from bot.services.announcements import Announcements
from bot.services.health import Health
from bot.services.staleness import Staleness
from bot.services.upkeep import Upkeep
from bot.settings import load_settings
from bot.storage.tables import outbox
from tests.machines import machine_of, retention_of
from tests.services.post_world import PostWorld, feed

HOUR = timedelta(hours=1)
STALE, FRESH = "Watched profiles have not been read for long", "Watched profiles are read again"


@pytest.fixture
async def world(database, clock):
    world = PostWorld(database, clock)
    world.source.shown = feed(3)
    return world


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "test.env").write_text("")
    return load_settings(tmp_path / "test.env")


@pytest.fixture
def staleness(world, settings, tmp_path):
    database, clock = world.database, world.clock
    return Staleness(
        database=database,
        announcements=Announcements(database, clock),
        upkeep=Upkeep(database=database, backup_folder=tmp_path, backups_kept=1, clock=clock),
        retention=retention_of(database, clock, tmp_path),
        machine=machine_of(database, clock),
        clock=clock,
        settings=settings,
    )


async def pass_time(world, staleness, hours: int, *, read: int = 0) -> None:
    """Let hours pass; each day the profile `read` is read, if one is given."""
    for hour in range(hours):
        if read and hour % 24 == 23:
            await world.read(read)
        world.clock.advance(3600)
        await staleness.step()


async def test_profiles_that_are_read_every_day_are_not_talked_about(world, staleness):
    ana = await world.watch()
    await pass_time(world, staleness, 72, read=ana)
    assert await world.told() == []


async def test_a_queue_that_stands_still_is_told_once_and_its_end_in_the_same_message(world, staleness):
    ana, _ = await world.watch(), await world.watch("ben", guild_id=2)
    await world.read(ana)
    await pass_time(world, staleness, 25)
    assert await world.told() == []  # they may be found an hour late, and wait for their turn
    await pass_time(world, staleness, 48)
    assert await world.told(10) == await world.told(20) == [STALE]
    for account_id in (ana, ana + 1):
        await world.read(account_id)
    await pass_time(world, staleness, 2)
    assert await world.told(10) == await world.told(20) == [FRESH]
    (row,) = await world.rows(outbox, outbox.c.channel_id == 10)
    assert row["revision"] == 2


async def test_a_profile_whose_runs_fail_is_told_as_failing_and_not_as_forgotten(world, staleness):
    ana = await world.watch()
    world.source.troubles = {1: Trouble.PRIVATE}
    for _ in range(4):
        await world.fail(ana)
        await pass_time(world, staleness, 20)
    assert await world.told() == ["The posts of @ana cannot be read"]


async def test_status_shows_what_is_read_and_what_cannot_be(world, settings):
    database, clock = world.database, world.clock
    health = Health(database=database, machine=machine_of(database, clock), clock=clock, settings=settings)
    ana, ben = await world.watch(), await world.watch("ben_x", guild_id=2)
    await world.join(ben, 1)
    await world.read(ana)
    report = status_report(await health.snapshot(1))
    (shown,) = [field.value for field in report.fields if field.name == "Profiles"]
    assert str(shown).startswith("2 profiles, the next is read <t:")
    world.source.troubles = {1: Trouble.GONE}
    await world.fail(ben)
    report = status_report(await health.snapshot(1))
    (shown,) = [field.value for field in report.fields if field.name == "Profiles"]
    assert "`@ben_x` cannot be read since <t:" in str(shown)
    assert "it is gone" in str(shown)
    assert report.tone == "warning"
    assert not [one for one in status_report(await health.snapshot(3)).fields if one.name == "Profiles"]
