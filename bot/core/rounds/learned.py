"""The policy `learned`: past rounds and the game server's own word decide (specs/scheduling.md 6).

At every minute there is a chance that a file appears: as soon after the last round as past rounds followed each
other, while people are in teams at the usual rate of rounds, and else as often as games begin at that hour.
From it follows for how long a file is expected to have lain there unseen since the last look, on average over
what may have happened. A look is made when that reaches its price. As the wait counts from the last look, a plan
made anew later is the same plan. The price rises as the looks of the last 24 hours use up the day's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from math import sqrt

from bot.core.rounds.evenings import GAP
from bot.core.rounds.looking import (
    AFTER_AN_ERROR,
    DAY,
    LONGEST_BACK_OFF,
    Known,
    Look,
    LookPlan,
    LookPolicy,
    News,
    Result,
    Why,
    failures,
)
from bot.core.rounds.prime_time import ClassicLooks
from bot.core.rounds.rhythm import Rhythm, rhythm_of

LOOKS_A_DAY = 190
"""Of the 200 that are promised; the second listing for a file that is found while nothing is left comes on top."""
GAME_DAYS_TO_LEARN = 20
LONGEST_PAUSE, LONGEST_UNTOLD = timedelta(minutes=30), timedelta(minutes=10)
ASK_OFTEN, ASK_SELDOM = timedelta(seconds=60), timedelta(minutes=5)
AFTER_A_CHANGE = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20))
PRICE_MINUTES = 0.05
"""A look is worth three seconds of expected wait: one a minute where a file comes every ten minutes."""
_NOT_TOLD = 0.1  # games that begin without the server's word: too few people, a lost answer
_LEAST_LEFT = 0.02
_MINUTE = timedelta(minutes=1)


class LearnedLooks:
    """Plans for one server; `zone` has the hours by which games begin. What is learned is kept for a day."""

    name = "learned"

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._learned: tuple[tuple[datetime, ...], date, Rhythm] | None = None
        self._planned: tuple[tuple[object, ...], LookPlan] | None = None

    def longest_pause(self, known: Known) -> timedelta:
        """Give the longest sleep: shorter where the game server does not say whether people play."""
        return LONGEST_PAUSE if known.news.is_to_be_had else LONGEST_UNTOLD

    def plan(self, known: Known, now: datetime) -> LookPlan:
        """Plan the next look and the next question."""
        rhythm = self._rhythm(known.rounds, now)
        ask_at = _ask_at(known, now)
        if not known.looks:
            return LookPlan(look_at=now, why=Why.START, ask_at=ask_at)
        failed = failures(known.looks)
        if failed:
            pause = AFTER_AN_ERROR if failed == 1 else LONGEST_BACK_OFF
            return LookPlan(look_at=max(now, known.looks[-1].at + pause), why=Why.ERROR, ask_at=ask_at)
        expected = self._kept(known, rhythm)
        changed = _after_change(known)
        if changed is not None and changed < expected.look_at:
            return LookPlan(look_at=max(now, changed), why=Why.ROUND_OVER, ask_at=ask_at)
        return LookPlan(look_at=max(now, expected.look_at), why=expected.why, ask_at=ask_at)

    def _rhythm(self, rounds: tuple[datetime, ...], now: datetime) -> Rhythm:
        """Learn anew when rounds have come, and daily; plans are made far more often."""
        if self._learned is None or self._learned[0] is not rounds or self._learned[1] != now.date():
            self._learned = rounds, now.date(), rhythm_of(rounds, now, self._zone)
        return self._learned[2]

    def _kept(self, known: Known, rhythm: Rhythm) -> LookPlan:
        """Keep the plan while nothing is known that it was not made of: most answers are like those before."""
        news = known.news
        told = None if news.is_to_be_had else news.answered_at, news.is_to_be_had
        made_of = (known.looks, rhythm, news.game_from, news.game_until, *told)
        if self._planned is None or any(
            old is not new and old != new for old, new in zip(self._planned[0], made_of, strict=True)
        ):
            self._planned = made_of, self._expected(known, rhythm)
        return self._planned[1]

    def _expected(self, known: Known, rhythm: Rhythm) -> LookPlan:
        """Find the instant at which the expected wait reaches the price of a look, within the longest pause."""
        last = known.looks[-1].at
        longest = self.longest_pause(known)
        price = PRICE_MINUTES / _left(known.looks, longest) ** 2
        chance = waited = 0.0
        why = Why.QUIET
        for minute in range(int(longest / _MINUTE)):
            begin = last + minute * _MINUTE
            rate, why = self._rate(known, rhythm, begin + _MINUTE / 2)
            if waited + chance + rate / 2 >= price:
                # waited + chance x + rate x^2 / 2 = price
                root = sqrt(chance * chance + 2 * rate * (price - waited))
                part = (root - chance) / rate if rate else (price - waited) / chance
                return LookPlan(look_at=begin + part * _MINUTE, why=why)
            waited += chance + rate / 2
            chance += rate
        return LookPlan(look_at=last + longest, why=Why.QUIET)

    def _rate(self, known: Known, rhythm: Rhythm, at: datetime) -> tuple[float, Why]:
        """Give the chance, per minute, that a file appears at an instant, and what speaks for it most."""
        first = rhythm.first_round(at.astimezone(self._zone))
        told = known.news.is_to_be_had
        rates = [(first * (_NOT_TOLD if told else 1.0), Why.USUAL_HOUR)]
        if known.rounds:
            rates.append((rhythm.next_round(at - known.rounds[-1]), Why.NEXT_ROUND))
        if _is_on(known.news, at):
            rates.append((rhythm.playing, Why.PLAYING))
        return max(rates)


def _ask_at(known: Known, now: datetime) -> datetime:
    """Ask often while somebody is in a team and within the evening's gap after a round; seldom else."""
    if known.news.asked_at is None:
        return now
    just_played = bool(known.rounds) and now - known.rounds[-1] < GAP
    return max(
        now, known.news.asked_at + (ASK_OFTEN if known.news.is_anyone_in or just_played else ASK_SELDOM)
    )


