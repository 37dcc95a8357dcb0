"""What `/stream history` shows: the recorded lives of an account, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.core.live.posts import duration
from bot.core.markup import clip, escape, stamp
from bot.core.streams.figures import count_words, likes_of, seen, share_words
from bot.core.streams.models import RecordedLive
from bot.texts import join, text

PER_PAGE = 6
_TITLE = 60


def history_title(handle: str, nickname: str) -> str:
    """Say whose lives these are."""
    name = escape(nickname, 90) or escape(f"@{handle}")
    return text("Recorded lives of {name}", name=name)


def history_pages(lives: Sequence[RecordedLive], now: datetime) -> list[str]:
    """Give the lives, a few to a page."""
    lines = [_line(live, now) for live in lives]
    if not lines:
        return [text("No live of this account was recorded yet.")]
    return [join("\n", lines[start : start + PER_PAGE]) for start in range(0, len(lines), PER_PAGE)]


def _line(live: RecordedLive, now: datetime) -> str:
    on = [] if live.ended_at else ["🔴"]
    head = join(" · ", [join(" ", [*on, stamp(live.started_at, "f")]), duration(live.span(now))])
    facts = [
        text(
            "viewers: {mean} on average, {peak} at most",
            mean=count_words(live.mean_viewers),
            peak=count_words(live.peak_viewers),
        ),
        text("likes: {count}", count=count_words(likes_of(live))),
        text("comments: {count}", count=count_words(seen(live, live.comments))),
        text("diamonds: {count}", count=count_words(seen(live, live.diamonds))),
        text("recorded: {share}", share=share_words(live.recorded_share(now))),
    ]
    title = [escape(clip(live.title, _TITLE))] if live.title else []
    return join("\n", [join("", ["**", head, "**"]), *title, join("", ["-# ", join(" · ", facts)])])
