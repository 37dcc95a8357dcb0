"""What a worker does when somebody sets the machine's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.clock import SteadyClock
from bot.errors import JobFailed
from bot.services.timekeeping import Timekeeping
from bot.storage.engine import Database
from tests.clocks import FastClock
from tests.jobs.toy_jobs import Place, Toy
from tests.test_clock import WrongClock

DAY = timedelta(days=1)


@pytest.fixture
def wall() -> WrongClock:
    return WrongClock()


@pytest.fixture
async def place(database, wall: WrongClock):
    place = Place(database, SteadyClock(wall))
    yield place
    await place.close()


@pytest.mark.parametrize("by", [DAY, -DAY], ids=["forward", "back"])
async def test_a_job_that_is_held_stays_so_and_one_that_waits_comes_when_it_would_have(
    place: Place, wall: WrongClock, by: timedelta
) -> None:
    one, two = place.worker("one"), place.worker("two", toy=Toy(place.database))
    await place.put(1, 2)
    await place.step(one, 1, 2)
    await place.end(one, 2, JobFailed("no answer"))
    wall.error += by
    await Timekeeping(place.database, place.clock).step()
    for _ in range(4):
        wall.advance(14)
        await one.renew_step()
        await two.step()
        assert await place.rows() == [("doing", 1), ("todo", 1)]
    wall.advance(4)
    await place.step(one, 1, 2)
    await place.end(one, 1)
    assert await place.notes() == {"job 1": "done at start 1"}


async def test_in_a_fast_world_a_job_is_held_as_long_as_ever_and_one_that_waits_comes_by_the_worlds_time(
    database: Database,
) -> None:
    place = Place(database, FastClock(600))
    one, two = place.worker("one"), place.worker("two", toy=Toy(database))
    try:
        await place.put(1, 2)
        await place.step(one, 1, 2)
        await place.end(one, 2, JobFailed("no answer"))  # again in a minute
        place.clock.advance(0.05)
        look_at = await two.step()
        assert await place.rows() == [("doing", 1), ("todo", 1)]
        assert look_at - place.clock.machine.now() <= timedelta(seconds=0.1)
        place.clock.advance(55)
        await two.step()
        assert await place.rows() == [("doing", 1), ("doing", 2)]
        place.clock.advance(6)
        await two.step()
        assert (await place.rows())[0] == ("doing", 2)
    finally:
        await place.close()
