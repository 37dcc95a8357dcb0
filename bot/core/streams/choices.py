"""What a guild's admins choose for the recordings of one account, and how a change is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.texts import join, text

Switch = Literal["record", "live_edits", "keep_comments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChoice:
    """`live_edits`: the alert shows how the live goes; `keep_comments`: the words of comments are kept."""

    record: bool = True
    live_edits: bool = False
    keep_comments: bool = False


def switched(handle: str, switch: Switch, *, on: bool) -> str:
    """Say how a switch of an account stands: the answer to an admin, and what the audit log keeps."""
    names = {
        "record": text("Recording of lives"),
        "live_edits": text("Live figures in the alert"),
        "keep_comments": text("Keeping the words of comments"),
    }
    return join("", [f"`@{handle}`: ", names[switch], ": ", text("on") if on else text("off")])
