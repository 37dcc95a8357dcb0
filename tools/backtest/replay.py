"""The bot's own live monitor before a platform whose truth is known, in virtual time.

The steps are those that `bot.app` wires into loops; where a loop would wait, the clock jumps. The platform
tells what specs/scheduling.md 2 allows: the true start of a live that a check found, and its end at the
instant it ends, as a recorder would. So the follow-ups of the bot have nothing to do here.
"""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, cast, runtime_checkable

import numpy as np

from bot.app import live_loops
from bot.clock import Clock
from bot.core.live.arrays import Floats
from bot.core.live.calibration import HOUR, StartChances
from bot.core.live.forecast import Forecast
from bot.core.live.models import Answer, Observation, Person, Profile, ProfileState, Sighting
from bot.core.live.past_lives import PastLive
from bot.core.live.policies import Policies
from bot.core.live.scores import DiscoveryCheck
from bot.jobs.loops import Loop
from bot.services.announcements import Announcements
from bot.services.live_monitor import LiveMonitor
from bot.services.monitor_rules import MonitorRules
from bot.storage import live as store
from bot.storage import subscriptions
from bot.storage.live import Account
from bot.storage.subscriptions import Subscription
from tools.simulation.database import Disk, PlainDatabase

FOLLOW_UPS = "live follow-ups"
GUILD, CHANNEL = 1, 1
MOST_STEPS_AT_ONCE = 100_000
"""So many steps at one instant are no work any more, but a loop that spins."""


@runtime_checkable
class Forecasting(Protocol):
    """A policy that tells how likely a live starts in each of the next hours."""

    def forecast(self, now: datetime, account_ids: Sequence[int], hours: int) -> Forecast:
        """Tell it, from what is known at `now`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a replay left: every discovery check, the chances told before each hour (None: none were).

    `failing` maps policies that failed, so that `fixed` took their place for a while, to what they raised.
    """

    checks: Sequence[DiscoveryCheck]
    chances: StartChances | None
    failing: Mapping[str, str]


@dataclass
class ReplayClock(Clock):
    """A clock that stands where it was put."""

    at: datetime

    def now(self) -> datetime:
        """Give the present instant."""
        return self.at

    def monotonic(self) -> float:
        """Give the seconds since 1970."""
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Let time go by at once."""
        self.at += timedelta(seconds=max(0.0, seconds))


@dataclass
class ReplaySource:
    """Implements `bot.ports.LiveSource` from known lives, by handle, each account's in order.

    `found` holds the lives that a check saw and whose end is to come, the next first.
    """

    clock: ReplayClock
    lives: Mapping[str, Sequence[PastLive]]
    checks: list[DiscoveryCheck] = field(default_factory=list)
    found: list[tuple[datetime, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare to find the last live before an instant."""
        self._numbers = {handle: number for number, handle in enumerate(self.lives, start=1)}
        self._starts = {handle: [live.started_at for live in lives] for handle, lives in self.lives.items()}

    async def check(self, handle: str) -> Observation:
        """Answer truly, and remember that it was asked."""
        now, number = self.clock.now(), self._numbers[handle]
        live = self._live_at(handle, now)
        answer = Answer.OFFLINE if live is None else Answer.LIVE
        self.checks.append(DiscoveryCheck(account_id=number, at=now, answer=answer))
        if live is None:
            return Observation(answer=answer, seen_at=now, person=_person(handle, number))
        heapq.heappush(self.found, (live.ended_at, number))
        room_id = (int(live.started_at.timestamp()) << 32) + number
        sighting = Sighting(room_id=room_id, started_at=live.started_at)
        return Observation(answer=answer, seen_at=now, sighting=sighting, person=_person(handle, number))

    def _live_at(self, handle: str, at: datetime) -> PastLive | None:
        place = bisect_right(self._starts[handle], at)
        live = self.lives[handle][place - 1] if place else None
        return live if live is not None and at < live.ended_at else None

    async def profile(self, handle: str) -> Profile:
        """Answer as the profile page would."""
        return Profile(state=ProfileState.ACTIVE, person=_person(handle, self._numbers[handle]))

    async def rooms_alive(self, room_ids: Sequence[int]) -> Mapping[int, bool]:
        """Answer nothing: nobody sweeps where ends are told."""
        del room_ids
        return {}


