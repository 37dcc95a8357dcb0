"""What happens in a live, as messages: bodies, responses and frames in bytes.

Field numbers: spec 2.3 and 2.4; the tests read each kind of message with the real library's classes.
A `Script` is one event of a test, for example ``{"kind": "gift", "gift": "Rose", "count": 3, "user": "anna"}``;
`control` lists the kinds.
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tools.sandbox.clock import WorldClock
from tools.sandbox.tiktok.gifts import gift_of
from tools.sandbox.tiktok.wire import encode, string_map
from tools.sandbox.tiktok.world import Room

Script = Mapping[str, Any]
Fields = dict[int, Any]

CONTROL_ACTIONS = {"pause": 1, "resume": 2, "end": 3, "suspend": 4}
FOLLOW_KEY = "pm_main_follow_message_viewer_2"
SHARE_KEY = "pm_mt_guidance_share"
JOINED = 1
REPLAYED_COMMENTS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message of a room: its type on the wire and its encoded body."""

    method: str
    payload: bytes
    msg_id: int
    is_history: bool = False

    def fields(self) -> Fields:
        return {1: self.method, 2: self.payload, 3: self.msg_id, 6: self.is_history}

    def as_history(self) -> Message:
        return replace(self, is_history=True)


def fetch_result(messages: list[Message], *, internal_ext: str, at: float, **more: Any) -> bytes:
    """A response of `at` (Unix seconds) that carries messages. `more`: cursor, route_params, push_server, is_first, need_ack."""
    return encode(
        {
            1: [message.fields() for message in messages],
            2: more.get("cursor", f"{int(at * 1000)}_0_1_1_0_0"),
            3: 1000,
            4: int(at * 1000),
            5: internal_ext,
            7: string_map(more.get("route_params", {})),
            8: 10_000,
            9: more.get("need_ack", False),
            10: more.get("push_server", ""),
            11: more.get("is_first", False),
        }
    )


def push_frame(payload: bytes, *, log_id: int, payload_type: str = "msg", compress: bool = False) -> bytes:
    """The frame of the WebSocket; a gzipped payload is announced by a header of the frame."""
    headers = {"compress_type": "gzip" if compress else "none", "im-cursor": str(log_id)}
    return encode(
        {
            1: log_id,
            2: log_id,  # what the client acknowledges
            5: string_map(headers),
            6: "pb",
            7: payload_type,
            8: gzip.compress(payload, 1) if compress else payload,
        }
    )


def person_id(handle: str) -> int:
    """The stable id of a viewer who is known by name only."""
    return 6_900_000_000_000_000_000 + zlib.crc32(handle.encode())


def user_fields(user: str | Script) -> Fields:
    """A viewer: a handle, or {handle, id?, nickname?, avatar?, following?}."""
    facts: Script = {"handle": user} if isinstance(user, str) else user
    handle = str(facts["handle"])
    fields: Fields = {
        1: facts.get("id", person_id(handle)),
        3: facts.get("nickname", handle.title()),
        22: {3: 1} if facts.get("following") else None,
        38: handle,
        46: f"MS4wLjABAAAA{person_id(handle):x}",
    }
    if facts.get("avatar"):
        fields[9] = {1: [facts["avatar"]]}
    return {number: value for number, value in fields.items() if value is not None}


def identity_fields(user: str | Script) -> Fields:
    """How the viewer stands to the host: {gifter?, subscriber?, follower?, moderator?}."""
    if isinstance(user, str):
        return {}
    names = {1: "gifter", 2: "subscriber", 4: "follower", 5: "moderator"}
    return {number: bool(user.get(name)) for number, name in names.items()}


