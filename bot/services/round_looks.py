"""When each game server is looked at: what this process knows of it, and the policy that plans from that."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.core.rounds.learned import AutoLooks, LearnedLooks
from bot.core.rounds.looking import (
    FixedLooks,
    Known,
    Look,
    LookPlan,
    LookPolicy,
    Result,
    heard,
    looked,
)
from bot.core.rounds.prime_time import ClassicLooks
from bot.core.rounds.rhythm import FORGOTTEN
from bot.core.rounds.schedule import Looks
from bot.ports import GameQuery
from bot.settings import GameServer
from bot.storage import rounds as store
from bot.storage.engine import Database

EARLY = timedelta(seconds=0.5)
"""A wait may end a little early, and a question then must not become a look."""

log = logging.getLogger(__name__)


def policy_of(settings: GameServer, every: timedelta | None) -> LookPolicy:
    """Give the policy a server is set to; `every` stands for a fixed interval, whatever that is."""
    if every is not None:
        return FixedLooks(every=every)
    zone = ZoneInfo(settings.community_time_zone)
    match settings.round_policy:
        case "classic":
            return ClassicLooks(zone=zone)
        case "learned":
            return LearnedLooks(zone)
        case "auto":
            return AutoLooks(zone)


class RoundLooks:
    """What is known of one server while the process runs; past rounds come from the database.

    Without a `query`, and where the policy wants no answers, the game server is never asked.
    """

    def __init__(
        self,
        *,
        server: str,
        settings: GameServer,
        every: timedelta | None,
        query: GameQuery | None,
        database: Database,
        clock: Clock,
    ) -> None:
        self.policy = policy_of(settings, every)
        self._server = server
        self._zone = ZoneInfo(settings.community_time_zone)
        self._game_on = settings.players_for_game
        self._query = query
        self._database = database
        self._clock = clock
        self._known = Known()
        self._plan: LookPlan | None = None
        self._learns = every is None
        self._is_stale = True

    @property
    def standing(self) -> Looks:
        """What is known of the looks at this server, for people."""
        policy = self.policy
        chosen = policy.chosen(self._known).name if isinstance(policy, AutoLooks) else ""
        return Looks(
            policy=f"{policy.name} ({chosen})" if chosen else policy.name,
            last=self._known.looks[-1] if self._known.looks else None,
            plan=self._plan,
            news=self._known.news,
            asks=self._query is not None,
            players_for_game=self._game_on,
        )

    def rounds_came(self) -> None:
        """Have the rounds read anew for the next plan."""
        self._is_stale = True

    def note(self, result: Result) -> None:
        """Take in a look that ended now."""
        now = self._clock.now()
        if _is_from_later(self._known, now):  # the clock was set back: what was seen then says nothing of now
            self._known = Known()
            self._is_stale = True
        self._known = looked(self._known, Look(at=now, result=result))

    async def ask_if_due(self) -> bool:
        """Ask the game server where that is due before the next look; false where it was not."""
        plan, now = self._plan, self._clock.now()
        if plan is None or plan.ask_at is None or not plan.ask_at - EARLY <= now < plan.look_at - EARLY:
            return False
        answer = None if self._query is None else await self._query.ask()
        news = heard(self._known.news, answer, self._clock.now(), self._game_on)
        self._known = replace(self._known, news=news)
        return True

    async def plan(self) -> LookPlan:
        """Plan the next look, and the next question where there is anybody to ask. Raises `StorageError`."""
        now = self._clock.now()
        if self._learns and self._is_stale:
            async with self._database.read() as conn:
                rounds = await store.round_times(conn, self._server, now - FORGOTTEN, now)
            self._known, self._is_stale = replace(self._known, rounds=rounds), False
        plan = self.policy.plan(self._known, now)
        if self._query is None:
            plan = replace(plan, ask_at=None)
        if self._plan is None or plan.look_at != self._plan.look_at:
            at = plan.look_at.astimezone(self._zone)
            log.debug("%s: the next look is at %s (%s)", self._server, f"{at:%a %H:%M:%S}", plan.why)
        self._plan = plan
        return plan


def _is_from_later(known: Known, now: datetime) -> bool:
    asked_at = known.news.asked_at
    return any(look.at > now for look in known.looks[-1:]) or (asked_at is not None and asked_at > now)
