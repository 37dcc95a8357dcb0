"""The health of TikTok as a source: the circuit breaker, and what admins are told about it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.core.breaker import pause_after
from bot.core.live.models import Answer, Observation
from bot.core.live.posts import blocked_notice, recovered_notice
from bot.services.admin_notices import outage_key, tell_admins, tell_again
from bot.storage import sources, subscriptions
from bot.storage.engine import Connection

SOURCE = "tiktok"
LONGEST_PAUSE = timedelta(hours=24)
"""A pause that seems longer was written before the clock was set back, and does not count."""

log = logging.getLogger(__name__)


async def closed_until(conn: Connection, now: datetime) -> datetime | None:
    """Give the instant before which TikTok may not be asked, None when it may be."""
    until = (await sources.load(conn, SOURCE)).closed_until
    return until if until is not None and now < until <= now + LONGEST_PAUSE else None


async def hold_for_probe(conn: Connection, until: datetime) -> None:
    """After a pause let one request try alone: the others wait until it was answered, at most until then."""
    if (await sources.load(conn, SOURCE)).closed_until is not None:
        await sources.hold(conn, SOURCE, until)


async def record_health(conn: Connection, observation: Observation) -> None:
    """Open or close the circuit breaker, and tell the admins once each way.

    An odd answer is one: what is not understood of one account says nothing against the source.
    """
    health, now = await sources.load(conn, SOURCE), observation.seen_at
    if observation.answer is not Answer.UNKNOWN or observation.odd:
        if health.closed_until is not None and health.down_since is not None:
            log.info("TikTok answers again")
            key, message = outage_key(SOURCE, health.down_since), recovered_notice(health.down_since, now)
            await tell_again(conn, key, message, now)
        await sources.record_ok(conn, SOURCE, now)
        return
    pause = pause_after(
        health.failures + 1,
        # A probe after a pause that fails, in whatever way, prolongs the pause.
        blocked=observation.blocked or health.closed_until is not None,
        retry_after_seconds=observation.retry_after_seconds,
    )
    until = None if pause is None else now + min(pause, LONGEST_PAUSE)
    await sources.record_failure(
        conn, SOURCE, observation.reason, now, closed_until=until, blocked=observation.blocked
    )
    if until is None:
        return
    if health.closed_until is None:
        log.warning("TikTok does not answer (%s); next try at %s", observation.reason, until)
    key, message = outage_key(SOURCE, health.down_since or now), blocked_notice(observation.reason, until)
    followers = await subscriptions.following_guilds(conn)
    await tell_admins(conn, key, followers, message, now)
