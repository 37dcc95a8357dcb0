"""Posts of an account, and how TikTok's own pages list them (spec 5.1, 5.2; yt-dlp's `tiktok:user`).

``/api/creator/item_list/?secUid=&cursor=&count=`` gives posts that are older than `cursor` (Unix milliseconds), newest
first, 15 at most; ``hasMorePrevious`` says whether there are older ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

MOST_IN_PAGE = 15
COUNTS = {
    "views": "playCount",
    "likes": "diggCount",
    "comments": "commentCount",
    "shares": "shareCount",
    "saves": "collectCount",
}
#: Where TikTok keeps pictures; the stand-in shows them under any name that leads to it.
PICTURES = "https://p16-common-sign.tiktokcdn.com"
_serial = itertools.count(1)


@dataclass(kw_only=True)
class Post:
    """One post; a count that is None is missing in what is told of it."""

    created_at: int
    id: int = 0
    caption: str = ""
    duration: int = 15
    hidden: bool = False
    views: int | None = 1000
    likes: int | None = 100
    comments: int | None = 10
    shares: int | None = 5
    saves: int | None = 3

    def __post_init__(self) -> None:
        # The top 32 bits are the second it was made, as TikTok's are.
        self.id = int(self.id) or self.created_at << 32 | next(_serial)


POST_FIELDS = frozenset(one.name for one in fields(Post))


@dataclass
class Shelf:
    """The posts of one account. A wrong command raises ValueError or KeyError."""

    posts: dict[int, Post] = field(default_factory=dict)

    def add(self, **facts: Any) -> Post:
        post = Post(**facts)
        if post.id in self.posts:
            raise ValueError(f"there is a post {post.id} already")
        self.posts[post.id] = post
        return post

    def add_many(self, count: int, *, newest_at: int, seconds_apart: int = 3600) -> list[Post]:
        """Add posts with numbers in their captions and counts that differ; the first is the newest."""
        return [
            self.add(
                created_at=newest_at - number * seconds_apart,
                caption=f"Post {number + 1} #vedette",
                views=1000 + number,
                likes=100 + number,
            )
            for number in range(count)
        ]

    def change(self, post_id: int, changes: Mapping[str, Any]) -> Post:
        post = self.posts[post_id]
        for name, value in changes.items():
            setattr(post, name, value)
        return post

    @property
    def shown(self) -> list[Post]:
        """What anybody may see, newest first."""
        return sorted((p for p in self.posts.values() if not p.hidden), key=lambda p: (-p.created_at, -p.id))

    def before(self, cursor: int, count: int) -> tuple[list[Post], bool]:
        """Give the posts older than `cursor` (Unix milliseconds), and whether there are more."""
        older = [post for post in self.shown if post.created_at * 1000 < cursor]
        return older[:count], len(older) > count


def cover_url(post: Post) -> str:
    return f"{PICTURES}/obj/post/{post.id}.png"


def item(post: Post, author: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, Any]:
    """Give a post as the listing shows it; saves are a string even among numbers, as TikTok writes them."""
    known = {name: getattr(post, word) for word, name in COUNTS.items() if getattr(post, word) is not None}
    words = {name: str(value) for name, value in known.items()}
    if "collectCount" in known:
        known["collectCount"] = words["collectCount"]
    return {
        "id": str(post.id),
        "desc": post.caption,
        "createTime": post.created_at,
        "author": dict(author),
        "authorStats": dict(stats),
        "stats": known,
        "statsV2": words,
        "video": {
            "id": str(post.id),
            "duration": post.duration,
            "width": 576,
            "height": 1024,
            "cover": cover_url(post),
            "originCover": cover_url(post).replace(".png", ".png?origin=1"),
            "dynamicCover": cover_url(post).replace(".png", ".png?moving=1"),
        },
        "music": {"title": "original sound", "authorName": author.get("nickname"), "duration": 30},
    }


def listing(
    shelf: Shelf, author: Mapping[str, Any], stats: Mapping[str, Any], query: Mapping[str, str]
) -> dict[str, Any]:
    """Answer ``item_list``. The cursor that comes back is of the last post, which the asker works out alone."""
    cursor, count = int(query.get("cursor", "0")), min(int(query.get("count", "15")), MOST_IN_PAGE)
    posts, has_more = shelf.before(cursor, count)
    return {
        "statusCode": 0,
        "itemList": [item(post, author, stats) for post in posts],
        "hasMorePrevious": has_more,
        "cursor": str(posts[-1].created_at * 1000 if posts else cursor),
    }
