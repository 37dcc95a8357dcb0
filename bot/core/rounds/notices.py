"""What admins are told about a game server that only a person can mend, and about a sync they asked for."""

from __future__ import annotations

from datetime import datetime

from bot.core.announcements import Message, Tone
from bot.core.markup import escape, stamp
from bot.texts import text


def server_closed(server: str, reason: str) -> Message:
    """Say that a server is left alone until a person has acted; nothing is tried blindly."""
    return Message(
        title=text("The game server {server} cannot be read", server=escape(server, 60)),
        tone=Tone.WARNING,
        body=text(
            "{reason}.\n"
            "I leave it alone until this is mended, because trying again would not help. "
            "`python3 tools/run.py check` on my machine says what to do; then `/rounds sync` or a restart begins "
            "again. No round is lost: the files stay on the server.",
            reason=escape(reason, 600),
        ),
    )


def files_refused(server: str, name: str, reason: str, *, failed: int) -> Message:
    """Say that a file could not be imported again and again; `failed` counts all such files of the server."""
    return Message(
        title=text("A round on {server} cannot be imported", server=escape(server, 60)),
        tone=Tone.WARNING,
        body=text(
            "{file}: {reason}.\n"
            "I go on trying, ever more rarely. Files of this server that fail: {count}. `/rounds scheduler` "
            "names the newest of them, and `/rounds reimport` fetches one again at once.",
            file=escape(name, 100),
            reason=escape(reason, 400),
            count=failed,
        ),
    )


def server_back(server: str, down_since: datetime, now: datetime) -> Message:
    """Say that a server can be read again."""
    return Message(
        title=text("The game server {server} can be read again", server=escape(server, 60)),
        tone=Tone.NOTICE,
        body=text(
            "It could not be read from {start} to {end}.", start=stamp(down_since, "f"), end=stamp(now, "f")
        ),
    )
