"""What was chosen for go-live alerts, together with the monitor and the watchlist that tell of lives."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.notifications.kinds import ALL, Kind, account_subject
from bot.core.notifications.options import Mention, Options, Quiet, QuietMode
from bot.errors import SourceUnavailable
from bot.storage import notification_roles, notification_rules
from bot.storage.engine import Database
from bot.storage.notification_rules import NotificationRule
from tests.clocks import ManualClock
from tests.services.live_world import ADMIN, BY, CHANNEL, GUILD, ROLE, LiveWorld

MINUTE = timedelta(minutes=1)
ALL_DAY = Quiet(mode=QuietMode.HOLD, begins=0, ends=1439)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> LiveWorld:
    world = LiveWorld(database, clock)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "@Ana", CHANNEL, ROLE)
    return world


async def choose(world: LiveWorld, channel_id: int = CHANNEL, subject: str = ALL, **chosen: Any) -> None:
    async with world.database.write("test.choose") as conn:
        rule = NotificationRule(
            guild_id=GUILD, channel_id=channel_id, kind=Kind.LIVE, subject=subject, options=Options(**chosen)
        )
        await notification_rules.save(conn, rule, ADMIN, world.clock.now())


async def go_live(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.monitor.check_now(BY, "ana")


async def states(world: LiveWorld) -> list[tuple[int, str]]:
    return [(one["channel_id"], one["state"]) for one in await world.messages()]


async def test_a_live_whose_alert_is_delayed_is_looked_at_once_when_the_delay_is_over(
    world: LiveWorld,
) -> None:
    await choose(world, delay_minutes=5)
    await go_live(world)
    asked = world.tiktok.count("check")
    await world.run_for(4 * MINUTE)
    assert (await states(world), world.tiktok.count("check")) == ([(CHANNEL, "held")], asked)
    await world.run_for(2 * MINUTE)
    assert (await states(world), world.tiktok.count("check")) == ([(CHANNEL, "pending")], asked + 1)


async def test_an_answer_that_says_nothing_is_asked_again_in_a_minute(world: LiveWorld) -> None:
    await choose(world, delay_minutes=5)
    await go_live(world)
    asked = world.tiktok.count("check")
    await world.run_for(4 * MINUTE)
    await world.monitor.followup_step()
    world.clock.advance(90)
    world.tiktok.go_live("ana", ago=timedelta(days=1))  # an older room: nothing is learned of it
    await world.run_for(3 * MINUTE)
    assert world.tiktok.count("check") - asked in {3, 4}
    assert await states(world) == [(CHANNEL, "held")]


async def test_a_live_that_ends_within_the_delay_is_announced_to_nobody(world: LiveWorld) -> None:
    await choose(world, delay_minutes=5)
    await go_live(world)
    await world.run_for(2 * MINUTE)
    world.tiktok.end("ana")
    await world.run_for(10 * MINUTE)
    (message,) = await world.messages()
    assert (message["state"], message["why"]) == ("skipped", "over before it could be told")


async def test_viewers_that_an_alert_waits_for_are_asked_for_more_often(world: LiveWorld) -> None:
    await choose(world, min_viewers=50)
    await go_live(world)
    await world.run_for(4 * MINUTE)
    world.tiktok.people[0].viewers = 60
    await world.run_for(3 * MINUTE)
    assert await states(world) == [(CHANNEL, "pending")]


async def test_a_channel_that_chose_it_hears_of_a_live_that_another_one_follows(world: LiveWorld) -> None:
    await choose(world, channel_id=200, subject=account_subject(1))
    await choose(world, channel_id=201, subject=account_subject(2))
    await go_live(world)
    assert await states(world) == [(CHANNEL, "pending"), (200, "pending")]
    (first, second) = await world.messages()
    assert [one["message"]["mention_role_id"] for one in (first, second)] == [ROLE, None]
    assert first["kind"] == second["kind"] == "live"


async def test_what_was_chosen_for_an_entry_counts_for_the_person_it_turns_out_to_be(
    world: LiveWorld,
) -> None:
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.trouble = SourceUnavailable("no answer in time")
    await world.watchlist.add(BY, "ana.new", CHANNEL + 1, None)
    await choose(world, subject=account_subject(1), mention=Mention.PERSONAL)
    await choose(world, channel_id=CHANNEL + 1, subject=account_subject(2), mention=Mention.PERSONAL)
    await choose(world, channel_id=CHANNEL, subject=account_subject(2), template="of the other entry")
    async with world.database.write("test.role") as conn:
        await notification_roles.keep_personal(conn, GUILD, 2, 99)
    world.tiktok.trouble = None
    world.clock.advance(900)
    world.tiktok.go_live("ana.new")
    await world.run_for(60 * MINUTE)
    told = {row["channel_id"]: row["message"] for row in await world.messages() if not row["direct"]}
    assert [one["mention_role_id"] for one in told.values()] == [99, None]  # one ping for each live
    assert told[CHANNEL]["lead"] == ""
    async with world.database.read() as conn:
        left = await notification_rules.of_guilds(conn, [GUILD], Kind.LIVE)
    assert {rule.subject for rule in left} == {account_subject(1)}


async def test_paused_while_its_alert_is_held_an_account_is_told_anew_when_it_goes_on(
    world: LiveWorld,
) -> None:
    await choose(world, quiet=ALL_DAY)
    await go_live(world)
    await world.watchlist.pause(BY, "ana", paused=True)
    assert await states(world) == []
    await choose(world)
    await world.watchlist.pause(BY, "ana", paused=False)
    assert await states(world) == [(CHANNEL, "pending")]


async def test_an_account_that_is_not_followed_any_more_leaves_nothing_held(world: LiveWorld) -> None:
    await choose(world, quiet=ALL_DAY)
    await go_live(world)
    assert await states(world) == [(CHANNEL, "held")]
    await world.watchlist.remove(BY, "ana", None)
    assert await states(world) == [(CHANNEL, "expired")]


async def test_a_role_that_is_given_while_the_channel_is_blocked_is_pinged(world: LiveWorld) -> None:
    await go_live(world)
    await world.watchlist.add(BY, "ana", CHANNEL, ROLE + 1)
    (message,) = await world.messages()
    assert message["message"]["mention_role_id"] == ROLE + 1
