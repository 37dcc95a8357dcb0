"""What is expected, kept, scored and shown, on a small world that lives for some days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from bot.core.guilds import GuildSettings
from bot.core.live.prediction_posts import next_message
from bot.core.live.predictions import Recommendation, Safety, Standing
from bot.core.markup import stamp
from bot.core.requester import Requester
from bot.errors import InputRefused, NotAllowed, NothingThere
from bot.storage import guilds
from bot.storage import predictions as table
from bot.storage.engine import Database
from bot.storage.tables import accounts, lives, outbox, predictions
from tests.clocks import ManualClock
from tests.services.live_world import BY, CHANNEL, GUILD
from tests.services.oracle import DAY, HOUR, MINUTE, Oracle, facts

OWNER = replace(BY, is_owner=True)
OTHER = Requester(guild_id=2, user_id=77)
BOARD = 900


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> Oracle:
    return Oracle(database, clock)


# --- What is expected ----------------------------------------------------------------------------


async def test_the_likeliest_come_first_and_live_ones_before_all(world: Oracle) -> None:
    world.wait(22.5 * HOUR)  # it is 18:30
    await world.follow("ana", "bea", "cid")
    await world.had_lives(1, 30)
    world.tiktok.go_live("cid", ago=5 * MINUTE)
    await world.watchlist.check_now(BY, "cid")
    found = await world.predictions.next(GUILD)
    live, *others = found.accounts
    chances = [max(one.live_now, one.within_hour) for one in others]
    assert chances == sorted(chances, reverse=True)
    likely = next(one for one in others if one.handle == "ana")
    assert live.standing is Standing.LIVE
    assert live.live_since == world.clock.now() - 5 * MINUTE
    assert live.next_check_at is None
    assert len(likely.starts) == len(likely.lives) == 24
    assert all(0 <= chance <= 1 for chance in (*likely.starts, *likely.lives))
    best = found.hours_from + likely.starts.index(max(likely.starts)) * HOUR
    assert best.hour in {18, 19, 20}
    assert max(likely.starts) > 0.15
    assert likely.within_hour > 10 * min(likely.starts)
    assert likely.next_check_at is not None


async def test_times_are_those_of_the_guild_else_of_the_deployment(world: Oracle) -> None:
    assert (await world.predictions.next(5)).zone == "Asia/Jakarta"
    assert (await world.predictions.next(5)).accounts == ()


async def test_an_account_is_told_with_its_habits_and_factors(world: Oracle) -> None:
    await world.follow("ana")
    await world.had_lives(1, 40)
    told = await world.predictions.account(GUILD, "@ANA")
    assert told.expected.handle == "ana"
    assert [len(told.heat), {len(row) for row in told.heat}] == [7, {24}]
    assert told.habits.lives == 40
    assert told.habits.typical_duration == 90 * MINUTE
    assert len(told.habits.windows) == 1
    assert told.factors is not None
    assert 0 < told.factors.total <= 1
    assert told.policy == "probability"
    assert told.override.priority == 1
    with pytest.raises(NothingThere):
        await world.predictions.account(GUILD, "nobody")
    with pytest.raises(NothingThere):
        await world.predictions.account(2, "ana")


async def test_the_plan_tells_todays_checks_by_hour(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.run_for(5 * HOUR)
    plan = await world.predictions.plan(GUILD)
    made = len(await world.ledger("discovery"))
    today = [row for row in await world.ledger("discovery") if row["asked_at"] >= plan.hours[0].start]
    assert len(plan.hours) == 24
    assert sum(hour.made for hour in plan.hours) == len(today)
    assert plan.discovery.used == made
    assert plan.left == 120 - made
    assert 0 < sum(hour.planned for hour in plan.hours) <= plan.left + made
    now = world.clock.now()
    assert all(hour.planned == 0 for hour in plan.hours if hour.start + HOUR <= now)
    assert (plan.policy, plan.shadow, plan.failing) == ("probability", "", ())


async def test_why_says_the_last_and_the_next_check_in_a_sentence_each(world: Oracle) -> None:
    await world.follow("ana")
    world.wait(HOUR)
    await world.watchlist.check_now(BY, "ana")
    why = await world.predictions.why(GUILD, "ana")
    assert "because somebody asked: it was not live." in str(why.last)
    assert str(why.following).startswith("Next look <t:")
    await world.overrides.freeze(BY, "ana", frozen=True)
    assert str((await world.predictions.why(GUILD, "ana")).following) == (
        "No look is planned: an admin froze it."
    )


async def test_the_reason_of_the_next_check_tells_when_the_account_was_last_seen_live(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.had_lives(1, 30)
    yesterday = world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    seen = stamp(yesterday + 20.5 * HOUR)
    told = {one.handle: str(one.reason) for one in (await world.predictions.next(GUILD)).accounts}
    assert told["ana"].endswith(f"likely to be live then; last seen live {seen}")
    assert told["bea"].endswith("likely to be live then; never found live yet")
    assert str((await world.predictions.account(GUILD, "ana")).expected.reason) == told["ana"]
    following = str((await world.predictions.why(GUILD, "ana")).following)
    assert following.endswith(f": {told['ana']}.")
    await world.overrides.freeze(BY, "ana", frozen=True)
    assert str((await world.predictions.account(GUILD, "ana")).expected.reason) == "an admin froze it"


async def test_a_model_that_fails_says_nothing_and_stops_nobody(world: Oracle) -> None:
    await world.follow("ana")

    def broken(*_: object) -> None:
        raise ZeroDivisionError("nothing learned")

    model = world.monitor.planning.policy.working("probability")
    model.forecast = model.plan = broken
    await world.monitor.replan_step()
    (one,) = (await world.predictions.next(GUILD)).accounts
    assert (one.starts, one.window, one.standing) == ((), None, Standing.UNKNOWN)
    assert (one.live_now, one.within_hour, one.confidence) == (None, None, None)
    assert "evenly spread" in str(one.reason)
    told = await world.predictions.account(GUILD, "ana")
    board = await world.predictions.board(GUILD)
    assert board.failing == told.failing == (("probability", "ZeroDivisionError: nothing learned"),)
    assert told.heat is None
    assert facts(next_message(await world.predictions.next(GUILD)))["Trouble"]


# --- What is kept and scored ---------------------------------------------------------------------


async def test_each_hour_is_spoken_of_before_it_begins_and_joined_with_what_happened(world: Oracle) -> None:
    await world.follow("ana")
    await world.had_lives(1, 30)
    for _ in range(10):
        await world.log.step()
        world.wait(HOUR)
    now = world.clock.now()
    async with world.database.read() as conn:
        said = await table.load(conn, [1], now - DAY, now + DAY)
    assert len(said) == 10
    assert {one.hour.minute for one in said} == {0}
    assert all(0 < one.probability < 1 for one in said)
    assert [one.started for one in said].count(None) >= 2
    later = said[3].hour + 10 * MINUTE
    async with world.database.write("test.late") as conn:
        row = {"phase": "on", "started_at": later, "found_at": now, "last_seen_at": now}
        await conn.execute(lives.insert().values(account_id=1, title="", cover_url="", **row))
    await world.log.step()
    async with world.database.read() as conn:
        said = await table.load(conn, [1], now - DAY, now + DAY)
    assert [one.hour for one in said if one.started] == [later - 10 * MINUTE]
    assert {one.recommendation for one in said} <= set(Recommendation)


async def test_an_hour_can_be_spoken_of_twice(world: Oracle) -> None:
    await world.follow("ana")
    await world.log.step()
    world.wait(MINUTE)
    await world.log.step()
    async with world.database.read() as conn:
        assert len((await conn.execute(select(predictions))).all()) == 1


async def test_yesterday_is_scored_and_told_where_that_is_switched_on(world: Oracle) -> None:
    await world.follow("ana")
    await world.had_lives(1, 1)
    async with world.database.write("test.guild") as conn:
        await guilds.joined(conn, GUILD, "UTC")
        await guilds.choose(conn, BY, {"admin_channel_id": 500}, world.clock.now())
    await world.scores.night()
    assert not [row for row in await world.messages() if row["event_key"].startswith("score:")]
    await world.overrides.tell_daily_scores(BY, on=True)
    await world.scores.night()
    (post,) = [row for row in await world.messages() if row["event_key"].startswith("score:")]
    assert post["channel_id"] == 500
    assert "1 of about 1 lives found in 2 of 120 checks" in str(post["message"]["body"])
    accuracy = await world.predictions.accuracy(GUILD)
    (week,) = accuracy.weeks
    assert (week.found, week.requests, week.within_30) == (1, 2, 1.0)
    assert week.median_delay_minutes == 20
    assert week.fixed_requests == pytest.approx(16, rel=0.01)  # one check each 90 minutes finds all
    assert week.request_reduction == pytest.approx(1 - 2 / 16, rel=0.01)


async def test_the_night_learns_everything_anew(world: Oracle) -> None:
    await world.follow("ana")
    before = world.monitor.planning.policy
    await world.scores.night()
    assert world.monitor.planning.policy is not before
    assert world.monitor.planning.knows(1)


async def test_accuracy_tells_how_reliable_the_predictions_were(world: Oracle) -> None:
    await world.follow("ana")
    now = world.clock.now()
    said = [
        table.Prediction(
            account_id=1,
            hour=now.replace(minute=0, second=0, microsecond=0) - number * HOUR,
            policy="probability",
            probability=0.8 if number < 5 else 0.1,
            live=0.5,
            confidence=0.5,
            recommendation=Recommendation.WATCH,
            started=number < 4,
        )
        for number in range(1, 21)
    ]
    async with world.database.write("test.said") as conn:
        await table.store(conn, said)
    accuracy = await world.predictions.accuracy(GUILD)
    assert accuracy.predictions == 20
    assert accuracy.right == pytest.approx(19 / 20)
    assert accuracy.always_unlikely == pytest.approx(17 / 20)
    assert {one.forecasts for one in accuracy.reliability} == {0, 4, 16}
    assert (await world.predictions.accuracy(2)).predictions == 0


async def test_accuracy_does_not_read_each_hour_that_was_ever_spoken_of(
    world: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.follow("ana")

    async def refused(*_: object) -> None:
        raise AssertionError("40,000 of them hold up everything else for a third of a second")

    monkeypatch.setattr(table, "load", refused)
    assert (await world.predictions.accuracy(GUILD)).predictions == 0
    assert (await world.predictions.account(GUILD, "ana")).accuracy.hours == 0
    await world.scores.night()


async def test_the_status_line_tells_policy_likely_next_and_budget(
    world: Oracle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.wait(23.5 * HOUR)  # it is 19:30
    await world.follow("ana")
    await world.had_lives(1, 30)
    async with world.database.write("test.due") as conn:
        await conn.execute(update(accounts).values(next_check_at=world.clock.now() - 5 * MINUTE))
    caplog.clear()
    again = await world.log.status_step()
    assert again == world.clock.now() + 5 * MINUTE
    (line,) = [record.message for record in caplog.records if record.message.startswith("Plan: ")]
    assert line == (
        "Plan: policy probability, 1 accounts (0 live, 1 likely: @ana), next checks (UTC) 19:30:00 @ana, "
        "0 of 120 checks used in 24 h"
    )


# --- What admins change --------------------------------------------------------------------------


async def test_a_pinned_account_is_checked_at_its_distance(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.overrides.pin_interval(BY, "ana", HOUR)
    await world.run_for(DAY)
    asked = [row for row in await world.ledger("discovery") if row["account_id"] == 1]
    assert len(asked) == pytest.approx(24, abs=4)
    assert "an admin set it to every 60 min" in str((await world.predictions.why(GUILD, "ana")).following)
    await world.overrides.pin_interval(BY, "ana", None)
    assert "an admin" not in str((await world.predictions.why(GUILD, "ana")).following)


async def test_a_boosted_account_is_checked_often_for_some_hours(world: Oracle) -> None:
    await world.follow("ana", "bea", "cid")
    override = await world.overrides.boost(BY, "ana", 3)
    assert override.boosted_until == world.clock.now() + 3 * HOUR
    await world.run_for(3 * HOUR)
    asked = [row for row in await world.ledger("discovery") if row["account_id"] == 1]
    assert 9 <= len(asked) <= 16


async def test_a_frozen_account_is_not_checked_by_plan(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.overrides.freeze(BY, "ana", frozen=True)
    await world.run_for(DAY)
    assert {row["account_id"] for row in await world.ledger("discovery")} == {2}
    assert (await world.watchlist.check_now(BY, "ana")).handle == "ana"
    await world.overrides.freeze(BY, "ana", frozen=False)
    await world.run_for(DAY)
    assert {row["account_id"] for row in await world.ledger("discovery")} == {1, 2}


async def test_a_guild_cannot_freeze_what_another_follows_too(world: Oracle) -> None:
    await world.follow("ana")
    await world.watchlist.add(OTHER, "ana", 200, None)
    await world.overrides.freeze(BY, "ana", frozen=True)
    await world.overrides.pin_interval(BY, "ana", 7 * DAY)
    await world.run_for(DAY)
    assert len(await world.ledger("discovery")) > 20
    assert (await world.predictions.account(2, "ana")).override.frozen is False


async def test_an_account_can_have_a_policy_of_its_own(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.overrides.choose_policy(BY, "ana", "fixed")
    assert (await world.predictions.account(GUILD, "ana")).policy == "fixed"
    assert (await world.predictions.account(GUILD, "bea")).policy == "probability"
    assert (await world.predictions.plan(GUILD)).reserved == 60


async def test_only_the_owner_changes_what_counts_for_all(world: Oracle) -> None:
    await world.follow("ana")
    with pytest.raises(NotAllowed):
        await world.overrides.choose_default(BY, "roadmap")
    await world.overrides.choose_default(OWNER, "roadmap")
    assert (await world.predictions.account(GUILD, "ana")).policy == "roadmap"
    assert (await world.overrides.choices(GUILD)).policy == "roadmap"
    world.restart()
    await world.monitor.replan_step()
    assert (await world.predictions.account(GUILD, "ana")).policy == "roadmap"


@pytest.mark.parametrize(
    "refused",
    [
        lambda it: it.choose_policy(BY, "ana", "magic"),
        lambda it: it.choose_default(OWNER, "magic"),
        lambda it: it.shadow(OWNER, "magic"),
        lambda it: it.prioritise(BY, "ana", float("nan")),
        lambda it: it.prioritise(BY, "ana", 100),
        lambda it: it.pin_interval(BY, "ana", timedelta(seconds=1)),
        lambda it: it.boost(BY, "ana", 25),
        lambda it: it.boost(BY, "ana", 1, timedelta(0)),
        lambda it: it.choose_country(BY, "Atlantis"),
        lambda it: it.add_event(BY, date(1999, 1, 1), "long ago"),
        lambda it: it.add_event(BY, date(2026, 12, 1), " "),
    ],
)
async def test_what_makes_no_sense_is_refused(world: Oracle, refused: object) -> None:
    await world.follow("ana")
    with pytest.raises(InputRefused):
        await refused(world.overrides)


async def test_a_guild_changes_only_what_it_follows(world: Oracle) -> None:
    await world.follow("ana")
    for attempt in (
        world.overrides.freeze(OTHER, "ana", frozen=True),
        world.overrides.prioritise(OTHER, "ana", 2),
        world.overrides.add_event(OTHER, date(2026, 12, 1), "party", "ana"),
    ):
        with pytest.raises(NothingThere):
            await attempt


# --- Boards --------------------------------------------------------------------------------------


async def boards_of(world: Oracle) -> list[dict]:
    async with world.database.read() as conn:
        rows = (await conn.execute(select(outbox).where(outbox.c.event_key.like("board:%")))).mappings()
        return [dict(row) for row in rows]


async def test_a_board_is_one_message_edited_at_most_every_ten_minutes(world: Oracle) -> None:
    await world.follow("ana")
    await world.boards.place(BY, BOARD)
    again = await world.boards.step()
    assert again == world.clock.now() + 10 * MINUTE
    (board,) = await boards_of(world)
    assert (board["channel_id"], board["guild_id"], board["revision"]) == (BOARD, GUILD, 1)
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.wait(5 * MINUTE)
    assert await world.boards.step() == again
    assert (await boards_of(world))[0]["revision"] == 1
    world.wait(5 * MINUTE)
    await world.boards.step()
    (board,) = await boards_of(world)
    assert board["revision"] == 2
    assert (await world.overrides.choices(GUILD)).board_channel_ids == (BOARD,)


async def test_a_board_is_taken_down_by_its_guild_alone(world: Oracle) -> None:
    await world.boards.place(BY, BOARD)
    await world.boards.step()
    with pytest.raises(NothingThere):
        await world.boards.remove(OTHER, BOARD)
    async with world.database.write("test.sent") as conn:
        await conn.execute(update(outbox).values(state="delivered", delivered_revision=1, message_id=5))
    await world.boards.remove(BY, BOARD)
    (board,) = await boards_of(world)
    assert board["message"]["title"] == "This board was taken down"
    with pytest.raises(NothingThere):
        await world.boards.remove(BY, BOARD)
    world.wait(HOUR)
    await world.boards.step()
    assert (await boards_of(world))[0]["message"]["title"] == "This board was taken down"


async def test_a_board_shows_budgets_coverage_and_everybody(world: Oracle) -> None:
    await world.follow("ana", "bea")
    await world.had_lives(1, 20)
    world.tiktok.go_live("bea", ago=5 * MINUTE)
    await world.watchlist.check_now(BY, "bea")
    board = await world.predictions.board(GUILD)
    assert [line.handle for line in board.lines] == ["bea", "ana"]
    assert board.lines[0].standing is Standing.LIVE
    assert board.discovery.safety is Safety.SAFE
    assert board.found == 7  # six evenings, and the one that is on
    assert board.estimated >= board.found


async def test_what_a_guild_chose_comes_with_its_settings(world: Oracle) -> None:
    await world.overrides.choose_country(BY, "FR")
    async with world.database.read() as conn:
        settings = await guilds.load(conn, GUILD)
    assert isinstance(settings, GuildSettings)
    assert (settings.country, settings.daily_scores) == ("FR", False)


async def test_what_was_asked_for_an_account_ends_with_following_it(world: Oracle) -> None:
    await world.follow("ana")
    await world.watchlist.add(BY, "ana", CHANNEL + 1, None)
    await world.overrides.pin_interval(BY, "ana", HOUR)
    await world.watchlist.remove(BY, "ana", CHANNEL)
    assert (await world.predictions.account(GUILD, "ana")).override.pinned == HOUR
    await world.watchlist.remove(BY, "ana", None)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    assert (await world.predictions.account(GUILD, "ana")).override.pinned is None
