"""Which two files are the halves of one match, and which file was labelled wrongly (specs/etlegacy.md 2.2, 2.5).

The names of the halves share nothing but the map, so the halves are found by what they say: the time limit
of round 2 is the next time limit of round 1, on the same map, at most 45 minutes later, with at least half
of the players. A script flips the round number only at intermission, so a map change in the middle of a
round writes a file under the other round's number: an aborted round. Its counters give it away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.rounds.grammar import PlayerLine, StatsFile
from bot.core.rounds.player import has_dropped, team_minutes

_SHORTEST = 0.15  # minutes; a round must be longer to show in the team times, which are rounded to 0.1
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
    single: dict[str, list[PlayedRound]] = defaultdict(list)  # round 1 by map, oldest first
    for second in by_time:
        same_map = single[second.stats.header.map]
        if second.stats.header.round == 1:
            same_map.append(second)
        elif first := _take_first(second, same_map, _are_halves):
            pairings[second.key] = Pairing(round=2, first=first)
        elif second.stats.players and all(player.rounds == 0 for player in second.stats.players):
            pairings[second.key] = Pairing(round=1, aborted=True)
    for same_map in single.values():
        pairings |= _cut_short(same_map)
    return pairings


def _cut_short(single: Sequence[PlayedRound]) -> dict[str, Pairing]:
    """Find the aborted rounds 2 that are labelled 1, among the rounds 1 of a map that have no partner."""
    found: dict[str, Pairing] = {}
    free: list[PlayedRound] = []
    for second in single:
        if first := _take_first(second, free, _has_counted_on):
            found[second.key] = Pairing(round=2, first=first, aborted=True)
        else:
            free.append(second)
    return found


def _take_first(
    second: PlayedRound, earlier: list[PlayedRound], fits: Callable[[PlayedRound, PlayedRound], bool]
) -> PlayedRound | None:
    """Take the newest round that fits out of earlier ones on the map, which are oldest first."""
    for at in range(len(earlier) - 1, -1, -1):
        if second.ended_at - earlier[at].ended_at > LONGEST_GAP:
            break
        if fits(earlier[at], second):
            return earlier.pop(at)
    return None


def _are_halves(first: PlayedRound, second: PlayedRound) -> bool:
    return (
        first.ended_at < second.ended_at
        and first.stats.header.next_limit == second.stats.header.limit
        and _share_players(first.stats, second.stats)
        and not _misses_a_round(first, second)
    )


def _share_players(first: StatsFile, second: StatsFile) -> bool:
    """Tell whether at least half of the smaller roster played both; an empty round has no partner."""
    both = len(_common(first, second))
    return both > 0 and 2 * both >= min(len(first.players), len(second.players))


def _has_counted_on(first: PlayedRound, second: PlayedRound) -> bool:
    """Tell whether these are halves, and most who played both have one more earlier round in their counters.

    A replay of the map has the same counter of rounds, but the others began anew: nobody has played for longer
    than its limit, and some have done less than in the round before.
    """
    longest, before = (max(map(team_minutes, one.stats.players), default=0.0) for one in (second, first))
    if longest <= before + _SHORTEST or not _are_halves(first, second):
        return False
    common = _common(first.stats, second.stats)
    stayed = [(earlier, later) for earlier, later in common if later.rounds == earlier.rounds + 1]
    dropped = sum(has_dropped(earlier, later) for earlier, later in stayed)
    fits_clock = longest <= second.stats.header.limit / 60 + _SHORTEST
    most_dropped = len(stayed) // 4 if fits_clock else len(stayed) // 2
    return 2 * len(stayed) > len(common) and dropped <= most_dropped


def _misses_a_round(first: PlayedRound, second: PlayedRound) -> bool:
    """Tell whether the counters of most who played both hold another round between the two."""
    common = _common(first.stats, second.stats)
    return 2 * sum(later.rounds > earlier.rounds + 1 for earlier, later in common) > len(common)


def _common(first: StatsFile, second: StatsFile) -> list[tuple[PlayerLine, PlayerLine]]:
    earlier = {player.guid: player for player in first.players}
    return [(earlier[player.guid], player) for player in second.players if player.guid in earlier]
