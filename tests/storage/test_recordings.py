"""Who records which live: the lease, what is wanted, and the table of a recording's states."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from bot.core.live.models import Person, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.core.streams.recording import ACTIVE, Happening, RecordingState, after
from bot.storage import live as store
from bot.storage import recordings, subscriptions
from bot.storage.engine import Connection, Database
from bot.storage.recordings import LEASE, Report
from bot.storage.stream_tables import recordings as table
from bot.storage.stream_tables import stream_choices
from bot.storage.subscriptions import Subscription
from tests.clocks import START

ROOM = 7_000_000_000_000_000_000
SECOND = timedelta(seconds=1)


async def a_live(conn: Connection, handle: str = "ana", *, number: int = 1) -> tuple[int, int, Live]:
    """Follow somebody in one guild who is live; gives the account, the live's id and the live."""
    person = Person(platform_id=number, handle=handle)
    account = await store.add_account(conn, person, ProfileState.ACTIVE, START)
    follower = Subscription(account_id=account.id, guild_id=1, channel_id=number, role_id=None, paused=False)
    await subscriptions.subscribe(conn, follower, 42, START)
    live = Live(
        phase=Phase.ON, room_ids=(ROOM + number,), started_at=START, found_at=START, last_seen_at=START
    )
    return account.id, await store.add_live(conn, account.id, live), live


async def wanted(conn: Connection, account_id: int, live_id: int, live: Live, now: datetime = START) -> None:
    await recordings.keep_up(conn, live_id, account_id, live, now, record=True)


async def stored(conn: Connection) -> list[dict]:
    return [dict(row) for row in (await conn.execute(select(table).order_by(table.c.live_id))).mappings()]


async def test_a_live_is_recorded_unless_every_guild_switched_it_off(database: Database) -> None:
    async with database.write("test") as conn:
        account_id, live_id, live = await a_live(conn)
        choice = {"account_id": account_id, "record": False, "set_by": 42, "set_at": START}
        await conn.execute(insert(stream_choices).values(guild_id=1, **choice))
        await conn.execute(insert(stream_choices).values(guild_id=2, **choice | {"record": True}))
        await wanted(conn, account_id, live_id, live)
        assert await stored(conn) == []
        other = Subscription(account_id=account_id, guild_id=3, channel_id=9, role_id=None, paused=False)
        await subscriptions.subscribe(conn, replace(other, paused=True), 42, START)
        assert not await recordings.is_wanted(conn, account_id)
        await subscriptions.subscribe(conn, replace(other, channel_id=10), 42, START)
        await recordings.keep_up(conn, live_id, account_id, live, START, record=False)
        assert await stored(conn) == []
        await wanted(conn, account_id, live_id, live)
        (row,) = await stored(conn)
    assert (row["state"], row["room_id"], row["wanted_at"]) == ("waiting", live.room_ids[0], START)


async def test_a_recording_follows_its_live_to_a_new_room_to_its_end_and_back(database: Database) -> None:
    async with database.write("test") as conn:
        account_id, live_id, live = await a_live(conn)
        await wanted(conn, account_id, live_id, live)
        await conn.execute(update(table).values(state="recording", ended_seen_at=START))
        moved = replace(live, room_ids=(*live.room_ids, ROOM + 50))
        await wanted(conn, account_id, live_id, moved)
        (row,) = await stored(conn)
        assert (row["state"], row["room_id"], row["ended_seen_at"]) == ("recording", ROOM + 50, None)
        await wanted(conn, account_id, live_id, replace(moved, phase=Phase.ENDED, ended_at=START))
        assert (await stored(conn))[0]["state"] == "done"
        await wanted(conn, account_id, live_id, moved)
        assert (await stored(conn))[0]["state"] == "waiting"


