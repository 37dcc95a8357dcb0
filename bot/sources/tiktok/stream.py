"""TikTok's lives as a `StreamSource`: sign, connect, translate, notice the end (specs/tiktok-live.md 1.4, 1.5).

Only the recorder's process imports this: the library behind it weighs 60 MB and takes two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

from TikTokLive.client.errors import InitialCursorMissingError, WebsocketURLMissingError
from TikTokLive.events.proto_events import EVENT_MAPPINGS
from TikTokLive.proto import ProtoMessageFetchResult
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI, SecurityError
from websockets.legacy.exceptions import InvalidStatusCode

from bot.clock import Clock
from bot.core.streams.events import Connected, Ended, StreamEvent
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.ports import Ending, SignLimit
from bot.sources.tiktok.decoding import Unreadable, decoded, warm_up
from bot.sources.tiktok.events import TRANSLATORS, Message, Room, translate
from bot.sources.tiktok.frames import FrameSocket, library_logger
from bot.sources.tiktok.signing import SignClient, Signed
from bot.texts import text

CLOSE_SECONDS = 2.0
_REFUSALS = frozenset({200, 400, 401, 403, 429})
"""200 and 400 are TikTok's way to say that it takes us for a machine."""
Take = Callable[[StreamEvent], None]

log = logging.getLogger(__name__)


