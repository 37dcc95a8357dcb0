"""What `/profile post` shows: one post over its last readings, as a chart and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from bot.core.announcements import Message, MessageField, Tone
from bot.core.charts import LineChart
from bot.core.markup import stamp
from bot.core.posts.cards import Card
from bot.core.posts.figures import (
    ProfileName,
    caption_words,
    count_fields,
    engagement_words,
    growth_table,
    length_words,
    short,
)
from bot.core.posts.growth import Measure, points
from bot.core.posts.models import KnownPost, MediaOwner, PostSample
from bot.core.posts.trend import trend_chart
from bot.core.rounds.columns import code_block
from bot.texts import join, text

MOST_SAMPLES = 30
"""So many readings are drawn and listed."""
_MEASURES = (Measure.VIEWS, Measure.LIKES, Measure.COMMENTS, Measure.SHARES, Measure.SAVES)
_CAPTION = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPost:
    """A post with its samples, the oldest first; those before the last `MOST_SAMPLES` tell of growth alone."""

    name: ProfileName
    post: KnownPost
    samples: Sequence[PostSample]
    zone: str = "UTC"


def post_pages(shown: ShownPost) -> list[list[Card]]:
    """Give the post with its growth, and its readings as a table on a page of their own."""
    messages = [_overview(shown), _table(shown)] if shown.samples else [_overview(shown)]
    owner = {"owner": MediaOwner.POST, "owner_id": shown.post.post_id}
    return [[Card(message=message, **owner)] for message in messages]  # type: ignore[arg-type]


def _overview(shown: ShownPost) -> Message:
    post = shown.post
    told = [measure for measure in _MEASURES if points(shown.samples, measure)]
    growth = growth_table(shown.samples, told) if told else ""
    fields = [
        *count_fields(post.counts),
        MessageField(name=text("Engagement"), value=engagement_words(post.counts)),
        MessageField(name=text("Length"), value=length_words(post.duration_seconds)),
    ]
    if growth:
        fields.append(MessageField(name=text("Growth over"), value=growth, inline=False))
    return Message(
        title=caption_words(post.caption, limit=200),
        tone=Tone.ENDED if post.gone_at else Tone.NOTICE,
        url=post.url,
        body=join("\n", _state(shown)),
        fields=tuple(fields),
    )


def _state(shown: ShownPost) -> Iterator[str]:
    post = shown.post
    yield text("{name} · posted {when}", name=shown.name.shown, when=stamp(post.posted_at, "f"))
    if post.gone_at is not None:
        yield text(
            "⚠️ It is not among the posts of the profile any more (marked {when}); these are its last numbers.",
            when=stamp(post.gone_at),
        )
    yield text("Counted {when}.", when=stamp(post.counted_at))


def _table(shown: ShownPost) -> Message:
    samples = shown.samples[-MOST_SAMPLES:]
    zone = ZoneInfo(shown.zone)
    rows = [
        f"{sample.at.astimezone(zone):%m-%d %H:%M} "
        + " ".join(
            f"{short(count):>6}"
            for count in (sample.counts.views, sample.counts.likes, sample.counts.comments)
        )
        for sample in reversed(samples)
    ]
    return Message(
        title=caption_words(shown.post.caption, limit=200),
        tone=Tone.NOTICE,
        url=shown.post.url,
        body=join(
            "\n",
            [
                text("The last readings, the newest first"),
                join("", ["-# ", text("time ({zone}) · views · likes · comments", zone=shown.zone)]),
                code_block(rows),
            ],
        ),
    )


def post_chart(shown: ShownPost) -> LineChart | None:
    """Draw up the views of a post over its last readings; None where none tells them."""
    caption = " ".join(shown.post.caption.split())[:_CAPTION] or f"@{shown.name.handle}"
    return trend_chart(
        shown.samples[-MOST_SAMPLES:],
        title=text("Views: {caption}", caption=caption),
        value_axis=text("views of this post"),
        zone=shown.zone,
    )
