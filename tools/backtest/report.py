"""What a backtest found: the table of specs/scheduling.md 2, the figures as JSON, every check as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.core.live.scores import Figures
from tools.backtest.run import Plan, Result

# Each with its unit: a share is told in %, and a negative one too.
_ROWS = (
    ("coverage", "coverage", "%"),
    ("within_15", "all lives found within 15 min", "%"),
    ("within_30", "all lives found within 30 min", "%"),
    ("median_delay", "median delay of lives found", "min"),
    ("live_minutes", "live minutes seen", "%"),
    ("requests_a_day", "requests a day", ""),
    ("worst_day", "most requests in any rolling 24 h", ""),
    ("hit_rate", "hit rate", "%"),
    ("request_reduction", "requests saved against an even spread", "%"),
    ("brier", "Brier score, a start in this hour", "4"),
    ("log_loss", "log-loss, nats", "4"),
    ("skill", "skill against the flat 28-day rate", "%"),
    ("accuracy", "accuracy of likely / unlikely", "%"),
    ("accuracy_unlikely", "always saying unlikely", "%"),
)


def print_report(console: Console, plan: Plan, results: Sequence[Result]) -> None:
    """Print what was replayed, the figures of each policy, how reliable its forecasts were, and the budget."""
    judged, budget = plan.judged, plan.task.budget
    console.print(
        f"{plan.drawn}; {judged.since:%Y-%m-%d %H:%M} to {judged.until:%Y-%m-%d %H:%M} UTC, of which "
        f"{judged.days:g} days count; {budget} checks in any 24 hours; cold start",
        highlight=False,
    )
    console.print(_figures(results))
    for result in results:
        if result.figures.forecast_hours:
            console.print(_reliability(result))
    for result in results:
        worst = result.figures.worst_day
        kept = "kept" if worst <= budget else "[bold red]PASSED[/]"
        console.print(
            f"{result.policy}: budget {kept}, {worst} of {budget} in the worst 24 hours; "
            f"{len(result.checks)} checks, replayed in {result.took:.0f} s",
            highlight=False,
        )
        if result.failure:
            console.print(f"[bold red]{result.policy} failed, and fixed took its place:[/] {result.failure}")


def _figures(results: Sequence[Result]) -> Table:
    some = results[0].figures
    table = Table(
        title=f"{some.lives} lives of {some.accounts} accounts", caption="[95 % over draws of accounts]"
    )
    table.add_column("figure")
    for result in results:
        table.add_column(result.policy, justify="right")
    for name, words, unit in _ROWS:
        cells = [_cell(result.figures, name, unit) for result in results]
        if any(cell != "-" for cell in cells):
            table.add_row(words, *cells)
    return table


def _cell(figures: Figures, name: str, unit: str) -> str:
    value = getattr(figures, name)
    if value is None:
        return "-"
    interval = figures.intervals.get(name)
    known = "" if interval is None else f" \\[{_said(interval[0], unit)}, {_said(interval[1], unit)}]"
    return f"{_said(value, unit)}{' min' if unit == 'min' else ''}{known}"


def _said(value: float, unit: str) -> str:
    match unit:
        case "%":
            return f"{value:.1%}"
        case "4":
            return f"{value:.4f}"
        case "min":
            return f"{value:.0f}"
        case _:
            return f"{value:.1f}".removesuffix(".0")


def _reliability(result: Result) -> Table:
    figures = result.figures
    table = Table(title=f"{result.policy}: forecasts of {figures.forecast_hours} hours and what came true")
    for heading in ("told", "forecasts", "mean told", "came true"):
        table.add_column(heading, justify="right")
    for part in figures.reliability:
        shares = [f"{one:.1%}" if one is not None else "-" for one in (part.predicted, part.observed)]
        table.add_row(f"{part.low:.0%}-{part.high:.0%}", str(part.forecasts), *shares)
    return table


def is_kept(plan: Plan, results: Sequence[Result]) -> bool:
    """Say whether every policy kept the budget in any rolling 24 hours."""
    return all(result.figures.worst_day <= plan.task.budget for result in results)


def write_json(file: Path, plan: Plan, results: Sequence[Result]) -> None:
    """Write the settings and every figure; instants are ISO 8601 in UTC, shares 0..1."""
    judged = plan.judged
    content: dict[str, Any] = {
        "draw": plan.drawn,
        "accounts": [plan.names[number] for number in sorted(plan.names)],
        "from": _iso(judged.since),
        "counted_from": _iso(judged.counted_from),
        "to": _iso(judged.until),
        "budget": plan.task.budget,
        "budget_kept": is_kept(plan, results),
        "policies": {
            result.policy: {
                **asdict(result.figures),
                "failure": result.failure,
                "seconds": round(result.took, 1),
            }
            for result in results
        },
    }
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def write_checks(file: Path, plan: Plan, result: Result) -> None:
    """Write every check of a policy in the order they were made: account,checked_utc,result."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("account", "checked_utc", "result"))
        for check in result.checks:
            writer.writerow((plan.names[check.account_id], _iso(check.at), check.answer.value))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
