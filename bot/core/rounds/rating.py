"""How good a player is, by the results of maps alone: a Weng-Lin rating (specs/etlegacy.md 6).

The manual of OpenSkill recommends full pairing for accuracy, and Plackett-Luce for most uses. For two teams
that is no choice: Plackett-Luce and Bradley-Terry, in full and in part, give equal numbers. Bradley-Terry
in full pairing says plainly what they come to then: a draw is half a win, whatever was expected.

Who played for a share of the time counts for that share: his team is the stronger by `share x skill`, and the
result tells so much less about him. The library has a parameter `weights`, but that is for how WELL somebody
played: it divides the loss of a loser by it, so that a loser of half a map would lose twice as much. So
the share scales what the library sees, which comes to the same formula with `share x skill` in it.

All maps are read in order and nothing else: a history that changed is rated from the beginning.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.rounds.fields import ALLIES, AXIS
from bot.core.rounds.grammar import NOBODY, is_bot
from bot.core.rounds.results import MapResult, result_of

MEAN = 25.0
DEVIATION = MEAN / 3
DRIFT = MEAN / 300
"""So much less certain a rating gets by each map: people change."""
FEWEST_MAPS = 10
_RANKS = {
    MapResult.ROUND_1_ATTACKERS: [1.0, 2.0],
    MapResult.ROUND_2_ATTACKERS: [2.0, 1.0],
    MapResult.DRAW: [1.0, 1.0],
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """What is believed of a player's skill after so many maps; nobody's name is on it at first."""

    mean: float = MEAN
    deviation: float = DEVIATION
    maps: int = 0

    @property
    def shown(self) -> float | None:
        """What people see: the skill is hardly below it. None before ten maps."""
        return self.mean - 3 * self.deviation if self.maps >= FEWEST_MAPS else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RatedMap:
    """A map with a result. Teams by GUID, each player with his share of the time: above 0, at most 1."""

    result: MapResult
    round_1_attackers: Mapping[str, float]
    round_2_attackers: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """What a rating reads of a round: whether the attackers won, and the seconds of each person on a side."""

    attackers_succeeded: bool | None
    attackers: Mapping[str, int]
    defenders: Mapping[str, int]


def half(
    *,
    attackers_succeeded: bool | None,
    defender_side: int,
    played_seconds: int | None,
    players: Iterable[tuple[str, int, int]],
) -> Half:
    """Make a half of what is known of a round; `players` are GUID, side at the end and seconds on a team."""
    sides: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for guid, side, seconds in players:
        if side in {AXIS, ALLIES} and guid not in NOBODY and not is_bot(guid):
            # Who was idle in round 1 has the time of both rounds in the second file.
            seconds_here = seconds if played_seconds is None else min(seconds, played_seconds)
            sides[side == defender_side][guid] = seconds_here
    return Half(attackers_succeeded=attackers_succeeded, attackers=sides[0], defenders=sides[1])


def rated_map(first: Half, second: Half) -> RatedMap | None:
    """Give what a map tells about its players; None without a result or without an opponent.

    Somebody who was in both teams is in the one he was with longer, for the time that is more: as long as he
    helped either equally, the result tells nothing about him.
    """
    result = result_of(first.attackers_succeeded, second.attackers_succeeded)
    if result is None:
        return None
    surplus: Counter[str] = Counter()  # seconds with those who attacked first, less those against them
    for with_them in (first.attackers, second.defenders):
        surplus.update(with_them)
    for against_them in (first.defenders, second.attackers):
        surplus.subtract(against_them)
    longest = sum(
        max((*one.attackers.values(), *one.defenders.values()), default=0) for one in (first, second)
    )
    teams = [
        {guid: sign * more / longest for guid, more in surplus.items() if sign * more > 0} for sign in (1, -1)
    ]
    if not all(teams):
        return None
    return RatedMap(result=result, round_1_attackers=teams[0], round_2_attackers=teams[1])


def rate(maps: Iterable[RatedMap], before: Mapping[str, Rating] | None = None) -> dict[str, Rating]:
    """Give the ratings by GUID after these maps, oldest first; `before` are those of the maps before them."""
    # Whoever rates nothing does without its memory: 1.2 MB.
    from openskill.models import BradleyTerryFull  # noqa: PLC0415

    model = BradleyTerryFull(tau=0.0)  # its drift would not know of shares
    ratings = dict(before or {})
    for one in maps:
        # In one order, so that sums are the same to the last digit.
        teams = [sorted(team.items()) for team in (one.round_1_attackers, one.round_2_attackers)]
        seen = [
            [model.rating(*_as_played(ratings.get(guid, Rating()), share)) for guid, share in team]
            for team in teams
        ]
        for team, rated in zip(teams, model.rate(seen, ranks=_RANKS[one.result]), strict=True):
            for (guid, share), new in zip(team, rated, strict=True):
                maps_before = ratings[guid].maps if guid in ratings else 0
                ratings[guid] = Rating(mean=new.mu / share, deviation=new.sigma / share, maps=maps_before + 1)
    return ratings


def _as_played(rating: Rating, share: float) -> tuple[float, float]:
    """Give mean and deviation of what a player brings to his team in this share of a map."""
    return share * rating.mean, share * math.hypot(rating.deviation, share * DRIFT)


def win_chance(team: Iterable[Rating], other: Iterable[Rating]) -> float:
    """Give the chance, 0 to 1, that a team beats another when all play for the whole map."""
    from openskill.models import BradleyTerryFull  # noqa: PLC0415 - see `rate`

    model = BradleyTerryFull()
    teams = [[model.rating(mu=one.mean, sigma=one.deviation) for one in side] for side in (team, other)]
    return model.predict_win(teams)[0]
