"""When silence is worth telling: what should have succeeded again by now, and what admins are told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.announcements import Message, Tone
from bot.core.markup import escape, stamp
from bot.texts import text

LEAST_PATIENCE = timedelta(hours=2)
INTERVALS = 3
_REASON_LENGTH = 600


class Verdict(StrEnum):
    """FRESH: it succeeded lately. STALE: it did not, though it was expected. WAITING: neither can be said yet."""

    FRESH = "fresh"
    WAITING = "waiting"
    STALE = "stale"


def patience(interval: timedelta) -> timedelta:
    """Give how long something that should succeed every `interval` may stay silent."""
    return max(LEAST_PATIENCE, INTERVALS * interval)


def silent_since(*, last_ok_at: datetime | None, expected_since: datetime) -> datetime:
    """Give when the silence began; before anybody expected anything there was none."""
    return max(expected_since, last_ok_at or expected_since)


def verdict(
    *, last_ok_at: datetime | None, expected_since: datetime, now: datetime, limit: timedelta
) -> Verdict:
    """Judge something that last succeeded at `last_ok_at` and was expected to since `expected_since`."""
    if last_ok_at is not None and now - last_ok_at < limit:
        return Verdict.FRESH
    silent = now - silent_since(last_ok_at=last_ok_at, expected_since=expected_since)
    return Verdict.STALE if silent >= limit else Verdict.WAITING


# --- What admins read --------------------------------------------------------------------------


def lives_stale(since: datetime, _reason: str) -> Message:
    """Say that nothing is known of lives."""
    return Message(
        title=text("No live check succeeds"),
        tone=Tone.WARNING,
        body=text(
            "None has since {since}. Until then no live is announced and none is declared over. `/status` shows "
            "what I know; whoever runs me finds more in my log.",
            since=stamp(since, "f"),
        ),
    )


def lives_fresh(since: datetime, now: datetime) -> Message:
    """Replace `lives_stale` once a check succeeded."""
    return Message(title=text("Live checks succeed again"), tone=Tone.NOTICE, body=_between(since, now))


def recorder_stale(since: datetime, _reason: str) -> Message:
    """Say that lives are on and nobody records them."""
    return Message(
        title=text("Lives are not recorded"),
        tone=Tone.WARNING,
        body=text(
            "The recorder has not worked since {since}. I start it again and again; whoever runs me finds in my log "
            "why it ends. Lives are announced as ever.",
            since=stamp(since, "f"),
        ),
    )


def recorder_fresh(since: datetime, now: datetime) -> Message:
    """Replace `recorder_stale` once they are."""
    return Message(title=text("Lives are recorded again"), tone=Tone.NOTICE, body=_between(since, now))


def folder_stale(server: str, since: datetime, reason: str) -> Message:
    """Say that a game server has not been read for long; `reason` is empty where none is known."""
    return Message(
        title=text("The game server {server} has not been read for long", server=escape(server, 60)),
        tone=Tone.WARNING,
        body=text(
            "Not since {since}: {reason}.\nI go on trying. No round is lost: the files stay on the server.",
            since=stamp(since, "f"),
            reason=escape(reason, _REASON_LENGTH) or text("it is not known why"),
        ),
    )


def folder_fresh(server: str, since: datetime, now: datetime) -> Message:
    """Replace `folder_stale` once the folder was listed."""
    return Message(
        title=text("The game server {server} is read again", server=escape(server, 60)),
        tone=Tone.NOTICE,
        body=_between(since, now),
    )


def backups_stale(since: datetime, reason: str) -> Message:
    """Say that no backup could be made."""
    return Message(
        title=text("My database is not backed up"),
        tone=Tone.WARNING,
        body=text(
            "Every try since {since} failed: {reason}.\nEverything else goes on, and I go on trying.",
            since=stamp(since, "f"),
            reason=escape(reason, _REASON_LENGTH) or text("it is not known why"),
        ),
    )


def backups_fresh(since: datetime, now: datetime) -> Message:
    """Replace `backups_stale` once a backup was made."""
    return Message(title=text("My database is backed up again"), tone=Tone.NOTICE, body=_between(since, now))


def archives_stale(since: datetime, reason: str) -> Message:
    """Say that old details of recorded lives or posts could not be archived."""
    return Message(
        title=text("Old details of lives and posts cannot be archived"),
        tone=Tone.WARNING,
        body=text(
            "Every try since {since} failed: {reason}.\nUntil one succeeds nothing is deleted, so my database grows.",
            since=stamp(since, "f"),
            reason=escape(reason, _REASON_LENGTH) or text("it is not known why"),
        ),
    )


def archives_fresh(since: datetime, now: datetime) -> Message:
    """Replace `archives_stale` once archives were made."""
    return Message(
        title=text("Old details of lives and posts are archived again"),
        tone=Tone.NOTICE,
        body=_between(since, now),
    )


def database_was_stuck(since: datetime, now: datetime, reason: str) -> Message:
    """Say, once it is over, that nothing could be written: until then nothing could be said either."""
    return Message(
        title=text("My database could not be written"),
        tone=Tone.WARNING,
        body=text(
            "From {start} to {end}: {reason}.\nMeanwhile nothing was announced; a live that began and ended "
            "in that time was missed. All goes on now.",
            start=stamp(since, "f"),
            end=stamp(now, "f"),
            reason=escape(reason, _REASON_LENGTH),
        ),
    )


def _between(since: datetime, now: datetime) -> str:
    return text("It stood still from {start} to {end}.", start=stamp(since, "f"), end=stamp(now, "f"))
