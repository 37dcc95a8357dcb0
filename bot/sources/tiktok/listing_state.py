"""How far the listing of one profile has come, decided by what its process says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.core.posts.models import Page, ProfileRef, ReadPost, ReadProfile, Trouble
from bot.core.posts.reading import is_whole
from bot.errors import PostsUnread
from bot.sources.tiktok.listing_lines import failure_of, read_posts, read_user, refusal_of, same_page
from bot.texts import text

REQUESTS_BEFORE_POSTS = 6
"""Of a page without data yt-dlp tries others, one after another; after so many requests it is stopped."""
MOST_IN_VAIN = 30
"""So many pages in a row without posts it steps over, for a profile that was silent for long: a week each."""
MOST_REPEATS = 3
"""So many pages in a row with nothing but known posts are no accident."""


class Reading:
    """One listing, which may be begun anew by another name of the profile; each `PostsUnread` ends it."""

    def __init__(self, profile: ProfileRef) -> None:
        self.requests_in_all = 0
        self.untold_requests = 0  # that no page has told of
        self.wants_other_name = False
        self._asked_for = profile
        self._found: ReadProfile | None = None
        self._is_challenged = False
        self._is_last_name = True
        self._requests_by_name = 0
        self._posts: tuple[ReadPost, ...] = ()
        self._seen: set[int] = set()
        self._listed = 0
        self._in_vain = 0
        self._repeats = 0

    def begin(self, *, is_last_name: bool) -> None:
        """Begin to list by a name."""
        self._is_last_name, self._requests_by_name, self.wants_other_name = is_last_name, 0, False

    def count_request(self) -> None:
        """Count what is about to be sent. Raises `PostsUnread` where it leads nowhere."""
        if not self._seen and not self._in_vain and self._requests_by_name >= REQUESTS_BEFORE_POSTS:
            raise failure_of({"content": "no way to the listing"}, is_challenged=self._is_challenged)
        self.untold_requests += 1
        self.requests_in_all += 1
        self._requests_by_name += 1

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in what the process says of an answer. Raises `PostsUnread` where that ends the listing."""
        if "profile" in line:
            self._meet(line["profile"])
        elif "listed" in line:
            self._look(line["listed"])
        else:
            self._take_posts(line.get("posts"))

    def _meet(self, said: Mapping[str, Any]) -> None:
        self._is_challenged = said.get("challenge", False)
        if refusal := refusal_of(said):
            raise refusal
        self._know(read_user(said))

    def _look(self, said: Mapping[str, Any]) -> None:
        if refusal := refusal_of(said):
            raise refusal
        self._listed = said.get("count") or 0
        if self._found is None:
            self._know(read_user(said))

    def _know(self, user: ReadProfile | None) -> None:
        """Take in whose posts they are. Raises `PostsUnread` where it is somebody else."""
        known = self._asked_for
        if user is None:
            return
        if (known.platform_id and user.platform_id != known.platform_id) or (
            known.sec_uid and user.sec_uid and user.sec_uid != known.sec_uid
        ):
            raise PostsUnread(Trouble.GONE, text("the handle belongs to somebody else now"))
        self._found = user

    def _take_posts(self, entries: object) -> None:
        handle = (self._found.handle if self._found else "") or self._asked_for.handle
        self._posts = tuple(p for p in read_posts(entries, handle) if p.post_id not in self._seen)
        self._seen.update(post.post_id for post in self._posts)
        self._repeats = self._repeats + 1 if self._listed and not self._posts else 0
        self._in_vain = 0 if self._posts else self._in_vain + 1
        if self._repeats >= MOST_REPEATS:
            raise same_page()
        if self._in_vain >= MOST_IN_VAIN:
            raise PostsUnread(Trouble.BLOCKED, text("TikTok says that there are more posts, and lists none"))

    def page(self, now: datetime, *, is_end: bool = False) -> Page | None:
        """Give the page that was taken in; None for one without posts, unless the listing is at its end."""
        posts, self._posts = self._posts, ()
        if not posts and not is_end:
            return None
        told = self._found.posts if self._found else None
        is_last = is_end and is_whole(len(self._seen), told)
        requests, self.untold_requests = self.untold_requests, 0
        return Page(posts=posts, read_at=now, is_last=is_last, requests=requests, profile=self._found)

    def last_page(self, failed: Mapping[str, Any] | None, now: datetime) -> Page | None:
        """Give the page at the end of a listing, or after it has `failed`; None where another name may tell more.

        Raises `PostsUnread` where it did not come to its end, and where it cannot be true.
        """
        is_refused = failed is not None and ("content" not in failed or failed.get("json_place") is not None)
        if failed is not None and (is_refused or self._seen or self._is_challenged):
            raise failure_of(failed, is_challenged=self._is_challenged)
        if self._seen or self._is_known_empty:
            return self.page(now, is_end=True)
        if not self._is_last_name:
            self.wants_other_name = True
            return None
        if failed is None or self._in_vain:  # yt-dlp takes it for private, which its page denies
            raise PostsUnread(Trouble.BLOCKED, text("TikTok lists no posts of a profile that has some"))
        raise failure_of(failed, is_challenged=False)

    @property
    def _is_known_empty(self) -> bool:
        return self._found is not None and self._found.posts == 0
