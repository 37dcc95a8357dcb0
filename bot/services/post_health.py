"""The health of the sources of posts: one that refuses us or does not answer is left alone for a while.

All runs ask the same few sources. Without this a block would be answered by the requests of every profile that is due.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.core.breaker import pause_after
from bot.core.posts.merging import LASTING, OF_PROFILE, Failure
from bot.core.posts.models import Trouble
from bot.storage import sources
from bot.storage.engine import Connection
from bot.texts import text

LONGEST_PAUSE = timedelta(hours=24)
"""A pause that seems longer was written before the clock was set back, and does not count."""
PROBE = timedelta(minutes=2)
"""So long the others wait for the one run that tries after a pause."""

log = logging.getLogger(__name__)


def health_name(source: str) -> str:
    """Name a source of posts among all outside sources."""
    return f"posts:{source}"


async def pause_of(conn: Connection, source: str, now: datetime) -> Failure | None:
    """Say that a source is to be left alone now; None where it may be asked.

    After a pause whoever asks this first tries alone.
    """
    health = await sources.load(conn, health_name(source))
    until = health.closed_until
    if until is None:
        return None
    if now < until <= now + LONGEST_PAUSE:
        blocked_at, since = health.last_blocked_at, health.down_since
        was_blocked = blocked_at is not None and since is not None and blocked_at >= since
        return Failure(
            source=source,
            trouble=Trouble.BLOCKED if was_blocked else Trouble.UNAVAILABLE,
            words=text("left alone for a while after: {reason}", reason=health.last_error),
            retry_after_seconds=(until - now).total_seconds(),
        )
    await sources.hold(conn, health.name, now + PROBE)
    return None


async def note_answer(conn: Connection, source: str, now: datetime) -> None:
    """Note that a source answered, whatever it said."""
    name = health_name(source)
    if (await sources.load(conn, name)).closed_until is not None:
        log.info("%s answers again", name)
    await sources.record_ok(conn, name, now)


async def note_failure(conn: Connection, failure: Failure, now: datetime) -> None:
    """Note what a source did not do, and leave it alone where that is better.

    What is odd about one profile says nothing against its source.
    """
    if failure.trouble in OF_PROFILE:
        await note_answer(conn, failure.source, now)
        return
    if failure.trouble is Trouble.CHANGED:
        return
    name = health_name(failure.source)
    health = await sources.load(conn, name)
    is_block = failure.trouble is Trouble.BLOCKED
    pause = pause_after(
        health.failures + 1,
        # A try after a pause that fails, in whatever way, prolongs the pause.
        blocked=is_block or failure.trouble in LASTING or health.closed_until is not None,
        retry_after_seconds=failure.retry_after_seconds,
    )
    until = None if pause is None else now + min(pause, LONGEST_PAUSE)
    if until is not None and health.closed_until is None:
        log.warning("%s does not answer (%s); next try at %s", name, failure.words, until)
    await sources.record_failure(conn, name, failure.words, now, until, blocked=is_block)
