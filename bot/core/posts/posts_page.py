"""What `/profile posts` shows: the posts of a profile in some order, a few to a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.announcements import Message, Tone
from bot.core.markup import stamp
from bot.core.posts.cards import Card
from bot.core.posts.figures import (
    DASH,
    ProfileName,
    caption_words,
    engagement,
    engagement_words,
    length_words,
    signed,
)
from bot.core.posts.growth import Growth, Measure, growth_over, points
from bot.core.posts.models import COUNTED, KnownPost, MediaOwner, PostSample
from bot.texts import Text, join, number, text, texts

PER_PAGE = 4
"""Posts to a page: each is an embed of its own, for the sake of its cover."""
GROWTH_DAYS = 7
"""Posts are sorted by what they gained over about so many days."""
MOST_POSTS = 100
"""So many posts are shown, the first in the order."""


class PostOrder(StrEnum):
    """What posts are sorted by, the highest first."""

    VIEWS = "views"
    GROWTH = "growth"
    ENGAGEMENT = "engagement"
    NEWEST = "newest"


TITLES: Mapping[PostOrder, Text] = {
    PostOrder.VIEWS: text("by views"),
    PostOrder.GROWTH: text("by views gained a day, over about 7 days"),
    PostOrder.ENGAGEMENT: text("by engagement"),
    PostOrder.NEWEST: text("newest first"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPost:
    """A post with what it gained lately; None where no two samples tell it."""

    post: KnownPost
    growth: Growth | None


def listed(post: KnownPost, before: PostSample | None, first: PostSample | None = None) -> ListedPost:
    """Put a post beside its sample from about `GROWTH_DAYS` before; a younger one beside its `first`."""
    now = PostSample(post_id=post.post_id, at=post.counted_at, counts=post.counts, source="")
    earlier = [sample for sample in (before, first) if sample is not None and sample.at < now.at]
    known = points([*earlier[:1], now], Measure.VIEWS)
    growth = growth_over(known, GROWTH_DAYS)
    if growth is None and before is None and len(known) > 1:
        # It is not as old as that: what it gained since it was found, with the hours it took.
        growth = Growth(first=known[0], last=known[-1])
    return ListedPost(post=post, growth=growth)


def sorted_posts(posts: Sequence[ListedPost], order: PostOrder) -> list[ListedPost]:
    """Sort posts; those of which nobody knows it come last, and those that are equal with the newest first."""
    newest = sorted(posts, key=lambda one: (one.post.posted_at, one.post.post_id), reverse=True)

    def rank(one: ListedPost) -> tuple[bool, float]:
        value = _value(one, order)
        return (value is None, 0.0 if value is None else -value)

    return sorted(newest, key=rank)


def _value(one: ListedPost, order: PostOrder) -> float | None:
    match order:
        case PostOrder.VIEWS:
            return one.post.counts.views
        case PostOrder.GROWTH:
            return None if one.growth is None else one.growth.per_day
        case PostOrder.ENGAGEMENT:
            return engagement(one.post.counts)
        case PostOrder.NEWEST:
            return one.post.posted_at.timestamp()


def posts_pages(
    name: ProfileName, posts: Sequence[ListedPost], order: PostOrder, now: datetime
) -> list[list[Card]]:
    """Give the posts in their order, a few cards to a page; one card says so where there are none."""
    in_order = sorted_posts(posts, order)[:MOST_POSTS]
    pages = [
        [_card(one, place, now) for place, one in enumerate(in_order[start : start + PER_PAGE], start + 1)]
        for start in range(0, len(in_order), PER_PAGE)
    ]
    count = texts("{count} known post", "{count} known posts", len(posts))
    title = text("Posts of {name}, {order}", name=name.shown, order=TITLES[order])
    head = Card(
        message=Message(title=title, tone=Tone.NOTICE, body=_head(posts, count), url=name.url),
        owner=MediaOwner.PROFILE,
        owner_id=name.account_id,
    )
    return [[head, *page] for page in pages] or [[head]]


def _head(posts: Sequence[ListedPost], count: str) -> str:
    if not posts:
        return text("No post of this profile is known yet.")
    explained = text("Engagement: likes, comments and shares per 100 views.")
    return join("\n", [count, join("", ["-# ", explained])])


def _card(one: ListedPost, place: int, now: datetime) -> Card:
    post = one.post
    counts = post.counts
    lines = [
        text(
            "**{views}** views · {likes} likes · {comments} comments · {shares} shares · {saves} saves",
            **{name: _count(getattr(counts, name)) for name in COUNTED},
        ),
        join(
            " · ",
            [growth_words(one.growth), text("engagement {share}", share=engagement_words(counts))],
        ),
        join("", ["-# ", join(" · ", _facts(post, now))]),
    ]
    return Card(
        message=Message(
            title=join(" ", [f"{place}.", caption_words(post.caption)]),
            tone=Tone.ENDED if post.gone_at else Tone.NOTICE,
            body=join("\n", lines),
            url=post.url,
        ),
        owner=MediaOwner.POST,
        owner_id=post.post_id,
    )


def _count(count: int | None) -> str:
    return DASH if count is None else number(count)


def growth_words(growth: Growth | None) -> str:
    """Say what a post gained lately, with the hours that lie between."""
    if growth is None:
        return text("growth unknown")
    return text("{gained} views in {hours} h", gained=signed(growth.gained), hours=round(growth.hours))


def _facts(post: KnownPost, now: datetime) -> list[str]:
    facts: list[str] = [
        text("posted {when}", when=stamp(post.posted_at, "d")),
        text("length {length}", length=length_words(post.duration_seconds)),
    ]
    if post.gone_at is not None:
        facts.append(text("gone since {when}", when=stamp(post.gone_at, "d")))
    elif now - post.counted_at > timedelta(days=2):
        facts.append(text("counted {when}", when=stamp(post.counted_at)))
    return facts
