"""Plays a policy against round files and a game server, and keeps every look."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.rounds.looking import Known, Look, LookPlan, LookPolicy
from tools.backtest_rounds.replay import GameServer, Replayed, replay


class Watched:
    """A policy whose looks and reasons are kept."""

    def __init__(self, policy: LookPolicy) -> None:
        self.name = policy.name
        self.looks: list[Look] = []
        self.plans: list[LookPlan] = []
        self._policy = policy

    def longest_pause(self, known: Known) -> timedelta:
        return self._policy.longest_pause(known)

    def plan(self, known: Known, now: datetime) -> LookPlan:
        if known.looks and (not self.looks or known.looks[-1] is not self.looks[-1]):
            self.looks.append(known.looks[-1])
        self.plans.append(self._policy.plan(known, now))
        return self.plans[-1]


def played(
    policy: LookPolicy,
    since: datetime,
    until: datetime,
    written: Sequence[datetime] = (),
    present: timedelta | None = None,
) -> tuple[Watched, Replayed]:
    """Play from `since` to `until`; the game server is silent without `present`."""
    watched = Watched(policy)
    return watched, replay(GameServer(written=sorted(written), present=present), watched, since, until)


def worst_day(listings: Sequence[datetime]) -> int:
    """Count the most listings in any rolling 24 hours."""
    day = timedelta(days=1)
    return max(bisect_left(listings, at + day) - number for number, at in enumerate(listings))
