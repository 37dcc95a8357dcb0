"""ScrapeCreators' answers, read: pure functions from bytes to values (specs/tiktok-live.md 5.3).

Whatever is not as expected raises `PostsUnread`, so that an error is never read as "no posts".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.posts.models import Counts, ReadPost, ReadProfile, Trouble
from bot.core.posts.reading import (
    CAPTION_LIMIT,
    address_of,
    count_of,
    handle_of,
    id_of,
    posted_at,
    words_of,
)
from bot.errors import PostsUnread
from bot.texts import text

MILLISECONDS = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One page of posts; `cursor` leads to the next one, empty where there is none."""

    posts: tuple[ReadPost, ...]
    cursor: str


def read_answer(body: bytes) -> dict[str, Any]:
    """Read the JSON of an answer. Raises `PostsUnread`."""
    try:
        # Not strict: control characters stand in captions as they are.
        data = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        raise PostsUnread(
            Trouble.UNAVAILABLE, text("ScrapeCreators' answer is cut off, or no JSON")
        ) from None
    if not isinstance(data, dict):
        raise changed()
    if data.get("success") is False:
        said = words_of(data.get("message") or data.get("error")) or "?"
        raise PostsUnread(Trouble.UNAVAILABLE, text("ScrapeCreators says: {said}", said=said))
    return data


def changed() -> PostsUnread:
    """Say that an answer cannot be read."""
    return PostsUnread(Trouble.CHANGED, text("ScrapeCreators answered in an unknown form"))


def credits_in(data: Mapping[str, Any]) -> int | None:
    """Give what an answer says is left to be used; None where it does not say."""
    for name in ("credits_remaining", "creditCount"):
        if (left := count_of(data.get(name))) is not None:
            return left
    return None


def read_profile(data: Mapping[str, Any]) -> ReadProfile:
    """Read the answer of ``tiktok/profile``. Raises `PostsUnread`, also for a private account."""
    user = data.get("user")
    if not isinstance(user, dict) or id_of(user.get("id")) is None:
        raise changed()
    if user.get("privateAccount") is True or user.get("secret") is True:
        raise PostsUnread(Trouble.PRIVATE, text("the account is private; only its followers see its posts"))
    stats = data.get("statsV2") or data.get("stats")
    stats = stats if isinstance(stats, dict) else {}
    sec_uid = user.get("secUid")
    return ReadProfile(
        handle=handle_of(user.get("uniqueId")),
        platform_id=id_of(user.get("id")),
        sec_uid=sec_uid if isinstance(sec_uid, str) and re.fullmatch(r"[\w-]{20,200}", sec_uid) else "",
        nickname=words_of(user.get("nickname")),
        avatar_url=address_of(user.get("avatarLarger")),
        followers=count_of(stats.get("followerCount")),
        total_likes=count_of(stats.get("heartCount", stats.get("heart"))),
        posts=count_of(stats.get("videoCount")),
    )


def read_posts(data: Mapping[str, Any], handle: str) -> Listed:
    """Read the answer of ``tiktok/profile/videos``. Raises `PostsUnread`."""
    listed, more = data.get("aweme_list"), data.get("has_more")
    if not isinstance(listed, list) or more not in (0, 1):
        raise changed()
    cursor = str(data.get("max_cursor") or "")
    if more and not cursor:
        raise changed()
    return Listed(posts=tuple(_post(one, handle) for one in listed), cursor=cursor if more else "")


def _post(one: object, handle: str) -> ReadPost:
    post_id = id_of(one.get("aweme_id")) if isinstance(one, dict) else None
    moment = posted_at(post_id, one.get("create_time")) if post_id and isinstance(one, dict) else None
    if not isinstance(one, dict) or post_id is None or moment is None:
        raise changed()
    counts, video = _part(one, "statistics"), _part(one, "video")
    duration = count_of(video.get("duration"))
    return ReadPost(
        post_id=post_id,
        posted_at=moment,
        caption=words_of(one.get("desc"), CAPTION_LIMIT),
        url=f"https://www.tiktok.com/@{handle}/video/{post_id}",
        cover_url=_cover(_part(video, "cover").get("url_list")),
        duration_seconds=None if duration is None else round(duration / MILLISECONDS),
        counts=Counts(
            views=count_of(counts.get("play_count")),
            likes=count_of(counts.get("digg_count")),
            comments=count_of(counts.get("comment_count")),
            shares=count_of(counts.get("share_count")),
            saves=count_of(counts.get("collect_count")),
        ),
    )


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    return part if isinstance(part, dict) else {}


def _cover(addresses: object) -> str:
    """Choose an address; pictures of the kind HEIC come last, since Discord does not show them."""
    offered = [address_of(one) for one in addresses] if isinstance(addresses, list) else []
    return next(iter(sorted(filter(None, offered), key=lambda one: ".heic" in one)), "")


def refusal_of(status: int, retry_after: str) -> PostsUnread:
    """Say what an HTTP status other than 200 means."""
    seconds = count_of(retry_after)
    if status == 401:
        return PostsUnread(Trouble.AUTH, text("ScrapeCreators does not accept the key"))
    if status == 402:
        return PostsUnread(Trouble.NO_CREDITS, text("the credits of ScrapeCreators are used up"))
    if status == 403:
        return PostsUnread(Trouble.PRIVATE, text("the account shows its posts to a limited audience only"))
    if status == 404:
        return PostsUnread(Trouble.GONE, text("ScrapeCreators finds no such account (any more)"))
    reason = text("ScrapeCreators answered with HTTP status {status}", status=status)
    if status == 429:
        return PostsUnread(Trouble.BLOCKED, reason, retry_after_seconds=seconds)
    trouble = Trouble.UNAVAILABLE if status >= 500 or status == 408 else Trouble.CHANGED
    return PostsUnread(trouble, reason, retry_after_seconds=seconds)
