"""What the listing process says, read: pure functions from its lines to values (see `listing_child`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
from bot.texts import Text, text

WWW = "https://www.tiktok.com"
# TikTok's own numbers, of a page or a listing (specs/tiktok-live.md 5.2 and the web client).
PRIVATE_CODES = frozenset({10216, 10222})
GONE_CODES = frozenset({10202, 10221, 10225})
BLOCKED_CODES = frozenset({10000, 10102, 10113, 10114, 10119})
DOWN_CODES = frozenset({10101, 10111})
# The covers among what yt-dlp offers, best first; the third moves.
COVERS = ("cover", "originCover", "dynamicCover")


def read_posts(entries: object, handle: str) -> tuple[ReadPost, ...]:
    """Read the entries of a page. Raises `PostsUnread` for one without an id or a time."""
    if not isinstance(entries, list):
        raise changed(text("the listing's posts are in an unknown form"))
    return tuple(_post(entry, handle) for entry in entries)


def _post(entry: Mapping[str, Any], handle: str) -> ReadPost:
    post_id = id_of(entry.get("id"))
    moment = posted_at(post_id, entry.get("timestamp")) if post_id else None
    if post_id is None or moment is None:
        raise changed(text("the listing holds a post without an id or a time"))
    return ReadPost(
        post_id=post_id,
        posted_at=moment,
        caption=words_of(entry.get("description") or entry.get("title"), CAPTION_LIMIT),
        url=post_url(handle, post_id),
        cover_url=_cover(entry.get("thumbnails")),
        duration_seconds=count_of(entry.get("duration")),
        counts=Counts(
            views=count_of(entry.get("view_count")),
            likes=count_of(entry.get("like_count")),
            comments=count_of(entry.get("comment_count")),
            shares=count_of(entry.get("repost_count")),
            saves=count_of(entry.get("save_count")),
        ),
    )


def post_url(handle: str, post_id: int) -> str:
    """Give the address of a post. It leads there whatever the handle."""
    return f"{WWW}/@{handle}/video/{post_id}"


def _cover(thumbnails: object) -> str:
    listed = thumbnails if isinstance(thumbnails, list) else []
    offered = {one.get("id"): address_of(one.get("url")) for one in listed if isinstance(one, dict)}
    return next((offered[name] for name in COVERS if offered.get(name)), "")


def read_user(said: Mapping[str, Any]) -> ReadProfile | None:
    """Read whose page it is; None where it does not say."""
    user, stats = said.get("user"), said.get("stats")
    if not isinstance(user, dict) or id_of(user.get("id")) is None:
        return None
    stats = stats if isinstance(stats, dict) else {}
    return ReadProfile(
        handle=handle_of(user.get("uniqueId")),
        platform_id=id_of(user.get("id")),
        sec_uid=_sec_uid(user.get("secUid")),
        nickname=words_of(user.get("nickname")),
        avatar_url=address_of(user.get("avatarLarger")),
        followers=count_of(stats.get("followerCount")),
        total_likes=count_of(stats.get("heartCount", stats.get("heart"))),
        posts=count_of(stats.get("videoCount")),
    )


def _sec_uid(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"MS4wLjABAAAA[\w-]{64}", value) else ""


def refusal_of(said: Mapping[str, Any]) -> PostsUnread | None:
    """Say why what a page says keeps its profile from being read; None where it does not."""
    code, user = said.get("code"), said.get("user")
    code = code if isinstance(code, int) else count_of(code) or 0
    is_private = isinstance(user, dict) and user.get("privateAccount") is True
    if code in PRIVATE_CODES or is_private:
        return PostsUnread(Trouble.PRIVATE, text("the account is private; only its followers see its posts"))
    if code in GONE_CODES:
        return PostsUnread(Trouble.GONE, text("TikTok knows no such account (any more)"))
    if code in BLOCKED_CODES:
        return PostsUnread(Trouble.BLOCKED, text("TikTok refuses this machine (its code {code})", code=code))
    if code in DOWN_CODES:
        return PostsUnread(Trouble.UNAVAILABLE, text("TikTok is in trouble (its code {code})", code=code))
    if code:
        return changed(text("TikTok answers with a code that is not known ({code})", code=code))
    return None


def failure_of(failed: Mapping[str, Any], *, is_challenged: bool) -> PostsUnread:
    """Say why the process could not go on."""
    if "network" in failed:
        return unavailable(text("TikTok cannot be reached ({kind})", kind=str(failed["network"])[:60]))
    if is_challenged or failed.get("json_place") == 0:
        # What should be an answer and is empty or a page comes from something that stands before the service.
        return PostsUnread(
            Trouble.BLOCKED,
            text("TikTok shows a challenge page instead of an answer"),
            retry_after_seconds=count_of(failed.get("retry_after")),
        )
    if "status" in failed:
        return _bad_status(int(failed["status"]), str(failed.get("path")), failed.get("retry_after"))
    if failed.get("json_place"):
        return unavailable(text("TikTok's answer ended in the middle"))
    said = words_of(failed.get("content") or failed.get("bug") or "", 10_000).strip()
    if "same page" in said:
        return same_page()
    return changed(
        text("yt-dlp cannot read TikTok's answer: {said}", said=said.splitlines()[-1][:200] if said else "?")
    )


def _bad_status(status: int, path: str, retry_after: object) -> PostsUnread:
    seconds = count_of(retry_after)
    reason: Text = text("TikTok answered with HTTP status {status}", status=status)
    if status in {401, 403, 407, 429, 451}:
        return PostsUnread(Trouble.BLOCKED, reason, retry_after_seconds=seconds)
    if status == 404 and path.startswith("/@"):
        return PostsUnread(Trouble.GONE, text("TikTok knows no such account (any more)"))
    if status >= 500:
        return unavailable(reason, seconds)
    return changed(reason)


def same_page() -> PostsUnread:
    """Say that the listing goes round in a circle."""
    return PostsUnread(Trouble.BLOCKED, text("TikTok gives the same page again and again"))


def changed(reason: str) -> PostsUnread:
    """Say that an answer cannot be read."""
    return PostsUnread(Trouble.CHANGED, reason)


def unavailable(reason: str, retry_after_seconds: float | None = None) -> PostsUnread:
    """Say that there is no answer."""
    return PostsUnread(Trouble.UNAVAILABLE, reason, retry_after_seconds=retry_after_seconds)
