"""Which two files are the halves of one match, and which file was labelled wrongly (specs/etlegacy.md 2.2, 2.5).

The names of the halves share nothing but the map, so the halves are found by what they say: the time limit
of round 2 is the next time limit of round 1, on the same map, at most 45 minutes later, with at least half
of the players. A script flips the round number only at intermission, so a map change in the middle of a
round writes a file under the other round's number: an aborted round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.rounds.grammar import PlayerLine, StatsFile

LONGEST_GAP = timedelta(minutes=45)  # from end to end; 2.0 to 14.8 min in 142 real pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayedRound:
    """One read file. `key` names it among the files of its server; `ended_at` is aware UTC."""

    key: str
    ended_at: datetime
    stats: StatsFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """What a file really is. `round` is 1 or 2, whatever its label says.

    `first` is the round 1 whose counters this round 2 contains; None for a round 1 and where it is missing.
    """

    round: int
    first: PlayedRound | None = None
    aborted: bool = False


def pair_rounds(rounds: Iterable[PlayedRound]) -> Mapping[str, Pairing]:
    """Pair the rounds of ONE server, whatever their order; the result is by `key`.

    A round that arrives late can change its neighbours: give all rounds within some hours around it.
    A labelled round 1 is called aborted only after all real halves have found each other, because a
    replayed map can look the same.
    """
    by_time = sorted(rounds, key=lambda played: (played.ended_at, played.key))
    pairings = {played.key: Pairing(round=played.stats.header.round) for played in by_time}
    single = [played for played in by_time if played.stats.header.round == 1]
    for second in by_time:
        if second.stats.header.round == 2:
            first = _newest(first for first in single if _are_halves(first, second))
            if first is not None:
                single.remove(first)
                pairings[second.key] = Pairing(round=2, first=first)
            elif second.stats.players and all(player.rounds == 0 for player in second.stats.players):
                pairings[second.key] = Pairing(round=1, aborted=True)
    for second in tuple(single):
        first = _newest(first for first in single if _are_halves(first, second))
        if first is not None and _has_counted_on(first, second):
            single.remove(first)
            pairings[second.key] = Pairing(round=2, first=first, aborted=True)
    return pairings


def _newest(rounds: Iterable[PlayedRound]) -> PlayedRound | None:
    return max(rounds, key=lambda played: played.ended_at, default=None)


def _are_halves(first: PlayedRound, second: PlayedRound) -> bool:
    gap = second.ended_at - first.ended_at
    return (
        timedelta() < gap <= LONGEST_GAP
        and first.stats.header.map == second.stats.header.map
        and first.stats.header.next_limit == second.stats.header.limit
        and _share_players(first.stats, second.stats)
    )


def _share_players(first: StatsFile, second: StatsFile) -> bool:
    """Tell whether at least half of the smaller roster played both; an empty round has no partner."""
    both = len(_common(first, second))
    return both > 0 and 2 * both >= min(len(first.players), len(second.players))


def _has_counted_on(first: PlayedRound, second: PlayedRound) -> bool:
    """Tell whether most who played both have one more earlier round in their counters."""
    common = _common(first.stats, second.stats)
    one_higher = sum(later.rounds == earlier.rounds + 1 for earlier, later in common)
    return 2 * one_higher > len(common)


def _common(first: StatsFile, second: StatsFile) -> list[tuple[PlayerLine, PlayerLine]]:
    earlier = {player.guid: player for player in first.players}
    return [(earlier[player.guid], player) for player in second.players if player.guid in earlier]
