"""Rounds grouped into evenings: what was played in one go, whatever the calendar says (specs/etlegacy.md 2.7).

An evening ends when nothing was played for an hour. Midnight does not end it and a change of clocks does
not lengthen it, because only instants are compared. Its date is that of its beginning, in the community's
zone. A round that arrives late can bridge two evenings: group the neighbours again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.rounds.resolve import ResolvedRound

GAP = timedelta(minutes=60)
"""So long after a round without another, the evening is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EveningRound:
    """One round; `key` names it among those of its server, `voided` says that an admin took it out."""

    key: str
    resolved: ResolvedRound
    voided: bool = False

    @property
    def began_at(self) -> datetime:
        """When it began; without a known time when it ended. Pauses are not in the played time."""
        return self.resolved.ended_at - timedelta(seconds=self.resolved.played_seconds or 0)

    @property
    def counted(self) -> bool:
        """Whether scores and tables read this round."""
        return self.resolved.counted and not self.voided


@dataclass(frozen=True, kw_only=True, slots=True)
class Evening:
    """The rounds of an evening on ONE server, oldest first; at least one. Uncounted ones are among them."""

    rounds: tuple[EveningRound, ...]

    @property
    def began_at(self) -> datetime:
        """When the first round began, aware UTC."""
        return self.rounds[0].began_at

    @property
    def ended_at(self) -> datetime:
        """When the last round ended, aware UTC."""
        return self.rounds[-1].resolved.ended_at

    def day(self, zone: ZoneInfo) -> date:
        """Give the local date on which the evening began: the one people call it by."""
        return self.began_at.astimezone(zone).date()

    def is_over(self, now: datetime, gap: timedelta = GAP) -> bool:
        """Tell whether a round that begins at `now` would belong to another evening.

        One that is under way since before can still belong to this one.
        """
        return now - self.ended_at > gap


def group_evenings(rounds: Iterable[EveningRound], gap: timedelta = GAP) -> tuple[Evening, ...]:
    """Group the rounds of ONE server, in any order; the evenings come oldest first.

    The gap is from the end of a round to the beginning of the next, so that a long round ends no evening.
    """
    by_time = sorted(rounds, key=lambda one: (one.resolved.ended_at, one.key))
    groups: list[list[EveningRound]] = []
    for one in by_time:
        if groups and one.began_at - groups[-1][-1].resolved.ended_at <= gap:
            groups[-1].append(one)
        else:
            groups.append([one])
    return tuple(Evening(rounds=tuple(group)) for group in groups)


def evenings_on(evenings: Iterable[Evening], day: date, zone: ZoneInfo) -> tuple[Evening, ...]:
    """Give the evenings of a local date. Two of one date stay two (specs/etlegacy.md 3, row 22)."""
    return tuple(evening for evening in evenings if evening.day(zone) == day)
