"""The documents TikTok answers with, made of accounts and rooms. `base` is how the asker reached us."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tools.sandbox.tiktok import posts
from tools.sandbox.tiktok.gifts import GIFTS, Gift
from tools.sandbox.tiktok.world import ENDED, Account, Room

# TikTok's numbers of a profile page: 10222 private; 10221 no such account (spec 5.2).
PRIVATE, NOT_FOUND = 10222, 10221
# The library looks at the message only; this number is ours.
USER_NOT_FOUND = 19881007
AGE_GATE = 4003110
WAF_PAGE = "<!DOCTYPE html><html><head><title>Please wait...</title></head><body>Please wait...</body></html>"
OTHER_PAGE = "<!DOCTYPE html><html><head><title>TikTok</title></head><body>Something went wrong</body></html>"


def _script(name: str, data: Any) -> str:
    # The attributes stand in exactly this order: clients search for the tag with a regular expression.
    # Escaped slashes, as TikTok writes them, also keep a title from closing the script.
    text = json.dumps(data, separators=(",", ":")).replace("/", "\\u002F")
    return (
        "<!DOCTYPE html><html><head><title>TikTok</title></head><body>"
        f'<script id="{name}" type="application/json">{text}</script></body></html>'
    )


def cover_url(room: Room, base: str) -> str:
    return f"{base}/obj/cover/{room.id}.png"


def avatar_url(account: Account, base: str) -> str:
    return f"{_pictures(base)}/obj/avatar/{account.id}.png"


def _pictures(base: str) -> str:
    """Give where pictures are for who came to `base`: TikTok's own pages have them elsewhere."""
    return posts.PICTURES if base.endswith("tiktok.com") else base


def _live_user(account: Account, base: str) -> dict[str, Any]:
    return {
        "id": str(account.id),
        "uniqueId": account.handle,
        "nickname": account.nickname,
        "secUid": account.sec_uid,
        "avatarLarger": avatar_url(account, base),
        "avatarThumb": avatar_url(account, base),
        "secret": account.private,
        "roomId": str(account.room.id) if account.room else "",
        "status": account.status,
    }


def _live_room(room: Room, base: str) -> dict[str, Any]:
    cover = cover_url(room, base)
    return {
        "title": room.title,
        "status": room.status,
        "startTime": room.started_at,
        "coverUrl": cover,
        "squareCoverImg": cover,
        # The stream has an id of its own: who takes it for the room finds nothing.
        "streamId": str(room.id + 1),
        "liveRoomStats": {"userCount": room.viewers, "enterCount": room.entered},
    }


def _live_info(account: Account, room: Room, base: str) -> dict[str, Any]:
    return {
        "user": _live_user(account, base),
        "stats": {"followerCount": account.followers, "followingCount": account.following},
        "liveRoom": _live_room(room, base),
    }


def room_lookup(account: Account | None, base: str) -> dict[str, Any]:
    """`api-live`: who never was live does not exist here, just like who does not exist."""
    if account is None or account.room is None:
        return {"statusCode": USER_NOT_FOUND, "message": "user_not_found", "data": None}
    return {"statusCode": 0, "message": "", "data": _live_info(account, account.room, base)}


def live_page(account: Account | None, base: str) -> str:
    if account is None or account.room is None:
        return _script("SIGI_STATE", {"LiveRoom": None})
    info = _live_info(account, account.room, base)
    return _script("SIGI_STATE", {"LiveRoom": {"liveRoomStatus": account.status, "liveRoomUserInfo": info}})


def profile_page(account: Account | None, base: str) -> str:
    if account is None:
        detail: dict[str, Any] = {"statusCode": NOT_FOUND, "statusMsg": ""}
    else:
        detail = {"statusCode": PRIVATE if account.private else 0, "userInfo": _user_info(account, base)}
    return _script(
        "__UNIVERSAL_DATA_FOR_REHYDRATION__", {"__DEFAULT_SCOPE__": {"webapp.user-detail": detail}}
    )