def _is_on(news: News, at: datetime) -> bool:
    if news.game_from is None or news.answered_at is None or at < news.game_from:
        return False
    if not news.is_to_be_had and at - news.answered_at > LONGEST_UNTOLD:
        return False  # whoever was there may have gone since
    return news.game_until is None or at < news.game_until


def _left(looks: Sequence[Look], longest: timedelta) -> float:
    """Give which part is left of the day's looks that sleeping does not need; who only slept has them all.

    A look that found a file took a second listing. Time without looks (the bot was off) counts as slept, because
    it will be: else what it spared would be spent, and the nights to come would be too much.
    """
    used = (DAY - (looks[-1].at - looks[0].at)) / longest
    for before, after in pairwise(looks):
        used += max(1.0, (after.at - before.at) / longest) + (after.result is Result.FOUND)
    return min(max((LOOKS_A_DAY - used) / (LOOKS_A_DAY - DAY / longest), _LEAST_LEFT), 1.0)


def _after_change(known: Known) -> datetime | None:
    """Give the next of the quick looks after a change, until one of them has found the round."""
    changed, last = known.news.changed_at, known.looks[-1]
    if changed is None or (last.at >= changed and last.result is Result.FOUND):
        return None
    found = any(look.result is Result.FOUND for look in known.looks if look.at >= changed)
    quick = (changed + pause for pause in AFTER_A_CHANGE if last.at < changed + pause)
    return None if found else next(quick, None)


class AutoLooks:
    """`classic` until rounds of enough days are known, then `learned`."""

    name = "auto"

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._classic, self._learned = ClassicLooks(zone=zone), LearnedLooks(zone)

    def longest_pause(self, known: Known) -> timedelta:
        """Give the longest pause of the policy that plans."""
        return self.chosen(known).longest_pause(known)

    def plan(self, known: Known, now: datetime) -> LookPlan:
        """Let the policy plan whose time it is."""
        return self.chosen(known).plan(known, now)

    def chosen(self, known: Known) -> LookPolicy:
        """Give the policy that plans."""
        days = {at.astimezone(self._zone).date() for at in known.rounds}
        return self._learned if len(days) >= GAME_DAYS_TO_LEARN else self._classic
