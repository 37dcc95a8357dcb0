"""Series over time, and below them stretches of time with a value each: what a count was, and how it grew."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bot.charts.page import (
    BACKGROUND,
    COLOURS,
    FOOT,
    GROUP_HEAD,
    HEAD,
    HEIGHT,
    LINE_STYLES,
    MARGIN,
    QUIET_INK,
    SMALL_SIZE,
    TRACK,
    WIDTH,
    Page,
)
from bot.charts.text import Fonts
from bot.core.charts import Line, LineChart

LEFT, RIGHT = 100, 44  # pixels beside the plot: for the numbers at the left, for half of a last date
TIMES = 44
STEPS_HEAD, STEPS_HEIGHT = 44, 130
HALF_A_DAY = timedelta(hours=12)
LEAST_ROOM = 2  # above and below a value
GAIN, LOSS = COLOURS[2], COLOURS[5]
# Years, months, days, hours, minutes, seconds, and each where the smaller ones are zero: in numbers, which need no language.
_TIMES = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
_ROUND_TIMES = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]


def lines(spec: LineChart, fonts: Fonts) -> Page:
    """Draw the lines, with the steps below them where there are any."""
    below = STEPS_HEAD + STEPS_HEIGHT if spec.steps else FOOT
    page = Page(spec, HEIGHT - FOOT + below, fonts)
    axes = _axes(page, HEAD + GROUP_HEAD, HEIGHT - HEAD - GROUP_HEAD - TIMES - FOOT)
    looks = zip(cycle(COLOURS), cycle(LINE_STYLES), strict=False)
    for line, (colour, style) in zip(spec.lines, looks, strict=False):
        values = [value for _, value in line.points]
        marker = "o" if len(values) == 1 or spec.dotted else ""
        axes.plot(_days(line), values, color=colour, linestyle=style, marker=marker, linewidth=3)
    _give_room(axes, spec)
    if spec.steps:
        _steps(page, spec, _axes(page, HEIGHT - TIMES - FOOT + STEPS_HEAD, STEPS_HEIGHT), axes)
        # At the foot it would seem to name the steps.
        _name(page, HEAD + GROUP_HEAD / 2, spec.value_axis, COLOURS[0])
    else:
        _dress_times(axes, ZoneInfo(spec.zone))
        page.foot(spec.value_axis)
    _legend(page, spec)
    return page


def _axes(page: Page, top: float, height: float) -> Axes:
    """Give an area in units of what it shows, with a quiet grid for the values."""
    place = (
        LEFT / WIDTH,
        1 - (top + height) / page.height,
        (WIDTH - LEFT - RIGHT) / WIDTH,
        height / page.height,
    )
    axes = page.figure.add_axes(place, facecolor=BACKGROUND)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axes.tick_params(colors=QUIET_INK, labelsize=SMALL_SIZE, length=0, pad=8)
    axes.grid(axis="y", color=TRACK)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    return axes


def _name(page: Page, at: float, words: str, colour: str) -> None:
    room = WIDTH - 2 * MARGIN
    page.text(page.whole, (MARGIN, at), words, size=SMALL_SIZE, color=colour, room=room)


def _give_room(axes: Axes, spec: LineChart) -> None:
    """Show some values around one that does not move, and a day around a single point.

    By itself it has none: the axes would show fractions of a view, or span years.
    """
    known = {(at, value) for line in spec.lines for at, value in line.points}
    if len({value for _, value in known}) == 1:
        at, value = min(known)
        least = min(0.9 * value, value - LEAST_ROOM)
        axes.set_ylim(max(least, 0) if value >= 0 else least, max(1.1 * value, value + LEAST_ROOM))
        if len(known) == 1:
            axes.set_xlim(at - HALF_A_DAY, at + HALF_A_DAY)  # type: ignore[arg-type]


def _days(line: Line) -> list[float]:
    found: list[float] = mdates.date2num([at for at, _ in line.points])  # type: ignore[no-untyped-call]
    return found


def _steps(page: Page, spec: LineChart, axes: Axes, above: Axes) -> None:
    """Draw each step as wide as its time, up for a gain and down for a loss, under the times of the lines."""
    for step in spec.steps:
        since, *_, until = _days(step)
        value = step.points[0][1]
        colour = GAIN if value >= 0 else LOSS
        axes.bar(since, value, width=until - since, align="edge", color=colour, edgecolor=BACKGROUND)
    axes.axhline(0, color=QUIET_INK, linewidth=1.5)
    if not any(step.points[0][1] for step in spec.steps):
        axes.set_ylim(-LEAST_ROOM, LEAST_ROOM)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.set_xlim(above.get_xlim())
    above.tick_params(labelbottom=False)
    _dress_times(axes, ZoneInfo(spec.zone))
    _name(page, HEIGHT - TIMES - FOOT + STEPS_HEAD / 2, spec.steps_axis, GAIN)


def _dress_times(axes: Axes, zone: ZoneInfo) -> None:
    """Write times in the zone below."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8, tz=zone)  # type: ignore[no-untyped-call]
    labels = mdates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, tz=zone, show_offset=False, formats=_TIMES, zero_formats=_ROUND_TIMES
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(labels)


def _number(value: float) -> str:
    """Write a number short enough for the axis: from 10,000 on in thousands, then in millions."""
    for least, unit, letter in ((999.5e6, 1e9, "B"), (999_500, 1e6, "M"), (10_000, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / unit:.5g}{letter}"
    return f"{value:.5g}"


def _legend(page: Page, spec: LineChart) -> None:
    """Name the lines in their colours, with a piece of each line, from left to right."""
    named = [line for line in spec.lines if line.name]
    axes = page.axes(MARGIN, HEAD, WIDTH - 2 * MARGIN, GROUP_HEAD)
    room = (WIDTH - 2 * MARGIN) / max(1, len(named))
    looks = zip(cycle(COLOURS), cycle(LINE_STYLES), strict=False)
    for number, (line, (colour, style)) in enumerate(zip(named, looks, strict=False)):
        left = number * room
        axes.plot((left, left + 36), (22, 22), color=colour, linestyle=style, linewidth=3)
        page.text(axes, (left + 46, 22), line.name, size=SMALL_SIZE, color=colour, room=room - 60)
