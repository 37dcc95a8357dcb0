"""What people can count on when somebody sets the machine's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clock import SteadyClock
from bot.core.live.budget import DAY
from bot.services.timekeeping import Timekeeping
from bot.storage.engine import Database
from tests.services.live_world import BY, CHANNEL, LiveWorld
from tests.test_clock import WrongClock

HOUR = timedelta(hours=1)


@pytest.fixture
def wall() -> WrongClock:
    return WrongClock()


class SteadyWorld(LiveWorld):
    """A live world on a steady clock, whose wall clock can be set."""

    def __init__(self, database: Database, wall: WrongClock, **rules: object) -> None:
        self.wall = wall
        clock = SteadyClock(wall)
        clock.advance = wall.advance
        super().__init__(database, clock, **rules)
        self.timekeeping = Timekeeping(database, clock)

    async def set_clock(self, by: timedelta) -> None:
        self.wall.error += by
        await self.timekeeping.step()


@pytest.fixture
async def world(database: Database, wall: WrongClock) -> SteadyWorld:
    world = SteadyWorld(database, wall, discovery_per_day=24)
    for number in range(3):
        world.tiktok.add(f"user{number}", 100 + number)
        await world.watchlist.add(BY, f"user{number}", CHANNEL, None)
    return world


async def test_a_clock_set_forward_does_not_free_the_budget(world: SteadyWorld) -> None:
    await world.run_for(DAY)
    before = world.tiktok.count("check")
    await world.set_clock(DAY)
    await world.run_for(6 * HOUR)
    assert 3 <= world.tiktok.count("check") - before <= 9


async def test_a_clock_set_back_leaves_nobody_unchecked(world: SteadyWorld) -> None:
    await world.run_for(DAY)
    before = world.tiktok.count("check")
    await world.set_clock(-DAY)
    await world.run_for(6 * HOUR)
    assert 3 <= world.tiktok.count("check") - before <= 9


async def test_the_end_of_a_live_is_noticed_after_the_clock_was_set_back(world: SteadyWorld) -> None:
    world.tiktok.go_live("user0")
    await world.run_for(8 * HOUR)
    await world.set_clock(-DAY)
    world.tiktok.end("user0")
    await world.run_for(HOUR)
    (message,) = await world.messages()
    assert message["message"]["title"] == "User0 was live"


async def test_without_a_step_nothing_is_written(world: SteadyWorld, wall: WrongClock) -> None:
    due_before = await world.watchlist.entries(BY.guild_id)
    wall.advance(30)
    assert await world.timekeeping.step() == world.clock.now() + timedelta(minutes=1)
    assert await world.watchlist.entries(BY.guild_id) == due_before
