"""How long lives last: P(a live goes on for longer than d), per account and for all of them.

A live that a check found after x minutes had to last x minutes to be found at all. So it counts among those
at risk only from x on (Kaplan-Meier with left truncation): the bias to long lives goes away by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGES: Floats = np.array(
    [0, 10, 20, 30, 40, 50, 60, 75, 90, 105, 120, 150, 180, 210, 240, 300, 360, 480, 720, 1440, 2880], float
)
"""Minutes: within each stretch the hazard of ending is taken as constant; after the last it goes on."""
WIDTHS: Floats = np.diff(EDGES)


class Survival:
    """Learns hazards of ending per minute, [n, bins], each account's shrunk to the hazard of all.

    `strength` is how many ends the shared hazard counts for in an account's own; before any live is known the
    hazard is that of `mean_minutes`.
    """

    def __init__(self, strength: float, mean_minutes: float, prior_ends: float) -> None:
        self._strength = strength
        self._mean = mean_minutes
        self._prior_ends = prior_ends
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

    def learn(self, row: int, found_after: float, lasted: float, *, ended: bool = True) -> None:
        """Take in a live found `found_after` minutes after its start that lasted `lasted` minutes (or more)."""
        found_after = min(max(found_after, 0.0), EDGES[-1])
        lasted = min(max(lasted, found_after + 1.0), EDGES[-1])
        risk = np.clip(lasted - EDGES[:-1], 0, WIDTHS) - np.clip(found_after - EDGES[:-1], 0, WIDTHS)
        self._risk[row] += risk
        self._all_risk += risk
        if ended:
            at = min(int(np.searchsorted(EDGES, lasted, side="left")) - 1, WIDTHS.size - 1)
            self._ends[row, at] += 1.0
            self._all_ends[at] += 1.0

    def shared_hazard(self) -> Floats:
        """Give the hazard of all accounts together per minute, [bins]."""
        prior = self._prior_ends / WIDTHS.size
        return (self._all_ends + prior) / (self._all_risk + prior * self._mean)

    def hazard(self, rows: NDArray[np.intp]) -> Floats:
        """Give the hazard per minute of some accounts, [n, bins]."""
        shared = self.shared_hazard()
        # Scaled by the expected ends in a bin, so that the shared hazard counts for `strength` lives in all.
        alive = np.exp(-np.concatenate([[0.0], np.cumsum(shared * WIDTHS)[:-1]]))
        weight = self._strength * alive * (1 - np.exp(-shared * WIDTHS))
        return (self._ends[rows] + weight) / (self._risk[rows] + weight / shared)

    def alive(self, rows: NDArray[np.intp], minutes: Floats) -> Floats:
        """Give P(a live lasts longer than `minutes` [m]) of some accounts, [n, m]."""
        within = np.clip(minutes[:, None] - EDGES[:-1], 0, WIDTHS)
        within[:, -1] = np.maximum(minutes - EDGES[-2], 0)
        return np.exp(-self.hazard(rows) @ within.T)
