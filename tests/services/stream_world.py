"""A platform of streams in memory and a recorder on a real database; a test says what is sent when."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select, update

from bot.core.live.models import Person, ProfileState
from bot.core.live.transitions import Live, Phase
from bot.core.streams.events import Comment, Connected, Gift, StreamEvent, Viewer, ViewerCount
from bot.core.streams.models import RecordedLive
from bot.errors import SourceError
from bot.ports import Ending, SignLimit
from bot.services.forgotten_people import ForgottenPeople
from bot.services.stream_recorder import StreamRecorder
from bot.storage import live as store
from bot.storage import recordings, subscriptions
from bot.storage.engine import Database
from bot.storage.stream_reading import recorded_live
from bot.storage.stream_tables import recordings as table
from bot.storage.subscriptions import Subscription
from bot.storage.tables import lives, requests
from tests.clocks import ManualClock

FAN = Viewer(id=77, handle="fan", nickname="Fan")
PLENTY = (SignLimit(window="day", most=1000, remaining=1000, resets_at=None),)


@dataclass
class MemoryStreams:
    """Implements `bot.ports.StreamSource`; `answers` is what the next connections come to, in order."""

    clock: ManualClock
    limits: tuple[SignLimit, ...] | SourceError = PLENTY
    answers: list[SourceError] = field(default_factory=list)
    watched: list[int] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)
    asked_for_limits: int = 0
    may_tell: asyncio.Event = field(default_factory=asyncio.Event)
    _open: dict[int, tuple[Callable[[StreamEvent], None], asyncio.Future[Ending]]] = field(
        default_factory=dict
    )
    _tried: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def __post_init__(self) -> None:
        self.may_tell.set()

    async def sign_limits(self) -> tuple[SignLimit, ...]:
        self.asked_for_limits += 1
        await self.may_tell.wait()
        if isinstance(self.limits, SourceError):
            raise self.limits
        return self.limits

    async def watch(
        self,
        room_id: int,
        handle: str,
        take: Callable[[StreamEvent], None],
        *,
        host_id: int | None = None,
        silent_after: float = 60.0,
    ) -> Ending:
        self.watched.append(room_id)
        self.patience.append(silent_after)
        self._tried.set()
        if self.answers:
            raise self.answers.pop(0)
        ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._open[room_id] = take, ending
        take(Connected(at=self.clock.now()))
        self._changed[room_id].set()
        try:
            return await ending
        finally:
            del self._open[room_id]
            self._changed[room_id].clear()

    async def tried(self, count: int) -> None:
        """Wait until so many connections were tried."""
        while len(self.watched) < count:
            self._tried.clear()
            await self._tried.wait()

    async def connected(self, room_id: int) -> None:
        await self._changed[room_id].wait()

    def taker(self, room_id: int) -> Callable[[StreamEvent], None]:
        """Give what takes the events of an open room, also later."""
        return self._open[room_id][0]

    @property
    def open_rooms(self) -> set[int]:
        return set(self._open)

    def send(self, room_id: int, event: StreamEvent) -> None:
        self._open[room_id][0](event)

    def end(self, room_id: int, ending: Ending | Exception = Ending.CLOSED) -> None:
        future = self._open[room_id][1]
        if isinstance(ending, Exception):
            future.set_exception(ending)
        else:
            future.set_result(ending)


class StreamWorld:
    """Lives that are on, and a recorder of them that is stepped by hand."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.clock = clock
        self.source = MemoryStreams(clock)
        self.news = 0
        self.forgotten = ForgottenPeople(database, clock)
        self.recorder = self.another("first")
        self._numbers = itertools.count(1)

    def another(self, holder: str, source: MemoryStreams | None = None) -> StreamRecorder:
        return StreamRecorder(
            database=self.database,
            source=source or self.source,
            clock=self.clock,
            holder=holder,
            chance=lambda: 0.5,
            tell=self._told,
            forgotten=self.forgotten,
        )

    def _told(self) -> None:
        self.news += 1

    async def go_live(
        self, handle: str = "ana", viewers: int | None = None, *, room_id: int | None = None
    ) -> Live:
        """Somebody is found live, and to be recorded."""
        number, now = next(self._numbers), self.clock.now()
        room_id = room_id or (int(now.timestamp()) << 32) + number
        live = Live(
            phase=Phase.ON,
            room_ids=(room_id,),
            started_at=now,
            found_at=now,
            last_seen_at=now,
            viewers=viewers,
        )
        async with self.database.write("test.live") as conn:
            person = Person(platform_id=number, handle=handle)
            account = await store.add_account(conn, person, ProfileState.ACTIVE, now)
            follower = Subscription(
                account_id=account.id, guild_id=1, channel_id=1, role_id=None, paused=False
            )
            await subscriptions.subscribe(conn, follower, 42, now)
            live_id = await store.add_live(conn, account.id, live)
            await recordings.keep_up(conn, live_id, account.id, live, now, record=True)
        return live

    async def now_is(self, live: Live, **values: object) -> Live:
        """The monitor moves the live: to another room, to its end."""
        live = replace(live, **values)
        async with self.database.write("test.move") as conn:
            query = select(lives).where(lives.c.started_at == live.started_at)
            row = (await conn.execute(query)).mappings().one()
            await store.save_live(conn, row["id"], live)
            now = self.clock.now()
            await recordings.keep_up(conn, row["id"], row["account_id"], live, now, record=True)
        return live

    async def ends(self, live: Live) -> Live:
        return await self.now_is(live, phase=Phase.ENDED, ended_at=self.clock.now())

    async def polled(self, viewers: int) -> None:
        async with self.database.write("test.poll") as conn:
            await conn.execute(update(lives).values(viewers=viewers, last_seen_at=self.clock.now()))

    async def is_recorded(self, live: Live) -> None:
        """Let the recorder take the live up, and wait until it is connected."""
        await self.recorder.step()
        await self.source.connected(live.room_ids[-1])
        await self.recorder.step()

    async def seconds(self, count: float, recorder: StreamRecorder | None = None) -> None:
        """Let time pass, and the recorder do what it does each second."""
        while count > 0:
            self.clock.advance(min(1.0, count))
            await (recorder or self.recorder).step()
            count -= 1.0

    async def row(self) -> dict:
        return (await self.rows())[0]

    async def rows(self) -> list[dict]:
        async with self.database.read() as conn:
            rows = (await conn.execute(select(table).order_by(table.c.live_id))).mappings()
            return [dict(row) for row in rows]

    async def recorded(self, live_id: int = 1) -> RecordedLive:
        async with self.database.read() as conn:
            found = await recorded_live(conn, live_id)
        assert found is not None
        return found

    async def signed(self) -> list[dict]:
        async with self.database.read() as conn:
            query = select(requests).where(requests.c.ledger == "sign").order_by(requests.c.id)
            return [dict(row) for row in (await conn.execute(query)).mappings()]


def limits(**most: int) -> tuple[SignLimit, ...]:
    return tuple(
        SignLimit(window=name, most=count, remaining=count, resets_at=None) for name, count in most.items()
    )


def comment(at: datetime, number: int) -> Comment:
    return Comment(at=at, message_id=number, viewer=FAN, words="hello")


def rose(at: datetime, count: int, *, group: int = 1) -> Gift:
    return Gift(
        at=at,
        message_id=1000 * group + count,
        viewer=FAN,
        gift_id=5655,
        group_id=group,
        count=count,
        closes=False,
        diamonds=1,
        name="Rose",
        streakable=True,
    )


def watching(at: datetime, viewers: int) -> ViewerCount:
    return ViewerCount(at=at, viewers=viewers)
