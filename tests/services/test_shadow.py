"""Shadow mode: a second policy is replayed on what was observed, as the bot would run it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.live.planner import CheckPlan, EvenlySpread
from bot.core.live.policies import PROVIDED
from bot.core.live.prediction_replies import shadow_message
from bot.services import shadow
from bot.storage import predictions as table
from bot.storage.engine import Database
from tests.clocks import ManualClock
from tests.services.live_world import BY
from tests.services.oracle import DAY, HOUR, MINUTE, Oracle, add_live

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
    await world.overrides.choose_default(OWNER, "roadmap")  # soon replayed
    await world.overrides.shadow(OWNER, "factors")
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert (report.made_at, report.shadow) == (world.clock.now(), None)
    assert report.active is not None
    assert "factors could not be compared" in caplog.text
    async with world.database.read() as conn:
        assert len(await table.scores_since(conn, world.clock.now().date() - timedelta(days=1))) == 1


async def test_a_live_within_another_is_not_counted_as_one_that_could_be_found(world: Oracle) -> None:
    await world.follow("ana")
    await world.had_lives(1, 27)
    midnight = world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    async with world.database.write("test.twice") as conn:
        for day in range(1, 28):
            start = midnight - day * DAY + 19.5 * HOUR
            await add_live(conn, 1, start, found_at=start, ended_at=start + 10 * MINUTE)
    await world.overrides.choose_default(OWNER, "roadmap")  # soon replayed
    await world.overrides.shadow(OWNER, "fixed")
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert (report.lives, report.shadow.coverage) == (20, 1.0)


async def test_both_run_as_they_would_in_the_bot_which_spreads_checks_evenly_where_there_are_plenty(
    world: Oracle,
) -> None:
    world.restart(discovery_per_day=240)
    await world.follow("ana")
    await world.had_lives(1, 27)
    world.restart(discovery_per_day=240)
    await world.overrides.shadow(OWNER, "fixed")
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert replace(report.active, policy="fixed") == report.shadow


async def test_of_many_accounts_some_are_replayed_with_their_part_of_the_checks_and_it_is_told(
    world: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "MOST_ACCOUNTS", 2)
    await world.follow("ana", "bea", "cid", "dan", "eve")
    for account_id in (1, 2, 3, 4, 5):
        await world.had_lives(account_id, 27)
    await world.overrides.freeze(
        BY, "eve", frozen=True
    )  # nobody looks at it: it is no part of the comparison
    await world.overrides.choose_default(OWNER, "roadmap")
    await world.overrides.shadow(OWNER, "fixed")
    await world.scores.night()
    report = await world.overrides.shadow_report()
    assert (report.accounts, report.followed, report.lives) == (2, 4, 40)
    assert report.shadow.requests_a_day == pytest.approx(60, abs=4)
    assert "for 2 of 4 accounts" in shadow_message(report).body


async def test_a_replay_that_nobody_waits_for_any_more_ends_at_once(
    world: Oracle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plans = []

    class Counted(EvenlySpread):
        def plan(self, now: datetime, *rest: object) -> list[CheckPlan]:
            plans.append(now)
            return super().plan(now, *rest)

    monkeypatch.setitem(PROVIDED, "fixed", Counted)
    await world.follow("ana")
    await world.had_lives(1, 27)
    await world.overrides.choose_default(OWNER, "fixed")
    await world.overrides.shadow(OWNER, "roadmap")
    works = []

    async def stopped(work: Callable[[], object]) -> object:
        works.append(work)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await shadow.compare(world.database, stopped, world.clock.now(), 120)
    plans.clear()  # the bot plans by it as well
    assert works[0]() is None
    assert plans == []
    assert "could not be compared" not in caplog.text
