"""What a recorder makes of rooms that are quiet, refused or stuck: it spends little and keeps nobody else waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.streams.events import Ended
from bot.errors import SourceUnavailable, StorageError
from bot.ports import Ending
from bot.storage import streams
from bot.storage.engine import Database
from bot.storage.recordings import LEASE
from tests.clocks import ManualClock
from tests.services.stream_world import MemoryStreams, StreamWorld, limits, rose


@pytest.fixture
async def world(database: Database, clock: ManualClock) -> StreamWorld:
    return StreamWorld(database, clock)


async def test_a_room_in_which_nothing_happens_costs_few_signed_requests_a_day(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    passed = 0.0
    for _ in range(55):
        silent = world.source.patience[-1]
        clock.advance(silent)
        world.source.end(room, Ending.SILENT)
        passed += silent + await pause_is_over(world, room)
    assert world.source.patience[:6] == [60, 120, 240, 480, 960, 1800]
    assert passed > 24 * 3600
    clock.advance(1800 + 600)  # it was heard for ten minutes: it is not quiet any more
    world.source.end(room, Ending.SILENT)
    await pause_is_over(world, room)
    assert world.source.patience[-1] == 60


async def pause_is_over(world: StreamWorld, room: int) -> float:
    """Let the recorder's pause pass, and wait until it is connected again; gives its seconds."""
    (pause,) = await world.clock.asleep(1)
    world.clock.advance(pause)
    await world.source.connected(room)
    return pause


async def test_nobody_connects_before_it_is_known_what_may_be_signed(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source.limits = limits(minute=5, day=1000)
    world.source.may_tell.clear()
    for number in range(8):
        await world.go_live(f"ana{number}")
    await world.recorder.step()
    while not world.source.asked_for_limits:
        await clock.sleep(0)
    await world.recorder.step()  # waits its turn behind whoever has something to write
    assert world.source.watched == []
    world.source.may_tell.set()
    await world.source.tried(5)
    await clock.asleep(3)
    assert (len(world.source.watched), world.source.asked_for_limits) == (5, 1)


async def test_a_room_that_cannot_be_saved_keeps_no_new_live_from_being_taken_up(
    world: StreamWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.is_recorded(await world.go_live())

    async def refuse(*_: object) -> None:
        raise StorageError("this one never")

    monkeypatch.setattr(streams, "save", refuse)
    other = await world.go_live("bea")
    await world.seconds(6)
    assert {room.room.handle for room in world.recorder.rooms} == {"ana", "bea"}
    await world.source.connected(other.room_ids[0])


async def test_a_save_longer_than_a_lease_takes_no_room_up_twice(
    world: StreamWorld, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    save = streams.save

    async def slow(conn: object, live_id: int, batch: object) -> None:
        await save(conn, live_id, batch)
        clock.advance(LEASE.total_seconds())

    with monkeypatch.context() as patch:
        patch.setattr(streams, "save", slow)
        world.source.send(room, rose(clock.now(), 1))
        await world.recorder.step()
    world.source.send(room, rose(clock.now(), 4))
    await world.seconds(2)
    recorded = await world.recorded()
    assert (recorded.diamonds, recorded.connections, world.source.watched) == (4, 1, [room])


async def test_a_live_that_never_lets_us_in_leaves_the_last_fifth_to_others(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source.limits = limits(day=10)
    world.source.answers = [SourceUnavailable("refused", blocked=True) for _ in range(100)]
    await world.go_live()
    await world.recorder.step()
    for _ in range(30):
        await clock.asleep(1)
        clock.advance(300)
        await world.recorder.step()
    assert len(world.source.watched) == 8
    world.source.answers = []
    other = await world.go_live("bea")
    await world.seconds(1)
    await world.source.connected(other.room_ids[0])


async def test_the_end_of_a_room_that_the_live_has_left_keeps_nobody_from_the_new_one(
    world: StreamWorld, clock: ManualClock
) -> None:
    live = await world.go_live()
    (room,) = live.room_ids
    await world.is_recorded(live)
    take = world.source.taker(room)
    await world.now_is(live, room_ids=(room, room + 1))
    await world.seconds(1)
    take(Ended(at=clock.now()))  # it was on its way
    await world.recorder.rooms[0].stopped()
    await world.seconds(1)
    assert world.recorder.rooms[0].is_still is False
    await world.source.connected(room + 1)


class SlowToClose(MemoryStreams):
    """Each connection takes its time to say goodbye."""

    goodbye: asyncio.Event
    goodbyes = 0

    async def watch(self, *room: Any, **how: Any) -> Ending:
        try:
            return await super().watch(*room, **how)
        finally:
            await self.goodbye.wait()
            self.goodbyes += 1


async def test_a_connection_that_closes_slowly_is_closed_to_its_end(
    world: StreamWorld, clock: ManualClock
) -> None:
    world.source = source = SlowToClose(clock)
    source.goodbye = asyncio.Event()
    world.recorder = world.another("slow")
    live = await world.go_live()
    await world.is_recorded(live)
    (room,) = world.recorder.rooms
    await world.ends(live)
    await world.seconds(3)
    source.goodbye.set()
    await room.stopped()
    assert source.goodbyes == 1
    await world.seconds(1)
    assert world.recorder.rooms == ()


async def test_a_room_that_cannot_be_saved_takes_nothing_from_the_others_at_a_stop(
    world: StreamWorld, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = [await world.go_live(), await world.go_live("bea")]
    await world.recorder.step()
    for live in lives:
        await world.source.connected(live.room_ids[0])
    save = streams.save

    async def picky(conn: Any, live_id: int, batch: Any) -> None:
        if live_id == 1:
            raise StorageError("this one never")
        await save(conn, live_id, batch)

    monkeypatch.setattr(streams, "save", picky)
    world.source.send(lives[1].room_ids[0], rose(clock.now(), 3))
    await world.recorder.close()
    assert (await world.recorded(2)).diamonds == 3
