"""What admins changed about a watched profile, in words for them and for the log of changes."""

from __future__ import annotations

from bot.core.posts.models import ReportEvery
from bot.texts import text


def watched_words(handle: str, hours: int, *, is_new: bool) -> str:
    """Say that a profile is watched, and how often it is read."""
    if is_new:
        return text(
            "The profile of `@{handle}` is watched: it is read every {hours} h.", handle=handle, hours=hours
        )
    return text(
        "The profile of `@{handle}` goes on being watched: it is read every {hours} h.",
        handle=handle,
        hours=hours,
    )


def unwatched_words(handle: str) -> str:
    """Say that a profile is not watched any more."""
    return text("The profile of `@{handle}` is not watched any more.", handle=handle)


def paused_words(handle: str, *, paused: bool) -> str:
    """Say that a profile is paused, or not."""
    if paused:
        return text(
            "The profile of `@{handle}` is paused: it is read only by `/profile update`.", handle=handle
        )
    return text("The profile of `@{handle}` is not paused: it is read by itself.", handle=handle)


def reported_words(handle: str, every: ReportEvery | None, channel_id: int) -> str:
    """Say how often, and where, a profile is reported; None: not at all."""
    names = {"handle": handle, "channel": f"<#{channel_id}>"}
    if every is None:
        return text("The profile of `@{handle}` is not reported any more.", handle=handle)
    if every is ReportEvery.DAY:
        return text("The profile of `@{handle}` is reported in {channel} every day at 10:00.", **names)
    return text("The profile of `@{handle}` is reported in {channel} on Mondays at 10:00.", **names)
