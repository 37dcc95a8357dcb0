"""A flood of events for `tools.bench.live`: encoded beforehand, and sent as fast as they are read.

Run as a process of its own: ``python -m tools.bench.flood EVENTS ROOMS BYTES PER_FRAME`` prints where it listens. Room n
has the id n. It answers the signing request and the socket of each room, and ends each live with the platform's word.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from tools.sandbox.tiktok.sign import COOKIE
from tools.sandbox.tiktok.wire import encode, string_map

PEOPLE = 5000
GIFTS = {5655: ("Rose", 1, 1), 5658: ("Perfume", 20, 1), 5879: ("Doughnut", 30, 1), 9001: ("Galaxy", 1000, 2)}
MIX = {"join": 30, "like": 35, "comment": 20, "gift": 8, "viewers": 4, "share": 3}
FIRST_ROOM = 7_300_000_000_000_000_000
_URL = "https://p16-sign-va.tiktokcdn.com/tos-maliva-avt-0068/{name}~tplv-tiktokx-cropcenter:{size}:{size}.webp?dr=14579&refresh_token=8a1b2c3d&x-expires=1773000000&x-signature=Qm9va2VlcGVyJTJGb2Y{name}%3D&t=4d5b0474&ps=13740610&shp=a5d48078&shcp=fdd36af4&idc=maliva"


@dataclass(frozen=True, kw_only=True)
class Flood:
    """What is sent to each of `rooms`; all of them get `events` in all."""

    events: int
    rooms: int = 1
    size: int = 1100
    per_frame: int = 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """Give the command line of the process."""
        return tuple(str(one) for one in (self.events, self.rooms, self.size, self.per_frame))

    def of_room(self, room: int) -> Iterator[tuple[str, dict[str, int]]]:
        """Give what happens in a room: its kind, and what it is to be counted as."""
        luck = Random(room)  # noqa: S311 - the same flood each time
        kinds, weights = list(MIX), list(MIX.values())
        for number in range(self.events // self.rooms):
            who = int(PEOPLE * luck.random() ** 2)
            kind = luck.choices(kinds, weights)[0]
            yield (
                kind,
                {"number": number, "who": who, "count": luck.randrange(1, 16), "gift": luck.randrange(100)},
            )

    def totals(self) -> Counter[str]:
        """Give what must have been counted in all rooms together."""
        sums: Counter[str] = Counter()
        for room in range(self.rooms):
            for kind, facts in self.of_room(room):
                sums[_COUNTED[kind]] += facts["count"] if kind == "like" else 1
                if kind == "gift":
                    sums["diamonds"] += _gift(facts)[1]
        return sums


_COUNTED = {
    "join": "joins",
    "like": "likes",
    "comment": "comments",
    "gift": "gifts",
    "viewers": "viewers",
    "share": "shares",
}
_METHODS = {
    "join": "WebcastMemberMessage",
    "like": "WebcastLikeMessage",
    "comment": "WebcastChatMessage",
    "gift": "WebcastGiftMessage",
    "viewers": "WebcastRoomUserSeqMessage",
    "share": "WebcastSocialMessage",
}


def _gift(facts: dict[str, int]) -> tuple[int, int, str, int]:
    number = list(GIFTS)[
        0 if facts["gift"] < 80 else 1 if facts["gift"] < 90 else 2 if facts["gift"] < 98 else 3
    ]
    name, diamonds, kind = GIFTS[number]
    return number, diamonds, name, kind


@lru_cache(maxsize=2 * PEOPLE)
def _user(who: int, size: int) -> bytes:
    """A viewer as large as asked: without a picture, with one, or with three and two badges."""
    images = [_image(f"{who:032x}", side) for side in (100, 720, 1080)]
    fields: dict[int, Any] = {
        1: 6_900_000_000_000_000_000 + who,
        3: f"Fan {who}",
        38: f"fan.{who}",
        46: f"MS4wLjABAAAA{who:040x}",
    }
    if size >= 1000:
        fields[9] = images[0]
    if size >= 4000:
        fields |= {10: images[1], 11: images[2]}
        fields[64] = [
            {1: 1, 2: level, 3: 1, 11: 1, 20: {2: _image(f"badge{level}", 64)}} for level in (6, 10)
        ]
    return encode(fields)


def _image(name: str, side: int) -> dict[int, Any]:
    return {
        1: [_URL.format(name=name, size=side) for _ in range(2)],
        2: f"{side}x{side}/tos-maliva-avt-0068/{name}",
    }


def _body(kind: str, facts: dict[str, int], size: int) -> dict[int, Any]:
    user = _user(facts["who"], size)
    if kind == "join":
        return {2: user, 3: 100, 10: 1, 12: facts["who"]}
    if kind == "like":
        return {2: facts["count"], 3: 10 * facts["number"], 5: user}
    if kind == "comment":
        return {2: user, 3: f"comment {facts['number']}", 14: "en"}
    if kind == "gift":
        gift_id, diamonds, name, streak = _gift(facts)
        described = {5: gift_id, 10: streak == 1, 11: streak, 12: diamonds, 16: name}
        group = 10**9 + facts["number"]
        return {
            2: gift_id,
            3: diamonds,
            4: 1,
            5: 1,
            6: 1,
            7: user,
            9: 1,
            11: group,
            15: described,
            28: f"o{group}",
        }
    if kind == "viewers":
        return {3: 50 + facts["count"], 6: 50 + facts["count"], 7: facts["number"]}
    return {1: {8: {1: "pm_mt_guidance_share"}}, 2: user, 4: 3, 8: 1}


def _message(method: str, number: int, room_id: int, body: dict[int, Any]) -> dict[int, Any]:
    created = int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 - what is measured is a real process
    common = {1: method, 2: (1 << 40) + number, 3: room_id, 4: created, **body.pop(1, {})}
    return {1: method, 2: encode({1: common, **body}), 3: (1 << 40) + number}


def _frames(flood: Flood, room: int) -> list[bytes]:
    """Encode everything that a room is sent; the last frame ends the live."""
    room_id = FIRST_ROOM + room
    waiting: list[dict[int, Any]] = []
    frames: list[bytes] = []
    for kind, facts in flood.of_room(room):
        waiting.append(_message(_METHODS[kind], facts["number"] + 1, room_id, _body(kind, facts, flood.size)))
        if len(waiting) == flood.per_frame:
            frames.append(_frame(waiting, len(frames)))
            waiting = []
    end = _message("WebcastControlMessage", flood.events + 1, room_id, {2: 3})
    return [*frames, _frame([*waiting, end], len(frames))]


def _frame(messages: list[dict[int, Any]], number: int) -> bytes:
    response = encode({1: messages, 2: "cursor", 5: f"ext-{number}", 9: True})
    headers = string_map({"compress_type": "gzip"})
    payload = gzip.compress(response, 1)
    return encode({1: number + 1, 2: number + 1, 5: headers, 6: "pb", 7: "msg", 8: payload})


class Server:
    """Serves one flood. What is not yet encoded is encoded when its room is first asked for."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._rooms = [_frames(flood, room) for room in range(flood.rooms)]
        self._tasks: set[asyncio.Task[None]] = set()

    async def sign(self, request: web.Request) -> web.Response:
        """Give the answer that opens a room."""
        body = encode(
            {
                2: "cursor",
                5: "first",
                7: string_map({"imprp": "flood"}),
                8: 10_000,
                10: f"ws://{request.host}/push/{request.query['room_id']}/",
                11: True,
            }
        )
        return web.Response(body=body, headers={"X-Set-TT-Cookie": COOKIE})

    async def limits(self, request: web.Request) -> web.Response:
        """Allow any number of requests."""
        del request
        window = {"max": 100_000, "remaining": 100_000, "reset_at": None}
        return web.json_response({"code": 200, "minute": window, "hour": window, "day": window})

    async def push(self, request: web.Request) -> web.WebSocketResponse:
        """Send a room everything, as fast as it is read; acknowledgements are read and forgotten."""
        socket = web.WebSocketResponse(protocols=("echo-protocol",), autoping=False, compress=False)
        await socket.prepare(request)
        frames = self._rooms[int(request.match_info["room"]) - FIRST_ROOM]
        sending: asyncio.Task[None] | None = None
        async for message in socket:
            if sending is None and message.type is WSMsgType.BINARY and b"im_enter_room" in message.data:
                sending = asyncio.create_task(self._send(socket, frames))
        if sending is not None:
            sending.cancel()
        return socket

    async def _send(self, socket: web.WebSocketResponse, frames: list[bytes]) -> None:
        for frame in frames:
            await socket.send_bytes(frame)


async def serve(flood: Flood) -> None:
    """Serve until standard input ends."""
    server = Server(flood)
    app = web.Application()
    app.router.add_get("/webcast/fetch", server.sign)
    app.router.add_get("/webcast/rate_limits", server.limits)
    app.router.add_get("/push/{room}/", server.push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(json.dumps({"base": f"http://127.0.0.1:{port}"}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    events, rooms, size, per_frame = (int(one) for one in sys.argv[1:])
    asyncio.run(serve(Flood(events=events, rooms=rooms, size=size, per_frame=per_frame)))
