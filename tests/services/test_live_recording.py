"""What the live monitor makes of a live's recording, and of what its recorder saw."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.core.streams.recording import RecordingState
from bot.services.live_health import SOURCE
from bot.storage import recordings, sources, stream_reading
from bot.storage.engine import Database
from bot.storage.recordings import Report
from bot.storage.stream_tables import recordings as table
from bot.storage.tables import lives, outbox
from tests.clocks import ManualClock
from tests.services.live_world import BY, CHANNEL, LiveWorld

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> LiveWorld:
    """Ana is followed and live, and recorded."""
    world = LiveWorld(database, clock, record_lives=True)
    world.tiktok.add("ana", 1)
    await world.watchlist.add(BY, "@ana", CHANNEL, None)
    world.tiktok.go_live("ana")
    await world.monitor.check_now(BY, "ana")
    return world


async def recording(world: LiveWorld) -> dict:
    async with world.database.read() as conn:
        return dict((await conn.execute(select(table))).mappings().one())


async def live(world: LiveWorld) -> dict:
    async with world.database.read() as conn:
        return dict((await conn.execute(select(lives))).mappings().one())


async def said(world: LiveWorld, **what: object) -> None:
    row = await recording(world)
    async with world.database.write("test.report") as conn:
        await recordings.report(conn, row["live_id"], Report(**{"room_id": row["room_id"], **what}))


async def test_a_live_that_is_found_is_to_be_recorded_and_one_that_ended_is_done(world: LiveWorld) -> None:
    assert (await recording(world))["state"] == "waiting"
    assert world.monitor.recordings_changed.is_set()
    world.tiktok.end("ana")
    await world.run_for(timedelta(minutes=15))
    assert (await recording(world))["state"] == "done"


async def test_nothing_is_recorded_where_it_is_switched_off(database: Database, clock: ManualClock) -> None:
    world = LiveWorld(database, clock, record_lives=False)
    world.tiktok.add("ana", 1)
    world.tiktok.go_live("ana")
    await world.watchlist.add(BY, "@ana", CHANNEL, None)
    await world.monitor.check_now(BY, "ana")
    async with database.read() as conn:
        assert (await conn.execute(select(lives.c.phase))).scalar_one() == "on"
        assert not await recordings.anything_to_record(conn)


async def test_a_restart_in_a_new_room_goes_on_in_one_recording(world: LiveWorld, clock: ManualClock) -> None:
    before = await recording(world)
    clock.advance(300)
    world.tiktok.go_live("ana")
    await world.monitor.check_now(BY, "ana")
    after = await recording(world)
    assert after["live_id"] == before["live_id"]
    assert after["room_id"] > before["room_id"]


async def test_an_end_that_the_recorder_saw_costs_no_request(world: LiveWorld, clock: ManualClock) -> None:
    clock.advance(90)
    ended_at = clock.now()
    world.tiktok.end("ana")
    asked = len(world.tiktok.asked)
    clock.advance(1)
    await said(world, ended_at=ended_at)
    await world.monitor.followup_step()
    assert len(world.tiktok.asked) == asked
    assert (await live(world))["ended_at"] == ended_at
    assert (await recording(world))["state"] == "done"


async def test_an_end_is_taken_in_while_tiktok_is_left_alone(world: LiveWorld, clock: ManualClock) -> None:
    await said(world, ended_at=clock.now())
    async with world.database.write("test.block") as conn:
        await sources.hold(conn, SOURCE, clock.now() + HOUR)
    await world.monitor.followup_step()
    assert (await live(world))["phase"] == "ended"


async def test_a_live_that_goes_on_after_an_end_that_was_seen_is_recorded_again(
    world: LiveWorld, clock: ManualClock
) -> None:
    await said(world, ended_at=clock.now())
    await world.monitor.followup_step()
    clock.advance(60)
    await world.monitor.check_now(BY, "ana")
    row = await recording(world)
    assert (row["state"], row["ended_seen_at"]) == ("waiting", None)


async def test_a_pause_and_its_end_are_taken_in(world: LiveWorld, clock: ManualClock) -> None:
    paused_at = clock.now()
    await said(world, paused_at=paused_at)
    await world.monitor.followup_step()
    assert (await live(world))["paused_at"] == paused_at
    await said(world, resumed=True)
    await world.monitor.followup_step()
    assert (await live(world))["paused_at"] is None


async def test_a_pause_that_a_check_saw_is_not_undone_by_a_recorder_that_did_not(
    world: LiveWorld, clock: ManualClock
) -> None:
    clock.advance(60)
    world.tiktok.people[0].paused = True
    await world.monitor.check_now(BY, "ana")
    paused_at = (await live(world))["paused_at"]
    await world.monitor.followup_step()
    assert paused_at is not None
    assert (await live(world))["paused_at"] == paused_at
    world.tiktok.people[0].paused = False
    clock.advance(60)
    await world.monitor.check_now(BY, "ana")
    await world.monitor.followup_step()
    assert (await live(world))["paused_at"] is None


async def test_viewers_of_a_live_that_cannot_be_recorded_are_polled_each_three_minutes(
    world: LiveWorld,
) -> None:
    async with world.database.write("test.degrade") as conn:
        await conn.execute(update(table).values(state=RecordingState.DEGRADED))
    asked = world.tiktok.count("check")
    await world.run_for(HOUR)
    assert world.tiktok.count("check") - asked == pytest.approx(20, abs=1)


async def test_polling_leaves_half_of_the_budget_to_the_ends(world: LiveWorld) -> None:
    world.restart(record_lives=True, followup_per_day=40)
    async with world.database.write("test.degrade") as conn:
        await conn.execute(update(table).values(state=RecordingState.DEGRADED))
    await world.run_for(5 * HOUR)
    polls = [row for row in await world.ledger("followup") if row["purpose"] == "viewers"]
    assert 0 < len(polls) <= 20
    assert len(await world.ledger("followup")) <= 40


@pytest.mark.parametrize(("checked", "counted"), [(279, 290), (290, 279)])
async def test_all_that_is_told_of_a_live_names_one_highest_count(
    world: LiveWorld, clock: ManualClock, checked: int, counted: int
) -> None:
    row = await recording(world)
    async with world.database.write("test.counts") as conn:
        await conn.execute(update(lives).values(peak_viewers=checked))
        await conn.execute(update(table).values(peak_viewers=counted, peak_at=clock.now()))
    await said(world, ended_at=clock.now())
    await world.monitor.followup_step()
    async with world.database.read() as conn:
        told = await stream_reading.recorded_live(conn, row["live_id"])
        (message,) = (await conn.execute(select(outbox.c.message))).scalars()
    assert (await live(world))["peak_viewers"] == told.peak_viewers == 290
    assert (told.peak_at is None) is (counted < checked)
    assert "290" in str(message)
