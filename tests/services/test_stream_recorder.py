"""What a recorder makes of lives, whatever the platform, the signing service and the database do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from bot.core.streams.events import Ended, Paused, Resumed
from bot.errors import SourceUnavailable, StorageError
from bot.ports import Ending, SignLimit
from bot.storage import recordings, streams
from bot.storage.engine import Database
from bot.storage.recordings import LEASE
from tests.clocks import ManualClock
from tests.services.stream_world import StreamWorld, comment, limits, rose, watching

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> StreamWorld:
    return StreamWorld(database, clock)


async def test_what_happens_in_a_live_is_counted_to_its_end(world: StreamWorld, clock: ManualClock) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    assert (await world.row())["state"] == "recording"
    world.source.send(room, comment(clock.now(), 1))
    for count in (1, 2, 3):
        world.source.send(room, rose(clock.now(), count))
    await world.seconds(60)
    world.source.send(room, Ended(at=clock.now()))
    world.source.end(room, Ending.LIVE_ENDED)
    await world.recorder.rooms[0].stopped()
    await world.seconds(1)
    assert (await world.row())["ended_seen_at"] == clock.now() - SECOND
    assert world.news == 1
    await world.ends(live)
    await world.seconds(2)
    recorded = await world.recorded()
    assert (recorded.comments, recorded.gifts, recorded.diamonds) == (1, 3, 3)
    assert recorded.connected_seconds == 60
    assert (recorded.state, (await world.row())["holder"]) == ("done", "")
    assert world.recorder.rooms == ()
    assert [row["answer"] for row in await world.signed()] == ["connected"]


async def test_a_killed_recorder_loses_the_last_second_and_the_next_goes_on_in_the_same_live(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    world.source.send(room, comment(clock.now(), 1))
    world.source.send(room, rose(clock.now(), 5))
    await world.seconds(1)
    world.source.send(room, comment(clock.now(), 2))  # is lost with the recorder
    world.recorder.rooms[0].stop()
    await world.recorder.rooms[0].stopped()
    world.recorder = world.another("second")
    await world.seconds(LEASE.total_seconds() - 1)
    assert world.recorder.rooms == ()
    await world.seconds(1)
    await world.is_recorded(live)
    world.source.send(room, comment(clock.now(), 1))  # replayed
    world.source.send(room, rose(clock.now(), 7))
    await world.seconds(1)
    recorded = await world.recorded()
    assert (recorded.comments, recorded.gifts, recorded.people, recorded.connections) == (1, 7, 1, 2)
    assert recorded.connected_seconds == 2


async def test_a_recorder_that_lost_a_room_to_another_writes_nothing_of_it(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    late, world.recorder = world.recorder, world.another("second")
    clock.advance(LEASE.total_seconds())
    world.source.send(room, comment(clock.now(), 1))
    async with world.database.write("test.steal") as conn:
        assert len(await recordings.claim(conn, "second", clock.now(), most=1)) == 1
    await late.step()
    assert (await world.recorded()).comments == 0
    assert late.rooms == ()
    assert (await world.row())["holder"] == "second"


async def test_a_recorder_that_was_only_late_keeps_its_room_and_what_it_counted(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    await world.is_recorded(live)
    world.source.send(live.room_ids[0], comment(clock.now(), 1))
    clock.advance(2 * LEASE.total_seconds())
    await world.seconds(1)
    assert (await world.recorded()).comments == 1


async def test_a_lost_connection_is_made_again_later_and_later_while_the_live_is_on(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    world.source.answers = [SourceUnavailable("no"), SourceUnavailable("no")]
    world.source.end(room)
    pauses = []
    for _ in range(3):
        (pause,) = await clock.asleep(1)
        pauses.append(pause)
        clock.advance(pause)
        await world.source.tried(len(pauses) + 1)
    assert pauses == [5, 15, 45]
    await world.seconds(1)
    assert (await world.row())["state"] == "recording"
    assert [row["purpose"] for row in await world.signed()] == ["connect", *["reconnect"] * 3]


async def test_a_connection_that_never_holds_for_long_is_made_again_later_and_later(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    pauses = []
    for held in (61, 61, 61, 600):
        clock.advance(held)
        world.source.end(room)
        (pause,) = await clock.asleep(1)
        pauses.append(pause)
        clock.advance(pause)
        await world.source.connected(room)
    assert pauses == [5, 15, 45, 5]


async def test_time_without_a_connection_is_not_counted(world: StreamWorld, clock: ManualClock) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    await world.seconds(30)
    world.source.end(room, Ending.SILENT)
    await clock.asleep(1)
    await world.seconds(1)
    lost = await world.row()
    assert (lost["state"], lost["trouble"]) == ("waiting", "nothing came any more; it connects again")
    await world.seconds(4)
    await world.source.connected(room)
    await world.seconds(25)
    recorded = await world.recorded()
    assert recorded.connected_seconds == pytest.approx(55)
    assert recorded.recorded_share(clock.now()) == pytest.approx(55 / 60)
    assert (recorded.state, recorded.trouble) == ("recording", "")


async def test_a_new_room_is_followed_at_once_in_the_same_recording(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    world.source.send(room, comment(clock.now(), 1))
    world.source.send(room, Ended(at=clock.now()))
    world.source.end(room, Ending.LIVE_ENDED)
    await world.recorder.rooms[0].stopped()
    await world.seconds(1)
    assert world.source.open_rooms == set()
    await world.now_is(live, room_ids=(room, room + 1))
    await world.seconds(1)
    await world.source.connected(room + 1)
    world.source.send(room + 1, comment(clock.now(), 2))
    await world.seconds(1)
    assert (await world.recorded()).comments == 2
    assert world.source.watched == [room, room + 1]


async def test_a_room_that_moves_while_it_is_watched_is_left_for_the_new_one(world: StreamWorld) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    await world.now_is(live, room_ids=(room, room + 1))
    await world.seconds(1)
    await world.recorder.rooms[0].stopped()
    await world.seconds(1)
    await world.source.connected(room + 1)
    assert world.source.open_rooms == {room + 1}


async def test_one_that_is_stopped_by_hand_is_saved_and_let_go_and_can_be_started_again(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    await world.is_recorded(live)
    world.source.send(live.room_ids[0], comment(clock.now(), 1))
    async with world.database.write("test.stop") as conn:
        await recordings.stop(conn, 1, 42)
    await world.seconds(1)
    await world.recorder.rooms[0].stopped()
    await world.seconds(1)
    assert world.recorder.rooms == ()
    assert ((await world.recorded()).comments, (await world.row())["state"]) == (1, "stopped")
    async with world.database.write("test.start") as conn:
        await recordings.start(conn, 1, 1, live.room_ids[0], clock.now())
    await world.is_recorded(live)
    assert (await world.row())["state"] == "recording"


async def test_a_pause_and_its_end_are_reported(world: StreamWorld, clock: ManualClock) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    world.source.send(room, Paused(at=clock.now()))
    await world.seconds(1)
    assert (await world.row())["paused_seen_at"] == clock.now() - SECOND
    world.source.send(room, Resumed(at=clock.now()))
    await world.seconds(1)
    assert (await world.row())["paused_seen_at"] is None
    assert world.news == 2


# --- Signing ------------------------------------------------------------------------------------


async def test_a_day_limit_that_is_used_up_degrades_until_it_resets_and_says_so(
    world: StreamWorld, clock: ManualClock
) -> None:
    reset = clock.now() + 2 * HOUR
    world.source.limits = (SignLimit(window="day", most=100, remaining=0, resets_at=reset),)
    live = await world.go_live()
    await world.recorder.step()
    await clock.asleep(1)
    await world.seconds(1)
    row = await world.row()
    assert row["state"] == "degraded"
    assert row["trouble"] == "the signing service's limit for a day is used up, until 2026-11-21 22:00 UTC"
    assert (world.source.watched, world.news) == ([], 1)
    world.source.limits = limits(day=100)
    clock.advance(2 * HOUR.total_seconds())
    await world.source.connected(live.room_ids[0])
    await world.seconds(1)
    assert (await world.row())["state"] == "recording"


async def test_a_degraded_recording_keeps_the_viewers_that_were_polled(
    world: StreamWorld, clock: ManualClock
) -> None:
    reset = clock.now() + 2 * HOUR
    world.source.limits = (SignLimit(window="day", most=100, remaining=0, resets_at=reset),)
    await world.go_live(viewers=12)
    await world.recorder.step()
    await clock.asleep(1)
    await world.seconds(1)
    clock.advance(180)
    await world.polled(40)
    await world.seconds(2)
    recorded = await world.recorded()
    assert (recorded.viewers, recorded.peak_viewers, recorded.connected_seconds) == (40, 40, 0)


async def test_fifteen_rooms_keep_the_limit_of_a_minute_and_a_fifth_is_for_new_lives(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source.limits = limits(minute=5, day=1000)
    lives = [await world.go_live(f"ana{number}") for number in range(5)]
    await world.recorder.step()
    for live in lives:
        await world.source.connected(live.room_ids[0])
    await world.seconds(1)
    world.source.end(lives[0].room_ids[0])
    clock.advance(5)
    await clock.asleep(1)
    await world.seconds(40)
    assert len(world.source.watched) == 5
    await world.seconds(30)
    await world.source.connected(lives[0].room_ids[0])
    assert len(world.source.watched) == 6


async def test_the_last_fifth_of_a_day_is_not_spent_on_reconnects(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source.limits = limits(day=5)
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    for pause in (5, 15, 45):
        world.source.end(room)
        await clock.asleep(1)
        clock.advance(pause)
        await world.source.connected(room)
    world.source.end(room)
    await clock.asleep(1)
    clock.advance(120)
    await clock.asleep(1)
    await world.seconds(1)
    assert len(world.source.watched) == 4
    assert (await world.row())["state"] == "degraded"
    other = await world.go_live("bea")
    await world.seconds(1)
    await world.source.connected(other.room_ids[0])


async def test_a_signing_service_that_is_down_is_left_alone_by_all_rooms(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source.answers = [SourceUnavailable("the signing service does not answer") for _ in range(1000)]
    for number in range(15):
        await world.go_live(f"ana{number}")
    await world.recorder.step()
    for _ in range(120):
        await clock.asleep(15)
        clock.advance(30)
        await world.recorder.step()
    assert 8 <= len(await world.signed()) - 15 <= 16
    assert {row["state"] for row in await world.rows()} == {"degraded"}
    assert "does not answer" in (await world.row())["trouble"]


async def test_a_refusal_with_a_time_holds_for_every_room(world: StreamWorld, clock: ManualClock) -> None:
    world.source.answers = [SourceUnavailable("too many", retry_after_seconds=900)]
    await world.go_live()
    await world.recorder.step()
    await clock.asleep(1)
    await world.go_live("bea")
    for _ in range(20):
        clock.advance(30)
        await world.recorder.step()
        await clock.asleep(2)
    assert len(world.source.watched) == 1
    assert [row["answer"] for row in await world.signed()] == ["refused"]


# --- Trouble ------------------------------------------------------------------------------------


async def test_what_cannot_be_saved_is_kept_and_saved_once_later(
    world: StreamWorld, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)

    async def refuse(*_: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(streams, "save", refuse)
        for number in range(1, 8):
            world.source.send(room, comment(clock.now(), number))
            world.source.send(room, rose(clock.now(), number))
            await world.seconds(1)
    assert (await world.recorded()).comments == 0
    await world.seconds(2)
    recorded = await world.recorded()
    assert (recorded.comments, recorded.gifts) == (7, 7)
    assert recorded.connected_seconds == pytest.approx(9)


async def test_one_room_that_cannot_be_saved_does_not_keep_the_others_from_it(
    world: StreamWorld, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = [await world.go_live(), await world.go_live("bea")]
    await world.recorder.step()
    save = streams.save

    async def picky(conn: object, live_id: int, batch: object) -> None:
        if live_id == 1:
            await conn.execute(sql("SELECT * FROM there_is_none"))
        await save(conn, live_id, batch)

    monkeypatch.setattr(streams, "save", picky)
    await world.source.connected(lives[1].room_ids[0])
    world.source.send(lives[1].room_ids[0], comment(clock.now(), 1))
    await world.seconds(6)
    assert (await world.recorded(2)).comments == 1


async def test_a_stream_that_fails_unexpectedly_ends_its_own_connection_alone(
    world: StreamWorld, clock: ManualClock
) -> None:
    lives = [await world.go_live(), await world.go_live("bea")]
    await world.recorder.step()
    for live in lives:
        await world.source.connected(live.room_ids[0])
    world.source.end(lives[0].room_ids[0], RuntimeError("a bug"))
    await clock.asleep(1)
    await world.seconds(1)
    assert "incident" in (await world.row())["trouble"]
    await world.seconds(5)
    await world.source.connected(lives[0].room_ids[0])
    assert len(world.source.open_rooms) == 2


async def test_a_stop_saves_what_there_is_closes_all_and_gives_the_rooms_back(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    await world.is_recorded(live)
    clock.advance(0.5)
    world.source.send(live.room_ids[0], watching(clock.now(), 30))
    await world.recorder.close()
    row = await world.row()
    assert (row["holder"], row["viewers"], row["connected_seconds"]) == ("", 30, 0.5)
    assert world.source.open_rooms == set()


async def test_fifteen_rooms_are_recorded_by_one(world: StreamWorld, clock: ManualClock) -> None:
    lives = [await world.go_live(f"ana{number}") for number in range(15)]
    await world.recorder.step()
    for live in lives:
        await world.source.connected(live.room_ids[0])
    for number in range(1, 4):
        for live in lives:
            world.source.send(live.room_ids[0], comment(clock.now(), number))
        await world.seconds(1)
    assert [row["comments"] for row in await world.rows()] == [3] * 15
