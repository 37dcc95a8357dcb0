"""What a community sees of the live monitor, whatever TikTok does."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.core.live.budget import DAY
from bot.core.live.models import Answer, Observation, ProfileState, unknown
from bot.core.requester import Requester
from bot.errors import LimitReached, NothingThere, SourceChanged, SourceUnavailable, StorageError
from bot.services.announcements import Announcements
from bot.services.guilds import Guilds
from bot.storage import live as store
from bot.storage import status
from bot.storage.engine import Database
from bot.storage.tables import accounts, lives, sources
from tests.clocks import ManualClock
from tests.services.live_world import ADMIN, BY, CHANNEL, ROLE, LiveWorld

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BLOCKED = SourceUnavailable("HTTP 429", blocked=True)
OTHER = Requester(guild_id=2, user_id=43)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> LiveWorld:
    world = LiveWorld(database, clock)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "@Ana", CHANNEL, ROLE)
    return world


async def all_lives(world: LiveWorld) -> list[dict]:
    async with world.database.read() as conn:
        return [dict(row) for row in (await conn.execute(select(lives).order_by(lives.c.id))).mappings()]


async def account(world: LiveWorld) -> dict:
    async with world.database.read() as conn:
        return dict((await conn.execute(select(accounts))).mappings().one())


async def test_a_live_becomes_one_message_with_the_role_and_then_a_summary(world: LiveWorld) -> None:
    await world.run_for(HOUR)
    world.tiktok.go_live("ana")
    await world.run_for(HOUR)
    (message,) = await world.messages()
    assert message["message"]["title"] == "🔴 Ana is live"
    assert message["message"]["body"] == r"Hello \*there\*"
    assert message["message"]["mention_role_id"] == ROLE
    world.tiktok.end("ana")
    await world.run_for(HOUR)
    (message,) = await world.messages()
    assert message["message"]["title"] == "Ana was live"
    names = [field["name"] for field in message["message"]["fields"]]
    assert names == ["Duration", "Highest viewer count seen", "Ended"]
    (live,) = await all_lives(world)
    assert live["ended_at"] - live["started_at"] >= HOUR - timedelta(minutes=15)


async def test_the_log_tells_of_a_live_in_words_and_of_nothing_between(world: LiveWorld, caplog) -> None:
    with caplog.at_level(logging.INFO, "bot.services.live_state"):
        world.tiktok.go_live("ana")
        await world.run_for(HOUR)
        world.tiktok.end("ana")
        await world.run_for(HOUR)
    told = [record.getMessage() for record in caplog.records if record.name == "bot.services.live_state"]
    assert told == ["@ana is live (live 1)", "@ana is no longer live (live 1)"]


async def test_nobody_is_pinged_who_was_not_chosen(database: Database, clock: ManualClock) -> None:
    world = LiveWorld(database, clock)
    world.tiktok.add("ana", 1)
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    (message,) = await world.messages()
    assert message["message"]["mention_role_id"] is None


async def test_a_restart_of_the_live_within_ten_minutes_is_the_same_message(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.clock.advance(600)
    world.tiktok.end("ana")
    await world.run_for(15 * MINUTE)
    (live,) = await all_lives(world)
    assert live["ended_at"] is not None
    world.tiktok.go_live("ana", ago=world.clock.now() - live["ended_at"] - 9 * MINUTE)
    await world.watchlist.check_now(BY, "ana")
    assert len(await world.messages()) == 1
    assert (await all_lives(world))[0]["ended_at"] is None


async def test_a_later_live_is_a_new_message(world: LiveWorld) -> None:
    for _ in range(2):
        world.tiktok.go_live("ana")
        await world.watchlist.check_now(BY, "ana")
        world.tiktok.end("ana")
        await world.run_for(HOUR)
    assert [row["event_key"] for row in await world.messages()] == ["live:1", "live:2"]


async def test_a_block_never_ends_a_live_and_admins_hear_of_it_once_each_way(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.trouble = BLOCKED
    await world.run_for(5 * HOUR)
    live, notice = await world.messages()
    assert live["message"]["title"] == "🔴 Ana is live"
    assert (notice["channel_id"], bool(notice["direct"])) == (ADMIN, True)
    assert "does not answer" in notice["message"]["title"]
    world.tiktok.trouble = None
    await world.run_for(5 * HOUR)
    live, notice = await world.messages()
    assert notice["message"]["title"] == "TikTok answers again"


async def test_a_block_is_left_alone_longer_each_time_with_one_probe_after_each(world: LiveWorld) -> None:
    await world.run_for(HOUR)
    world.tiktok.trouble = BLOCKED
    before = len(world.tiktok.asked)
    await world.run_for(timedelta(hours=12))
    probes = await world.ledger("discovery") + await world.ledger("followup")
    stamps = sorted(row["asked_at"] for row in probes)[before:]
    waits = [(later - earlier) / MINUTE for earlier, later in itertools.pairwise(stamps)]
    assert [wait >= least for wait, least in zip(waits, [10, 20, 40, 80, 160, 240], strict=False)] == [
        True
    ] * len(waits)
    assert 3 <= len(waits) <= 6


async def test_a_block_survives_a_restart_of_the_bot(world: LiveWorld) -> None:
    world.tiktok.trouble = BLOCKED
    await world.watchlist.check_now(BY, "ana")
    asked = len(world.tiktok.asked)
    world.restart()
    await world.run_for(9 * MINUTE)
    assert len(world.tiktok.asked) == asked
    with pytest.raises(LimitReached, match="next one"):
        await world.watchlist.check_now(BY, "ana")


async def test_after_a_block_half_as_many_checks_are_made_for_a_day(world: LiveWorld) -> None:
    await world.run_for(DAY)
    normal = world.tiktok.count("check")
    async with world.database.write("test.block") as conn:
        await conn.execute(update(sources).values(last_blocked_at=world.clock.now()))
    world.tiktok.asked.clear()
    await world.run_for(DAY)
    assert 0.4 <= world.tiktok.count("check") / normal <= 0.65


async def test_three_time_outs_in_a_row_count_as_a_block(world: LiveWorld) -> None:
    world.tiktok.trouble = SourceUnavailable("no answer in time")
    for _ in range(3):
        await world.watchlist.check_now(BY, "ana")
    with pytest.raises(LimitReached):
        await world.watchlist.check_now(BY, "ana")


async def test_the_budget_holds_in_every_rolling_day_across_restarts(
    database: Database, clock: ManualClock
) -> None:
    world = LiveWorld(database, clock, discovery_per_day=24)
    for number in range(12):
        world.tiktok.add(f"user{number}", 100 + number)
        await world.watchlist.add(BY, f"user{number}", CHANNEL, None)
    for _ in range(6):
        await world.run_for(timedelta(hours=11))
        world.restart(discovery_per_day=24)
    asked = [row["asked_at"] for row in await world.ledger("discovery")]
    assert len(asked) > 40
    assert max(sum(end - DAY < one <= end for one in asked) for end in asked) <= 24


async def test_checks_asked_for_are_paid_by_the_followup_budget_within_the_guilds_share(
    database: Database, clock: ManualClock
) -> None:
    world = LiveWorld(database, clock, followup_per_day=40, guild_share_percent=50)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "ana", CHANNEL, None)  # a profile page and a first check
    for _ in range(8):
        await world.watchlist.check_now(BY, "ana")
    with pytest.raises(LimitReached, match="next one is possible <t:"):
        await world.watchlist.check_now(BY, "ana")
    assert len(await world.ledger("followup")) == 10
    assert await world.ledger("discovery") == []


async def test_nobody_checks_an_account_of_another_guild(world: LiveWorld) -> None:
    stranger = type(BY)(guild_id=2, user_id=9)
    with pytest.raises(NothingThere):
        await world.watchlist.check_now(stranger, "ana")


async def test_a_renamed_person_is_followed(world: LiveWorld) -> None:
    await world.run_for(HOUR)
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.go_live("ana.new")
    await world.run_for(2 * HOUR)
    assert (await account(world))["handle"] == "ana.new"
    assert [row["message"]["title"] for row in await world.messages()] == ["🔴 Ana.New is live"]


async def test_somebody_else_under_the_old_handle_is_never_announced(world: LiveWorld) -> None:
    await world.run_for(HOUR)
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.add("ana", 2)
    world.tiktok.go_live("ana")
    await world.run_for(3 * HOUR)
    assert await world.messages() == []
    assert (await account(world))["handle"] == "ana.new"


async def test_a_renaming_in_the_middle_of_a_live_does_not_end_it(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.people[0].handle = "ana.new"
    await world.run_for(HOUR)
    (live,) = await all_lives(world)
    assert live["ended_at"] is None
    assert (await account(world))["handle"] == "ana.new"


async def test_an_account_that_disappeared_is_marked_and_still_asked_for(world: LiveWorld) -> None:
    await world.run_for(HOUR)
    world.tiktok.people.clear()
    await world.run_for(4 * HOUR)
    assert (await account(world))["profile_state"] == ProfileState.NOT_FOUND
    assert world.tiktok.count("profile") <= 2


async def test_a_paused_account_costs_nothing(world: LiveWorld) -> None:
    await world.watchlist.pause(BY, "ana", paused=True)
    asked = len(world.tiktok.asked)
    await world.run_for(DAY)
    assert len(world.tiktok.asked) == asked
    await world.watchlist.pause(BY, "ana", paused=False)
    await world.run_for(DAY)
    assert len(world.tiktok.asked) > asked


async def test_a_sweep_asks_for_all_rooms_in_one_request(world: LiveWorld) -> None:
    for number in range(5):
        world.tiktok.add(f"user{number}", 100 + number)
        world.tiktok.go_live(f"user{number}")
        await world.watchlist.add(BY, f"user{number}", CHANNEL, None)
    await world.run_for(12 * MINUTE)
    assert "sweep 5" in world.tiktok.asked


async def test_a_sweep_that_fails_changes_nothing(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.sweep_trouble = SourceUnavailable("empty answer", blocked=True)
    await world.run_for(HOUR)
    assert (await all_lives(world))[0]["ended_at"] is None


async def test_the_highest_viewer_count_of_the_whole_live_is_told(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.people[0].viewers = 900
    await world.run_for(20 * MINUTE)
    world.tiktok.people[0].viewers = 5
    await world.run_for(20 * MINUTE)
    world.tiktok.end("ana")
    await world.run_for(HOUR)
    (message,) = await world.messages()
    assert {"name": "Highest viewer count seen", "value": "900", "inline": True} in message["message"][
        "fields"
    ]


async def test_a_crash_between_question_and_answer_costs_one_request_and_loses_nothing(
    world: LiveWorld,
) -> None:
    await world.run_for(HOUR)
    world.tiktok.go_live("ana")

    class Killed(BaseException):
        pass

    async def die(handle: str) -> None:
        raise Killed

    answer, world.tiktok.check = world.tiktok.check, die
    with pytest.raises(Killed):
        await world.run_for(HOUR)
    world.tiktok.check = answer
    world.restart()
    await world.run_for(10 * MINUTE)
    assert len(await world.messages()) == 1
    assert [row["answer"] for row in await world.ledger("discovery")].count(None) == 1


async def test_people_cannot_use_up_what_confirms_the_ends_of_lives(
    database: Database, clock: ManualClock
) -> None:
    world = LiveWorld(database, clock, followup_per_day=60)
    for handle, platform_id in (("ana", 1), ("ben", 2)):
        world.tiktok.add(handle, platform_id)
    await world.watchlist.add(BY, "ana", CHANNEL, None)
    await world.watchlist.add(OTHER, "ben", 200, None)
    world.tiktok.go_live("ben")
    await world.watchlist.check_now(OTHER, "ben")
    with contextlib.suppress(LimitReached):
        for _ in range(60):
            await world.watchlist.check_now(BY, "ana")
    assert world.tiktok.count("check ana") < 40
    world.tiktok.end("ben")
    await world.run_for(HOUR)
    assert (await all_lives(world))[0]["ended_at"] is not None


async def test_a_guild_that_removed_the_bot_costs_no_request_and_is_served_again_on_return(
    world: LiveWorld,
) -> None:
    guilds = Guilds(
        database=world.database,
        announcements=Announcements(world.database, world.clock),
        clock=world.clock,
        default_time_zone="UTC",
    )
    await guilds.joined(BY.guild_id)
    await guilds.left(BY.guild_id)
    asked = len(world.tiktok.asked)
    await world.run_for(DAY)
    assert len(world.tiktok.asked) == asked
    await guilds.joined(BY.guild_id)
    world.tiktok.go_live("ana")
    await world.run_for(HOUR)
    assert len(await world.messages()) == 1


async def test_two_accounts_that_are_one_person_merge_in_the_middle_of_a_live(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.trouble = SourceUnavailable("down")
    await world.watchlist.add(OTHER, "ana.new", 200, None)
    world.tiktok.trouble = None
    await world.run_for(HOUR)
    assert (await account(world))["handle"] == "ana.new"
    told = [(row["event_key"], row["channel_id"]) for row in await world.messages()]
    assert told == [("live:1", CHANNEL), ("live:1", 200)]  # who came to follow by it hears of what goes on


async def test_a_restart_found_under_a_new_handle_is_not_announced_twice(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.end("ana")
    for _ in range(2):
        world.clock.advance(70)
        await world.watchlist.check_now(BY, "ana")
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.go_live("ana.new")
    world.tiktok.trouble = SourceUnavailable("down")
    await world.watchlist.add(OTHER, "ana.new", 200, None)
    world.tiktok.trouble = None
    await world.run_for(5 * MINUTE)
    assert [row["event_key"] for row in await world.messages() if row["channel_id"] == CHANNEL] == ["live:1"]


async def test_an_answer_that_cannot_be_stored_does_not_eat_the_budget(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> int:
        raise StorageError("constraint failed")

    monkeypatch.setattr("bot.storage.live.add_live", broken)
    await world.run_for(HOUR)
    world.tiktok.go_live("ana")
    asked = world.tiktok.count("check")
    for _ in range(6 * 40):
        with contextlib.suppress(StorageError):
            await world.monitor.check_step()
        world.clock.advance(90)
    assert 10 <= world.tiktok.count("check") - asked <= 60


async def test_one_account_that_cannot_be_read_closes_nothing_for_the_others(world: LiveWorld) -> None:
    world.tiktok.add("odd", 3)
    await world.watchlist.add(BY, "odd", CHANNEL, None)
    readable = world.tiktok.check

    async def check(handle: str) -> Observation:
        if handle != "odd":
            return await readable(handle)
        return unknown(SourceChanged("an unknown status"), world.clock.now())

    world.tiktok.check = check
    for _ in range(5):
        await world.watchlist.check_now(BY, "odd")
    assert (await world.watchlist.check_now(BY, "ana")).answer is Answer.OFFLINE
    assert await world.messages() == []


async def test_after_a_pause_one_request_tries_alone(world: LiveWorld) -> None:
    world.tiktok.add("ben", 2)
    await world.watchlist.add(BY, "ben", CHANNEL, None)
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.trouble = BLOCKED
    await world.watchlist.check_now(BY, "ben")
    world.clock.advance(3 * 3600)
    asked = len(world.tiktok.asked)
    await asyncio.gather(world.monitor.check_step(), world.monitor.followup_step())
    assert len(world.tiktok.asked) == asked + 1


@pytest.mark.parametrize("days", [1, 30])
async def test_a_clock_set_back_while_the_bot_was_off_holds_nothing_up_for_long(
    world: LiveWorld, days: int
) -> None:
    async with world.database.write("test.lease") as conn:
        await store.claim_account(conn, 1, world.clock.now())
    world.tiktok.trouble = BLOCKED
    world.clock.advance(200)
    await world.run_for(5 * HOUR)
    world.tiktok.trouble = None
    world.clock.advance(-days * 24 * 3600)
    world.restart()
    await world.monitor.replan_step()
    asked = len(world.tiktok.asked)
    await world.run_for(DAY + HOUR)
    assert len(world.tiktok.asked) > asked


async def test_an_account_without_an_answer_is_not_put_off_when_the_clock_was_set_back(
    world: LiveWorld,
) -> None:
    world.tiktok.trouble = SourceUnavailable("no answer in time")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.trouble = None
    world.clock.advance(-30 * 24 * 3600)
    world.restart()
    await world.monitor.replan_step()
    async with world.database.read() as conn:
        due_at = (await conn.execute(select(accounts.c.next_check_at))).scalar_one()
    assert due_at - world.clock.now() < DAY


async def test_more_lives_than_one_request_may_ask_for_are_all_swept(
    database: Database, clock: ManualClock
) -> None:
    world = LiveWorld(database, clock)
    for number in range(60):
        by = Requester(guild_id=1 + number // 20, user_id=ADMIN)
        world.tiktok.add(f"user{number}", 100 + number)
        world.tiktok.go_live(f"user{number}")
        await world.watchlist.add(by, f"user{number}", CHANNEL + number, None)
    await world.run_for(12 * MINUTE)
    assert [asked for asked in world.tiktok.asked if "sweep" in asked] == ["sweep 50", "sweep 10"]
    assert all(row["ended_at"] is None for row in await all_lives(world))


async def test_the_next_check_of_an_account_on_air_is_not_shown(world: LiveWorld) -> None:
    world.tiktok.go_live("ana")
    await world.watchlist.check_now(BY, "ana")
    await world.run_for(5 * HOUR)
    async with world.database.read() as conn:
        assert (await status.checks_of(conn, BY.guild_id)).next_at is None


async def test_two_checks_of_one_account_never_overlap(world: LiveWorld) -> None:
    report = None

    async def meanwhile(handle: str) -> object:
        nonlocal report
        if report is None:
            report = "asking"
            with pytest.raises(LimitReached, match="being checked"):
                await world.watchlist.check_now(BY, "ana")
        return await answer(handle)

    answer, world.tiktok.check = world.tiktok.check, meanwhile
    assert (await world.watchlist.check_now(BY, "ana")).answer is Answer.OFFLINE


async def test_two_entries_that_turn_out_to_be_one_person_become_one(world: LiveWorld) -> None:
    world.tiktok.people[0].handle = "ana.new"
    world.tiktok.trouble = BLOCKED
    added = await world.watchlist.add(BY, "ana.new", CHANNEL + 1, None)
    assert "429" in added.doubt
    world.tiktok.trouble = None
    world.clock.advance(900)
    world.tiktok.go_live("ana.new")
    await world.run_for(HOUR)
    entries = await world.watchlist.entries(BY.guild_id)
    assert [(entry.handle, entry.channel_id) for entry in entries] == [
        ("ana.new", CHANNEL),
        ("ana.new", CHANNEL + 1),
    ]
    assert sorted(row["channel_id"] for row in await world.messages() if not row["direct"]) == [
        CHANNEL,
        CHANNEL + 1,
    ]


def told_of_tiktok(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "TikTok" in record.getMessage()]


async def test_a_single_time_out_is_no_outage(world: LiveWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world.tiktok.trouble = SourceUnavailable("no answer in time")
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.trouble = None
    await world.watchlist.check_now(BY, "ana")
    assert told_of_tiktok(caplog) == []


async def test_a_probe_that_times_out_keeps_a_block_and_the_log_tells_it_once_each_way(
    world: LiveWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.tiktok.trouble = BLOCKED
    await world.watchlist.check_now(BY, "ana")
    world.tiktok.trouble = SourceUnavailable("no answer in time")
    world.clock.advance(601)
    await world.watchlist.check_now(BY, "ana")
    with pytest.raises(LimitReached):
        await world.watchlist.check_now(BY, "ana")
    await world.run_for(5 * HOUR)
    world.tiktok.trouble = None
    await world.run_for(5 * HOUR)
    down, back = told_of_tiktok(caplog)
    assert down.startswith("TikTok does not answer")
    assert back == "TikTok answers again"