@dataclass(kw_only=True)
class Composer:
    """Turns scripts into messages of one room, and keeps the room's counts up to date."""

    room: Room
    serial: Iterator[int]
    clock: WorldClock

    def compose(self, script: Script) -> list[Message]:
        """All messages of one script. Raises KeyError for an unknown kind, gift or a missing field."""
        kinds: dict[str, Callable[[Script], Iterator[tuple[str, Fields]]]] = {
            "comment": self._comment,
            "like": self._like,
            "gift": self._gift,
            "follow": self._follow,
            "share": self._share,
            "join": self._join,
            "viewers": self._viewers,
            "subscribe": self._subscribe,
            "chest": self._chest,
            "barrage": self._barrage,
            "unknown": self._unknown,
            **dict.fromkeys(CONTROL_ACTIONS, self._control),
        }
        if script["kind"] == "raw":
            return [self._raw(script)]
        if script["kind"] not in kinds:
            raise KeyError(f"no kind {script['kind']!r}; there are {sorted(kinds)} and raw")
        made = [self._message(script, *body) for body in kinds[script["kind"]](script)]
        if script["kind"] == "comment":
            self.room.comments = [*self.room.comments, *made][-REPLAYED_COMMENTS:]
        return made

    def _message(self, script: Script, method: str, body: Fields) -> Message:
        msg_id = script.get("msg_id") or self._new_id()
        common = {1: method, 2: msg_id, 3: self.room.id, 4: int(script.get("at", self.clock.unix()) * 1000)}
        common |= body.pop(1, {})
        return Message(method=method, payload=encode({1: common, **body}), msg_id=msg_id)

    def _new_id(self) -> int:
        return int(self.clock.unix()) << 32 | next(self.serial)

    def _raw(self, script: Script) -> Message:
        payload = base64.b64decode(script["payload_base64"])
        return Message(
            method=script["method"], payload=payload, msg_id=script.get("msg_id") or self._new_id()
        )

    def _comment(self, script: Script) -> Iterator[tuple[str, Fields]]:
        user = script["user"]
        yield (
            "WebcastChatMessage",
            {
                2: user_fields(user),
                3: script["text"],
                14: script.get("language", "en"),
                18: identity_fields(user),
            },
        )

    def _like(self, script: Script) -> Iterator[tuple[str, Fields]]:
        count = script.get("count", 1)
        # Both numbers are told because they do not agree in life: taps are batched.
        self.room.likes = script.get("total", self.room.likes + count)
        yield "WebcastLikeMessage", {2: count, 3: self.room.likes, 5: user_fields(script["user"])}

    def _gift(self, script: Script) -> Iterator[tuple[str, Fields]]:
        gift, count = gift_of(script["gift"]), script.get("count", 1)
        group = script.get("group_id") or self._new_id()
        # A streak counts up and is then closed; any other gift is one message.
        steps = script.get("steps") or (list(range(1, count + 1)) if gift.streakable else [count])
        frames = [(step, 0) for step in steps]
        if gift.streakable and script.get("end", True):
            frames.append((steps[-1], 1))
        described = {5: gift.id, 10: gift.streakable, 11: gift.type, 12: gift.diamonds, 16: gift.name}
        for repeat_count, repeat_end in frames:
            body: Fields = {
                2: gift.id,
                3: gift.diamonds * repeat_count,
                4: script.get("group_count", 1),
                5: repeat_count,
                6: repeat_count,
                7: user_fields(script["user"]),
                9: repeat_end,
                11: group,
                # [] leaves the description out, {} would be an empty one.
                15: described if script.get("described", True) else [],
                16: f"log{self._new_id()}",
                28: f"order{group}",
                32: identity_fields(script["user"]),
            }
            if script.get("to_user"):
                body[8] = user_fields(script["to_user"])
            yield "WebcastGiftMessage", body

    def _follow(self, script: Script) -> Iterator[tuple[str, Fields]]:
        self.room.owner.followers += 1
        body: Fields = {1: {8: {1: FOLLOW_KEY}}, 2: user_fields(script["user"]), 4: 1}
        yield "WebcastSocialMessage", body | {6: self.room.owner.followers}

    def _share(self, script: Script) -> Iterator[tuple[str, Fields]]:
        body: Fields = {1: {8: {1: SHARE_KEY}}, 2: user_fields(script["user"]), 4: 3}
        yield "WebcastSocialMessage", body | {8: script.get("count", 1)}

    def _join(self, script: Script) -> Iterator[tuple[str, Fields]]:
        self.room.entered += 1
        user, action = user_fields(script["user"]), script.get("action", JOINED)
        yield "WebcastMemberMessage", {2: user, 3: self.room.viewers, 10: action, 12: user[1]}

    def _viewers(self, script: Script) -> Iterator[tuple[str, Fields]]:
        self.room.viewers = script["count"]
        self.room.entered = script.get("entered", max(self.room.entered, self.room.viewers))
        ranks = [
            {1: top["score"], 2: user_fields(top["user"]), 3: place}
            for place, top in enumerate(script.get("top", []), start=1)
        ]
        body: Fields = {2: ranks, 3: self.room.viewers, 6: self.room.viewers, 7: self.room.entered}
        yield "WebcastRoomUserSeqMessage", body | {8: script.get("anonymous", 0)}

    def _subscribe(self, script: Script) -> Iterator[tuple[str, Fields]]:
        yield "WebcastSubNotifyMessage", {2: user_fields(script["user"]), 4: script.get("months", 1)}

    def _chest(self, script: Script) -> Iterator[tuple[str, Fields]]:
        chest = {1: str(self._new_id()), 4: str(script["user"]), 5: script["diamonds"], 6: script["people"]}
        yield "WebcastEnvelopeMessage", {2: chest}

    def _barrage(self, script: Script) -> Iterator[tuple[str, Fields]]:
        yield "WebcastBarrageMessage", {5: {1: script.get("key", "ttlive_superfan")}}

    def _control(self, script: Script) -> Iterator[tuple[str, Fields]]:
        yield "WebcastControlMessage", {2: CONTROL_ACTIONS[script["kind"]]}

    def _unknown(self, script: Script) -> Iterator[tuple[str, Fields]]:
        yield script.get("method", "WebcastMadeUpForTestsMessage"), {2: b"\x08\x01"}
