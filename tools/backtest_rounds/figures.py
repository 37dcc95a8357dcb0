"""What a replay of the looks for rounds found: figures by policy, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.backtest_rounds.replay import Replayed

MOST_A_DAY = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How soon files were imported and what that took; every listing over SSH is a check."""

    median_delay_seconds: float
    p95_delay_seconds: float
    longest_delay_seconds: float
    ssh_checks_a_day: float
    ssh_checks_worst_24h: int
    confirming_checks_a_day: float
    questions_a_day: float


def figures_of(replayed: Replayed, days: float) -> Figures:
    """Measure a replay of so many days."""
    delays = sorted(delay.total_seconds() for delay in replayed.delays)
    return Figures(
        median_delay_seconds=_percentile(delays, 0.5),
        p95_delay_seconds=_percentile(delays, 0.95),
        longest_delay_seconds=delays[-1],
        ssh_checks_a_day=round(len(replayed.listings) / days, 2),
        ssh_checks_worst_24h=_worst_day(replayed.listings),
        confirming_checks_a_day=round(replayed.confirming / days, 2),
        questions_a_day=round(replayed.questions / days, 2),
    )


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Give the smallest value that at least this part of all do not pass."""
    return round(ordered[max(ceil(part * len(ordered)), 1) - 1], 2)


def _worst_day(listings: Sequence[datetime]) -> int:
    worst = oldest = 0
    for number, at in enumerate(listings):
        while at - listings[oldest] >= timedelta(days=1):
            oldest += 1
        worst = max(worst, number - oldest + 1)
    return worst


def is_better(found: Mapping[str, Figures]) -> bool:
    """Say whether `learned` beats the two others on both delays, within the checks it may make."""
    learned, others = found["learned"], (found["classic"], found["every_5_minutes"])
    return learned.ssh_checks_a_day <= MOST_A_DAY and all(
        learned.median_delay_seconds < other.median_delay_seconds
        and learned.p95_delay_seconds < other.p95_delay_seconds
        for other in others
    )


_ROWS = (
    ("median from file to import", "median_delay_seconds", "s"),
    ("95th percentile", "p95_delay_seconds", "s"),
    ("longest", "longest_delay_seconds", "s"),
    ("SSH checks a day", "ssh_checks_a_day", ""),
    ("SSH checks in the worst 24 h", "ssh_checks_worst_24h", ""),
    ("of a day's: to see that a file rests", "confirming_checks_a_day", ""),
    ("questions to the game a day", "questions_a_day", ""),
)


def print_figures(console: Console, title: str, found: Mapping[str, Figures]) -> None:
    """Print the figures, one column a policy."""
    table = Table(title=title)
    table.add_column("figure")
    for name in found:
        table.add_column(name.replace("_", " "), justify="right")
    for words, field, unit in _ROWS:
        table.add_row(words, *(f"{getattr(one, field):.0f} {unit}".rstrip() for one in found.values()))
    console.print(table)


def write_json(file: Path, told: Mapping[str, object], found: Mapping[str, Figures]) -> None:
    """Write what was replayed and every figure."""
    content = {
        **told,
        "policies": {name: asdict(one) for name, one in found.items()},
        "learned_beats_both": is_better(found),
    }
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
