"""What admins and the log are told of policies that fail: once when it begins, once when it is over."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime

from bot.core.live.planner import Policy
from bot.core.live.policies import FIXED, Policies
from bot.core.live.posts import policy_failed_notice, policy_works_notice
from bot.core.live.predictions import POLICIES
from bot.services.admin_notices import outage_key, tell_admins, tell_again
from bot.storage import status, subscriptions
from bot.storage.engine import Connection

_NOTE = "policy failing:"

log = logging.getLogger(__name__)


class PolicyHealth:
    """Keeps in the database what admins were told, so that a restart does not tell it again."""

    def __init__(self) -> None:
        self._logged: dict[str, tuple[object, ...]] = {}

    def log(self, policy: Policy) -> None:
        """Write to the log what fails, with its traceback; not again until it works or fails otherwise."""
        for name, failure in policy.failures.items() if isinstance(policy, Policies) else ():
            place = _place_of(failure.error)
            if self._logged.get(name) != place:
                self._logged[name] = place
                log.error(
                    "The policy %s fails (%s); its accounts are checked evenly spread",
                    name,
                    failure.words,
                    exc_info=failure.error,
                )

    async def tell(self, conn: Connection, policy: Policy, now: datetime) -> None:
        """Tell what has changed since the last call."""
        self.log(policy)
        if not isinstance(policy, Policies):
            return
        for name in policy.names:
            if name != FIXED:
                await self._tell_of(conn, name, policy.failing.get(name), now)

    async def _tell_of(self, conn: Connection, name: str, reason: str | None, now: datetime) -> None:
        note = _NOTE + name
        told, _, _ = (await status.note(conn, note)).partition(" ")
        if reason is not None and not told:
            await status.write_note(conn, note, f"{int(now.timestamp())} {reason}")
            followers = await subscriptions.following_guilds(conn)
            notice = policy_failed_notice(name, reason)
            await tell_admins(conn, _key(name, now), followers, notice, now, urgent=False)
        elif reason is None and told:
            since = datetime.fromtimestamp(int(told), UTC)
            log.info("The policy %s works again", name)
            self._logged.pop(name, None)
            await status.write_note(conn, note, "")
            await tell_again(conn, _key(name, since), policy_works_notice(name, since, now), now)


def _key(name: str, since: datetime) -> str:
    return outage_key(f"policy:{name}", since)


def _place_of(error: Exception) -> tuple[object, ...]:
    """Tell failures apart by what was raised where; their words may differ each time."""
    frames = traceback.extract_tb(error.__traceback__)
    return (type(error), *((frames[-1].filename, frames[-1].lineno) if frames else ()))


async def failing_policies(conn: Connection) -> tuple[tuple[str, str], ...]:
    """Give the policies that fail, with the reason, as they were told."""
    told = [(name, await status.note(conn, _NOTE + name)) for name in POLICIES]
    return tuple((name, note.partition(" ")[2]) for name, note in told if note)
