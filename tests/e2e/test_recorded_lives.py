"""Scripted lives from the stand-in over the source and the recorder into the database: totals equal the script.

The stand-in is a process of its own; source and recorder run here by a clock that is moved by hand, so that a minute
of silence takes no time. `test_recording_bot.py` plays lives against the whole bot.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.core.live.models import Person, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.services.stream_recorder import StreamRecorder
from bot.storage import live as store
from bot.storage import recordings, subscriptions
from bot.storage.engine import Database
from bot.storage.stream_tables import contributions, stream_minutes, stream_people
from bot.storage.stream_tables import recordings as table
from bot.storage.tables import accounts, lives
from tests.clocks import ManualClock
from tests.e2e.scripted_lives import COUNTS, ScriptedLive
from tools.sandbox.processes import StandIn
from tools.sandbox.scene import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
# What is special about an engine is told by the shorter stories.
on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Recording:
    """A recorder on a database, and the lives that are to be recorded."""

    def __init__(self, tiktok: StandIn, database: Database, clock: ManualClock, source) -> None:
        self.tiktok = tiktok
        self.database = database
        self.clock = clock
        self.source = source
        self.recorder = self._recorder("first")

    def _recorder(self, holder: str) -> StreamRecorder:
        return StreamRecorder(
            database=self.database,
            source=self.source,
            clock=self.clock,
            holder=holder,
            chance=lambda: 0.5,
        )

    async def on(self, handle: str, script: ScriptedLive | None = None) -> ScriptedLive:
        """Have somebody go live, the monitor find it and the recorder watch it."""
        if script is None:
            script = ScriptedLive(self.tiktok, handle)
            await script.create()
        room_id = await script.go_live()
        await self._found(script.handle, script.host_id, room_id)
        await self.recorder.step()
        await script.watched()
        return script

    async def _found(self, handle: str, host_id: int, room_id: int) -> None:
        now = self.clock.now()
        live = Live(
            phase=Phase.ON, room_ids=(room_id,), started_at=now, found_at=now, last_seen_at=now, viewers=3
        )
        async with self.database.write("test.live") as conn:
            person = Person(platform_id=host_id, handle=handle)
            account = await store.add_account(conn, person, ProfileState.ACTIVE, now)
            follower = subscriptions.Subscription(
                account_id=account.id, guild_id=1, channel_id=1, role_id=None, paused=False
            )
            await subscriptions.subscribe(conn, follower, 42, now)
            live_id = await store.add_live(conn, account.id, live)
            await recordings.keep_up(conn, live_id, account.id, live, now, record=True)

    async def goes_on(self, script: ScriptedLive) -> None:
        """Have the host begin anew soon enough to be the same live, and the monitor find it."""
        room_id, now = await script.go_live(), self.clock.now()
        async with self.database.write("test.move") as conn:
            row = (await conn.execute(select(lives))).mappings().one()
            old_room = (await conn.execute(select(table.c.room_id))).scalar_one()
            live = Live(
                phase=Phase.ON,
                room_ids=(old_room, room_id),
                started_at=row["started_at"],
                found_at=row["found_at"],
                last_seen_at=now,
                viewers=3,
            )
            await store.save_live(conn, row["id"], live)
            await recordings.keep_up(conn, row["id"], row["account_id"], live, now, record=True)
        await self.again(script, 2)

    async def restart(self) -> None:
        """End the recorder and start another one."""
        await self.recorder.close()
        self.recorder = self._recorder("second")
        await self.recorder.step()

    async def seconds(self, count: int, *, step: int = 1) -> None:
        for _ in range(0, count, step):
            self.clock.advance(step)
            await self.recorder.step()

    async def again(self, script: ScriptedLive, connections: int) -> None:
        """Let the recorder connect again."""

        async def is_watched() -> bool:
            await self.seconds(5, step=5)
            return await script.is_watched(connections)

        await until(is_watched, "it was connected again")

    async def equals(self, script: ScriptedLive) -> dict:
        """Save, and compare everything with the script; gives the row."""
        await script.heard()
        await self.seconds(2)
        async with self.database.read() as conn:
            query = select(table).join(accounts, accounts.c.id == table.c.account_id)
            found = await conn.execute(query.where(accounts.c.handle == script.handle))
            row = dict(found.mappings().one())
            minutes = (
                await conn.execute(select(stream_minutes).where(stream_minutes.c.live_id == row["live_id"]))
            ).mappings()
            summed = dict.fromkeys(COUNTS, 0)
            for minute in minutes:
                for name in summed:
                    summed[name] += minute.get(name, 0)
            people = await conn.execute(
                select(stream_people.c.handle, contributions.c.diamonds)
                .join(stream_people, stream_people.c.person_id == contributions.c.person_id)
                .where(contributions.c.live_id == row["live_id"], contributions.c.gifts > 0)
            )
            diamonds_of = dict(tuple(person) for person in people)
        expected = script.expected()
        assert {name: row[name] for name in COUNTS} == expected
        of_all_minutes = {name: count for name, count in expected.items() if name in COUNTS_OF_MINUTES}
        assert {name: summed[name] for name in COUNTS_OF_MINUTES} == of_all_minutes
        assert diamonds_of == script.diamonds_of
        assert row["peak_viewers"] == script.peak_viewers
        return row


COUNTS_OF_MINUTES = tuple(name for name in COUNTS if name not in {"commenters", "gifters", "unvalued_gifts"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standin() -> AsyncIterator[StandIn]:
    async with StandIn("tiktok") as standin:
        yield standin


@pytest_asyncio.fixture(loop_scope="module")
async def world(standin: StandIn, database: Database) -> AsyncIterator[Recording]:
    from bot.sources.tiktok.stream import TikTokStreamSource

    await standin.control("DELETE", "accounts")
    clock = ManualClock(datetime.now(UTC))  # noqa: TID251 - the stand-in tells real times
    async with TikTokStreamSource(
        sign_api_url=standin.facts["sign"], sign_api_key="a-key", timeout_seconds=10, clock=clock
    ) as source:
        world = Recording(standin, database, clock, source)
        yield world
        await world.recorder.close()
        await database.close()  # in the loop that used it


async def test_everything_that_is_told_is_counted(world):
    ana = await world.on("ana")
    ana.comment("ben")
    ana.comment("ben", "and again")
    ana.comment("cleo")
    ana.like("ben", 15)
    ana.like("cleo", 1)
    ana.viewers(77)
    ana.viewers(12)
    for kind in ("join", "follow", "share", "subscribe"):
        ana.person(kind, "ben")
    ana.gift("ben", "Rose", 17)
    ana.gift("cleo", "Galaxy")
    await ana.send()
    ana.gift("cleo", "Finger Heart", 3)
    await ana.send(together=True, compress=False)
    row = await world.equals(ana)
    assert (row["viewers"], row["room_likes"], row["entered"]) == (12, 16, 77)


async def test_lost_ends_and_lost_steps_of_streaks_change_nothing(world):
    ana = await world.on("ana")
    ana.streak("ben", "Rose", [1, 2, 5])  # 3 and 4 are lost, and the end
    ana.streak("ben", "Rose", [1, 2])  # the next one begins
    ana.streak("ben", "Rose", [4], end=True)  # the beginning is lost
    ana.streak("cleo", "Perfume", [1, 2, 3])
    late = ana.streak("cleo", "Finger Heart", [3])
    ana.streak("cleo", "Finger Heart", [1, 2], group=late)  # out of order
    await ana.send()
    await world.seconds(50, step=5)
    ana.streak("cleo", "Finger Heart", [7], group=late, end=True)  # after a while
    await ana.send()
    await world.equals(ana)


async def test_every_frame_three_times_is_counted_once(world):
    ana = await world.on("ana")
    ana.comment("ben")
    ana.like("ben", 40)
    ana.gift("ben", "Rose", 5)
    ana.gift("ben", "Lion")
    ana.gift("ben", "Lion")
    for kind in ("join", "follow", "share", "subscribe"):
        ana.person(kind, "ben")
    await ana.send(copies=3)
    await world.equals(ana)


async def test_what_comes_again_after_a_save_or_a_connection_is_counted_once(world):
    ana = await world.on("ana")
    for number in range(8):
        ana.comment(f"viewer{number}")
    group = ana.streak("ben", "Rose", [1, 2, 3])
    await ana.send()
    for connection, how in enumerate(({"code": 1000}, {"code": 1011}, {"do": "reset"}), start=2):
        await ana.heard()
        await world.seconds(1)
        await ana.connection(**{"do": "close", **how})
        await world.again(ana, connection)  # the last six comments come again with it
        await ana.connection(do="replay")
        ana.comment("late")
        ana.streak("ben", "Rose", [2, 3 + connection], group=group)
        await ana.send()
    row = await world.equals(ana)
    assert row["connections"] == 4


async def test_a_gift_that_is_not_described_is_worth_what_was_learned_of_it(world):
    ana = await world.on("ana")
    ana.gift("ben", "Cap")
    ana.gift("cleo", "Cap", 2, described=False)
    ana.gift("dan", "Lion", described=False, valued=False)
    await ana.send()
    await world.equals(ana)
    ana.gift("ben", "Lion")
    ana.learned("dan", "Lion")
    ana.gift("cleo", "Lion", described=False)
    await ana.send()
    await world.equals(ana)


async def test_a_gift_that_comes_again_alone_holds_nothing_up(world):
    ana = await world.on("ana")
    ana.gift("ben", "Galaxy", to="guest")
    await ana.send()
    await ana.heard()
    await world.seconds(2)
    await ana.connection(do="duplicate")
    await world.seconds(2)
    ana.comment("cleo")
    await ana.send()
    await world.equals(ana)


async def test_a_silent_connection_is_noticed_within_90_seconds_and_the_recording_goes_on(world):
    ana = await world.on("ana")
    ana.gift("ben", "Galaxy")
    await ana.send()
    await ana.heard()
    await ana.connection(do="silence")
    (room,) = world.recorder.rooms
    for _ in range(90):
        await world.seconds(1)
        if not room.is_connected:
            break
    assert not room.is_connected
    await world.again(ana, 2)
    ana.gift("ben", "Galaxy")
    await ana.send()
    await world.equals(ana)


async def test_gifts_to_a_guest_are_kept_apart(world):
    ana = await world.on("ana")
    ana.gift("ben", "Galaxy", to="guest")
    ana.gift("ben", "Rose", 4, to="guest")
    ana.gift("ben", "Rose", 4)
    ana.gift("cleo", "Cap", to="ana")  # in so many words
    await ana.send()
    await world.equals(ana)


async def test_a_new_room_of_the_same_live_goes_on_in_one_session(world):
    ana = await world.on("ana")
    ana.comment("ben")
    ana.like("ben", 10)
    ana.viewers(50)
    group = ana.streak("ben", "Rose", [1, 2])
    await ana.send()
    await ana.heard()
    await ana.end()
    await world.seconds(300, step=5)
    await world.goes_on(ana)
    ana.comment("ben")
    ana.like("ben", 5)
    ana.viewers(20)
    ana.streak("ben", "Rose", [1, 2, 3], group=group)
    ana.gift("cleo", "Lion")
    await ana.send()
    row = await world.equals(ana)
    # The platform counts each room from nothing; together they are the live.
    assert (row["room_likes"], row["entered"]) == (15, 70)


async def test_a_recorder_that_takes_over_counts_nothing_again(world):
    ana = await world.on("ana")
    for number in range(4):
        ana.comment(f"viewer{number}")
    group = ana.streak("ben", "Rose", [1, 2, 3])
    await ana.send()
    await ana.heard()
    await world.restart()
    await ana.watched(2)
    ana.streak("ben", "Rose", [3, 4, 5], group=group, end=True)
    ana.comment("viewer0", "after it")
    ana.person("follow", "ben")
    await ana.send()
    row = await world.equals(ana)
    assert row["connections"] == 2


async def test_words_and_names_of_any_kind_are_kept(world):
    ana = await world.on("ana")
    odd = "\x00\u202e\U0001f600" + "x" * 5000
    ana.comment("ben", odd)
    await ana.send()
    nobody = {"kind": "comment", "user": {"handle": "huge", "id": 2**63 + 5}, "text": "who?"}
    await world.tiktok.control("POST", "rooms/ana/events", [nobody])
    for method in ("WebcastGiftMessage", "WebcastChatMessage", "WebcastRoomUserSeqMessage"):
        for payload in ("", "CgIBAg==", "GgL//w==", "/////////////w==", "OgUIgICAgA=="):
            damaged = {"kind": "raw", "method": method, "payload_base64": payload}
            await world.tiktok.control("POST", "rooms/ana/events", [damaged])
    ana.gift("ben", "Galaxy")
    await ana.send()
    await world.equals(ana)


@on_sqlite
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_the_totals_are_those_of_the_script(world, seed):
    luck = random.Random(seed)
    ana = await world.on("ana")
    people = [f"viewer{number}" for number in range(12)]
    groups: list[tuple[str, str, int]] = []
    connections = 1
    for _ in range(40):
        for _ in range(luck.randrange(1, 6)):
            say_anything(ana, luck, people, groups)
        copies, together = luck.choice(((1, False), (1, True), (2, False), (2, True)))
        await ana.send(copies=copies, together=together, compress=luck.random() < 0.5)
        await world.seconds(luck.randrange(3))
        if luck.random() < 0.1:
            await ana.heard()
            await ana.connection(**luck.choice((CLOSED, LOST, RESET)))
            connections += 1
            await world.again(ana, connections)
        if luck.random() < 0.1:
            await ana.connection(do="replay")
    await world.equals(ana)


CLOSED, LOST, RESET = {"do": "close"}, {"do": "close", "code": 1011}, {"do": "reset"}


def say_anything(live, luck, people, groups):
    user = luck.choice(people)
    match luck.randrange(6):
        case 0:
            live.comment(user)
        case 1:
            live.like(user, luck.randrange(1, 15))
        case 2:
            live.viewers(luck.randrange(500))
        case 3:
            live.gift(user, luck.choice(("Galaxy", "Lion")), to=luck.choice(("", "", "guest")))
        case 4:
            gift, steps = luck.choice(("Rose", "GG", "Cap")), sorted(luck.sample(range(1, 20), 3))
            groups.append((user, gift, live.streak(user, gift, steps, end=luck.random() < 0.5)))
        case 5 if groups:
            user, gift, group = luck.choice(groups)
            live.streak(user, gift, [luck.randrange(1, 30)], group=group)


@on_sqlite
async def test_fifteen_rooms_at_thirty_events_a_second_lose_nothing(world):
    lives = [await world.on(f"ana{number}") for number in range(15)]
    luck = random.Random(15)
    people = [f"viewer{number}" for number in range(200)]
    for _ in range(4):
        for live in lives:
            groups: list[tuple[str, str, int]] = []
            for _ in range(30):
                say_anything(live, luck, people, groups)
        await asyncio.gather(*(live.send() for live in lives))
        await world.seconds(1)
    for live in lives:
        await world.equals(live)
