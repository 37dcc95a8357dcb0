"""A value over time with its gaps, flags on the curve, rows of marks and columns below: the chart of a live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes

from bot.charts.page import (
    BACKGROUND,
    COLOURS,
    FOOT,
    HEAD,
    MARGIN,
    QUIET_INK,
    SMALL_SIZE,
    TRACK,
    WIDTH,
    Page,
)
from bot.charts.plots import round_step
from bot.charts.text import Fonts
from bot.core.charts import CourseChart, Line

LEFT = 64  # pixels for the numbers of the value axis
RIGHT = 12
CURVE_HEIGHT = 270
FLAG_ROW, MOST_FLAG_ROWS = 26, 2
MARKS_HEAD, MARK_ROW = 30, 22
COLUMNS_HEAD, COLUMNS_HEIGHT = 32, 84
AXIS = 34
ABOVE, BELOW = 16, 14  # pixels around the curve
SYMBOLS = ("o", "^", "D", "s", "*")  # rows of marks differ in more than their colour
MOST_TICKS = 8
MINUTE = timedelta(minutes=1)
# Minutes between two times below.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080)
DAY_MINUTES = 1440
_PLATE: dict[str, Any] = {
    "facecolor": BACKGROUND,
    "edgecolor": "none",
    "pad": 3,
}  # behind words that stand on something


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plot:
    """An area over the whole time; its units are pixels, values go from 0 at `bottom` to `top` at its upper end."""

    axes: Axes
    begins_at: datetime
    ends_at: datetime
    width: float
    bottom: float
    height: float
    top: float

    def across(self, instant: datetime) -> float:
        """Give the pixel of an instant; what lies outside is put at the nearer end."""
        share = (instant - self.begins_at) / (self.ends_at - self.begins_at)
        return self.width * min(max(share, 0.0), 1.0)

    def up(self, value: float) -> float:
        return self.bottom - self.height * value / self.top


def course(spec: CourseChart, fonts: Fonts) -> Page:
    """Draw the curve with its flags above, rows of marks and the columns below, and the times."""
    bottom = ABOVE + (MOST_FLAG_ROWS * FLAG_ROW if spec.flags else 0) + CURVE_HEIGHT
    first_row = bottom + BELOW + MARKS_HEAD
    under = first_row + MARK_ROW * len(spec.rows) if spec.rows else bottom + BELOW
    if spec.columns.points:
        under += COLUMNS_HEAD + COLUMNS_HEIGHT
    page = Page(spec, HEAD + under + AXIS + FOOT, fonts)
    width = WIDTH - 2 * MARGIN - LEFT - RIGHT
    axes = page.axes(MARGIN + LEFT, HEAD, width, under + AXIS)
    highest = max([value for run in spec.runs for _, value in run.points], default=0.0)
    step = round_step(max(highest, 4.0))
    curve = _Plot(
        axes=axes,
        begins_at=spec.begins_at,
        ends_at=max(spec.ends_at, spec.begins_at + MINUTE),
        width=width,
        bottom=bottom,
        height=CURVE_HEIGHT,
        top=step * ceil(max(highest, 4.0) / step + 0.05),
    )
    _grid(page, curve, step)
    _gaps(page, curve, spec)
    _runs(curve, spec.runs)
    _flags(page, curve, spec)
    _rows(page, curve, spec, first_row)
    if spec.columns.points:
        _columns(page, curve, spec, under)
    _times(page, curve, under, ZoneInfo(spec.zone))
    page.foot(spec.value_axis)
    return page


def _grid(page: Page, plot: _Plot, step: float) -> None:
    for number in range(round(plot.top / step) + 1):
        at = plot.up(step * number)
        plot.axes.plot((0, plot.width), (at, at), color=TRACK, linewidth=1.5, zorder=0)
        page.tick(plot.axes, (-12, at), _number(step * number), ha="right")


def _number(value: float) -> str:
    """Write a number short enough for the axis: from 10,000 on in thousands, then in millions."""
    if value < 10_000:
        return f"{value:.0f}"
    return f"{value / 1000:.3g}k" if value < 999_500 else f"{value / 1_000_000:.3g}M"


def _gaps(page: Page, plot: _Plot, spec: CourseChart) -> None:
    """Hatch what is not known, and name it where there is room."""
    for since, until in spec.gaps:
        left, right = plot.across(since), plot.across(until)
        plot.axes.bar(
            (left + right) / 2,
            -plot.height,
            width=max(right - left, 3.0),
            bottom=plot.bottom,
            facecolor="none",
            edgecolor=TRACK,
            hatch="///",
            linewidth=0,
            zorder=0.5,
        )
        middle = ((left + right) / 2, plot.bottom - plot.height / 2)
        words = page.remark(plot.axes, middle, spec.gap_name, ha="center")
        if page.width(words) > right - left - 12:
            words.remove()
        else:
            words.set_bbox(_PLATE)


def _runs(plot: _Plot, runs: Sequence[Line]) -> None:
    for run in runs:
        places = [plot.across(at) for at, _ in run.points]
        heights = [plot.up(value) for _, value in run.points]
        plot.axes.fill_between(
            places, heights, plot.bottom, color=COLOURS[1], alpha=0.18, linewidth=0, zorder=1
        )
        marker = "o" if len(places) == 1 else ""
        plot.axes.plot(places, heights, color=COLOURS[1], marker=marker, linewidth=3, zorder=2)


def _flags(page: Page, plot: _Plot, spec: CourseChart) -> None:
    """Put a diamond on the curve for each flag, its words above; what finds no room there has no words."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_FLAG_ROWS)]
    for flag in spec.flags:
        for instant in flag.at:
            place, height = plot.across(instant), _height(plot, spec.runs, instant)
            plot.axes.plot(place, height, marker="D", markersize=9, color=COLOURS[0], zorder=4, clip_on=False)
            row = _words_of_flag(page, plot, flag.name, place, taken)
            if row is not None:
                stem = ((place, place), (height, ABOVE / 2 + (row + 0.7) * FLAG_ROW))
                plot.axes.plot(*stem, color=COLOURS[0], linewidth=1.2, alpha=0.8, zorder=3)


