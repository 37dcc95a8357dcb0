"""ChartSpec -> PNG. Runs in the chart process only; bars are drawn here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import imsave

from bot.charts.courses import course
from bot.charts.lines import lines
from bot.charts.page import (
    COLOURS,
    FOOT,
    GROUP_FOOT,
    GROUP_HEAD,
    GUTTER,
    HEAD,
    HEIGHT,
    HIGHEST_ROW,
    INK,
    LABEL_SIZE,
    LOWEST_ROW,
    MARGIN,
    QUIET_INK,
    SMALL_SIZE,
    TRACK,
    WIDTH,
    Page,
)
from bot.charts.plots import columns, reliability
from bot.charts.radar import radar
from bot.charts.text import Fonts
from bot.charts.timetables import heat_map, lanes
from bot.core.charts import (
    Bar,
    BarChart,
    BarGroup,
    ChartSpec,
    ChartStack,
    ColumnChart,
    CourseChart,
    HeatMap,
    LaneChart,
    LineChart,
    RadarChart,
    ReliabilityChart,
)


def draw(spec: ChartSpec) -> bytes:
    """Draw a chart as PNG, 1000 pixels wide and at least 500 high."""
    fonts = Fonts()
    charts = spec.charts if isinstance(spec, ChartStack) else (spec,)
    with mpl.rc_context({"font.family": fonts.families, "hatch.linewidth": 2}):
        pictures = [_page(chart, fonts).pixels() for chart in charts]
    target = io.BytesIO()
    # Nothing is transparent; without that channel the file is smaller.
    imsave(target, np.concatenate(pictures)[:, :, :3].copy(), format="png")
    return target.getvalue()


def _page(spec: ChartSpec, fonts: Fonts) -> Page:
    if type(spec) not in _PAINTERS:
        raise TypeError(f"no way to draw a {type(spec).__name__}")
    return _PAINTERS[type(spec)](spec, fonts)


def warm_up() -> None:
    """Draw one small chart, so that fonts and caches are loaded."""
    draw(BarChart(title="-", value_axis="-", groups=(BarGroup(name="-", bars=(Bar(label="-", value=1),)),)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """Where a group of bars is drawn, and how: `longest` pixels stand for the value `top`.

    Beside them is room for a value of so many `letters`.
    """

    axes: Axes
    width: float
    row: float
    colour: str
    top: float
    letters: int

    @property
    def longest(self) -> float:
        return self.width - 15 * self.letters - 22

    @property
    def size(self) -> float:
        return min(20.0, LABEL_SIZE * self.row / LOWEST_ROW)


def _bars(spec: BarChart, fonts: Fonts) -> Page:
    rows = max((len(group.bars) for group in spec.groups), default=0)
    around = HEAD + GROUP_HEAD + GROUP_FOOT + FOOT
    row = min(HIGHEST_ROW, max(LOWEST_ROW, (HEIGHT - around) // max(1, rows)))
    height = max(HEIGHT, around + rows * row)
    page = Page(spec, height, fonts)
    page.foot(spec.value_axis)
    bars = [bar for group in spec.groups for bar in group.bars]
    top = spec.longest or max((bar.value for bar in bars), default=0.0)
    letters = max((len(_written(bar)) for bar in bars), default=1)
    width = (WIDTH - 2 * MARGIN - GUTTER * (len(spec.groups) - 1)) / max(1, len(spec.groups))
    for number, (group, colour) in enumerate(zip(spec.groups, cycle(COLOURS), strict=False)):
        axes = page.axes(MARGIN + number * (width + GUTTER), HEAD, width, height - HEAD - FOOT)
        column = _Column(
            axes=axes, width=width, row=row, colour=colour, top=top if top > 0 else 1.0, letters=letters
        )
        _group(page, column, group)
    return page


def _group(page: Page, column: _Column, group: BarGroup) -> None:
    axes, width = column.axes, column.width
    page.text(axes, (0, 18), group.name, size=LABEL_SIZE, color=column.colour, weight="bold", room=width)
    for number, bar in enumerate(group.bars):
        _bar(page, column, bar, GROUP_HEAD + number * column.row)
    below = GROUP_HEAD + len(group.bars) * column.row + GROUP_FOOT / 2
    page.text(axes, (0, below), group.footnote, size=SMALL_SIZE, color=QUIET_INK, room=width)


def _bar(page: Page, column: _Column, bar: Bar, at: float) -> None:
    """Draw the label and the note above the bar, and the value at its right."""
    axes, right, size = column.axes, column.width, column.size
    words, middle, thickness = at + 0.2 * column.row, at + 0.65 * column.row, 0.3 * column.row
    note = page.text(axes, (right, words), bar.note, size=size, color=QUIET_INK, ha="right", room=0.7 * right)
    label = page.fonts.drawable(bar.label, bar.fallback)
    page.text(axes, (0, words), label, size=size, color=INK, room=right - page.width(note) - 16)
    length = max(2.0, column.longest * min(max(0.0, bar.value) / column.top, 1.0))
    axes.barh(middle, column.longest, height=thickness, color=TRACK)
    axes.barh(middle, length, height=thickness, color=column.colour)
    page.text(axes, (right, middle), _written(bar), size=LABEL_SIZE, color=INK, weight="bold", ha="right")


def _written(bar: Bar) -> str:
    return bar.written or _number(bar.value)


def _number(value: float) -> str:
    """Write a number without decimals; from 10,000 on with narrow spaces, which no language misreads."""
    return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", "\u202f")


_PAINTERS: Mapping[type[ChartSpec], Callable[[Any, Fonts], Page]] = {
    BarChart: _bars,
    LineChart: lines,
    LaneChart: lanes,
    HeatMap: heat_map,
    ColumnChart: columns,
    ReliabilityChart: reliability,
    RadarChart: radar,
    CourseChart: course,
}
