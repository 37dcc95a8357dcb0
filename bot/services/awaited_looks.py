"""For which lives an alert is held until somebody looks again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.notifications.deciding import Rule
from bot.services.live_state import live_of
from bot.storage import notified
from bot.storage.engine import Connection


@dataclass(frozen=True, kw_only=True, slots=True)
class Awaited:
    """What a look at a live would free: alerts that must see it still on from `seen_from` on, or more `viewers`."""

    seen_from: datetime | None = None
    viewers: bool = False

    def look_at(self, checked_at: datetime, pause: timedelta) -> datetime | None:
        """Give when to look; a look that told nothing is repeated after the pause. None: nobody waits for one."""
        if self.seen_from is None:
            return None
        return self.seen_from if checked_at < self.seen_from else checked_at + pause


NOBODY_WAITS = Awaited()


async def awaited_looks(conn: Connection) -> dict[int, Awaited]:
    """Read for which lives a look is awaited, by live."""
    found: dict[int, Awaited] = {}
    for one in await notified.held_for_a_look(conn):
        live_id = live_of(one.event_key)
        before = found.get(live_id, NOBODY_WAITS)
        seen_from = one.since if one.rule == Rule.DELAY else None
        known = [at for at in (before.seen_from, seen_from) if at is not None]
        found[live_id] = Awaited(
            seen_from=min(known, default=None), viewers=before.viewers or one.rule == Rule.VIEWERS
        )
    return found