def _words_of_flag(
    page: Page, plot: _Plot, name: str, place: float, taken: Sequence[list[tuple[float, float]]]
) -> int | None:
    """Write the words of a flag into the lowest row with room for them; gives the row."""
    for row in reversed(range(MOST_FLAG_ROWS)):
        at = (place, ABOVE / 2 + (row + 0.4) * FLAG_ROW)
        words = page.text(
            plot.axes,
            at,
            name,
            size=SMALL_SIZE,
            color=COLOURS[0],
            ha="center",
            room=300,
            clip_on=False,
            zorder=5,
        )
        half = page.width(words) / 2
        middle = min(max(place, half - LEFT), plot.width + RIGHT - half)
        words.set_x(middle)
        left, right = middle - half - 8, middle + half + 8
        if all(right <= since or until <= left for since, until in taken[row]):
            taken[row].append((left, right))
            words.set_bbox(_PLATE)
            return row
        words.remove()
    return None


def _height(plot: _Plot, runs: Sequence[Line], instant: datetime) -> float:
    """Give the height of the curve at an instant; in a gap, and without a curve, its bottom."""
    for run in runs:
        for (since, low), (until, high) in zip(run.points, run.points[1:], strict=False):
            if since <= instant <= until:
                return plot.up(low + (high - low) * ((instant - since) / (until - since)))
        if run.points and abs(instant - run.points[0][0]) <= 5 * MINUTE >= run.points[0][0] - instant:
            return plot.up(run.points[0][1])
    return plot.bottom


def _rows(page: Page, plot: _Plot, spec: CourseChart, first_row: float) -> None:
    """Draw the rows of marks, and name them from left to right above."""
    room = (plot.width + LEFT) / max(1, len(spec.rows))
    for number, marks in enumerate(spec.rows):
        colour, symbol = COLOURS[(number + 2) % len(COLOURS)], SYMBOLS[number % len(SYMBOLS)]
        look: dict[str, Any] = {
            "linestyle": "",
            "marker": symbol,
            "markersize": 9,
            "color": colour,
            "clip_on": False,
        }
        left, above = number * room - LEFT, first_row - MARKS_HEAD / 2 - 2
        plot.axes.plot(left + 7, above, **look)
        page.text(plot.axes, (left + 22, above), marks.name, size=SMALL_SIZE, color=colour, room=room - 34)
        at = first_row + (number + 0.5) * MARK_ROW
        plot.axes.plot((0, plot.width), (at, at), color=TRACK, linewidth=1, zorder=0)
        plot.axes.plot([plot.across(instant) for instant in marks.at], [at] * len(marks.at), **look)


def _columns(page: Page, plot: _Plot, spec: CourseChart, bottom: float) -> None:
    """Draw the columns on a scale of their own, and write how high the highest is."""
    highest = max(value for _, value in spec.columns.points) or 1.0
    begins_at = bottom - COLUMNS_HEIGHT - COLUMNS_HEAD / 2
    page.text(plot.axes, (-LEFT, begins_at), spec.columns.name, size=SMALL_SIZE, color=COLOURS[0], room=300)
    plot.axes.plot((0, plot.width), (bottom, bottom), color=TRACK, linewidth=1.5, zorder=0)
    for instant, value in spec.columns.points:
        left = plot.across(instant)
        right = plot.across(instant + spec.column_minutes * MINUTE)
        wide = max(right - left - 1.5, 2.0)
        height = max(COLUMNS_HEIGHT * value / highest, 2.0)
        plot.axes.bar((left + right) / 2, -height, width=wide, bottom=bottom, color=COLOURS[0], zorder=1)
    page.tick(plot.axes, (-12, bottom - COLUMNS_HEIGHT + 6), _number(highest), ha="right")
    page.tick(plot.axes, (-12, bottom), "0", ha="right")


def _times(page: Page, plot: _Plot, bottom: float, zone: ZoneInfo) -> None:
    """Write the times below, at full multiples of a step of the zone's clocks; midnight is a date."""
    length = (plot.ends_at - plot.begins_at) / MINUTE
    step = next((one for one in STEPS if length / one <= MOST_TICKS), STEPS[-1])
    local = plot.begins_at.astimezone(zone)
    into_day = local.hour * 60 + local.minute + local.second / 60
    instant = plot.begins_at + (-into_day % min(step, DAY_MINUTES)) * MINUTE
    while instant <= plot.ends_at:
        shown = instant.astimezone(zone)
        words = f"{shown:%m-%d}" if (shown.hour, shown.minute) == (0, 0) else f"{shown:%H:%M}"
        place = plot.across(instant)
        plot.axes.plot((place, place), (bottom, bottom + 6), color=QUIET_INK, linewidth=1.5, clip_on=False)
        page.tick(plot.axes, (place, bottom + AXIS / 2 + 4), words)
        instant += step * MINUTE
