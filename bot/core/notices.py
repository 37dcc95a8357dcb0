"""What the bot tells the admins of a guild about its own troubles."""

from __future__ import annotations

from datetime import timedelta

from bot.core.announcements import Message, MessageField, Tone
from bot.core.markup import clip, escape

TEST_POST_AGE = timedelta(minutes=15)
"""A test post that comes later would surprise people."""
_TITLE_LENGTH = 80


def channel_blocked(channel_id: int, reason: str) -> Message:
    """Say that a channel refuses posts; it is said once, until the channel worked again."""
    return Message(
        title="I cannot post in one of your channels",
        tone=Tone.WARNING,
        body=(
            f"<#{channel_id}>: {escape(reason)}.\n"
            "Nothing is lost: its messages wait, and every subscription stays. Give me *View Channel*, "
            "*Send Messages*, *Embed Links*, *Attach Files* and *Read Message History* there, or choose "
            "another channel. I go on at once when the permissions change; `/setup` tests them."
        ),
    )


def message_refused(channel_id: int, title: str, reason: str) -> Message:
    """Say that Discord will never accept one message."""
    return Message(
        title="Discord refused one of my messages",
        tone=Tone.WARNING,
        body=f"The message for <#{channel_id}> was not posted, and I will not try it again.",
        fields=(
            MessageField(name="Message", value=escape(title, _TITLE_LENGTH) or "-", inline=False),
            MessageField(name="Reason", value=escape(clip(reason, 300)) or "-", inline=False),
        ),
    )


def test_post(time_zone: str) -> Message:
    """Give the post that shows a channel works; it pings nobody."""
    return Message(
        title="This channel works",
        tone=Tone.NOTICE,
        body=f"A test post, asked for with /setup. Times of this server are in {escape(time_zone)}.",
    )
