"""What the policies say of accounts, where they fail to."""

from __future__ import annotations

import pytest

from bot.services import forecasts
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY, CHANNEL, LiveWorld


async def test_a_model_that_cannot_be_asked_leaves_its_traceback(
    database: Database, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    world = LiveWorld(database, clock)
    world.restart(policy=None)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.monitor.replan_step()
    planning = world.monitor.planning

    def broken(*_: object) -> None:
        raise ZeroDivisionError("nothing learned")

    planning.policy.working("probability").outlook = broken
    said = await forecasts.said_of(planning, [1], clock.now())
    assert said.outlooks == {}
    assert "in broken\n" in caplog.text
