"""What is said of a live once it is over: the recap in the channels that follow it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.announcements import Message, MessageField, Tone
from bot.core.live.posts import duration
from bot.core.markup import escape, stamp
from bot.core.streams.figures import (
    activity_fields,
    host_name,
    host_url,
    recorded_field,
    viewer_fields,
)
from bot.core.streams.models import RecordedLive, StreamMinute
from bot.core.streams.shown import ShownLive, course_chart, dear_gifts_field, supporters_field
from bot.texts import join, text, texts


def is_empty(live: RecordedLive) -> bool:
    """Tell whether nothing at all is known of a live from its recording."""
    return live.first_connected_at is None and not live.watched_seconds and live.viewers is None


def recap_message(shown: ShownLive, why: str) -> Message:
    """Sum up a live that is over; `why` is the sentence about what moved its viewers."""
    live = shown.live
    return Message(
        title=text("Recap: {name} was live", name=host_name(live)),
        tone=Tone.ENDED,
        body=join("\n\n", [part for part in (escape(live.title, 200), why) if part]),
        url=host_url(live),
        fields=(
            MessageField(name=text("Started"), value=stamp(live.started_at, "f")),
            MessageField(name=text("Duration"), value=duration(live.span(shown.now))),
            recorded_field(live, shown.now),
            *viewer_fields(live),
            *activity_fields(live, shown.usd_per_diamond),
            *_best_minute_field(shown.minutes),
            *dear_gifts_field(shown),
            *supporters_field(shown.supporters),
        ),
        footer=shown.reason,
        chart=course_chart(shown),
    )


def best_minute(minutes: Sequence[StreamMinute]) -> StreamMinute | None:
    """Give the minute with the most activity, by its score; without scores that with the most viewers."""
    scored = [row for row in minutes if row.activity]
    if scored:
        return max(scored, key=lambda row: row.activity or 0.0)
    watched = [row for row in minutes if row.viewers_max is not None]
    return max(watched, key=lambda row: row.viewers_max or 0, default=None)


def _best_minute_field(minutes: Sequence[StreamMinute]) -> tuple[MessageField, ...]:
    best = best_minute(minutes)
    if best is None:
        return ()
    watching = best.viewers_max
    viewers = [] if watching is None else [texts("{count} viewer", "{count} viewers", watching)]
    facts = [*viewers, *_counts(best)]
    said = join(": ", [stamp(best.minute, "t"), join(" · ", facts)])
    return (MessageField(name=text("Best minute"), value=said, inline=False),)


def _counts(row: StreamMinute) -> list[str]:
    counts = [
        (row.comments, texts("{count} comment", "{count} comments", row.comments)),
        (row.likes, texts("{count} like", "{count} likes", row.likes)),
        (row.diamonds, texts("{count} diamond", "{count} diamonds", row.diamonds)),
    ]
    return [words for count, words in counts if count]
