"""The WebSocket of a live: frames out, acks and heartbeats in, and what can go wrong with a connection."""

from __future__ import annotations

import asyncio
import itertools
import socket as sockets
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tools.sandbox.clock import WorldClock
from tools.sandbox.standin import Recorder
from tools.sandbox.tiktok.messages import Composer, Message, Script, fetch_result, push_frame
from tools.sandbox.tiktok.wire import decode
from tools.sandbox.tiktok.world import ENDED, Room

LOST_POLL_SECONDS = 0.02


def first_text(fields: dict[int, list[int | bytes]], number: int) -> str:
    value = fields.get(number, [b""])[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def first_number(fields: dict[int, list[int | bytes]], number: int) -> int:
    value = fields.get(number, [0])[0]
    return value if isinstance(value, int) else 0


@dataclass(kw_only=True)
class Socket:
    """One client's connection to one room."""

    number: int
    room: Room
    ws: web.WebSocketResponse
    request: web.Request
    recorder: Recorder
    compress: bool
    clock: WorldClock
    opened_at: float = field(init=False)
    entered: bool = False
    silent: bool = False
    open: bool = True
    sent: list[int] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    heartbeats: int = 0
    last_frame: bytes = b""

    def __post_init__(self) -> None:
        self.opened_at = self.clock.unix()

    async def push(self, messages: list[Message], log_id: int, *, compress: bool | None = None) -> None:
        """Send one frame that wants an ack; on a silent connection it is lost."""
        at = self.clock.unix()
        response = fetch_result(messages, internal_ext=f"ext-{log_id}", at=at, need_ack=True)
        compress = self.compress if compress is None else compress
        self.last_frame = push_frame(response, log_id=log_id, compress=compress)
        if await self.send(self.last_frame):
            self.sent.append(log_id)

    async def send(self, frame: bytes) -> bool:
        if self.silent or self.ws.closed:
            return False
        try:
            await self.ws.send_bytes(frame)
        except ConnectionError:  # the client went away and its end of file is still to be read
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        await self.ws.close(code=code, message=reason.encode())

    def reset(self) -> None:
        """Cut the connection with a TCP reset: no close frame, unsent bytes are thrown away."""
        transport = self.request.transport
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        # Linger of zero seconds makes the kernel send a reset instead of an end of file.
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def note(self, op: str, **more: Any) -> None:
        self.recorder.add(kind="socket", op=op, socket=self.number, room_id=str(self.room.id), **more)

    async def serve(self, greeter: Hub) -> None:
        """Read until the client leaves. Pings are noted and never answered: TikTok does not either."""
        while True:
            message = await self.ws.receive()
            if message.type is WSMsgType.BINARY:
                await self._received(message.data, greeter)
            elif message.type in (WSMsgType.PING, WSMsgType.TEXT):
                self.note(message.type.name.lower())
            else:
                break
        if message.type is WSMsgType.CLOSE and self.silent:
            # A half-open connection does not answer the close frame either: the client has to give up.
            self.note("close_ignored", code=message.data)
            await self._lost()
        elif message.type is WSMsgType.CLOSE:
            await self.ws.close(code=message.data or 1000)

    async def _lost(self) -> None:
        while self.silent and self.request.transport is not None:  # noqa: ASYNC110 - aiohttp tells nobody
            await asyncio.sleep(LOST_POLL_SECONDS)  # noqa: TID251

    async def _received(self, data: bytes, greeter: Hub) -> None:
        try:
            frame = decode(data)
            payload = frame.get(8, [b""])[0]
            kind = first_text(frame, 7)
            body = decode(payload) if isinstance(payload, bytes) and kind in ("im_enter_room", "hb") else {}
        except ValueError as error:
            self.note("damaged", error=str(error))
            return
        if kind == "ack":
            self.acked.append(first_number(frame, 2))
            self.note("ack", log_id=first_number(frame, 2), payload=first_text(frame, 8))
        elif kind == "hb":
            self.heartbeats += 1
            self.note("hb", seq=first_number(body, 2), for_room=str(first_number(body, 1)))
            # The frame that clients throw away; it is all that comes through in a quiet room.
            await self.send(push_frame(b"", log_id=0, payload_type="hb"))
        elif kind == "im_enter_room":
            self.note("im_enter_room", for_room=str(first_number(body, 1)), identity=first_text(body, 5))
            await greeter.entered(self)
        else:
            self.note("unexpected", payload_type=kind)

    def as_json(self) -> dict[str, Any]:
        return {
            "socket": self.number,
            "room_id": str(self.room.id),
            "open": self.open,
            "entered": self.entered,
            "silent": self.silent,
            "compress": self.compress,
            "sent": self.sent,
            "acked": self.acked,
            "heartbeats": self.heartbeats,
            "opened_at": self.opened_at,
        }


class Hub:
    """All connections, and the one way to reach those of a room."""

    def __init__(self, recorder: Recorder, clock: WorldClock) -> None:
        self.recorder = recorder
        self.clock = clock
        self.sockets: list[Socket] = []
        self._numbers: Iterator[int] = itertools.count(1)
        self._log_ids: Iterator[int] = itertools.count(1)
        self._serial: Iterator[int] = itertools.count(1)

    def compose(self, room: Room, script: Script) -> list[Message]:
        return Composer(room=room, serial=self._serial, clock=self.clock).compose(script)

    def of_room(self, room: Room, number: int | None = None) -> list[Socket]:
        """The open connections of a room, or the one with this number. Raises ValueError if there is none."""
        found = [s for s in self.sockets if s.open and s.room is room and number in (None, s.number)]
        if number is not None and not found:
            raise ValueError(f"no open socket {number} in this room")
        return found

    async def serve(self, request: web.Request, room: Room) -> web.StreamResponse:
        """One connection from the handshake to its end."""
        ws = web.WebSocketResponse(
            protocols=("echo-protocol",), autoping=False, autoclose=False, compress=False, timeout=1
        )
        # The client takes the interval of its heartbeats from here.
        ws.headers["Handshake-Options"] = "ping-interval=10; ping-timeout=30"
        ws.headers["Handshake-Msg"] = "OK"
        await ws.prepare(request)
        client = Socket(
            number=next(self._numbers),
            room=room,
            ws=ws,
            request=request,
            recorder=self.recorder,
            clock=self.clock,
            compress=request.query.get("compress") == "gzip",
        )
        self.sockets.append(client)
        client.note("open")
        try:
            await client.serve(self)
        finally:
            client.open = False
            client.note("closed", code=ws.close_code)
        return ws

    async def entered(self, client: Socket) -> None:
        """Greet who entered; in a room that has ended they learn at once that it has."""
        client.entered = True
        await client.send(push_frame(b"", log_id=next(self._log_ids), payload_type="im_enter_room_resp"))
        if client.room.status == ENDED:
            await client.push(self.compose(client.room, {"kind": "end"}), next(self._log_ids))

    async def broadcast(
        self, room: Room, messages: list[Message], *, number: int | None = None, compress: bool | None = None
    ) -> int:
        """Send one frame to the room; answers how many connections it went to."""
        clients = self.of_room(room, number)
        for client in clients:
            await client.push(messages, next(self._log_ids), compress=compress)
        return len(clients)

    async def close_all(self) -> None:
        """At the end of the process: let silent connections go too."""
        for client in self.sockets:
            client.silent = False
            if client.open:
                await client.close(1001, "going away")
