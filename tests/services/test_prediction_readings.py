"""What people read of predictions is true: also where little is known, much is asked, or something fails."""

from __future__ import annotations

import pytest

from bot.core.live.boards import board_message
from bot.core.live.prediction_posts import next_message
from bot.core.live.predictions import Standing
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY, GUILD
from tests.services.oracle import Oracle, facts


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def test_a_model_that_plans_but_foretells_nothing_is_told(world: Oracle) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("nothing learned")

    await world.follow("ana")
    world.monitor.planning.policy.working("probability").forecast = broken
    told = facts(next_message(await world.predictions.next(GUILD)))
    assert told["Trouble"] == "⚠️ There is no forecast: it fails (ZeroDivisionError\\: nothing learned)."


async def test_of_whom_nothing_is_known_no_chance_is_told(world: Oracle) -> None:
    """A paused account, and one followed since the last plan, are not unlikely: nobody knows."""
    await world.follow("ana", "bea", "cid")
    await world.monitor.replan_step()
    await world.watchlist.pause(BY, "ana", paused=True)
    await world.monitor.replan_step()
    world.monitor.planning._known.discard(2)  # as before the first plan
    following = await world.predictions.next(GUILD)
    assert [(one.handle, one.standing) for one in following.accounts] == [
        ("cid", Standing.UNLIKELY),
        ("bea", Standing.UNKNOWN),
        ("ana", Standing.PAUSED),
    ]
    message = next_message(following)
    assert message.body.splitlines()[1:] == ["❔ **Bea** no forecast yet", "⏸️ **Ana** is paused"]
    body = board_message(await world.predictions.board(GUILD)).body
    assert "❔ No forecast yet: **Bea**" in body
    assert "⏸️ Paused: **Ana**" in body
    assert (await world.predictions.account(GUILD, "ana")).heat is None
    assert (await world.predictions.account(GUILD, "bea")).factors is None
