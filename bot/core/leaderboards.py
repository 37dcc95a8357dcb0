"""Places in a table: who is as good shares the place, and the next places are left free (1, 2, 2, 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

_T = TypeVar("_T")


def places(values: Mapping[_T, float]) -> list[tuple[int, _T]]:
    """Give the place of each key, highest value first; within a tie in the order given.

    Values tie when they are equal, not when they read the same after rounding.
    """
    ordered = sorted(values, key=lambda key: -values[key])
    ranked: list[tuple[int, _T]] = []
    for number, key in enumerate(ordered, 1):
        is_tie = ranked and values[ranked[-1][1]] == values[key]
        ranked.append((ranked[-1][0] if is_tie else number, key))
    return ranked
