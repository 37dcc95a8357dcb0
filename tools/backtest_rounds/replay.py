"""Round files that appear at known times, before a policy that looks for them: in virtual time, one step a plan.

A look sees every file there is; one that found any lists once more after the settle time, and then the files are
imported. A policy is told only what it has found itself, and what the game server answers.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.rounds.files import SETTLE
from bot.core.rounds.looking import Answer, Known, Look, LookPolicy, Result, heard, looked

CONFIRM = SETTLE + timedelta(milliseconds=50)
GAME_ON = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class GameServer:
    """What is true: files are written at `written` (in order).

    What the server tells is less than the truth: people are in teams only from `present` before a file is
    written until as long after it, never else; it tells no map, so that no end of a round can be seen, and where
    `present` is None it does not answer at all. No policy learns from the answers, so that their even distance
    from a file tells none of them when it comes.
    """

    written: Sequence[datetime]
    present: timedelta | None

    def files_until(self, at: datetime) -> int:
        """Count the files there are."""
        return bisect_right(self.written, at)

    def answer(self, at: datetime) -> Answer | None:
        """Answer a question."""
        if self.present is None:
            return None
        near = bisect_left(self.written, at - self.present)
        is_near = near < len(self.written) and self.written[near] - self.present <= at
        return Answer(playing=GAME_ON if is_near else 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """What a policy did: how late each file was imported, in the order of files, and when each listing was made.

    `confirming` of the listings were second ones.
    """

    delays: Sequence[timedelta]
    listings: Sequence[datetime]
    confirming: int
    questions: int


def replay(server: GameServer, policy: LookPolicy, since: datetime, until: datetime) -> Replayed:
    """Let a policy look from `since` to `until`, and on until every file is imported."""
    known = Known()
    now, questions = since, 0
    delays: list[timedelta] = []
    listings: list[datetime] = []
    looks = 0
    while True:
        plan = policy.plan(known, now)
        if plan.look_at >= until and len(delays) == len(server.written):
            break
        if plan.ask_at is not None and plan.ask_at < plan.look_at:
            now, questions = plan.ask_at, questions + 1
            known = replace(known, news=heard(known.news, server.answer(now), now, GAME_ON))
            continue
        now, looks = plan.look_at, looks + 1
        listings.append(now)
        found = server.written[len(delays) : server.files_until(now)]
        if found:
            now += CONFIRM
            listings.append(now)
            delays += [now - at for at in found]
            known = replace(known, rounds=(*known.rounds, *found))
        known = looked(known, Look(at=now, result=Result.FOUND if found else Result.EMPTY))
    return Replayed(delays=delays, listings=listings, confirming=len(listings) - looks, questions=questions)