def _person(handle: str, number: int) -> Person:
    return Person(platform_id=number, handle=handle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What is replayed: the lives of the accounts numbered from 1 on, from `since` up to `until`."""

    lives: Sequence[PastLive]
    accounts: int
    since: datetime
    until: datetime
    budget: int


def replay(task: Task, policies: Policies) -> Told:
    """Let the bot look for the lives with its default policy; the same arguments give the same checks."""
    disk = Disk()
    try:
        return asyncio.run(_Replay(task, policies, disk).run())
    finally:
        disk.close()


class _Replay:
    def __init__(self, task: Task, policies: Policies, disk: Disk) -> None:
        self._task = task
        self._clock = ReplayClock(task.since)
        self._database = PlainDatabase(disk)
        self._accounts: dict[int, Account] = {}
        handles = {number: f"account{number}" for number in range(1, task.accounts + 1)}
        lives: dict[str, list[PastLive]] = {handle: [] for handle in handles.values()}
        for live in sorted(task.lives, key=lambda live: live.started_at):
            lives[handles[live.account_id]].append(live)
        self._source = ReplaySource(self._clock, lives)
        self._monitor = LiveMonitor(
            database=self._database,
            source=self._source,
            policy=policies,
            announcements=Announcements(self._database, self._clock),
            clock=self._clock,
            rules=MonitorRules(discovery_per_day=task.budget),
        )
        self._loops = [loop for loop in live_loops(self._monitor) if loop.name != FOLLOW_UPS]
        self._chances: list[Floats] = []
        self._failing: dict[str, str] = {}

    async def run(self) -> Told:
        """Take what is next, in the order of time: the end of a live that was found, an hour, a step of the bot."""
        await self._follow_all()
        steps = {loop.name: self._task.since for loop in self._loops}
        hour, idle = self._task.since + HOUR, 0
        while True:
            loop = self._next_loop(steps)
            at = max(self._clock.now(), steps[loop.name])
            ends_at = self._source.found[0][0] if self._source.found else self._task.until
            now = min(at, hour, ends_at)
            if now >= self._task.until:
                return self._told()
            idle = 0 if now > self._clock.now() else idle + 1
            if idle > MOST_STEPS_AT_ONCE:
                raise RuntimeError(f"{loop.name} spins: no time passes any more")
            self._clock.at = max(self._clock.now(), now)
            if now == ends_at:
                await self._tell_end()
            elif now == hour:
                self._ask_chances(hour)
                hour += HOUR
            else:
                steps[loop.name] = await loop.step()

    def _next_loop(self, steps: dict[str, datetime]) -> Loop:
        """Give the loop whose step is next; one that was woken is due at once."""
        for loop in self._loops:
            if loop.wake.is_set():
                loop.wake.clear()
                steps[loop.name] = self._clock.now()
        return min(self._loops, key=lambda loop: steps[loop.name])

    async def _follow_all(self) -> None:
        """Follow every account in one channel, all of them new to the bot."""
        now = self._clock.now()
        async with self._database.write("backtest.follow") as conn:
            for number, handle in enumerate(self._source.lives, start=1):
                account = await store.add_account(conn, _person(handle, number), ProfileState.ACTIVE, now)
                subscription = Subscription(
                    account_id=account.id, guild_id=GUILD, channel_id=CHANNEL, role_id=None, paused=False
                )
                await subscriptions.subscribe(conn, subscription, 1, now)
                self._accounts[number] = account

    async def _tell_end(self) -> None:
        ended_at, number = heapq.heappop(self._source.found)
        async with self._database.write("backtest.end") as conn:
            await self._monitor.note_end(conn, self._accounts[number], ended_at)

    def _ask_chances(self, hour: datetime) -> None:
        """Have the next hour foretold, for all accounts, by the policy that plans them."""
        policies = cast(Policies, self._monitor.planning.policy)
        self._failing.update(policies.failing)
        ids = [account.id for account in self._accounts.values()]
        self._chances.append(_starts(policies.working(policies.default), hour, ids))

    def _told(self) -> Told:
        told = np.column_stack(self._chances) if self._chances else np.zeros((len(self._accounts), 0))
        chances = StartChances(
            account_ids=tuple(self._accounts), hours_from=self._task.since + HOUR, chances=told
        )
        is_told = bool(np.any(~np.isnan(told)))
        return Told(checks=self._source.checks, chances=chances if is_told else None, failing=self._failing)


def _starts(policy: object, hour: datetime, account_ids: Sequence[int]) -> Floats:
    """Give each account's chance that a live starts within the hour; NaN from a policy that tells none."""
    if not isinstance(policy, Forecasting):
        return np.full(len(account_ids), np.nan)
    return policy.forecast(hour, account_ids, 1).starts[:, 0]
