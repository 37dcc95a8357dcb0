"""The values of metrics as people read them."""

from __future__ import annotations

import math
from datetime import timedelta

from bot.core.live.posts import duration
from bot.core.rounds.chart import clock
from bot.core.rounds.metrics import Measured, Metric, Per, Unit
from bot.core.rounds.ranking import rankable
from bot.texts import number, text

UNKNOWN = "-"
_INFINITE = "∞"


def value_words(metric: Metric, value: float | None) -> str:
    """Write a value with its unit, for a sentence."""
    if value is None:
        return UNKNOWN
    if metric.unit is Unit.SECONDS and metric.per is Per.TEN_MINUTES:
        return text("{seconds} s", seconds=f"{value:.0f}")
    if metric.unit is Unit.SECONDS:
        return duration(timedelta(seconds=value))
    if metric.unit is Unit.COUNT and metric.per is Per.TOTAL:
        return number(int(value))
    return column_words(metric, value)


def column_words(metric: Metric, value: float | None) -> str:
    """Write a value for a monospaced column, the same in every language; times as `h:mm`, rates in seconds."""
    if value is None or math.isinf(value):
        return UNKNOWN if value is None else _INFINITE
    if metric.unit is Unit.SECONDS and metric.per is Per.TOTAL:
        return clock(round(value / 60))
    if metric.per is Per.TEN_MINUTES and metric.unit is Unit.COUNT:
        return f"{value:.1f}"
    return {Unit.SHARE: f"{100 * value:.1f}%", Unit.RATIO: f"{value:.2f}"}.get(metric.unit, f"{value:.0f}")


def is_ranked(metric: Metric, measured: Measured) -> bool:
    """Tell whether somebody has played enough for a table by the metric."""
    return bool(rankable({"": measured}, metric.minimum))
