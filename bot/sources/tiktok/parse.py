"""TikTok's answers, read: pure functions from bytes to values (specs/tiktok-live.md 2.2).

Whatever is not as expected raises `SourceChanged` (or `SourceUnavailable` for a challenge page), so
that a block is never read as "offline".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bot.core.live.models import Answer, Observation, Person, Profile, ProfileState, Sighting, room_started_at
from bot.errors import SourceChanged, SourceUnavailable
from bot.texts import text

STATUS_LIVE, STATUS_PAUSED, STATUS_ENDED = 2, 3, 4
PROFILE_PRIVATE, PROFILE_NOT_FOUND = 10222, 10221
LARGEST_ID = 2**63 - 1
TEXT_LIMIT = 500
_CHALLENGE = re.compile(rb"Please wait\.\.\.|waf-aiso|captcha", re.IGNORECASE)
_PROFILE_DATA = re.compile(
    r'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">(.*?)</script>', re.DOTALL
)


def read_live(body: bytes, now: datetime) -> Observation:
    """Read the answer of ``api-live/user/room``.

    Raises `SourceUnavailable` for a challenge page, `SourceChanged` for anything that is not understood.
    """
    answer = _json(body)
    data = answer.get("data")
    if not isinstance(data, dict):
        if answer.get("message") == "user_not_found":
            return Observation(
                answer=Answer.OFFLINE, seen_at=now, not_found=True, reason=text("no such handle")
            )
        raise SourceChanged(text("the live check answered without data"))
    user, room = _mapping(data, "user"), data.get("liveRoom")
    person = _person(user, data.get("stats"))
    status = room.get("status", user.get("status")) if isinstance(room, dict) else user.get("status")
    if status in (STATUS_LIVE, STATUS_PAUSED) and isinstance(room, dict):
        sighting = _sighting(user, room, paused=status == STATUS_PAUSED)
        return Observation(answer=Answer.LIVE, seen_at=now, sighting=sighting, person=person)
    if status == STATUS_ENDED or (room is None and not user.get("roomId")):
        return Observation(answer=Answer.OFFLINE, seen_at=now, person=person)
    raise SourceChanged(text("the live check answered an unknown status ({status})", status=str(status)[:20]))


def read_profile(body: bytes) -> Profile:
    """Read a profile page. Raises as `read_live`."""
    match = _PROFILE_DATA.search(body.decode("utf-8", "replace"))
    if match is None:
        raise _challenge_in(body) or SourceChanged(text("the profile page holds no data"))
    scope = _mapping(_json(match.group(1).encode()), "__DEFAULT_SCOPE__")
    detail = _mapping(scope, "webapp.user-detail")
    code, info = detail.get("statusCode", 0), detail.get("userInfo")
    user = info.get("user") if isinstance(info, dict) else None
    if not isinstance(user, dict) or not user:
        if code == PROFILE_PRIVATE:
            return Profile(state=ProfileState.PRIVATE)
        if code:
            return Profile(state=ProfileState.NOT_FOUND)
        raise SourceChanged(text("the profile page names nobody and gives no reason"))
    person = _person(user, info.get("statsV2") or info.get("stats") if isinstance(info, dict) else None)
    private = code == PROFILE_PRIVATE or user.get("privateAccount") is True
    return Profile(state=ProfileState.PRIVATE if private else ProfileState.ACTIVE, person=person)


def read_rooms_alive(body: bytes) -> dict[int, bool]:
    """Read the answer of ``room/check_alive``, by room id, not by position. Raises as `read_live`."""
    rows = _json(body).get("data")
    if not isinstance(rows, list) or not rows:
        raise SourceUnavailable(text("the sweep of rooms was answered without data"), blocked=True)
    alive = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("alive"), bool):
            raise SourceChanged(text("the sweep of rooms was answered in an unknown form"))
        alive[_id(row.get("room_id_str") or row.get("room_id"))] = row["alive"]
    return alive


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        # What should be JSON and is not comes from something that stands before the service.
        raise _challenge_in(body) or SourceUnavailable(text("the answer is not JSON"), blocked=True) from None
    if not isinstance(data, dict):
        raise SourceChanged(text("the answer is JSON of an unknown form"))
    return data


def _challenge_in(body: bytes) -> SourceUnavailable | None:
    if _CHALLENGE.search(body[:200_000]):
        return SourceUnavailable(text("TikTok shows a challenge page"), blocked=True)
    return None


def _sighting(user: Mapping[str, Any], room: Mapping[str, Any], *, paused: bool) -> Sighting:
    room_id = _id(user.get("roomId"))
    stats = room.get("liveRoomStats")
    return Sighting(
        room_id=room_id,
        started_at=_instant(room.get("startTime")) or room_started_at(room_id),
        title=clean(room.get("title")),
        cover_url=_picture(room.get("coverUrl")),
        viewers=_count(stats.get("userCount")) if isinstance(stats, dict) else None,
        paused=paused,
    )


def _person(user: Mapping[str, Any], stats: object) -> Person:
    told = stats if isinstance(stats, dict) else {}
    return Person(
        platform_id=_id(user.get("id")),
        handle=clean(user.get("uniqueId")).lower(),
        nickname=clean(user.get("nickname")),
        followers=_count(told.get("followerCount")),
        total_likes=_count(told.get("heartCount", told.get("heart"))),
    )


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    if not isinstance(value, dict):
        raise SourceChanged(text("the answer has no {key}", key=key))
    return value


def _id(value: object) -> int:
    written = str(value)
    if not re.fullmatch(r"[0-9]{1,19}", written) or not 0 < int(written) <= LARGEST_ID:
        raise SourceChanged(text("the answer holds an id that is none"))
    return int(written)


def _count(value: object) -> int | None:
    """Read a count; a missing or impossible one is None, never 0."""
    written = str(value)
    return int(written) if re.fullmatch(r"[0-9]{1,18}", written) else None


def _instant(value: object) -> datetime | None:
    seconds = _count(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < 2**33 else None


def clean(value: object) -> str:
    """Read a text without what no database takes (NUL, lone surrogates)."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:TEXT_LIMIT]


def _picture(value: object) -> str:
    """Accept the address of a picture; Discord, not the bot, fetches it."""
    address = clean(value)
    parts = urlsplit(address) if address.isprintable() else urlsplit("")
    return address if parts.scheme in {"http", "https"} and parts.hostname else ""
