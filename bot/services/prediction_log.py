"""Keeps what is said of each hour before it begins, and joins it with what happened; says how things stand."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.live.budget import HOUR, Ledger
from bot.core.live.calibration import LIKELY
from bot.core.live.planner import Policy
from bot.core.live.predictions import POLICIES, recommended
from bot.services import forecasts
from bot.services.live_monitor import LiveMonitor
from bot.storage import ledger, status
from bot.storage import live as store
from bot.storage import predictions as table
from bot.storage.engine import Database
from bot.storage.predictions import Prediction
from bot.storage.watched import POLICY_NOTE, load_all

STATUS_EVERY = timedelta(minutes=5)
SOON = timedelta(minutes=1)
TOLD_NEXT = 3

log = logging.getLogger(__name__)


class PredictionLog:
    """Works once an hour; the status line goes to the log every five minutes."""

    def __init__(self, *, database: Database, monitor: LiveMonitor, clock: Clock) -> None:
        self._database = database
        self._monitor = monitor
        self._planning = monitor.planning
        self._clock = clock
        self._missed: tuple[Policy | None, Mapping[int, float]] = (None, {})

    async def step(self) -> datetime:
        """Say what is expected of the next hour, and keep what became of those that are over.

        Gives when to do so again: within the next hour, so that each hour is spoken of before it begins.
        """
        now = self._clock.now()
        if self._planning.must_replan:
            return now + SOON
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        async with self._database.read() as conn:
            policy = await status.note(conn, POLICY_NOTE)
            accounts = await load_all(conn, now, policy)
        ids = [one.watched.account_id for one in accounts if self._planning.knows(one.watched.account_id)]
        chances = await forecasts.hourly_of(self._planning, ids, now, 2)
        missed = await self._missed_since(ids)
        said = [
            Prediction(
                account_id=account_id,
                hour=this_hour + HOUR,
                policy=POLICIES[0],  # whichever plans: its model gives the chances
                probability=chances.starts[account_id][1],
                live=chances.lives[account_id][1],
                confidence=chances.confidence[account_id],
                recommendation=recommended(chances.lives[account_id][1]),
            )
            for account_id in chances.starts
        ]
        async with self._database.write("predictions.keep") as conn:
            await table.store(conn, said)
            await table.join(conn, now)
            await table.add_missed(conn, this_hour, missed)
        return this_hour + HOUR + HOUR / 2

    async def status_step(self) -> datetime:
        """Write one line to the log: the policy, who is likely to be live, the next checks, the budget."""
        now = self._clock.now()
        async with self._database.read() as conn:
            policy = await status.note(conn, POLICY_NOTE) or POLICIES[0]
            accounts = await load_all(conn, now, policy)
            used = await ledger.used(conn, Ledger.DISCOVERY, now)
            held = await self._monitor.held(conn, now)
        waiting = [one for one in accounts if not one.watched.is_live and not one.watched.frozen]
        ids = [one.watched.account_id for one in waiting if self._planning.knows(one.watched.account_id)]
        chances = await forecasts.hourly_of(self._planning, ids, now, 1)
        likely = sorted((-max(live), one) for one, live in chances.lives.items() if max(live) >= LIKELY)
        upcoming = sorted((one.next_check_at, one.watched.account_id) for one in waiting)[:TOLD_NEXT]
        names = await self._handles({one for _, one in (*likely[:TOLD_NEXT], *upcoming)})
        earliest = now if held is None else held.until
        failing = [name for name, _ in forecasts.failing(self._planning)]
        log.info(
            "Plan: policy %s%s, %d accounts (%d live, %d likely%s), next checks (UTC) %s, "
            "%d of %d checks used in 24 h",
            policy,
            f" (failing: {', '.join(failing)})" if failing else "",
            len(accounts),
            sum(one.watched.is_live for one in accounts),
            len(likely),
            ": " * bool(likely) + ", ".join(f"@{names[one]}" for _, one in likely[:TOLD_NEXT]),
            ", ".join(f"{max(at, earliest):%H:%M:%S} @{names[one]}" for at, one in upcoming) or "none",
            used,
            self._monitor.rules.discovery_per_day,
        )
        return self._clock.machine.now() + STATUS_EVERY  # a world that goes fast must not flood the log

    async def _handles(self, account_ids: Collection[int]) -> Mapping[int, str]:
        """Name some accounts; one that is gone meanwhile by its id."""
        async with self._database.read() as conn:
            found = {one: await store.account_by_id(conn, one) for one in account_ids}
        return {one: str(one) if account is None else account.handle for one, account in found.items()}

    async def _missed_since(self, ids: list[int]) -> list[tuple[int, float]]:
        """Give how many lives more than at the last step are expected to have gone by; none after a rebuild."""
        last_policy, before = self._missed
        policy, now_missed = self._planning.policy, await forecasts.missed_of(self._planning, ids)
        self._missed = policy, now_missed
        if policy is not last_policy:
            return []
        more = [
            (account_id, missed - before.get(account_id, missed)) for account_id, missed in now_missed.items()
        ]
        return [(account_id, missed) for account_id, missed in more if missed > 0]
