"""A TikTok in memory and a monitor on a real database, for many cases at little cost.

The real HTTP path is tested against the stand-in (tests/sources/tiktok, tests/e2e).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from bot.core.live.models import Answer, Observation, Person, Profile, ProfileState, Sighting
from bot.core.live.planner import EvenlySpread, Policy
from bot.core.live.policies import provided_policies
from bot.core.requester import Requester
from bot.errors import SourceUnavailable
from bot.services.announcements import Announcements
from bot.services.live_monitor import LiveMonitor, MonitorRules
from bot.services.planning import Beside, inline
from bot.services.watchlist import Watchlist
from bot.storage.engine import Database
from bot.storage.tables import outbox, requests
from tests.clocks import ManualClock

GUILD, CHANNEL, ROLE, ADMIN = 1, 100, 7, 42
EVENLY = EvenlySpread()
BY = Requester(guild_id=GUILD, user_id=ADMIN)


@dataclass
class Streamer:
    """Somebody on the platform in memory."""

    platform_id: int
    handle: str
    state: ProfileState = ProfileState.ACTIVE
    live_since: datetime | None = None
    room_id: int = 0
    viewers: int | None = 12
    paused: bool = False
    never_live: bool = False
    followers: int | None = None


@dataclass
class MemoryTikTok:
    """Implements `bot.ports.LiveSource`; counts what it is asked."""

    clock: ManualClock
    people: list[Streamer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    trouble: SourceUnavailable | None = None
    sweep_trouble: SourceUnavailable | None = None

    def add(self, handle: str, platform_id: int, **values: object) -> Streamer:
        self.people.append(Streamer(platform_id=platform_id, handle=handle, **values))
        return self.people[-1]

    def go_live(self, handle: str, ago: timedelta = timedelta(0)) -> None:
        streamer = self._find(handle)
        streamer.live_since = self.clock.now() - ago
        streamer.room_id = (int(streamer.live_since.timestamp()) << 32) + streamer.platform_id

    def end(self, handle: str) -> None:
        self._find(handle).live_since = None

    def _find(self, handle: str) -> Streamer | None:
        return next((one for one in self.people if handle in {one.handle, str(one.platform_id)}), None)

    async def check(self, handle: str) -> Observation:
        self.asked.append(f"check {handle}")
        now = self.clock.now()
        if self.trouble:
            return Observation(
                answer=Answer.UNKNOWN,
                seen_at=now,
                reason=str(self.trouble),
                blocked=self.trouble.blocked,
                retry_after_seconds=self.trouble.retry_after_seconds,
            )
        who = self._find(handle)
        if who is None or who.never_live:
            return Observation(answer=Answer.OFFLINE, seen_at=now, not_found=True, reason="no such handle")
        person = Person(
            platform_id=who.platform_id,
            handle=who.handle,
            nickname=who.handle.title(),
            followers=who.followers,
        )
        if who.live_since is None:
            return Observation(answer=Answer.OFFLINE, seen_at=now, person=person)
        sighting = Sighting(
            room_id=who.room_id,
            started_at=who.live_since,
            title="Hello *there*",
            viewers=who.viewers,
            paused=who.paused,
        )
        return Observation(answer=Answer.LIVE, seen_at=now, sighting=sighting, person=person)

    async def profile(self, handle: str) -> Profile:
        self.asked.append(f"profile {handle}")
        if self.trouble:
            raise self.trouble
        who = self._find(handle)
        if who is None:
            return Profile(state=ProfileState.NOT_FOUND)
        return Profile(state=who.state, person=Person(platform_id=who.platform_id, handle=who.handle))

    async def rooms_alive(self, room_ids: Sequence[int]) -> Mapping[int, bool]:
        self.asked.append(f"sweep {len(room_ids)}")
        if self.sweep_trouble or self.trouble:
            raise self.sweep_trouble or self.trouble
        alive = {one.room_id for one in self.people if one.live_since is not None}
        return {room_id: room_id in alive for room_id in room_ids}

    def count(self, kind: str) -> int:
        return sum(asked.startswith(kind) for asked in self.asked)


class LiveWorld:
    """The monitor, the watchlist and what they leave in the database."""

    def __init__(self, database: Database, clock: ManualClock, **rules: object) -> None:
        self.database = database
        self.clock = clock
        self.tiktok = MemoryTikTok(clock)
        self.restart(**rules)

    def restart(self, *, policy: Policy | None = EVENLY, beside: Beside = inline, **rules: object) -> None:
        """Begin as a new process would; with None as its policy the bot has those it has by default."""
        announcements = Announcements(self.database, self.clock)
        rules = {"per_minute": 1000, **rules}
        self.monitor = LiveMonitor(
            database=self.database,
            source=self.tiktok,
            policy=provided_policies() if policy is None else copy.deepcopy(policy),
            announcements=announcements,
            clock=self.clock,
            rules=MonitorRules(**rules),
            beside=beside,
        )
        self.watchlist = Watchlist(
            database=self.database,
            monitor=self.monitor,
            announcements=announcements,
            clock=self.clock,
            accounts_per_guild=25,
        )

    async def run_for(self, span: timedelta) -> None:
        """Run the loops' steps as they fall due, until `span` has passed."""
        end = self.clock.now() + span
        replan_at = self.clock.now()
        while True:
            if self.clock.now() >= replan_at:
                replan_at = await self.monitor.replan_step()
            due = [await self.monitor.check_step(), await self.monitor.followup_step(), replan_at]
            wait = (min(due) - self.clock.now()).total_seconds()
            left = (end - self.clock.now()).total_seconds()
            if left <= 0:
                return
            self.clock.advance(min(max(wait, 0.001), left))

    async def messages(self) -> list[dict]:
        async with self.database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id))).mappings().all()
        return [dict(row) for row in rows]

    async def ledger(self, name: str) -> list[dict]:
        async with self.database.read() as conn:
            query = select(requests).where(requests.c.ledger == name).order_by(requests.c.asked_at)
            return [dict(row) for row in (await conn.execute(query)).mappings()]
