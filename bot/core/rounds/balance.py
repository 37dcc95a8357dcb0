"""Even teams of those who are there: `/rounds balance`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from bot.core.rounds.rating import Rating, win_chance

FEWEST, MOST = 2, 16
"""Players; of sixteen there are 6,435 pairs of teams, and all are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Two teams by the keys of their players, the best first; `chance`, 0 to 1, is that of the `first`.

    The best player of all is in the `first` team.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    chance: float


def balance(players: Mapping[str, Rating]) -> Split:
    """Give the teams whose chances are most even; their sizes are equal, or differ by one.

    Of equally even ones it is always the same, whatever the order of the players. Raises `ValueError` for a
    number of players that is not between 2 and 16.
    """
    if not FEWEST <= len(players) <= MOST:
        raise ValueError(f"{len(players)} players, not {FEWEST} to {MOST}")
    ranked = sorted(players, key=lambda key: (-players[key].mean, key))
    means = [players[key].mean for key in ranked]
    half = sum(means) / 2
    sizes = {len(ranked) // 2, (len(ranked) + 1) // 2}
    # The uncertainty of all together is the same for every split, so the chance is as even as the sums are.
    with_best = min(
        ((0, *others) for size in sorted(sizes) for others in combinations(range(1, len(ranked)), size - 1)),
        key=lambda chosen: abs(sum(means[at] for at in chosen) - half),
    )
    first = tuple(ranked[at] for at in with_best)
    second = tuple(ranked[at] for at in range(len(ranked)) if at not in with_best)
    chance = win_chance([players[key] for key in first], [players[key] for key in second])
    return Split(first=first, second=second, chance=chance)
