"""One live in the hands of a recorder: connect, count, connect again; what is to be saved waits here.

Nothing is written here. What the database must know is kept as reports until `bot.services.stream_recorder` has
committed them together with what was counted.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.streams.events import Connected, Ended, Paused, Resumed, StreamEvent, ViewerCount
from bot.core.streams.recording import Happening
from bot.core.streams.signing import patience, pause_before_reconnect
from bot.core.streams.tally import Batch, Tally
from bot.errors import SourceError, StorageError
from bot.ports import Ending, StreamSource
from bot.services.sign_desk import Permit, SignDesk
from bot.storage.recordings import Report, Room
from bot.texts import text

PATIENCE = timedelta(minutes=1)
"""Whoever must wait longer for a signature is not recording in full, and says so."""
STEADY = timedelta(minutes=1)
"""A count of viewers that a check told so long ago is still one to begin with."""
NEW_TRIES = 3
"""So many connections are tried as the first of a live; after them it is like any other that cannot be connected."""
TALKATIVE = timedelta(minutes=10)
"""A connection that held for so long begins the pauses anew, and was not to a quiet room."""

log = logging.getLogger(__name__)


class RoomRecording:
    """Holds one room: `room` as it was claimed, what was counted of it, and what is to be reported."""

    def __init__(
        self,
        room: Room,
        tally: Tally,
        *,
        source: StreamSource,
        desk: SignDesk,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.room = room
        self.tally = tally
        self.reports: list[Report] = []
        self.is_leaving = False
        self._source = source
        self._desk = desk
        self._clock = clock
        self._chance = chance
        self._is_new = room.first_connected_at is None
        self._is_connected = False
        self._silences = 0
        self._is_over = room.ended_seen_at is not None
        self._heard_until = room.last_event_at or room.wanted_at - STEADY
        self._work: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """Tell whether the connection to the room stands."""
        return self._is_connected

    @property
    def is_still(self) -> bool:
        """Tell whether nothing more will come, unless it is started again."""
        return self._work is None or self._work.done()

    def follow(self, room: Room) -> None:
        """Do what the database says of the room now: watch it, move to another one, or stop."""
        known, self.room = self.room, room
        if room.room_id != known.room_id:
            self._is_over = False
            self.stop()
        elif room.ended_seen_at is None and known.ended_seen_at is not None:
            self._is_over = False
        if self.is_leaving:
            self.stop()
        elif self.is_still and not self._is_over:
            self._work = asyncio.create_task(self._keep_watching(), name=f"@{room.handle}")
        self._take_poll(room)

    def saved(self, batch: Batch | None, reports: Sequence[Report]) -> None:
        """Say that a transaction with these was committed."""
        if batch is not None:
            self.tally.saved(batch)
        del self.reports[: len(reports)]

    def stop(self) -> None:
        """Close the connection, if there is one; `is_still` says when it is."""
        if self._work is not None and not self._work.cancelling():  # twice would break the closing off
            self._work.cancel()

    async def stopped(self) -> None:
        """Wait until the connection is closed."""
        if self._work is not None:
            await asyncio.wait({self._work})

    def clock_moved(self, before: datetime, after: datetime) -> None:
        """Count no time that did not pass: our clock was set."""
        self.tally.clock_moved(before, after)
        self._heard_until += after - before

    def _take_poll(self, room: Room) -> None:
        """Count the viewers that the live monitor was told, while no connection tells them."""
        if self._is_connected or room.viewers is None or room.last_seen_at <= self._heard_until:
            return
        self._heard_until = room.last_seen_at
        self.tally.take(ViewerCount(at=room.last_seen_at, viewers=room.viewers))

    # --- The connection --------------------------------------------------------------------

    async def _keep_watching(self) -> None:
        """Connect again and again while the live is on; what goes wrong ends this connection alone."""
        failures = 0
        while True:
            began_at = self._clock.now()
            try:
                permit = await self._permitted(is_new=self._is_new and failures < NEW_TRIES)
                began_at = self._clock.now()
                if await self._watch(permit) is Ending.LIVE_ENDED:
                    return
            except (SourceError, StorageError) as error:
                log.info("@%s cannot be recorded now: %s", self.room.handle, error)
            except Exception:
                incident = secrets.token_hex(4)
                log.exception("@%s: the stream failed, incident %s", self.room.handle, incident)
                self._say(Happening.LOST, text("an unexpected error, incident {number}", number=incident))
            failures = 1 if self._clock.now() - began_at >= TALKATIVE else failures + 1
            await self._clock.sleep(pause_before_reconnect(failures, self._chance()))

    async def _permitted(self, *, is_new: bool) -> Permit:
        """Wait until a request may be signed; say so where that takes long."""
        while True:
            permit = await self._desk.ask(is_new=is_new)
            if permit.request_id is not None:
                return permit
            wait = permit.free_at - self._clock.now()
            self._say(Happening.UNSIGNED if wait > PATIENCE else Happening.LOST, permit.why)
            # A little apart, so that not all rooms ask in one moment.
            await self._clock.sleep(max(0.0, wait.total_seconds()) + self._chance())

    async def _watch(self, permit: Permit) -> Ending:
        """Make one connection and take what comes. Raises a `SourceError` where none came about."""
        room = self.room

        def take(event: StreamEvent) -> None:
            self._take(event, room, permit)

        began_at, silent_after = self._clock.now(), patience(self._silences)
        try:
            ending = await self._source.watch(
                room.room_id, room.handle, take, host_id=room.platform_id, silent_after=silent_after
            )
        except SourceError as error:
            self._desk.failed(permit, error)
            self._say(Happening.UNSIGNED, error.words)
            raise
        finally:
            was_connected, self._is_connected = self._is_connected, False
            if was_connected:
                self.tally.disconnected(self._clock.now())
        log.info("@%s: the connection ended (%s)", room.handle, ending)
        is_silent = ending is Ending.SILENT
        if self._clock.now() - began_at >= TALKATIVE + timedelta(seconds=is_silent * silent_after):
            self._silences = 0
        else:
            self._silences += is_silent
        if ending is Ending.LIVE_ENDED:
            self._end(self._clock.now(), room)
        elif ending is Ending.SILENT:
            self._say(Happening.LOST, text("nothing came any more; it connects again"))
        else:
            self._say(Happening.LOST, text("the connection was lost; it connects again"))
        return ending

    def _take(self, event: StreamEvent, room: Room, permit: Permit) -> None:
        match event:
            case Connected():
                self._connected(event.at, room, permit)
            case Ended():
                self._end(event.at, room)
            case Paused():
                self.reports.append(Report(room_id=room.room_id, paused_at=event.at))
            case Resumed():
                self.reports.append(Report(room_id=room.room_id, resumed=True))
        self.tally.take(event)

    def _connected(self, at: datetime, room: Room, permit: Permit) -> None:
        log.info("@%s: connected to room %d", room.handle, room.room_id)
        self._desk.worked(permit)
        self.tally.connected(at, room.room_id)
        if self._is_new and room.viewers is not None and at - room.last_seen_at <= STEADY:
            # The first count may take tens of seconds; the check that found the live has told one.
            self.tally.take(ViewerCount(at=at, viewers=room.viewers))
        self._is_connected, self._is_new = True, False
        self._say(Happening.CONNECTED, "")

    def _end(self, at: datetime, room: Room) -> None:
        if room.room_id == self.room.room_id and not self._is_over:
            self._is_over = True
            self.reports.append(Report(room_id=room.room_id, ended_at=at))

    def _say(self, happening: Happening, trouble: str) -> None:
        said = Report(room_id=self.room.room_id, happening=happening, trouble=trouble)
        if not self.reports or self.reports[-1] != said:
            self.reports.append(said)
