"""One message that lists what was collected for a channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.announcements import Message, Tone
from bot.core.markup import stamp
from bot.texts import join, text, texts

BODY_LIMIT = 3000
"""Discord takes 4096 characters; other languages need more of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One message of a digest: its title, where it leads (empty: nowhere), and when it was."""

    title: str
    url: str
    at: datetime


def digest_message(items: Sequence[Told]) -> Message:
    """List messages, the oldest first; those that do not fit are counted."""
    lines: list[str] = []
    length = 0
    for item in items:
        title = item.title if not item.url else join("", ["[", item.title, "](", item.url, ")"])
        line = join(" ", [stamp(item.at, "f"), title])
        length += len(line) + 1
        if length > BODY_LIMIT:
            lines.append(texts("and {count} more", "and {count} more", len(items) - len(lines)))
            break
        lines.append(line)
    return Message(title=text("What there was to tell"), tone=Tone.NOTICE, body=join("\n", lines))
