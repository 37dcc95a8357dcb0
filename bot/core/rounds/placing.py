"""Rounds of one server dated and paired together, and which of them can change each other.

The one way from files to rounds: a folder read at once, the bot's import of one file after the other and the
rebuild all come here, so that the same files give the same rounds whatever their order.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.rounds.pairing import LONGEST_GAP, Pairing, PlayedRound, pair_rounds
from bot.core.rounds.reading import ReadRound
from bot.core.rounds.resolve import ResolvedRound, resolve
from bot.core.rounds.times import EndTime

REACH = LONGEST_GAP + timedelta(hours=1)
"""So far apart on a map, two rounds have nothing to do with each other, whatever the clocks did in between."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Rounds by key, each with its place."""

    played: Mapping[str, PlayedRound]
    pairings: Mapping[str, Pairing]

    def resolve(self, keys: Container[str] | None = None) -> dict[str, ResolvedRound]:
        """Give these or all of them alone, a round 1 before its round 2."""
        by_time = sorted(self.played, key=lambda key: (self.played[key].ended_at, key))
        return {
            key: resolve(self.played[key], self.pairings[key])
            for key in by_time
            if keys is None or key in keys
        }


def place(reads: Mapping[str, ReadRound], times: Mapping[str, EndTime]) -> Placed:
    """Date and pair rounds; `times` has all of them.

    When clocks are set back, an hour of names stands for two. It is the first of them unless a single
    round finds its partner only in the second; rounds 2 are tried before rounds 1.
    """
    played = {
        key: PlayedRound(key=key, ended_at=read.told or times[key].at, stats=read.stats)
        for key, read in reads.items()
    }
    pairings = pair_rounds(played.values())
    for number in (2, 1):
        later = {
            key: replace(played[key], ended_at=other)
            for key in _single(pairings)
            if played[key].stats.header.round == number
            and reads[key].told is None
            and (other := times[key].later) is not None
        }
        if later:
            still_single = _single(pair_rounds((played | later).values()))
            played |= {key: again for key, again in later.items() if key not in still_single}
            pairings = pair_rounds(played.values())
    return Placed(played=played, pairings=pairings)


def _single(pairings: Mapping[str, Pairing]) -> set[str]:
    firsts = {pairing.first.key for pairing in pairings.values() if pairing.first}
    return {key for key, pairing in pairings.items() if pairing.first is None and key not in firsts}


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """Where and when a round was played; `ended_at` is aware UTC."""

    map: str
    ended_at: datetime


def groups(rounds: Mapping[str, Played]) -> list[list[str]]:
    """Divide the rounds of ONE server so that no two of different groups can change each other.

    The groups come by their first round, each with its rounds oldest first.
    """
    found: list[list[str]] = []
    newest: dict[str, list[str]] = {}
    for key in sorted(rounds, key=lambda key: (rounds[key].ended_at, key)):
        one = rounds[key]
        group = newest.get(one.map)
        if group is None or one.ended_at - rounds[group[-1]].ended_at > REACH:
            group = newest[one.map] = []
            found.append(group)
        group.append(key)
    return found