def item_list(account: Account | None, base: str, query: Mapping[str, str]) -> dict[str, Any]:
    """The posts of an account. Of a private one there are older ones for ever, but none is shown."""
    if account is None:
        return {"statusCode": NOT_FOUND, "itemList": [], "hasMorePrevious": False}
    if account.private:
        return {"statusCode": 0, "itemList": [], "hasMorePrevious": True}
    return posts.listing(account.shelf, *_author(account, base), query)


def embed_page(account: Account) -> str:
    videos = [{"id": str(post.id)} for post in account.shelf.shown[:10]]
    page = f"/embed/@{account.handle}"
    return _script("__FRONTITY_CONNECT_STATE__", {"source": {"data": {page: {"videoList": videos}}}})


def video_page(account: Account, post: posts.Post, base: str) -> str:
    detail = {"statusCode": 0, "itemInfo": {"itemStruct": posts.item(post, *_author(account, base))}}
    return _script(
        "__UNIVERSAL_DATA_FOR_REHYDRATION__", {"__DEFAULT_SCOPE__": {"webapp.video-detail": detail}}
    )


def _author(account: Account, base: str) -> tuple[dict[str, Any], dict[str, Any]]:
    info = _user_info(account, base)
    fields = ("id", "uniqueId", "secUid", "nickname", "avatarLarger")
    return {key: info["user"][key] for key in fields}, info["stats"]


def _user_info(account: Account, base: str) -> dict[str, Any]:
    is_live = account.room is not None and account.room.status != ENDED
    stats = {
        "followerCount": account.followers,
        "followingCount": account.following,
        "heartCount": account.hearts,
        "heart": account.hearts,
        "videoCount": account.videos,
        "diggCount": 0,
        "friendCount": 0,
    }
    user = {
        "id": str(account.id),
        "uniqueId": account.handle,
        "secUid": account.sec_uid,
        "nickname": account.nickname,
        "signature": "",
        "verified": False,
        "privateAccount": account.private,
        "avatarLarger": avatar_url(account, base),
        "roomId": str(account.room.id) if account.room and is_live else "",
    }
    # statsV2 holds strings, and only it survives counts above 32 bits (spec 5.2).
    return {"user": user, "stats": stats, "statsV2": {key: str(value) for key, value in stats.items()}}


def check_alive(rooms: Iterable[Room], now: float) -> dict[str, Any]:
    """Which rooms are alive; a room TikTok does not know is missing from the answer."""
    data = [{"alive": r.status != ENDED, "room_id": r.id, "room_id_str": str(r.id)} for r in rooms]
    return {"data": data, "extra": {"now": int(now * 1000)}, "status_code": 0}


def room_info(room: Room | None, base: str, now: float) -> dict[str, Any]:
    """`room/info`; the age gate and an unknown room answer with a prompt or next to nothing."""
    if room is None:
        return {"data": {"message": "Request params error"}, "status_code": 10011}
    if room.owner.age_restricted:
        gate = {"message": "This live is age-restricted", "prompts": "This live is age-restricted"}
        return {"data": gate, "status_code": AGE_GATE}
    data = {
        "id": room.id,
        "id_str": str(room.id),
        "status": room.status,
        "title": room.title,
        "user_count": room.viewers,
        "like_count": room.likes,
        "create_time": room.started_at,
        "owner": {"id": room.owner.id, "display_id": room.owner.handle, "nickname": room.owner.nickname},
        "stats": {"total_user": room.entered, "like_count": room.likes, "enter_count": room.entered},
        "cover": {"url_list": [cover_url(room, base)], "uri": f"cover/{room.id}"},
    }
    return {"data": data, "extra": {"now": int(now * 1000)}, "status_code": 0}


def gift_list() -> dict[str, Any]:
    return {"data": {"gifts": [_listed(gift) for gift in GIFTS]}, "status_code": 0}


def _listed(gift: Gift) -> dict[str, Any]:
    return {
        "id": gift.id,
        "name": gift.name,
        "diamond_count": gift.diamonds,
        "type": gift.type,
        "combo": gift.streakable,
    }
