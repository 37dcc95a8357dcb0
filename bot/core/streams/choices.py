"""What a guild's admins choose for the recordings of one account, and how a change is said."""

from __future__ import annotations

from dataclasses import dataclass

from bot.texts import join, text


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChoice:
    """`live_edits`: the alert shows how the live goes; `keep_comments`: the words of comments are kept."""

    record: bool = True
    live_edits: bool = False
    keep_comments: bool = False


def switched(handle: str, switch: str, *, on: bool) -> str:
    """Say how a switch of an account stands: the answer to an admin, and what the audit log keeps."""
    names = {
        "record": text("Recording of lives"),
        "live_edits": text("Live figures in the alert"),
        "keep_comments": text("Keeping the words of comments"),
    }
    return join("", [f"`@{handle}`: ", names[switch], ": ", text("on") if on else text("off")])


def recording_changed(handle: str, *, on: bool) -> str:
    """Say that somebody began or stopped recording a live by hand."""
    if on:
        return text("`@{handle}`: this live is recorded from now on.", handle=handle)
    return text("`@{handle}`: this live is not recorded any more. What was recorded is kept.", handle=handle)
