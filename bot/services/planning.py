"""The plan of checks: the policy kept in step with the database, its heavy work beside the event loop.

The policy learns each answer inside the transaction that stores it, and plans that one account. All accounts
together are planned hourly and when it changes who is followed: read in one transaction, computed in none,
written in another. Whatever is learned during the computing waits until it is over. A transaction that fails
after its answer was learned spoils the policy: it is then made anew from the database, as at the start.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.core.live.history import Event, Forgotten
from bot.core.live.models import Answer
from bot.core.live.planner import Allowance, CheckPlan, Policy, Watched
from bot.core.live.policies import Policies
from bot.services.live_health import SOURCE
from bot.services.policy_health import PolicyHealth
from bot.services.special_days import Calendar, load_calendar, mark_special_days
from bot.storage import history, ledger, sources, status, watched
from bot.storage.engine import Connection, Database
from bot.storage.watched import Planned
from bot.texts import text

AFTER_A_BLOCK = timedelta(hours=24)
REMEMBERED = timedelta(weeks=16)
"""The longest memory of a policy (specs/scheduling.md 3)."""
SOON = timedelta(minutes=10)
PARKED = timedelta(days=3650)
"""So far away is the next check of an account that gets none by plan."""
UNKNOWN_PAUSES = timedelta(minutes=10), timedelta(minutes=30)
"""So long an account is left alone after one unknown answer, and after another (specs/tiktok-live.md 4)."""

T = TypeVar("T")
log = logging.getLogger(__name__)


class Beside(Protocol):
    """Runs work that computes for long without holding up the event loop, as `asyncio.to_thread` does."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Run `work` and give its result."""


async def inline(work: Callable[[], T]) -> T:
    """Run work at once: for tests, simulations and replays, where nobody waits meanwhile."""
    return work()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Snapshot:
    """What all plans are made of, read at one instant; `events` are of accounts the policy does not know."""

    accounts: Sequence[Planned]
    calendar: Calendar
    allowance: Allowance
    default: str
    events: Sequence[Event]
    gone: frozenset[int]


