"""What follows when a connection to Discord ends: a word in the log, a pause that grows, a new connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.core.announcements import Message, Tone
from bot.discord import delivery
from bot.discord.client import VedetteClient
from bot.discord.connection import LONG_ENOUGH_SECONDS, stay_connected
from bot.discord.pace import Pace
from bot.discord.watchdog import LOOK_EVERY_SECONDS
from bot.errors import StorageError
from bot.services.health import Health
from tests.clocks import ManualClock
from tests.discord_room.room import Room


class Connections:
    """The connections that one run of the bot makes, under a clock of their own."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.clock = ManualClock()
        self.clients: list[VedetteClient] = []

    def make(self) -> VedetteClient:
        self.clients.append(VedetteClient(self.room.services, (), Pace(SystemClock())))
        return self.clients[-1]

    @property
    def pauses(self) -> list[float]:
        """How long each pause before a new connection was; the watchdog's looks are none."""
        return [seconds for seconds in self.clock.slept if seconds != LOOK_EVERY_SECONDS]

    async def keep(self) -> None:
        await stay_connected(self.make, self.room.server.facts["token"], self.room.painter, self.clock)

    async def ended(self, times: int) -> None:
        """Wait until connections ended so many times; then the pause of the last one begins."""
        await self.room.until(lambda: len(self.pauses) == times)

    async def connected(self, times: int) -> None:
        await self.room.until(lambda: len(self.clients) == times and self.clients[-1].is_ready())


@pytest.fixture
async def connections(room: Room) -> AsyncIterator[Connections]:
    await room.stop()
    made = Connections(room)
    keeping = asyncio.create_task(made.keep())
    yield made
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


def break_delivery(room: Room) -> Callable[[], None]:
    """Put a bug into delivery; gives what takes it out again."""
    well = room.announcements.due

    async def due(*_: object, **__: object) -> Any:
        raise ZeroDivisionError

    room.announcements.due = due
    room.announcements.wake()
    return lambda: setattr(room.announcements, "due", well)


async def test_a_bug_in_delivery_is_told_and_each_new_connection_comes_later(
    connections: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    break_delivery(connections.room)
    for times in (1, 2, 3):
        await connections.ended(times)
        connections.clock.advance(connections.pauses[-1])
    assert connections.pauses == [5, 10, 20]
    told = [record for record in caplog.records if "incident" in record.getMessage()]
    assert len(told) == 3
    assert told[0].levelno == logging.ERROR
    assert told[0].exc_info[0] is ZeroDivisionError


async def test_after_a_connection_that_lasted_the_pause_is_short_again(connections: Connections) -> None:
    mend = break_delivery(connections.room)
    for times in (1, 2):
        await connections.ended(times)
        if times == 2:
            mend()
        connections.clock.advance(connections.pauses[-1])
    await connections.connected(3)
    connections.clock.advance(LONG_ENOUGH_SECONDS)
    break_delivery(connections.room)
    await connections.ended(3)
    assert connections.pauses == [5, 10, 5]


async def test_a_locked_database_at_the_start_is_told_and_tried_again(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def note(_self: Health, _name: str) -> str:
        raise StorageError("notes: the database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(Health, "note", note)
        await connections.ended(1)
    assert "the database is locked" in caplog.text
    connections.clock.advance(connections.pauses[-1])
    await connections.connected(2)


async def test_a_discord_that_is_down_for_long_is_told_once(
    connections: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    connections.room.server.fault("status", "/users/@me", status=503, times=3)
    for times in (1, 2, 3):
        await connections.ended(times)
        connections.clock.advance(connections.pauses[-1])
    await connections.connected(4)
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "503" in told[0]


async def test_a_client_that_is_stuck_with_a_message_is_replaced(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = connections.room
    await connections.connected(1)
    channel = await room.ask(room.server.control, "POST", "channels", {"name": "stuck"})
    connections.clients[0].http._global_over.clear()  # a pause for all requests that discord.py never ends
    monkeypatch.setattr(delivery, "STUCK_AFTER_SECONDS", 0.5)
    await room.put(int(channel["id"]), Message(title="Anna is live", tone=Tone.LIVE))
    await connections.ended(1)
    assert "the connection is made anew" in caplog.text
    monkeypatch.undo()
    connections.clock.advance(connections.pauses[-1])
    await connections.connected(2)
    room.clock.advance(2)
    await room.becomes(int(channel["id"]), "delivered")
