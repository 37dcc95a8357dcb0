"""Shadow mode: a second policy is replayed on what was observed, as the bot would run it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.live.planner import CheckPlan, EvenlySpread
from bot.core.live.policies import PROVIDED
from bot.storage import predictions as table
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY
from tests.services.oracle import Oracle

OWNER = replace(BY, is_owner=True)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


async def test_the_shadow_policy_is_replayed_on_what_was_observed(world: Oracle) -> None:
    await world.follow("ana")
    await world.had_lives(1, 27)
    assert await world.overrides.shadow_report() is None
    await world.overrides.choose_default(OWNER, "roadmap")
    await world.overrides.shadow(OWNER, "fixed")
    assert (await world.overrides.shadow_report()).made_at is None
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert (report.policy, report.shadow_policy, report.lives) == ("roadmap", "fixed", 20)
    assert report.shadow.coverage == 1.0  # every 12 minutes finds each of 90
    assert report.shadow.requests_a_day == pytest.approx(112, abs=8)
    assert 0 <= report.active.coverage <= 1
    await world.overrides.shadow(OWNER, "probability")
    assert (await world.overrides.shadow_report()).shadow is None
    await world.overrides.shadow(OWNER, "")
    assert await world.overrides.shadow_report() is None


async def test_a_shadow_policy_that_fails_leaves_the_score_of_the_day(
    world: Oracle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(EvenlySpread):
        def plan(self, *_: object) -> list[CheckPlan]:
            raise ZeroDivisionError

    monkeypatch.setitem(PROVIDED, "factors", Broken)
    await world.follow("ana")
    await world.had_lives(1, 27)
    await world.overrides.shadow(OWNER, "factors")
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert (report.made_at, report.shadow) == (world.clock.now(), None)
    assert report.active is not None
    assert "factors could not be compared" in caplog.text
    async with world.database.read() as conn:
        assert len(await table.scores_since(conn, world.clock.now().date() - timedelta(days=1))) == 1
