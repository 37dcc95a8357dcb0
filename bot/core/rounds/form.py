"""A player's form: his last evenings against what he is used to from himself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from bot.core.rounds.counters import PlayerRound, readable
from bot.core.rounds.metrics import METRICS, Measured, Metric, Per, measure, related

LAST_EVENINGS = 5
FEWEST_BASELINE_ROUNDS = 10

FORM_METRICS = (
    METRICS["dpm"],
    METRICS["kd"],
    METRICS["accuracy"],
    METRICS["efficiency"],
    related(METRICS["revives"], Per.TEN_MINUTES),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FormValue:
    """A metric of one evening. `change` is against the baseline: 0.1 = a tenth better; None if unknown."""

    value: float | None
    change: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EveningForm:
    """One evening of a player: how many rounds of his count, his values.

    `first_at` is when the first of them ended, by whose day people call the evening, and `ended_at` the last.
    """

    first_at: datetime
    ended_at: datetime
    rounds: int
    values: Mapping[str, FormValue]


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The last evenings, oldest first, by key of the metric; `baseline` is made of those before them.

    A baseline value is None where fewer than ten rounds before them tell it.
    """

    baseline: Mapping[str, float | None]
    baseline_rounds: int
    evenings: tuple[EveningForm, ...]


def player_form(
    evenings: Iterable[Sequence[PlayerRound]],
    metrics: Sequence[Metric] = FORM_METRICS,
    last: int = LAST_EVENINGS,
) -> Form:
    """Compare ONE player's last evenings with all his earlier ones; `evenings` are his rounds, oldest first.

    The compared evenings are not in the baseline, so that a very good one does not lift what it is held
    against. Evenings without a counted round are none.
    """
    counted = [own for rows in evenings if (own := readable(rows))]
    recent, earlier = counted[-last:], list(chain.from_iterable(counted[:-last]))
    baseline = {metric.key: _baseline(measure(metric, earlier)) for metric in metrics}
    return Form(
        baseline=baseline,
        baseline_rounds=len(earlier),
        evenings=tuple(_evening(own, metrics, baseline) for own in recent),
    )


def _baseline(measured: Measured) -> float | None:
    return measured.value if measured.rounds >= FEWEST_BASELINE_ROUNDS else None


def _evening(
    own: Sequence[PlayerRound], metrics: Sequence[Metric], baseline: Mapping[str, float | None]
) -> EveningForm:
    values = {metric.key: measure(metric, own).value for metric in metrics}
    return EveningForm(
        first_at=min(row.ended_at for row in own),
        ended_at=max(row.ended_at for row in own),
        rounds=len(own),
        values={
            key: FormValue(value=value, change=_change(value, baseline[key])) for key, value in values.items()
        },
    )


def _change(value: float | None, usual: float | None) -> float | None:
    """Give how much better a value is than the usual one; None if there is no saying by how much."""
    if value is None or not usual or math.isinf(value) or math.isinf(usual):
        return None
    return value / usual - 1
