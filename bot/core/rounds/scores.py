"""The score of an evening: the result of each map, and the points of the teams as they grow.

Two points for a map, one each when both teams held (specs/etlegacy.md 2.6). New teams start at 0 - 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.rounds.evenings import EveningRound
from bot.core.rounds.fields import ALLIES, AXIS
from bot.core.rounds.resolve import ResolvedRound
from bot.core.rounds.results import MapResult, map_result
from bot.core.rounds.teams import EveningTeams, Placement

Points = tuple[int, int]  # of team 0 and team 1
_WON, _DRAW = 2, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class MapPlayed:
    """One map as it was played: one or two rounds, by key.

    `lineup` and `score` (after this map) are None before anything could be placed; `winner` is team 0 or 1,
    None without result or for a draw. A map without a `result`, or with a round that does not count, gives
    no points.
    """

    map: str
    rounds: tuple[str, ...]
    result: MapResult | None
    lineup: int | None
    winner: int | None
    points: Points
    score: Points | None


def score_maps(rounds: Sequence[EveningRound], teams: EveningTeams) -> tuple[MapPlayed, ...]:
    """Give the maps of one evening in the order in which they ended, with the running score by team."""
    by_key = {one.key: one for one in rounds}
    halves = {one.resolved.partner_key: one for one in rounds if one.resolved.partner_key in by_key}
    scores: dict[int, Points] = {}
    played = []
    lineup: int | None = None
    for one in rounds:
        if one.key in halves:
            continue  # told with its second half
        first = by_key.get(one.resolved.partner_key or "")
        result = _result(first, one) if first else None
        winner = _winner(result, first, one, teams.placements) if first and result else None
        points = _points(result, winner)
        placed = teams.placements.get(one.key)
        lineup = placed.lineup if placed else lineup
        if lineup is not None:
            before = scores.get(lineup, (0, 0))
            scores[lineup] = (before[0] + points[0], before[1] + points[1])
        played.append(
            MapPlayed(
                map=one.resolved.map,
                rounds=(first.key, one.key) if first else (one.key,),
                result=result,
                lineup=lineup,
                winner=winner,
                points=points,
                score=scores.get(lineup) if lineup is not None else None,
            )
        )
    return tuple(played)


def _result(first: EveningRound, second: EveningRound) -> MapResult | None:
    return map_result(first.resolved, second.resolved) if first.counted and second.counted else None


def _winner(
    result: MapResult, first: EveningRound, second: EveningRound, placements: Mapping[str, Placement]
) -> int | None:
    """Give the team that won, found by who attacked in the round that names the result."""
    if result is MapResult.DRAW:
        return None
    decisive = first if result is MapResult.ROUND_1_ATTACKERS else second
    placement = placements.get(decisive.key)
    return placement.team_of(_attacking(decisive.resolved)) if placement else None


def _attacking(resolved: ResolvedRound) -> int:
    return ALLIES if resolved.defender_side == AXIS else AXIS


def _points(result: MapResult | None, winner: int | None) -> Points:
    if result is MapResult.DRAW:
        return (_DRAW, _DRAW)
    if winner is None:
        return (0, 0)
    return (_WON, 0) if winner == 0 else (0, _WON)
