"""Records lives: claims their rooms, keeps the connections, and saves each second what was counted.

It runs in a process of its own. The database says what is to be recorded (`bot.storage.recordings`); a room that
another recorder has taken is let go without another word. A killed recorder loses the last second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock, SteadyClock, wait_for_event
from bot.core.streams.recording import ACTIVE, Happening
from bot.core.streams.tally import Batch, Tally, nobody_is
from bot.errors import StorageError
from bot.ports import StreamSource
from bot.services.sign_desk import SignDesk
from bot.services.stream_room import RoomRecording
from bot.storage import recordings, streams
from bot.storage.engine import Connection, Database
from bot.storage.recordings import Report, Room

SAVE_SECONDS = 1.0
MOST_ROOMS = 50
CLOSE_SECONDS = 1.5
STUCK_SAVES = 5
"""After so many saves in vain each room is saved alone: one of them may be the reason."""

log = logging.getLogger(__name__)


class StreamRecorder:
    """Records with one name, `holder`, that no other recorder has.

    `changed` brings it back at once; `tell` is called when the live monitor has something to take in. `chance` gives
    0..1; `forgotten` tells of a person whether they asked not to be recorded. While it holds `turn` the source gives
    nothing: in a flood each step of a save would else wait for what every room has to give.
    """

    def __init__(
        self,
        *,
        database: Database,
        source: StreamSource,
        clock: Clock,
        holder: str,
        chance: Callable[[], float],
        tell: Callable[[], None] = lambda: None,
        forgotten: Callable[[int], bool] = nobody_is,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self._database = database
        self._source = source
        self._clock = clock
        self._holder = holder
        self._chance = chance
        self._tell = tell
        self._forgotten = forgotten
        self._turn = turn or asyncio.Lock()
        self._desk = SignDesk(database=database, source=source, clock=clock)
        self._rooms: dict[int, RoomRecording] = {}
        self._lost: list[RoomRecording] = []
        self._saves_in_vain = 0
        self._is_closing = False
        self.changed = asyncio.Event()

    @property
    def rooms(self) -> tuple[RoomRecording, ...]:
        """The rooms that are held."""
        return tuple(self._rooms.values())

    async def run(self) -> None:
        """Record until cancelled; then `close` is due."""
        while True:
            await self.step()
            if await wait_for_event(self._clock.machine, self.changed, SAVE_SECONDS):
                self._tell()  # whoever rings hears that this goes on

    async def step(self) -> None:
        """Save what there is, then take up what is free. A database that fails is tried again."""
        try:
            self._follow_clock()
            await self.save()
            await self._claim()
        except StorageError as error:
            self._saves_in_vain += 1
            level = logging.WARNING if self._saves_in_vain == 1 else logging.DEBUG
            log.log(level, "What was recorded could not be saved (%s); it is kept and tried again", error)
            if self._saves_in_vain % STUCK_SAVES == 0:
                await self._go_on_apart()
            return
        if self._saves_in_vain:
            log.info("What was recorded can be saved again, after %d tries", self._saves_in_vain)
        self._saves_in_vain = 0

    async def save(self) -> None:
        """Save what was counted and seen in all rooms, in one transaction. Raises `StorageError`."""
        await self._save(self.rooms)

    async def close(self) -> None:
        """Save what there is, close every connection and give the rooms back."""
        self._is_closing = True
        await self._quietly(self.rooms)
        ending = (*self.rooms, *self._lost)
        for room in ending:
            room.stop()
        if ending:  # a connection that does not close keeps nobody from taking the room
            await asyncio.wait(
                [asyncio.ensure_future(room.stopped()) for room in ending], timeout=CLOSE_SECONDS
            )
        await self._quietly(self.rooms)  # what was still waiting, if the first one failed
        for room in self.rooms:
            room.is_leaving = True
        await self._quietly(self.rooms)

    async def _quietly(self, rooms: Sequence[RoomRecording]) -> None:
        try:
            await self._save(rooms)
        except StorageError as error:
            log.warning("The last second of what was recorded could not be saved: %s", error)
            if len(rooms) > 1:
                await self._save_apart(rooms)  # one of them may be the reason

    async def _save_apart(self, rooms: Sequence[RoomRecording]) -> None:
        for room in rooms:
            try:
                await self._save((room,))
            except StorageError as error:
                log.warning("@%s: what was recorded cannot be saved: %s", room.room.handle, error)

    async def _go_on_apart(self) -> None:
        """Save each room alone, and keep no new live waiting for those that cannot be."""
        await self._save_apart(self.rooms)
        try:
            await self._claim()
        except StorageError as error:
            log.debug("No live can be taken up: %s", error)

    async def _save(self, rooms: Sequence[RoomRecording]) -> None:
        if not rooms:
            return
        saved: dict[int, _Saved] = {}
        async with self._database.write("streams.record") as conn, self._turn:
            now, held_at = self._clock.now(), self._clock.machine.now()
            answered = await self._desk.write_answers(conn)
            held = {room.live_id: room for room in await recordings.renew(conn, self._holder, held_at)}
            for recording in rooms:
                live_id = recording.room.live_id
                if live_id in held and held[live_id].epoch == recording.room.epoch:
                    saved[live_id] = await self._save_room(conn, recording, now)
            held = {room.live_id: room for room in await recordings.held_rooms(conn, self._holder)}
        self._desk.written(answered)
        for recording in rooms:
            done = saved.get(recording.room.live_id)
            if done is not None:
                recording.saved(done.batch, done.reports)
            self._follow(recording, held.get(recording.room.live_id), was_held=done is not None)
        if any(_is_news(report) for done in saved.values() for report in done.reports):
            self._tell()

    async def _save_room(self, conn: Connection, recording: RoomRecording, now: datetime) -> _Saved:
        live_id, reports = recording.room.live_id, tuple(recording.reports)
        batch = recording.tally.drain(now)
        if batch is not None:
            await streams.save(conn, live_id, batch)
        for report in reports:
            await recordings.report(conn, live_id, report)
        # After a save in vain there is more to save than this.
        is_still = recording.is_still or self._is_closing
        if recording.is_leaving and is_still and not self._saves_in_vain:
            await recordings.leave(conn, self._holder, recording.room)
        return _Saved(batch=batch, reports=reports)

    def _follow(self, recording: RoomRecording, room: Room | None, *, was_held: bool) -> None:
        """Do what the database says of a room now; None: it is not ours any more."""
        if room is None or not was_held:
            if not was_held:
                log.warning("@%s: another recorder has the room; it is let go", recording.room.handle)
            recording.stop()
            self._lost = [one for one in (*self._lost, recording) if not one.is_still]
            del self._rooms[recording.room.live_id]
        elif not self._is_closing:
            recording.is_leaving = room.state not in ACTIVE
            recording.follow(room)

    async def _claim(self) -> None:
        """Take up what is to be recorded and free. Raises `StorageError`."""
        most = MOST_ROOMS - len(self._rooms)
        async with self._database.read() as conn:
            free = await recordings.free_rooms(conn, self._clock.machine.now(), but=self._rooms)
        if not free or most <= 0:
            return
        async with self._database.write("streams.claim") as conn:
            now = self._clock.machine.now()
            claimed = await recordings.claim(conn, self._holder, now, most=most, but=self._rooms)
            kept = {room.live_id: await streams.load(conn, room.live_id) for room in claimed}
        for room in claimed:
            log.info("@%s: recording live %d", room.handle, room.live_id)
            recording = RoomRecording(
                room,
                Tally(kept[room.live_id], forgotten=self._forgotten),
                source=self._source,
                desk=self._desk,
                clock=self._clock,
                chance=self._chance,
            )
            self._rooms[room.live_id] = recording
            recording.follow(room)

    def _follow_clock(self) -> None:
        """Take over a step of the wall clock; time that did not pass is not counted."""
        clock = self._clock
        if not isinstance(clock, SteadyClock):
            return
        before, by = clock.now(), clock.step()
        clock.adopt(by)
        if by:
            log.warning("The clock was set; what is recorded goes on with the new time")
            for recording in self.rooms:
                recording.clock_moved(before, clock.now())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Saved:
    """What one transaction held of a room."""

    batch: Batch | None
    reports: tuple[Report, ...]


def _is_news(report: Report) -> bool:
    """Tell whether the live monitor does something about it."""
    seen = report.ended_at is not None or report.paused_at is not None or report.resumed
    return seen or report.happening is Happening.UNSIGNED
