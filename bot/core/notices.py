"""What the bot tells the admins of a guild about its own troubles."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import escape
from bot.texts import join, text

TEST_POST_AGE = timedelta(minutes=15)
"""A test post that comes later would surprise people."""


def channel_blocked(channel_id: int, reason: str) -> Message:
    """Say that a channel refuses posts; it is said once, until the channel worked again."""
    return Message(
        title=text("I cannot post in one of your channels"),
        tone=Tone.WARNING,
        body=text(
            "{channel}: {reason}.\n"
            "Nothing is lost: its messages wait, and every subscription stays. Give me *View Channel*, "
            "*Send Messages*, *Embed Links*, *Attach Files* and *Read Message History* there, or choose "
            "another channel. I go on at once when the permissions change; `/setup` tests them.",
            channel=f"<#{channel_id}>",
            reason=escape(reason),
        ),
    )


def channel_gone(channel_id: int, reason: str) -> Message:
    """Say that what waited for a channel was given up, because the channel is gone for days."""
    return Message(
        title=text("I gave up on one of your channels"),
        tone=Tone.WARNING,
        body=text(
            "{channel}: {reason}.\n"
            "Its messages are given up. Choose another channel with `/setup`, and with `/live add` for the "
            "people it was to tell about.",
            channel=f"<#{channel_id}>",
            reason=escape(reason),
        ),
    )


def cannot_finish(channel_id: int, reason: str) -> Message:
    """Say what was left out of a post that went well otherwise; it is said once for each channel."""
    return Message(
        title=text("I could not do all you want in one of your channels"),
        tone=Tone.WARNING,
        body=text(
            "{channel}: {reason}.\nThe message itself is there. I try again with the next one.",
            channel=f"<#{channel_id}>",
            reason=escape(reason),
        ),
    )


def role_deleted(name: str) -> Message:
    """Say that nobody is pinged any more where the role of this name was."""
    return Message(
        title=text("A role that I pinged was deleted"),
        tone=Tone.WARNING,
        body=text(
            "The role **{name}** is gone, so nobody is pinged where you chose it. Everything is posted all "
            "the same. Choose another role with `/notify panel`.",
            name=escape(name),
        ),
    )


def message_refused(channel_id: int, title: str, reason: str) -> Message:
    """Say that Discord will never accept one message; `title` is the one it was to have."""
    return Message(
        title=text("Discord refused one of my messages"),
        tone=Tone.WARNING,
        body=text(
            "The message for {channel} was not posted, and I will not try it again.",
            channel=f"<#{channel_id}>",
        ),
        fields=(
            MessageField(name=text("Message"), value=title or "-", inline=False),
            MessageField(name=text("Reason"), value=escape(reason, 300) or "-", inline=False),
        ),
    )


def change_made(user_id: int, what: str) -> Message:
    """Say what an admin changed; `what` is a sentence whose parts from outside are escaped."""
    return Message(
        title=text("An admin changed something"),
        tone=Tone.NOTICE,
        body=join(": ", [f"<@{user_id}>", what]),
    )


def audit_channel_chosen(channel_id: int | None) -> str:
    """Say where it is told from now on what admins change."""
    if channel_id is None:
        return text("What admins change is told where their notices go.")
    return text("What admins change is told in {channel}.", channel=f"<#{channel_id}>")


def test_post(time_zone: str, now: datetime) -> Message:
    """Give the post that shows a channel works; it pings nobody."""
    return Message(
        title=text("This channel works"),
        tone=Tone.NOTICE,
        body=text(
            "A test post, asked for with /setup. Times of this server are in {time_zone}, where it is {now} now.",
            time_zone=escape(time_zone),
            now=now,
        ),
    )
