"""Charts with two named axes: columns against a limit, and what was said against what came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10, sqrt
from typing import Any

from matplotlib.axes import Axes

from bot.charts.page import (
    COLOURS,
    FOOT,
    HEAD,
    INK,
    LABEL_SIZE,
    MARGIN,
    SMALL_SIZE,
    TRACK,
    WIDTH,
    Page,
)
from bot.charts.text import Fonts
from bot.core.charts import ColumnChart, ReliabilityChart, ReliabilityPoint

LEFT = 64  # pixels for the numbers of the value axis
LEGEND, AXIS, AXIS_NAME = 40, 30, 30
COLUMNS_HEIGHT, DIAGRAM_HEIGHT = 300, 400
HATCHES = ("", "", "////", "...")  # with the shades below: series differ in more than their colour
STRENGTHS = (1.0, 0.4, 0.0, 0.0)
CERTAIN = 1.96  # 95 % of a normal distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plot:
    """An area with values from 0 at its bottom to `top`; its units are pixels from the upper left."""

    axes: Axes
    width: float
    height: float
    top: float

    def up(self, value: float) -> float:
        return self.height * (1 - value / self.top)


def columns(spec: ColumnChart, fonts: Fonts) -> Page:
    """Draw stacked columns with a legend above and a dashed line at the limit."""
    page = Page(spec, HEAD + 2 * LEGEND + COLUMNS_HEIGHT + AXIS + AXIS_NAME + FOOT // 2, fonts)
    sums = [sum(values) for values in zip(*(one.values for one in spec.series), strict=False)]
    width = WIDTH - 2 * MARGIN - LEFT
    axes = page.axes(MARGIN + LEFT, HEAD + 2 * LEGEND, width, COLUMNS_HEIGHT + AXIS + AXIS_NAME)
    step = round_step(max([*sums, spec.limit, 4.0]))
    # A little above the highest, so that nothing touches the legend.
    top = step * ceil(max([*sums, spec.limit, 4.0]) / step + 0.1)
    plot = _Plot(axes=axes, width=width, height=COLUMNS_HEIGHT, top=top)
    _grid(page, plot, [step * number for number in range(int(top / step) + 1)])
    _stack(plot, spec)
    _limit(plot, spec.limit)
    _legend(page, [one.name for one in spec.series], HEAD + LEGEND / 2)
    page.remark(page.whole, (MARGIN, HEAD + 1.5 * LEGEND - 4), spec.value_axis, room=400)
    _name_line(page, spec.limit_name if spec.limit > 0 else "", HEAD + 1.5 * LEGEND - 4)
    for number, label in enumerate(spec.labels):
        at = ((number + 0.5) * width / len(spec.labels), COLUMNS_HEIGHT + AXIS / 2)
        page.tick(axes, at, label)
    middle = (width / 2, COLUMNS_HEIGHT + AXIS + AXIS_NAME / 2)
    page.remark(axes, middle, spec.column_axis, ha="center", room=width)
    return page


def round_step(top: float) -> float:
    """Give a round distance of lines (1, 2 or 5 times a power of ten) that puts 3 to 7 of them below `top`."""
    power = 10.0 ** int(log10(max(top / 5, 1.0)))
    return power * next(factor for factor in (1, 2, 5, 10) if top / (power * factor) <= 7)


def _grid(page: Page, plot: _Plot, values: Sequence[float], unit: str = "") -> None:
    for value in values:
        plot.axes.plot((0, plot.width), (plot.up(value),) * 2, color=TRACK, linewidth=1.5, zorder=0)
        at = (-12, plot.up(value))
        words = f"{value:.0f}{unit}"
        page.tick(plot.axes, at, words, ha="right")


def _stack(plot: _Plot, spec: ColumnChart) -> None:
    count = max((len(one.values) for one in spec.series), default=1)
    cell = plot.width / max(1, count)
    below = [0.0] * count
    for number, one in enumerate(spec.series):
        look = _look(number)
        for column, value in enumerate(one.values):
            height = plot.height * value / plot.top
            plot.axes.bar(
                (column + 0.5) * cell,
                -height,
                width=0.78 * cell,
                bottom=plot.up(below[column]),
                # Nothing has no edge either.
                linewidth=1.5 if value else 0,
                **look,
            )
            below[column] += value


def _look(number: int) -> dict[str, Any]:
    """Give the look of a series: full, faint, hatched, dotted, each in a colour of its own."""
    colour, kind = COLOURS[number % len(COLOURS)], number % len(HATCHES)
    return {"facecolor": (colour, STRENGTHS[kind]), "edgecolor": colour, "hatch": HATCHES[kind]}


def _limit(plot: _Plot, limit: float) -> None:
    if limit > 0:
        plot.axes.plot((0, plot.width), (plot.up(limit),) * 2, color=INK, linestyle="--", linewidth=2)


def _name_line(page: Page, name: str, at: float) -> None:
    """Name the dashed line, at the right above the plot: beside the line it would hide what is drawn there."""
    if name:
        right = WIDTH - MARGIN
        words = page.text(page.whole, (right, at), name, size=SMALL_SIZE, color=INK, ha="right", room=520)
        left = right - page.width(words) - 10
        page.whole.plot((left - 40, left), (at, at), color=INK, linestyle="--", linewidth=2)


def _legend(page: Page, names: Sequence[str], at: float) -> None:
    """Name the series from left to right, each with a piece of its look."""
    room = (WIDTH - 2 * MARGIN) / max(1, len(names))
    for number, name in enumerate(names):
        left = MARGIN + number * room
        page.whole.bar(left + 14, 20, 28, at - 10, linewidth=1.5, **_look(number))
        page.text(page.whole, (left + 40, at), name, size=LABEL_SIZE, color=INK, room=room - 52)


def reliability(spec: ReliabilityChart, fonts: Fonts) -> Page:
    """Draw what came true over what was said, each point with its 95 % interval and its count below."""
    page = Page(spec, HEAD + LEGEND + DIAGRAM_HEIGHT + AXIS + 2 * AXIS_NAME + FOOT // 2, fonts)
    width = WIDTH - 2 * MARGIN - LEFT - 40
    axes = page.axes(MARGIN + LEFT, HEAD + LEGEND, width, DIAGRAM_HEIGHT + AXIS + 2 * AXIS_NAME)
    plot = _Plot(axes=axes, width=width, height=DIAGRAM_HEIGHT, top=100)
    _grid(page, plot, range(0, 101, 20), "%")
    for percent in range(0, 101, 10):
        at = (width * percent / 100, DIAGRAM_HEIGHT + AXIS / 2 + 4)
        page.tick(axes, at, f"{percent}%")
    axes.plot((0, width), (DIAGRAM_HEIGHT, 0), color=INK, linestyle="--", linewidth=2, zorder=1)
    _name_line(page, spec.perfect_name, HEAD + LEGEND / 2 - 4)
    page.remark(page.whole, (MARGIN, HEAD + LEGEND / 2 - 4), spec.value_axis, room=400)
    page.remark(
        axes,
        (width / 2, DIAGRAM_HEIGHT + AXIS + AXIS_NAME / 2),
        spec.said_axis,
        ha="center",
        room=width - 2 * LEFT,
    )
    known = [one for one in spec.points if one.count > 0]
    for one in known:
        _point(page, plot, one)
    places, heights = [_across(plot, one) for one in known], [plot.up(100 * one.observed) for one in known]
    axes.plot(places, heights, color=COLOURS[1], linewidth=3, zorder=2)
    above_counts = HEAD + LEGEND + DIAGRAM_HEIGHT + AXIS + AXIS_NAME / 2
    page.remark(page.whole, (MARGIN, above_counts), spec.count_name, room=2 * LEFT)
    return page


def _across(plot: _Plot, one: ReliabilityPoint) -> float:
    return plot.width * min(max(one.predicted, 0.0), 1.0)


def _point(page: Page, plot: _Plot, one: ReliabilityPoint) -> None:
    """Draw a point; the fewer forecasts, the longer its interval and the smaller the point."""
    place = _across(plot, one)
    low, high = (plot.up(100 * share) for share in _interval(one.observed, one.count))
    plot.axes.plot((place, place), (low, high), color=COLOURS[1], linewidth=2, alpha=0.7, zorder=2)
    size = 8 + 2.5 * log10(one.count)
    at = plot.up(100 * one.observed)
    plot.axes.plot(place, at, marker="o", markersize=size, color=COLOURS[1], zorder=3, clip_on=False)
    below = (place, plot.height + AXIS + 1.5 * AXIS_NAME)
    words = f"{one.count:,}".replace(",", "\u202f")
    page.text(plot.axes, below, words, size=SMALL_SIZE, color=INK, ha="center", clip_on=False)


def _interval(share: float, count: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval (1927) of a share, which is honest for small counts too."""
    squared = CERTAIN**2 / count
    middle = (share + squared / 2) / (1 + squared)
    half = CERTAIN / (1 + squared) * sqrt(share * (1 - share) / count + squared / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)
