"""Messages as they would be, made of invented facts: for previews and tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.notifications.kinds import Kind
from bot.core.notifications.options import Options
from bot.core.notifications.templates import example_of
from bot.texts import number, text

TEST_POST_AGE = timedelta(minutes=15)
"""A test post that comes later would surprise people."""
_TITLES: Mapping[Kind, tuple[str, Tone]] = {
    Kind.LIVE: (text("🔴 {name} is live", name="Ana"), Tone.LIVE),
    Kind.RECAP: (text("Recap: {name} was live", name="Ana"), Tone.ENDED),
    Kind.ROUND: (text("{map}, round {number}", map="Supply", number=2), Tone.ROUND),
    Kind.EVENING: (text("The evening on {server}", server="main"), Tone.ROUND),
    Kind.MILESTONE: (text("{name} has reached 1,000 kills", name="Ana"), Tone.ROUND),
    Kind.REPORT: (text("The lives of the week"), Tone.NOTICE),
    Kind.NOTICE: (text("Something needs an admin"), Tone.WARNING),
}


def sample_message(kind: Kind, options: Options, now: datetime) -> Message:
    """Give a message of a kind with its own text above it; it pings nobody."""
    title, tone = _TITLES[kind]
    viewers = (MessageField(name=text("Viewers"), value=number(1234)),) if kind is Kind.LIVE else ()
    return Message(
        title=title,
        tone=tone,
        body=text("This is a test with invented facts; it pings nobody."),
        fields=viewers,
        lead=example_of(options.template or "", kind, now),
    )


def sample_end(options: Options, now: datetime) -> Message:
    """Give the message of a live that is over, with its own text above it."""
    return Message(
        title=text("{name} was live", name="Ana"),
        tone=Tone.ENDED,
        body=text("This is a test with invented facts; it pings nobody."),
        lead=example_of(options.over_template or "", Kind.LIVE, now),
    )
