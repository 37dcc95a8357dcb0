"""The clock of a world whose pace a file tells."""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import PacedClock, SteadyClock, clock_of
from bot.errors import SettingsError
from tests.clocks import ManualClock
from tools.sandbox.clock import WorldClock

BEGINS = datetime(2031, 10, 4, 12, tzinfo=UTC)
SPEEDS = st.sampled_from([1.0, 60.0, 600.0])


class StoodStill(PacedClock):
    """Its machine's time is moved by hand."""

    def __init__(self, file):
        self.by_hand = ManualClock()
        super().__init__(file)

    @property
    def machine(self):
        return self.by_hand


@pytest.fixture
def file(tmp_path):
    WorldClock(tmp_path / "clock.json").set(instant=BEGINS.timestamp(), speed=60)
    return tmp_path / "clock.json"


def say(file, *, machine, instant, speed):
    """What the sandbox says of its clock, as another file each time."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps({"machine": machine, "instant": instant.timestamp(), "speed": speed}))
    part.replace(file)
    os.utime(file, ns=(0, time.perf_counter_ns()))


def test_it_agrees_with_what_the_sandbox_reads(file):
    bots, sandboxs = PacedClock(file), WorldClock(file)
    assert abs(bots.now() - sandboxs.now()) < timedelta(minutes=2)
    assert bots.speed == sandboxs.speed == 60
    sandboxs.set(speed=600)
    bots.now()
    assert bots.speed == 600


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), SPEEDS, st.floats(0, 0.2)), max_size=12))
def test_over_changes_of_speed_it_never_goes_back_and_a_steady_clock_sees_no_step(tmp_path_factory, changes):
    file = tmp_path_factory.getbasetemp() / "paced.json"
    say(file, machine=0.0, instant=BEGINS, speed=60.0)
    paced = StoodStill(file)
    steady = SteadyClock(paced)
    world, speed, at = BEGINS, 60.0, steady.now()
    for passed, is_read, new_speed, late in changes:
        # The file tells of a change some moments after it came to be.
        paced.by_hand.advance(passed)
        world += timedelta(seconds=passed * speed)
        machine, speed = paced.by_hand.monotonic(), new_speed
        paced.by_hand.advance(late)
        if is_read:
            assert steady.now() >= at
        say(file, machine=machine, instant=world, speed=speed)
        world += timedelta(seconds=late * speed)
        before = at
        at = steady.now()
        assert at >= before
        assert at >= world - timedelta(milliseconds=1)
        assert steady.step() == timedelta(0)
        assert paced.now().timestamp() == pytest.approx(paced.monotonic())
        steady.adopt(steady.step())


def test_a_step_between_two_looks_at_a_fast_world_is_none(file):
    """Between the looks at the two clocks some milliseconds pass: seconds of the world."""
    say(file, machine=0.0, instant=BEGINS, speed=600.0)

    class Slow(StoodStill):
        def now(self):
            found = super().now()
            self.by_hand.advance(0.01)
            return found

    paced = Slow(file)
    clock = SteadyClock(paced)
    clock.adopt(clock.step())
    assert clock.step() == timedelta(0)
    say(file, machine=paced.by_hand.monotonic(), instant=paced.now(), speed=1.0)
    assert clock.step() == timedelta(0), "and none when the world becomes slow"
    assert abs(paced.now() - clock.now()) < timedelta(seconds=1)


async def test_a_sleep_is_of_the_world_and_notices_a_change_of_speed(file):
    say(file, machine=0.0, instant=BEGINS, speed=60.0)
    clock = StoodStill(file)
    sleeper = asyncio.ensure_future(SteadyClock(clock).sleep(3600))
    for _ in range(5):
        await clock.by_hand.asleep()
        clock.by_hand.advance(0.2)
    say(file, machine=1.0, instant=BEGINS + timedelta(minutes=1), speed=600.0)
    slept = 1.0
    while not sleeper.done():
        assert max(await clock.by_hand.asleep()) < 0.3
        clock.by_hand.advance(0.1)
        slept += 0.1
        await asyncio.sleep(0)  # noqa: TID251 - the sleeper must come to its turn
    assert slept == pytest.approx(1 + 3540 / 600, abs=0.3)


@pytest.mark.parametrize(("seconds", "least"), [(1, 0.02), (0, 0), (-5, 0)])
async def test_a_short_sleep_lasts_a_moment_of_the_machine(file, seconds, least):
    say(file, machine=0.0, instant=BEGINS, speed=600.0)
    clock = StoodStill(file)
    clock.by_hand.auto = True
    await clock.sleep(seconds)
    assert clock.by_hand.slept[0] == least


def test_what_is_the_machines_is_not_of_the_world(file):
    clock = clock_of(file)
    assert abs(clock.now() - BEGINS) < timedelta(hours=1)
    assert abs(clock.machine.now() - BEGINS) > timedelta(hours=1)
    assert clock.speed == 60
    assert clock.machine.speed == 1


def test_without_a_file_both_times_are_one():
    for clock in (clock_of(None), SteadyClock(clock_of(None))):
        assert clock.machine is clock


@pytest.mark.parametrize("content", [None, "", "{}", '{"machine": 0, "instant": 0, "speed": 0}'])
def test_a_file_that_says_no_time_is_refused(tmp_path, content):
    file = tmp_path / "clock.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match="CLOCK_FILE"):
        clock_of(file)


def test_a_file_that_cannot_be_read_for_once_changes_nothing(file):
    clock = PacedClock(file)
    before = clock.now()
    file.unlink()
    assert clock.now() > before
    assert clock.speed == 60