async def test_one_that_was_stopped_stays_so_until_it_is_started(database: Database) -> None:
    async with database.write("test") as conn:
        account_id, live_id, live = await a_live(conn)
        assert await recordings.stop(conn, live_id, 42) is None
        assert await recordings.start(conn, live_id, account_id, live.room_ids[0], START) is None
        assert await recordings.start(conn, live_id, account_id, live.room_ids[0], START) == "waiting"
        assert await recordings.stop(conn, live_id, 42) == "waiting"
        await wanted(conn, account_id, live_id, replace(live, phase=Phase.ENDED, ended_at=START))
        await wanted(conn, account_id, live_id, live)
        (row,) = await stored(conn)
        assert (row["state"], row["stopped_by"]) == ("stopped", 42)
        assert await recordings.start(conn, live_id, account_id, live.room_ids[0], START) == "stopped"
        (row,) = await stored(conn)
        assert (row["state"], row["stopped_by"]) == ("waiting", None)


async def test_a_room_has_one_recorder_until_its_lease_is_over(database: Database) -> None:
    async with database.write("test") as conn:
        await wanted(conn, *await a_live(conn))
        await wanted(conn, *await a_live(conn, "bea", number=2), now=START + SECOND)
        (mine,) = await recordings.claim(conn, "a", START, most=1)
        (theirs,) = await recordings.claim(conn, "b", START, most=15)
        assert (mine.handle, theirs.handle) == ("ana", "bea")
        assert await recordings.free_rooms(conn, START + LEASE - SECOND) == ()
        assert await recordings.renew(conn, "a", START + LEASE - SECOND) == (mine,)
        taken = await recordings.claim(conn, "b", START + LEASE, most=15)
        assert [room.handle for room in taken] == ["bea"]
        (taken,) = await recordings.claim(conn, "b", START + 3 * LEASE, most=1)
        assert (taken.handle, taken.epoch) == ("ana", mine.epoch + 1)
        assert await recordings.renew(conn, "a", START + 3 * LEASE) == ()
        await recordings.leave(conn, "a", mine)
        assert len(await recordings.renew(conn, "b", START + 3 * LEASE)) == 2
        await recordings.leave(conn, "b", taken)
        assert [room.handle for room in await recordings.free_rooms(conn, START + 3 * LEASE)] == ["ana"]


async def test_a_clock_that_was_set_back_and_a_dead_recorder_leave_no_room_behind(database: Database) -> None:
    async with database.write("test") as conn:
        await wanted(conn, *await a_live(conn))
        await recordings.claim(conn, "a", START, most=15)
        earlier = START - timedelta(hours=1)
        assert len(await recordings.free_rooms(conn, earlier)) == 1
        assert await recordings.free_of(conn, "b") == 0
        assert await recordings.free_of(conn, "a") == 1
        assert len(await recordings.free_rooms(conn, START)) == 1


async def test_what_a_recorder_saw_counts_for_the_room_it_saw_it_in(database: Database) -> None:
    async with database.write("test") as conn:
        account_id, live_id, live = await a_live(conn)
        await wanted(conn, account_id, live_id, live)
        here = live.room_ids[0]
        paused = Report(room_id=here, happening=Happening.CONNECTED, paused_at=START, trouble="")
        assert await recordings.report(conn, live_id, paused) == "recording"
        (seen,) = (await recordings.seen_in_open_lives(conn)).values()
        assert (seen.state, seen.paused_at, seen.ended_at) == ("recording", START, None)
        await recordings.report(conn, live_id, Report(room_id=here, resumed=True))
        await recordings.report(conn, live_id, Report(room_id=here - 5, ended_at=START, trouble="lost"))
        (row,) = await stored(conn)
        assert (row["ended_seen_at"], row["paused_seen_at"], row["trouble"]) == (None, None, "lost")
        await recordings.report(conn, live_id, Report(room_id=here, ended_at=START + SECOND))
        assert (await stored(conn))[0]["ended_seen_at"] == START + SECOND


@pytest.mark.parametrize("happening", Happening)
@pytest.mark.parametrize("state", RecordingState)
def test_every_pair_of_the_table(state: RecordingState, happening: Happening) -> None:
    drawn = {
        (Happening.CONNECTED, True): "recording",
        (Happening.LOST, True): "degraded" if state == "degraded" else "waiting",
        (Happening.UNSIGNED, True): "degraded",
        (Happening.STOPPED, True): "stopped",
        (Happening.ENDED, True): "done",
        (Happening.STARTED, False): "waiting",
        (Happening.REOPENED, False): "waiting" if state == "done" else state,
    }
    assert after(state, happening) == drawn.get((happening, state in ACTIVE), state)
