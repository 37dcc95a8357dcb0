"""What admins are told when profiles cannot be read, and when they can be again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.core.announcements import Message, Tone
from bot.core.markup import escape, stamp
from bot.core.posts.models import Trouble
from bot.texts import Text, join, text

_REASON_LENGTH = 600

_HINTS: Mapping[Trouble, Text] = {
    Trouble.PRIVATE: text("The account is private; it is read again once its owner opens it."),
    Trouble.GONE: text(
        "TikTok knows no such account. Check the spelling of the handle; if it goes by another name now, watch that "
        "name with `/profile watch`."
    ),
    Trouble.BLOCKED: text(
        "TikTok refuses this machine for now. If this lasts for days, give me another way out with POST_PROXY_URL, "
        "or a key of ScrapeCreators."
    ),
    Trouble.CHANGED: text(
        "An answer could not be understood. If this lasts for days, whoever runs me should update me."
    ),
    Trouble.UNAVAILABLE: text("No usable answer came. This mostly passes by itself."),
    Trouble.NO_CREDITS: text("The credits of ScrapeCreators are used up; whoever runs me can buy more."),
    Trouble.AUTH: text("The key of ScrapeCreators was not accepted; whoever runs me should check it."),
}


def hint(trouble: Trouble) -> Text:
    """Say what a trouble means and what can be done about it."""
    return _HINTS[trouble]


def profile_unread(handle: str, trouble: Trouble, reason: str, since: datetime) -> Message:
    """Say that one profile cannot be read."""
    return Message(
        title=text("The posts of @{handle} cannot be read", handle=escape(handle, 60)),
        tone=Tone.WARNING,
        body=_body(trouble, reason, since),
    )


def profile_read_again(handle: str, since: datetime, now: datetime) -> Message:
    """Replace `profile_unread` once it was read."""
    return Message(
        title=text("The posts of @{handle} are read again", handle=escape(handle, 60)),
        tone=Tone.NOTICE,
        body=_between(since, now),
    )


def profiles_unread(handle: str, trouble: Trouble, reason: str, since: datetime) -> Message:
    """Say that a source, and so any number of profiles, cannot be read; `handle` is the first of them."""
    return Message(
        title=text("Posts of watched profiles cannot be read"),
        tone=Tone.WARNING,
        body=_body(trouble, join(", ", [f"@{handle}", reason]), since),
    )


def profiles_read_again(since: datetime, now: datetime) -> Message:
    """Replace `profiles_unread` once all could be read."""
    return Message(
        title=text("Posts of watched profiles are read again"), tone=Tone.NOTICE, body=_between(since, now)
    )


def profiles_stale(since: datetime, _reason: str) -> Message:
    """Say that profiles have not been read for long, and nobody said why."""
    return Message(
        title=text("Watched profiles have not been read for long"),
        tone=Tone.WARNING,
        body=text(
            "One should have been since {since}. `/profile queue` shows what waits; whoever runs me finds more in my "
            "log.",
            since=stamp(since, "f"),
        ),
    )


def profiles_fresh(since: datetime, now: datetime) -> Message:
    """Replace `profiles_stale` once they were."""
    return Message(title=text("Watched profiles are read again"), tone=Tone.NOTICE, body=_between(since, now))


def _body(trouble: Trouble, reason: str, since: datetime) -> str:
    return join(
        "\n",
        [
            text(
                "Not since {since}: {reason}.", since=stamp(since, "f"), reason=escape(reason, _REASON_LENGTH)
            ),
            hint(trouble),
            text(
                "Nothing that was read is lost, and I go on trying; `/profile list` shows how each profile is."
            ),
        ],
    )


def _between(since: datetime, now: datetime) -> str:
    return text("They could not be from {start} to {end}.", start=stamp(since, "f"), end=stamp(now, "f"))
