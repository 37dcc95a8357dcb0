"""Who holds what in a world that is faster than the machine: requests and connections last as long as ever."""

from __future__ import annotations

import pytest

from bot.core.live.models import Answer
from bot.errors import LimitReached
from bot.storage.engine import Database
from bot.storage.live import LEASE as CHECKED_FOR
from bot.storage.recordings import LEASE
from tests.clocks import FastClock
from tests.services.live_world import BY, CHANNEL, LiveWorld
from tests.services.stream_world import StreamWorld


@pytest.fixture
def clock() -> FastClock:
    return FastClock(600)


async def test_nobody_checks_an_account_while_another_waits_for_the_answer(
    database: Database, clock: FastClock
) -> None:
    world, asked = LiveWorld(database, clock), 0
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    clock.advance(CHECKED_FOR.total_seconds())

    async def slowly(handle: str) -> object:
        nonlocal asked
        asked += 1
        if asked == 1:
            clock.advance(CHECKED_FOR.total_seconds() - 1)
            await world.monitor.check_step()
            with pytest.raises(LimitReached, match="being checked"):
                await world.watchlist.check_now(BY, "ana")
        return await answer(handle)

    answer, world.tiktok.check = world.tiktok.check, slowly
    assert (await world.watchlist.check_now(BY, "ana")).answer is Answer.OFFLINE
    assert asked == 1


async def test_a_room_stays_with_its_recorder_for_the_seconds_of_the_machine(
    database: Database, clock: FastClock
) -> None:
    world = StreamWorld(database, clock)
    await world.is_recorded(await world.go_live())
    second = world.another("second")
    clock.advance(LEASE.total_seconds() - 1)
    await second.step()
    assert second.rooms == ()
    clock.advance(1)
    await second.step()
    assert len(second.rooms) == 1
    await second.close()