class TikTokStreamSource:
    """Watches lives. Use it as an async context manager; `timeout_seconds` holds for signing and for connecting.

    Whoever holds `turn` has the event loop without anything being decoded meanwhile.
    """

    def __init__(
        self,
        *,
        sign_api_url: str,
        sign_api_key: str | None,
        timeout_seconds: float,
        clock: Clock,
        turn: asyncio.Lock | None = None,
    ) -> None:
        self._signing = SignClient(
            url=sign_api_url, key=sign_api_key, timeout_seconds=timeout_seconds, clock=clock
        )
        self._timeout = timeout_seconds
        self._clock = clock
        self._turn = turn or asyncio.Lock()

    async def __aenter__(self) -> Self:
        warm_up()
        library_logger()
        await self._signing.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._signing.__aexit__(kind, error, trace)

    async def sign_limits(self) -> tuple[SignLimit, ...]:
        """Ask what the signing service allows. Raises `SourceUnavailable` or `SourceChanged`."""
        return await self._signing.limits()

    async def watch(
        self,
        room_id: int,
        handle: str,
        take: Take,
        *,
        host_id: int | None = None,
        silent_after: float = 60.0,
    ) -> Ending:
        """Connect once and give every event to `take` until the connection ends; see the port."""
        signed = await self._signing.sign(room_id)
        connection = _Connection(Room(handle=handle, host_id=host_id), take, self._clock, self._turn)
        reading = asyncio.create_task(connection.read(signed, room_id, self._timeout))
        silence = asyncio.create_task(connection.silence(silent_after))
        try:
            await asyncio.wait({reading, silence}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                connection.socket.abort()  # nobody is there to say goodbye to
                return Ending.SILENT
            return reading.result()
        finally:
            silence.cancel()
            await _close(reading, connection.socket)


class _Connection:
    """One connection: reads, translates, and knows when it last heard anything."""

    def __init__(self, room: Room, take: Take, clock: Clock, turn: asyncio.Lock) -> None:
        self.socket = FrameSocket(self._heard)
        self._room = room
        self._take = take
        self._clock = clock
        self._turn = turn
        self._heard_at: float | None = None
        self._unreadable = 0
        self._grouped = 0

    def _heard(self) -> None:
        self._heard_at = self._clock.machine.monotonic()

    async def silence(self, seconds: float) -> None:
        """Return when nothing came for so long; until the connection stands it has its own time limit."""
        while True:
            now = self._clock.machine.monotonic()
            left = seconds if self._heard_at is None else self._heard_at + seconds - now
            if left <= 0:
                return
            await self._clock.machine.sleep(left)

    async def read(self, signed: Signed, room_id: int, open_seconds: float) -> Ending:
        """Give all events until the end. Raises a `SourceError` where no connection came about."""
        responses = self.socket.responses(signed, room_id, open_seconds)
        try:
            async with contextlib.aclosing(responses):
                async for response in responses:
                    if response is signed.first:
                        self._take(Connected(at=self._clock.now()))
                    # One room decodes at a time, and then whatever else is ready has its turn (spec 1.4.13): in a
                    # flood over many rooms a save would else wait for all of them at each of its steps.
                    async with self._turn:
                        if response is None:
                            self._unreadable += 1
                        elif self._give(response, replayed=response is signed.first):
                            return Ending.LIVE_ENDED
                        await self._clock.sleep(0)
        except ConnectionClosed:
            pass  # abnormally, which is as common as any other end
        except _NOT_CONNECTED as error:
            if self._heard_at is not None:
                raise  # not of the connection's making
            raise _reason(error) from None
        finally:
            if self._unreadable:
                log.warning("%d messages of room %d could not be read", self._unreadable, room_id)
            if self._grouped:
                # What that means nobody knows yet (spec 6): it is not multiplied.
                log.info("%d gifts in room %d came in groups of several", self._grouped, room_id)
        return Ending.CLOSED

    def _give(self, response: ProtoMessageFetchResult, *, replayed: bool) -> bool:
        """Translate one response and give its events; true when the live is over by it."""
        over = False
        for raw in response.messages:
            try:
                event = decoded(partial(self._event, replayed=replayed), raw)
            except Unreadable:
                self._unreadable += 1
                continue
            if event is not None:
                self._take(event)
                over = over or isinstance(event, Ended)
        return over

    def _event(self, raw: Any, *, replayed: bool) -> StreamEvent | None:
        if raw.method not in TRANSLATORS:
            return None
        body = EVENT_MAPPINGS[raw.method].parse(raw.payload)
        self._grouped += getattr(body, "group_count", 0) > 1
        message = Message(
            method=raw.method,
            body=body,
            payload=raw.payload,
            message_id=raw.msg_id,
            replayed=replayed or raw.is_history is True,
        )
        return translate(message, self._room, self._clock.now())


# What the library and its WebSocket raise where no connection comes about; wrong addresses are ValueErrors.
_NOT_CONNECTED = (
    InitialCursorMissingError,
    WebsocketURLMissingError,
    InvalidHandshake,
    InvalidURI,
    OSError,
    ValueError,
)


def _reason(error: Exception) -> SourceError:
    """Say why there is no connection, without addresses: they are signed."""
    if isinstance(error, InitialCursorMissingError | WebsocketURLMissingError):
        return SourceUnavailable(text("the signing service gave no way into the live"), blocked=True)
    if isinstance(error, InvalidStatusCode):
        return SourceUnavailable(
            text("TikTok refused the connection (HTTP status {status})", status=error.status_code),
            blocked=error.status_code in _REFUSALS,
        )
    if isinstance(error, SecurityError):  # too many redirects: the first one
        return SourceUnavailable(text("TikTok sent the connection elsewhere"), blocked=True)
    if isinstance(error, TimeoutError):
        return SourceUnavailable(text("TikTok did not answer in time"))
    if isinstance(error, InvalidURI | ValueError):
        return SourceChanged(text("the signing service gave an address that is none"))
    return SourceUnavailable(text("TikTok cannot be reached ({kind})", kind=type(error).__name__))


async def _close(reading: asyncio.Task[Ending], socket: FrameSocket) -> None:
    """End the reading of a connection, politely for `CLOSE_SECONDS`, and wait for it."""
    reading.cancel()
    _, busy = await asyncio.wait({reading}, timeout=CLOSE_SECONDS)
    if busy:
        socket.abort()
        await asyncio.wait({reading})
    if not reading.cancelled():
        reading.exception()  # told already, or of no interest any more
