"""How much of a profile's listing is read, and what can be said of a post that is not in it.

A listing begins with up to three posts that its owner pinned there, however old they are; after them it goes from the
newest to the oldest. A page may repeat posts of an earlier one, and may hold posts of other people.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.core.posts.models import Page, ReadPost

PINNED_AT_MOST = 3
PAGES_WITHOUT_NEWS = 5
"""So many pages in a row that show no post that was not shown before: the listing goes in a circle."""
BEGINNING = datetime.min.replace(tzinfo=UTC)

# An author as a link names them; what is longer is no handle but the platform's own name for somebody.
_AUTHOR = re.compile(r"/@([\w.]{2,24})/(?:video|photo)/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a run is to read: the `newest` posts and all younger than `recent`, or all that there are."""

    newest: int
    recent: timedelta
    is_full: bool = False


class Listing:
    """What one source has shown of a profile, page by page."""

    def __init__(self, wanted: Wanted, began_at: datetime) -> None:
        self._wanted = wanted
        self._young_since = began_at - wanted.recent
        self._shown: dict[int, datetime] = {}  # when each was posted, in the order of the listing
        self._without_news = 0
        self._has_ended = False

    def take(self, page: Page, handles: Collection[str]) -> tuple[ReadPost, ...]:
        """Take the next page; gives the posts of the profile on it that were not shown before.

        `handles` are those the profile goes by.
        """
        own = {one.post_id: one for one in page.posts if is_of(one, handles)}
        fresh = tuple(one for post_id, one in own.items() if post_id not in self._shown)
        self._shown.update((one.post_id, one.posted_at) for one in fresh)
        self._without_news = 0 if fresh else self._without_news + 1
        self._has_ended = page.is_last
        return fresh

    @property
    def post_ids(self) -> Collection[int]:
        """Give the posts that were shown."""
        return self._shown.keys()

    @property
    def is_circle(self) -> bool:
        """Whether further pages would bring nothing."""
        return not self._has_ended and self._without_news >= PAGES_WITHOUT_NEWS

    @property
    def is_covered(self) -> bool:
        """Whether all was read that is wanted."""
        return self._has_ended or (not self._wanted.is_full and self.is_covered_daily)

    @property
    def is_covered_daily(self) -> bool:
        """Whether all was read that every run reads."""
        order = self._in_order()
        if len(self._shown) <= PINNED_AT_MOST or len(order) < self._wanted.newest:
            return False
        return order[-1] < self._young_since

    @property
    def reach(self) -> datetime | None:
        """Give the instant after which every post was shown; None while nothing can be said."""
        if self._has_ended:
            return BEGINNING
        return self._in_order()[-1] if len(self._shown) > PINNED_AT_MOST else None

    def is_tracked(self, post: ReadPost) -> bool:
        """Tell whether a post that was shown is one of those that every run reads."""
        newer = sum(at > post.posted_at for at in self._shown.values())
        return newer < self._wanted.newest or post.posted_at >= self._young_since

    def _in_order(self) -> list[datetime]:
        """Give when the posts were posted, without pinned ones that are older than one that comes after them."""
        times = list(self._shown.values())
        for place, at in enumerate(times[:PINNED_AT_MOST]):
            if at >= max(times[place + 1 :], default=BEGINNING):
                return times[place:]
        return times[PINNED_AT_MOST:]


def is_of(post: ReadPost, handles: Collection[str]) -> bool:
    """Tell whether a post is by somebody with one of these handles; a link that names nobody is believed."""
    author = _AUTHOR.search(post.url)
    return author is None or author[1].lower() in {handle.lower() for handle in handles}
