"""The gateway: a WebSocket per connection, sessions that outlive it, and every frame kept for RESUME."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import aiohttp
from aiohttp import web

from tools.sandbox.discord import payloads
from tools.sandbox.discord.limits import Bucket
from tools.sandbox.discord.schema import Oracle
from tools.sandbox.discord.world import World, now

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 8, 9, 10, 11
#: GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT: an application must be approved for these.
PRIVILEGED: Final = 1 << 1 | 1 << 8 | 1 << 15
MESSAGE_CONTENT: Final = 1 << 15
#: The intent bit an event needs; an event that is not listed reaches everyone.
_INTENTS: Final = {
    "GUILD": 1 << 0,
    "CHANNEL": 1 << 0,
    "THREAD": 1 << 0,
    "GUILD_ROLE": 1 << 0,
    "GUILD_MEMBER": 1 << 1,
    "MESSAGE": 1 << 9,
    "MESSAGE_REACTION": 1 << 10,
    "TYPING": 1 << 11,
}
_DIRECT_MESSAGE: Final = 1 << 12
NOBODY_THERE: Final = "ws://127.0.0.1:9"  # the port of the discard service, which no machine runs any more
#: As over a real network. discord.py notes the time of a heartbeat just after it is sent; were it acknowledged
#: before that, the time since the heartbeat before would look like the delay ("Can't keep up ... 41.3s behind").
_ROUND_TRIP_SECONDS: Final = 0.05


@dataclass(kw_only=True, slots=True)
class Session:
    """What IDENTIFY made. It lives on without a connection until it is invalidated.

    `frames` are the last of the `sent` ones: who missed more cannot resume.
    """

    id: str
    intents: int
    shard: tuple[int, int]
    frames: deque[dict[str, Any]]
    sent: int = 0
    connection: Connection | None = None

    def wants(self, event: str, guild_id: int | None, *, of_bot: bool = False) -> bool:
        """Is the session to be told? `of_bot`: the event is about the bot itself, which needs no intent."""
        if guild_id is not None and (guild_id >> 22) % self.shard[1] != self.shard[0]:
            return False
        kind = event.rsplit("_", 1)[0]
        needed = 0 if of_bot else _INTENTS.get(kind, 0)
        if guild_id is None and kind == "MESSAGE":
            needed = _DIRECT_MESSAGE
        return not needed or bool(self.intents & needed)

    def push(self, event: str, payload: Any) -> None:
        self.sent += 1
        frame = {"op": DISPATCH, "t": event, "s": self.sent, "d": payload}
        self.frames.append(frame)
        if self.connection is not None:
            self.connection.send(frame)


class Connection:
    """One WebSocket. Frames leave in the order they were queued, compressed if the client asked for it."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.inbound = Bucket(limit=120, window=timedelta(seconds=60))
        self._transport = request.transport
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        wants_zlib = request.query.get("compress") == "zlib-stream"
        self._compressor = zlib.compressobj() if wants_zlib else None

    def send(self, frame: dict[str, Any]) -> None:
        self._queue.put_nowait(frame)

    async def write(self) -> None:
        """Send what is queued until the socket is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                text = json.dumps(await self._queue.get())
                if self._compressor is None:
                    await self.socket.send_str(text)
                else:
                    compressed = self._compressor.compress(text.encode())
                    await self.socket.send_bytes(compressed + self._compressor.flush(zlib.Z_SYNC_FLUSH))

    def drop(self) -> None:
        """Break the TCP connection without a closing handshake."""
        if self._transport is not None:
            self._transport.abort()


class Gateway:
    """All sessions. `counts` has "identify", "resume", "replayed" and "heartbeat" since the start."""

    def __init__(
        self,
        world: World,
        oracle: Oracle,
        *,
        heartbeat_ms: int = 41_250,
        approved: int = 0,
        kept_frames: int = 5000,
    ) -> None:
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.counts: Counter[str] = Counter()
        self.muted = False
        self.down = False
        self.stranded = False
        self._world = world
        self._oracle = oracle
        self._heartbeat_ms = heartbeat_ms
        self._approved = approved
        self._kept_frames = kept_frames
        self._connections: set[Connection] = set()
        self._handlers: dict[int, Callable[[Connection, Any], int | None]] = {
            HEARTBEAT: self._heartbeat,
            IDENTIFY: self._identify,
            RESUME: self._resume,
            REQUEST_MEMBERS: self._members,
            PRESENCE: self._ignore,
            VOICE: self._ignore,
        }

    @property
    def connections(self) -> list[Connection]:
        """The connections that carry a session."""
        return [one for one in self._connections if one.session is not None]

    def dispatch(self, event: str, payload: dict[str, Any], *, guild_id: int | None = None) -> None:
        """Send an event to every session that wants it; a session without connection gets it on RESUME."""
        of_bot = event == "GUILD_MEMBER_UPDATE" and payload["user"]["id"] == str(self._world.bot.id)
        for session in self.sessions.values():
            if session.wants(event, guild_id, of_bot=of_bot):
                seen = (
                    _without_content(payload, session, self._world)
                    if event.startswith("MESSAGE_")
                    else payload
                )
                self._oracle.check_event(event, seen)
                session.push(event, seen)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=64 * 1024)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        hello = {
            "op": HELLO,
            "d": {"heartbeat_interval": self._heartbeat_ms, "_trace": []},
            "s": None,
            "t": None,
        }
        self._oracle.check_event("HELLO", hello)
        connection.send(hello)
        try:
            async for message in socket:
                code = self._receive(connection, message)
                if code is not None:
                    await socket.close(code=code)
        finally:
            writer.cancel()
            self._connections.discard(connection)
            self._detach(connection)
        return socket

    def _detach(self, connection: Connection) -> None:
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection = None
        # A client that says goodbye with 1000 or 1001 gives its session up.
        if connection.socket.close_code in (1000, 1001):
            self.sessions.pop(session.id, None)

    def _receive(self, connection: Connection, message: aiohttp.WSMessage) -> int | None:
        """Handle one frame; answers the code to close with, if any."""
        if connection.inbound.take(now()):
            return 4008
        if message.type is not aiohttp.WSMsgType.TEXT or len(message.data) > 4096:
            return 4002
        try:
            frame = json.loads(message.data)
            handler, data = self._handlers.get(frame["op"]), frame.get("d")
        except (ValueError, KeyError, TypeError):
            return 4002
        return 4001 if handler is None else handler(connection, data)

    def _heartbeat(self, connection: Connection, _: Any) -> int | None:
        self.counts["heartbeat"] += 1
        if not self.muted:
            acknowledged = {"op": HEARTBEAT_ACK, "d": None, "s": None, "t": None}
            asyncio.get_running_loop().call_later(_ROUND_TRIP_SECONDS, connection.send, acknowledged)
        return None

    def _ignore(self, connection: Connection, _: Any) -> int | None:
        return 4003 if connection.session is None else None

    def _identify(self, connection: Connection, data: dict[str, Any]) -> int | None:
        self.counts["identify"] += 1
        if connection.session is not None:
            return 4005
        if data.get("token") != self._world.token:
            return 4004
        if data["intents"] & PRIVILEGED & ~self._approved:
            return 4014
        shard = data.get("shard") or [0, 1]
        session = Session(
            id=secrets.token_hex(16),
            intents=data["intents"],
            shard=(shard[0], shard[1]),
            frames=deque(maxlen=self._kept_frames),
        )
        # Who identifies anew has given up what it had; real sessions would linger for some minutes.
        for old in [
            one for one in self.sessions.values() if one.connection is None and one.shard == session.shard
        ]:
            del self.sessions[old.id]
        self.sessions[session.id] = session
        session.connection, connection.session = connection, session
        ready = self._ready(session)
        self._oracle.check_event("READY", ready)
        session.push("READY", ready)
        for guild in self._own_guilds():
            if session.wants("GUILD_CREATE", guild.id):
                create = payloads.guild_create(self._world, guild)
                self._oracle.check_event("GUILD_CREATE", create)
                session.push("GUILD_CREATE", create)
        return None

    def _own_guilds(self) -> list[Any]:
        return [guild for guild in self._world.guilds.values() if self._world.bot.id in guild.members]

    def _ready(self, session: Session) -> dict[str, Any]:
        return {
            "v": 10,
            "user": payloads.own_user(self._world.bot),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in self._own_guilds()],
            "session_id": session.id,
            "resume_gateway_url": NOBODY_THERE if self.stranded else self.url,
            "shard": list(session.shard),
            "application": {"id": str(self._world.bot.id), "flags": 0, "flags_new": "0"},
        }

    def _resume(self, connection: Connection, data: dict[str, Any]) -> int | None:
        self.counts["resume"] += 1
        if data.get("token") != self._world.token:
            return 4004
        session = self.sessions.get(data.get("session_id", ""))
        if session is None:
            connection.send(_invalid_session(resumable=False))
            return None
        if data["seq"] > session.sent:
            return 4007
        missed = [frame for frame in session.frames if frame["s"] > data["seq"]]
        if len(missed) < session.sent - data["seq"]:
            del self.sessions[session.id]
            connection.send(_invalid_session(resumable=False))
            return None
        session.connection, connection.session = connection, session
        self.counts["replayed"] += len(missed)
        for frame in missed:
            connection.send(frame)
        session.push("RESUMED", {"_trace": []})
        return None

    def _members(self, connection: Connection, data: dict[str, Any]) -> int | None:
        session = connection.session
        if session is None:
            return 4003
        guild = self._world.guilds[int(data["guild_id"])]
        wanted = {int(one) for one in data.get("user_ids") or guild.members}
        session.push(
            "GUILD_MEMBERS_CHUNK",
            {
                "guild_id": str(guild.id),
                "members": [
                    payloads.member(self._world, guild.members[one]) for one in wanted & set(guild.members)
                ],
                "not_found": [str(one) for one in wanted - set(guild.members)],
                "chunk_index": 0,
                "chunk_count": 1,
                "nonce": data.get("nonce"),
            },
        )
        return None

    def ask_to_reconnect(self) -> None:
        for connection in self.connections:
            connection.send({"op": RECONNECT, "d": None, "s": None, "t": None})

    def invalidate(self, *, resumable: bool) -> None:
        for connection in self.connections:
            connection.send(_invalid_session(resumable=resumable))
            if not resumable and connection.session is not None:
                self.sessions.pop(connection.session.id, None)
                connection.session = None


def _invalid_session(*, resumable: bool) -> dict[str, Any]:
    return {"op": INVALID_SESSION, "d": resumable, "s": None, "t": None}


def _without_content(payload: dict[str, Any], session: Session, world: World) -> dict[str, Any]:
    """Other people's words are blank without the message-content intent, except in direct messages."""
    own = payload.get("author", {}).get("id") == str(world.bot.id)
    mentioned = any(user["id"] == str(world.bot.id) for user in payload.get("mentions", ()))
    if session.intents & MESSAGE_CONTENT or own or mentioned or "guild_id" not in payload:
        return payload
    return payload | {
        key: type(payload[key])() for key in ("content", "embeds", "attachments") if key in payload
    }
