"""The steady clock: a step of the wall clock is hidden until it is taken over."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.clock import SteadyClock, wait_for_event
from tests.clocks import START, ManualClock

HOUR = timedelta(hours=1)


class WrongClock(ManualClock):
    """A wall clock that can be set wrong."""

    error = timedelta(0)

    def now(self):
        return super().now() + self.error


@pytest.mark.parametrize("error", [24 * HOUR, -24 * HOUR, timedelta(seconds=2)])
def test_a_step_is_hidden_until_it_is_adopted(error: timedelta) -> None:
    wall = WrongClock()
    clock = SteadyClock(wall)
    wall.error = error
    wall.advance(60)
    assert clock.now() == START + timedelta(seconds=60)
    assert clock.step() == error
    clock.adopt(clock.step())
    assert clock.now() == wall.now()
    assert clock.step() == timedelta(0)


def test_a_step_during_the_adoption_of_another_is_not_lost() -> None:
    wall = WrongClock()
    clock = SteadyClock(wall)
    wall.error = HOUR
    first = clock.step()
    wall.error = 3 * HOUR
    clock.adopt(first)
    assert clock.now() == START + HOUR
    assert clock.step() == 2 * HOUR


def test_what_clocks_drift_apart_is_no_step_however_long_it_goes_on() -> None:
    wall = WrongClock()
    clock = SteadyClock(wall)
    for _ in range(10):
        wall.error += timedelta(seconds=0.4)
        wall.advance(60)
        assert clock.step() == timedelta(0)
        assert clock.now() == wall.now()
        clock.adopt(clock.step())


async def test_it_sleeps_as_its_clock_does() -> None:
    wall = WrongClock(auto=True)
    clock = SteadyClock(wall)
    await clock.sleep(5)
    assert clock.monotonic() == 5


async def test_what_passes_before_a_wait_has_its_first_turn_counts() -> None:
    # Of a test's clock: one that did not know this let a test of the delivery wait for ever, once in 150 times.
    clock = ManualClock()
    waiting = asyncio.create_task(wait_for_event(clock, asyncio.Event(), 600))
    await asyncio.sleep(0)  # noqa: TID251 - it waits, but the sleep it has begun had no turn yet
    clock.advance(601)
    async with asyncio.timeout(5):
        assert not await waiting
