"""What TikTok's library decoded, as events of `bot.core.streams.events`: pure functions, one per kind of message.

Damaged bytes decode "successfully" into anything: a user who is missing, a list where a number belongs, an id over
63 bits. Whoever cannot be named and whatever cannot be counted is nothing (None) here, never a zero.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.streams.events import (
    Comment,
    Ended,
    Follow,
    Gift,
    Join,
    Likes,
    Paused,
    Resumed,
    Share,
    StreamEvent,
    Subscription,
    Viewer,
    ViewerCount,
)
from bot.sources.tiktok.parse import LARGEST_ID, clean

OLDEST = timedelta(minutes=5)
"""How far back the platform's clock is believed: a message is not later than ours, nor older than this."""
MOST = 1_000_000_000
"""No room has more viewers."""
MOST_IN_TOTAL = 10**15
"""No room has more likes; the sum over rooms stays well below 63 bits."""
MOST_AT_ONCE = 1_000_000
"""No streak is longer, no gift dearer, nobody taps more often in one message."""

_JOINED, _SUBSCRIBED = (0, 1), 3
_SUSPENDED = 4
_STREAK = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message as it came: `body` is the library's decoded event, `payload` the bytes it was decoded from."""

    method: str
    body: Any
    payload: bytes
    message_id: int
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """Whose live it is; gifts to anybody else on the stage are a guest's. `host_id` is None where it is not known."""

    handle: str
    host_id: int | None = None

    def guest(self, user: Any) -> Viewer | None:
        """Give who got a gift, None when it is the host's."""
        receiver = _viewer(user)
        if receiver is None:
            return None
        is_host = (
            receiver.id == self.host_id
            if self.host_id is not None
            else receiver.handle.lower() in {"", self.handle.lower()}
        )
        return None if is_host else receiver


def translate(message: Message, room: Room, now: datetime) -> StreamEvent | None:
    """Give what a message says, None where it says nothing that is recorded (or nothing that can be believed)."""
    common = message.body.common
    facts = {
        "at": _instant(getattr(common, "create_time", None), now),
        "message_id": _id(getattr(common, "msg_id", None)) or _id(message.message_id) or 0,
    }
    return TRANSLATORS[message.method](message, room, facts)


def _comment(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewer = _viewer(message.body.user)
    if viewer is None:
        return None
    return Comment(viewer=viewer, words=clean(message.body.content), replayed=message.replayed, **facts)


def _likes(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewer, count = _viewer(message.body.user), _number(message.body.count, MOST_AT_ONCE)
    if viewer is None or not count:
        return None
    return Likes(
        viewer=viewer, count=count, total=_number(message.body.total, MOST_IN_TOTAL) or None, **facts
    )


def _gift(message: Message, room: Room, facts: dict[str, Any]) -> StreamEvent | None:
    body, viewer, gift_id = message.body, _viewer(message.body.user), _id(message.body.gift_id)
    count = _number(body.repeat_count or body.combo_count or 1, MOST_AT_ONCE)
    if viewer is None or gift_id is None or not count:
        return None
    streakable = _streakable(body.gift)
    closes = _number(body.repeat_end) == 1
    # A duplicate has the same bytes, so it has the same key even where no id came with it.
    own = facts["message_id"] or zlib.crc32(message.payload)
    group_id = 0 if streakable is False else _id(body.group_id) or 0
    if streakable and not group_id and not closes:
        return None  # a streak that cannot be told from the next one is counted by its last message alone
    return Gift(
        viewer=viewer,
        gift_id=gift_id,
        group_id=group_id or own,
        count=count,
        closes=closes,
        diamonds=_number(getattr(body.gift, "diamond_count", None), MOST_AT_ONCE) or None,
        name=clean(getattr(body.gift, "name", "")),
        streakable=streakable,
        to=room.guest(body.to_user),
        **facts,
    )


def _streakable(gift: Any) -> bool | None:
    kind = _number(getattr(gift, "type", None))
    return kind == _STREAK if kind else None


def _social(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewer, said = _viewer(message.body.user), getattr(message.body.common, "display_text", None)
    key = getattr(said, "key", "")
    if viewer is None or not isinstance(key, str):
        return None
    if "follow" in key:
        return Follow(viewer=viewer, **facts)
    return Share(viewer=viewer, **facts) if "share" in key else None


def _member(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewer, action = _viewer(message.body.user), _number(message.body.action)
    if viewer is None:
        return None
    if action == _SUBSCRIBED:
        return Subscription(viewer=viewer, **facts)
    return Join(viewer=viewer, **facts) if action in _JOINED else None


def _subscription(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewer = _viewer(message.body.user)
    if viewer is None:
        return None
    return Subscription(viewer=viewer, months=_number(message.body.sub_month) or None, **facts)


def _viewers(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    viewers, entered = _number(message.body.total), _number(message.body.total_user, MOST_IN_TOTAL) or None
    # Both are zero in a message that lost its fields; a room that somebody entered may well be empty.
    if viewers is None or not (viewers or entered):
        return None
    return ViewerCount(viewers=viewers, entered=entered, **facts)


def _control(message: Message, _: Room, facts: dict[str, Any]) -> StreamEvent | None:
    match _number(message.body.action):
        case 1:
            return Paused(**facts)
        case 2:
            return Resumed(**facts)
        case 3 | 4 as action:
            return Ended(suspended=action == _SUSPENDED, **facts)
    return None


TRANSLATORS: dict[str, Callable[[Message, Room, dict[str, Any]], StreamEvent | None]] = {
    "WebcastChatMessage": _comment,
    "WebcastControlMessage": _control,
    "WebcastGiftMessage": _gift,
    "WebcastLikeMessage": _likes,
    "WebcastMemberMessage": _member,
    "WebcastRoomUserSeqMessage": _viewers,
    "WebcastSocialMessage": _social,
    "WebcastSubNotifyMessage": _subscription,
}
"""By the wire's own name; other messages are not even decoded."""


def _viewer(user: Any) -> Viewer | None:
    """Read who somebody is by what every version of the library's user has (spec 1.4.9)."""
    number = _id(getattr(user, "id", None))
    if number is None:
        return None
    return Viewer(id=number, handle=clean(user.display_id), nickname=clean(user.nickname))


def _id(value: object) -> int | None:
    return _number(value, LARGEST_ID) or None


def _number(value: object, most: int = MOST) -> int | None:
    """Read a count; what is missing, negative or impossible is None, never 0."""
    if not isinstance(value, int):
        return None
    number = int(value)  # an enumeration of the library is a number too
    return number if 0 <= number <= most else None


def _instant(milliseconds: object, now: datetime) -> datetime:
    number = _number(milliseconds, 2**43)  # the year 2248; seconds or microseconds are no milliseconds
    if not number:
        return now
    return min(now, max(now - OLDEST, datetime.fromtimestamp(number / 1000, UTC)))