class Planning:
    """Chooses the next checks. `spacing` is the least distance of two planned checks of one account."""

    def __init__(
        self,
        policy: Policy,
        allowance: Allowance,
        *,
        beside: Beside = inline,
        spacing: timedelta = timedelta(minutes=1),
    ) -> None:
        self.policy = policy
        self.is_stale = True
        self._pristine = copy.deepcopy(policy)
        self.beside = beside
        self._spacing = spacing
        self._granted = self._allowance = allowance
        self._health = PolicyHealth()
        self._default = ""
        self._known: set[int] = set()
        self._gone: set[int] = set()
        self._returned: set[int] = set()
        self._is_spoilt = False
        self._is_unplanned = False
        self._is_computing = False
        self._late: list[Event] = []
        self._touched: set[int] = set()
        self._turn = asyncio.Lock()

    # --- One account -----------------------------------------------------------------------------

    def knows(self, account_id: int) -> bool:
        """Say whether the policy knows an account."""
        return account_id in self._known

    def learn(self, events: Sequence[Event]) -> None:
        """Let the policy learn what is being stored; what is not known to it yet it learns from the database."""
        for event in events:
            if self._is_computing:
                self._late.append(event)
            elif event.account_id in self._known:
                self.policy.learn(event)

    def merged(self, account_id: int) -> None:
        """Forget an account that turned out to be another one, whose past is now longer than it was."""
        self.learn([Forgotten(account_id=account_id)])
        self.spoil()

    def spoil(self) -> None:
        """Say that the policy is not in step with the database: it is made anew before the next check."""
        self._is_spoilt = self.is_stale = True

    def reconsider(self) -> None:
        """Say that what may be spent has changed: all accounts are planned before the next check."""
        self.is_stale = True

    async def plan_one(self, conn: Connection, account_id: int, now: datetime, *, unknown: int = 0) -> None:
        """Plan an account after an event of its own; `unknown` counts the answers in a row that said nothing."""
        account = await watched.load_one(conn, account_id, now, self._default)
        if account is None or account.is_live:
            return
        self._touched.add(account_id)
        if self._is_computing or account_id not in self._known:
            # It is planned for good in a moment, when all are.
            self._is_unplanned = True
            await watched.set_next_checks(conn, [(account_id, now + SOON)])
            return
        failing = _failing(self.policy)
        plan = self.policy.plan_one(now, account, self._allowance)
        if _failing(self.policy) != failing:
            self._is_unplanned = True
            self._health.log(self.policy)  # the next plan of all may work, and nobody would know
        if plan is not None:
            await watched.set_next_checks(conn, [(account_id, self._at(plan, account, now, unknown))])

    @property
    def allowance(self) -> Allowance:
        """Give what may be spent, as the last plan of all accounts was told."""
        return self._allowance

    def next_check(self, account: Watched, now: datetime) -> CheckPlan | None:
        """Give the next check as the policy sees it now, for its reason; None where it makes none."""
        if self._is_computing or account.account_id not in self._known:
            return CheckPlan(account_id=account.account_id, at=now, reason=text("it is being planned"))
        return self.policy.plan_one(now, account, self._allowance)

    def _at(self, plan: CheckPlan, account: Watched, now: datetime, unknown: int) -> datetime:
        if account.last_checked_at is None or account.last_checked_at > now:
            return plan.at
        pause = UNKNOWN_PAUSES[min(unknown, len(UNKNOWN_PAUSES)) - 1] if unknown else self._spacing
        return max(plan.at, account.last_checked_at + max(pause, self._spacing))

    # --- All accounts ----------------------------------------------------------------------------

    @property
    def must_replan(self) -> bool:
        """Whether all accounts are to be planned before the next check."""
        return self.is_stale or self._is_unplanned

    async def replan(self, database: Database, now: Callable[[], datetime]) -> None:
        """Bring the policy into step with the database and plan every account. Raises `StorageError`."""
        async with self._turn:
            self._touched.clear()
            self._is_unplanned = False
            anew, self._is_spoilt = self._is_spoilt or bool(self._returned), False
            is_computed = False
            try:
                snapshot, plans = await self._compute_plans(database, now, anew=anew)
                is_computed = True
            finally:
                self._is_spoilt |= anew and not is_computed
            async with database.write("live.replan") as conn:
                await self._write(conn, plans, snapshot.accounts, now())
                await self._health.tell(conn, self.policy, now())

    async def compute(self, work: Callable[[Policy], T]) -> T:
        """Ask the policy something that takes long; nothing else is asked of it meanwhile."""
        async with self._turn:
            self._is_computing = True
            try:
                return await self.beside(lambda: work(self.policy))
            finally:
                self._is_computing = False
                self._learn_late(())

    async def _compute_plans(
        self, database: Database, now: Callable[[], datetime], *, anew: bool
    ) -> tuple[_Snapshot, Sequence[CheckPlan]]:
        policy, at = copy.deepcopy(self._pristine) if anew else self.policy, now()
        seen: Sequence[Event] = ()
        self._is_computing = True  # from before the reading: nothing may fall in between
        try:
            snapshot = await self._read(database, at, anew=anew)
            plans = await self.beside(lambda: _plan(policy, snapshot, at))
            self.policy, seen = policy, snapshot.events
            self._took_in(snapshot, anew=anew)
        finally:
            self._is_computing = False
            self._learn_late(seen)
        return snapshot, plans

    def _took_in(self, snapshot: _Snapshot, *, anew: bool) -> None:
        """Note whom the policy knows now; one it has forgotten and meets again it learns from scratch."""
        followed = {one.watched.account_id for one in snapshot.accounts}
        self._gone = set() if anew else self._gone | snapshot.gone
        self._returned = self._gone & followed
        self._known = followed
        self._allowance, self._default = snapshot.allowance, snapshot.default
        self.is_stale = self._is_spoilt or bool(self._returned)

    def _learn_late(self, seen: Sequence[Event]) -> None:
        """Learn what came during the computing, but for what its reading has seen already."""
        late, self._late = self._late, []
        accounts = {event.account_id for event in late}
        known = {event for event in seen if event.account_id in accounts}
        self.learn([event for event in late if event not in known])

    async def _read(self, database: Database, now: datetime, *, anew: bool) -> _Snapshot:
        known = frozenset() if anew else frozenset(self._known)
        async with database.read() as conn:
            default = await status.note(conn, watched.POLICY_NOTE)
            accounts = await watched.load_all(conn, now, default)
            followed = [one.watched.account_id for one in accounts]
            unknown = [account_id for account_id in followed if account_id not in known]
            return _Snapshot(
                accounts=accounts,
                calendar=await load_calendar(conn),
                allowance=await self._may_spend(conn, now),
                default=default,
                events=await history.events_of(conn, unknown, now - REMEMBERED, now),
                gone=known - frozenset(followed),
            )

    async def _may_spend(self, conn: Connection, now: datetime) -> Allowance:
        """Halve the checks for a day after a block (specs/tiktok-live.md 4)."""
        allowance = replace(self._granted, asked=await ledger.discovery_checks(conn, now))
        blocked_at = (await sources.load(conn, SOURCE)).last_blocked_at
        if blocked_at is None or now - blocked_at > AFTER_A_BLOCK:
            return allowance
        return replace(allowance, checks_per_day=max(1, allowance.checks_per_day // 2))

    async def _write(
        self, conn: Connection, plans: Sequence[CheckPlan], accounts: Sequence[Planned], now: datetime
    ) -> None:
        """Write what is planned otherwise than before; accounts with events meanwhile are planned by themselves."""
        before = {one.watched.account_id: one for one in accounts}
        changed = [
            (one.watched.account_id, now + PARKED)
            for one in accounts
            if one.watched.frozen and not is_parked(one.next_check_at, now)
        ]
        for plan in plans:
            one = before[plan.account_id]
            unknown = int(one.last_answer == Answer.UNKNOWN)
            at = self._at(plan, one.watched, now, unknown)
            if unknown and _is_paused(one):
                at = max(at, one.next_check_at)
            if at != one.next_check_at and plan.account_id not in self._touched:
                changed.append((plan.account_id, at))
        await watched.set_next_checks(conn, changed)
        for account_id in sorted(self._touched & self._known):
            await self.plan_one(conn, account_id, now)


def _is_paused(one: Planned) -> bool:
    """Say whether the next check was put off after unknown answers; how many there were is not kept."""
    last = one.watched.last_checked_at
    return last is not None and one.next_check_at - last <= UNKNOWN_PAUSES[-1]


def is_parked(next_check_at: datetime, now: datetime) -> bool:
    """Say whether the next check of an account is so far away that there is none."""
    return next_check_at - now > PARKED / 2


def _failing(policy: Policy) -> frozenset[str]:
    return frozenset(policy.failures) if isinstance(policy, Policies) else frozenset()


def _plan(policy: Policy, snapshot: _Snapshot, now: datetime) -> Sequence[CheckPlan]:
    for account_id in sorted(snapshot.gone):
        policy.learn(Forgotten(account_id=account_id))
    for event in snapshot.events:
        policy.learn(event)
    accounts = [one.watched for one in snapshot.accounts]
    mark_special_days(policy, accounts, snapshot.calendar, now)
    return policy.plan(now, accounts, snapshot.allowance)
