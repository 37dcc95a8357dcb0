"""What admins are told about a game server that only a person can mend, and about a sync they asked for."""

from __future__ import annotations

from datetime import datetime

from bot.core.announcements import Message, Tone
from bot.core.markup import escape, stamp


def server_closed(server: str, reason: str) -> Message:
    """Say that a server is left alone until a person has acted; nothing is tried blindly."""
    return Message(
        title=f"The game server {escape(server, 60)} cannot be read",
        tone=Tone.WARNING,
        body=(
            f"{escape(reason, 600)}.\n"
            "I leave it alone until this is mended, because trying again would not help. `python -m bot check` "
            "on my machine says what to do; then `/rounds sync` or a restart begins again. No round is lost: "
            "the files stay on the server."
        ),
    )


def server_back(server: str, down_since: datetime, now: datetime) -> Message:
    """Say that a server can be read again."""
    return Message(
        title=f"The game server {escape(server, 60)} can be read again",
        tone=Tone.NOTICE,
        body=f"It could not be read from {stamp(down_since, 'f')} to {stamp(now, 'f')}.",
    )
