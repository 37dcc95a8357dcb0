"""Figures beside their limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value; `limit` must not be passed. `how` says in a few words how it was measured."""

    name: str
    value: float
    unit: str
    how: str
    limit: float = math.inf

    @property
    def is_kept(self) -> bool:
        return not math.isnan(self.value) and self.value <= self.limit


def print_report(figures: Sequence[Figure]) -> int:
    """Print a table; gives the exit code: 1 where a limit is missed."""
    table = Table(title="Measured, each beside its limit")
    for heading in ("figure", "measured", "limit", "of limit", "", "how"):
        table.add_column(heading, justify="right" if heading in {"measured", "limit", "of limit"} else "left")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:.3g} {figure.unit}",
            "-" if math.isinf(figure.limit) else f"{figure.limit:g} {figure.unit}",
            "-" if math.isinf(figure.limit) or not figure.limit else f"{figure.value / figure.limit:.0%}",
            "ok" if figure.is_kept else "MISSED",
            figure.how,
        )
    Console(width=130).print(table)
    return 0 if all(figure.is_kept for figure in figures) else 1


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that `share` (0..1] of the values do not pass (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
