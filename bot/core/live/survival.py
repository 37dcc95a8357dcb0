"""How long lives last: P(a live goes on for longer than d), per account and for all of them.

A live that a check found after x minutes had to last x minutes to be found at all. So it counts among those
at risk only from x on (Kaplan-Meier with left truncation): the bias to long lives goes away by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.core.live.arrays import Floats, Indices

EDGES: Floats = np.array(
    [0, 10, 20, 30, 40, 50, 60, 75, 90, 105, 120, 150, 180, 210, 240, 300, 360, 480, 720, 1440, 2880], float
)
"""Minutes: within each stretch the hazard of ending is taken as constant; after the last it goes on."""
WIDTHS: Floats = np.diff(EDGES)
TINY = 1e-9
MOST_ENDING = 0.95
"""At most this part of the lives that reach a stretch ends in it: none is impossible."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SurvivalRules:
    """What is believed before lives are known, and how fast it gives way."""

    first_minutes: float = 120.0  # how long a live lasts before any is known
    first_ends: float = 3.0  # lives that this guess counts for
    strength: float = 6.0  # lives that all accounts' hazard counts for in an account's own


class Survival:
    """Learns hazards of ending per minute, [n, bins], each account's shrunk to the hazard of all."""

    def __init__(self, rules: SurvivalRules) -> None:
        self._rules = rules
        self._ends: Floats = np.zeros((0, WIDTHS.size))
        self._risk: Floats = np.zeros((0, WIDTHS.size))
        self._all_ends: Floats = np.zeros(WIDTHS.size)
        self._all_risk: Floats = np.zeros(WIDTHS.size)

    def grow(self, rows: int) -> None:
        """Make room for `rows` accounts."""
        extra = np.zeros((rows - len(self._ends), WIDTHS.size))
        self._ends = np.concatenate([self._ends, extra])
        self._risk = np.concatenate([self._risk, extra])

    def forget(self, row: int) -> None:
        """Empty the place of an account; what it taught about all stays."""
        self._ends[row] = self._risk[row] = 0.0

    def learn(self, row: int, found_after: float, lasted: float) -> None:
        """Take in a live found `found_after` minutes after its start that lasted `lasted` minutes."""
        found_after = min(max(found_after, 0.0), EDGES[-1])
        lasted = min(max(lasted, found_after + 1.0), EDGES[-1])
        risk = np.clip(lasted - EDGES[:-1], 0, WIDTHS) - np.clip(found_after - EDGES[:-1], 0, WIDTHS)
        self._risk[row] += risk
        self._all_risk += risk
        at = min(int(np.searchsorted(EDGES, lasted, side="left")) - 1, WIDTHS.size - 1)
        self._ends[row, at] += 1.0
        self._all_ends[at] += 1.0

    def hazard(self, rows: Indices) -> Floats:
        """Give the hazard per minute of some accounts, [n, bins]."""
        rules = self._rules
        guess = np.exp(-EDGES / rules.first_minutes)
        shared = _ending(
            self._all_ends, self._all_risk, rules.first_ends * guess[:-1], 1 - guess[1:] / guess[:-1]
        )
        reached = rules.strength * np.concatenate([[1.0], np.cumprod(1 - shared)[:-1]])
        ending = _ending(self._ends[rows], self._risk[rows], reached, shared)
        return np.asarray(-np.log1p(-ending) / WIDTHS)

    def alive(self, rows: Indices, minutes: Floats) -> Floats:
        """Give P(a live lasts longer than `minutes` [m]) of some accounts, [n, m]."""
        within = np.clip(minutes[:, None] - EDGES[:-1], 0, WIDTHS)
        within[:, -1] = np.maximum(minutes - EDGES[-2], 0)
        return np.asarray(np.exp(-self.hazard(rows) @ within.T))


def _ending(ends: Floats, risk: Floats, reached: Floats, prior: Floats) -> Floats:
    """Give P(a live that reaches a bin ends in it), from ends and minutes at risk, [..., bins].

    The actuarial estimate: ends spread over a bin took half of it from the minutes at risk. The `prior` counts
    for as many lives as have `reached` the bin in it.
    """
    at_risk = risk / WIDTHS + ends / 2
    return np.asarray(np.clip((ends + reached * prior) / (at_risk + reached + TINY), 0.0, MOST_ENDING))
