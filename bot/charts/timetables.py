"""Charts of shades: lanes over the next hours, and the heat map of a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from bot.charts.page import (
    BACKGROUND,
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
from bot.core.charts import HeatMap, Lane, LaneChart

# From the empty part of a bar over blue to yellow: ever lighter, so that it needs no eye for colours.
SHADES = LinearSegmentedColormap.from_list("chances", [TRACK, "#2A5B84", "#3D8FA8", "#B5B34A", "#F7E34B"])
LANE, LANE_HEAD = 44, 34  # pixels: a lane; what stands above the lanes
AXIS, AXIS_NAME = 30, 30  # the hours below; what they are
LANE_LABEL, LANE_NOTE = 206, 148
HEAT_ROW, HEAT_LABEL, HEAT_LONG_LABEL = 42, 104, 168
SHORT = 7  # letters, as weekdays have
SCALE = 180  # pixels of the scale of shades
TICK_HOURS = 3
OUTLINE = "#1E1F22"  # around a mark, so that it stands out from every shade
FAINTEST_TOP = 0.1  # small chances are not made to look like large ones
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Strip:
    """Where the hours of a timetable are: `hour` pixels each, from `begins_at` on."""

    axes: Axes
    begins_at: datetime
    hour: float
    hours: int
    top: float

    def place(self, instant: datetime) -> float | None:
        """Give the pixel of an instant; None outside."""
        # By the time that passes: an hour that clocks show twice, or not at all, has its own place or none.
        place = (instant - self.begins_at) / HOUR
        return place * self.hour if 0 <= place <= self.hours else None


def lanes(spec: LaneChart, fonts: Fonts) -> Page:
    """Draw a lane for each account, with the hours below and a line at now."""
    below = AXIS + AXIS_NAME + FOOT
    page = Page(spec, HEAD + LANE_HEAD + max(1, len(spec.lanes)) * LANE + below, fonts)
    width = WIDTH - 2 * MARGIN - LANE_LABEL - LANE_NOTE
    hours = max((len(lane.chances) for lane in spec.lanes), default=24) or 24
    strip = _Strip(
        axes=page.axes(MARGIN + LANE_LABEL, HEAD, width, page.height - HEAD - FOOT),
        begins_at=spec.begins_at,
        hour=width / hours,
        hours=hours,
        top=max([FAINTEST_TOP, *(chance for lane in spec.lanes for chance in lane.chances)]),
    )
    for number, lane in enumerate(spec.lanes):
        _lane(page, strip, lane, LANE_HEAD + number * LANE)
    _hours_below(page, strip, spec)
    _now(page, strip, spec)
    right = (WIDTH - MARGIN, HEAD + LANE_HEAD / 2)
    page.remark(page.whole, right, spec.note_axis, ha="right", room=2 * LANE_NOTE)
    _scale(page, spec.value_axis, strip.top)
    return page


def _lane(page: Page, strip: _Strip, lane: Lane, above: float) -> None:
    """Draw one lane with its name at the left, its note at the right and its marks."""
    middle = HEAD + above + LANE / 2
    label = page.fonts.drawable(lane.label, lane.fallback)
    page.text(page.whole, (MARGIN, middle), label, size=LABEL_SIZE, color=INK, room=LANE_LABEL - 16)
    right = (WIDTH - MARGIN, middle)
    page.text(page.whole, right, lane.note, size=LABEL_SIZE, color=INK, ha="right", room=LANE_NOTE - 12)
    edges = [strip.hour * number for number in range(len(lane.chances) + 1)]
    _cells(strip.axes, edges, [above + 4, above + LANE - 4], [lane.chances], strip.top)
    places = [strip.place(instant) for instant in lane.marks]
    _diamonds(strip.axes, [place for place in places if place is not None], above + LANE / 2)


def _cells(
    axes: Axes,
    columns: Sequence[float],
    rows: Sequence[float],
    values: Sequence[Sequence[float]],
    top: float,
) -> None:
    if all(values):
        axes.pcolormesh(
            columns, rows, values, cmap=SHADES, vmin=0, vmax=top, edgecolors=BACKGROUND, linewidth=1.5
        )


def _diamonds(axes: Axes, places: Sequence[float], at: float) -> None:
    look: dict[str, Any] = {"marker": "D", "markersize": 9, "markerfacecolor": INK}
    edge: dict[str, Any] = {"markeredgecolor": OUTLINE, "markeredgewidth": 1.5}
    axes.plot(places, [at] * len(places), linestyle="", clip_on=False, zorder=5, **look, **edge)


def _hours_below(page: Page, strip: _Strip, spec: LaneChart) -> None:
    """Write the full hours that three divides, with a thin line up through the lanes; name axis and marks."""
    bottom = LANE_HEAD + max(1, len(spec.lanes)) * LANE
    zone = ZoneInfo(spec.zone)
    # Zones differ from UTC by whole quarters of an hour.
    for quarter in range(4 * strip.hours + 1):
        local = (strip.begins_at + quarter * HOUR / 4).astimezone(zone)
        if local.minute == 0 and local.hour % TICK_HOURS == 0:
            place = quarter * strip.hour / 4
            strip.axes.plot((place, place), (LANE_HEAD, bottom), color=BACKGROUND, linewidth=3)
            page.tick(strip.axes, (place, bottom + AXIS / 2), f"{local:%H:%M}")
    middle = (strip.hour * strip.hours / 2, bottom + AXIS + AXIS_NAME / 2)
    page.remark(strip.axes, middle, spec.time_axis, ha="center", room=strip.hour * strip.hours)
    if any(lane.marks for lane in spec.lanes):
        _diamonds(page.whole, [MARGIN + 8], HEAD + bottom + AXIS / 2)
        at = (MARGIN + 24, HEAD + bottom + AXIS / 2)
        page.remark(page.whole, at, spec.mark_name, room=LANE_LABEL - 36)


def _now(page: Page, strip: _Strip, spec: LaneChart) -> None:
    place = strip.place(spec.now)
    if place is None:
        return
    bottom = LANE_HEAD + max(1, len(spec.lanes)) * LANE
    strip.axes.plot((place, place), (LANE_HEAD - 8, bottom), color=INK, linewidth=2.5, linestyle=(0, (4, 2)))
    at = (max(0.0, place - 8), LANE_HEAD / 2 - 2)
    # Late in the day its name would run into that of the notes.
    room = max(60.0, strip.hour * strip.hours - LANE_NOTE - place)
    page.text(strip.axes, at, spec.now_name, size=SMALL_SIZE, color=INK, weight="bold", room=room)


def _scale(page: Page, name: str, top: float) -> None:
    """Name the shades at the left and show them at the right, from nothing to the largest."""
    room = WIDTH - 2 * MARGIN - SCALE - 150
    page.foot(name, room)
    middle = page.height - FOOT / 2
    right = WIDTH - MARGIN - 64
    edges = [right - SCALE + SCALE * step / 60 for step in range(61)]
    shades = [[top * step / 60 for step in range(60)]]
    page.whole.pcolormesh(edges, [middle - 8, middle + 8], shades, cmap=SHADES, vmin=0, vmax=top)
    page.remark(page.whole, (right - SCALE - 10, middle), "0%", ha="right")
    page.remark(page.whole, (right + 10, middle), f"{100 * top:.0f}%")


def heat_map(spec: HeatMap, fonts: Fonts) -> Page:
    """Draw a table of shades with its rows named at the left and some of its columns below."""
    bottom = LANE_HEAD + max(1, len(spec.rows)) * HEAT_ROW
    page = Page(spec, HEAD + bottom + AXIS + AXIS_NAME + FOOT, fonts)
    label = HEAT_LABEL if all(len(row.label) <= SHORT for row in spec.rows) else HEAT_LONG_LABEL
    width = WIDTH - 2 * MARGIN - label
    axes = page.axes(MARGIN + label, HEAD, width, page.height - HEAD - FOOT)
    cell = width / max(1, len(spec.columns))
    top = max([FAINTEST_TOP, *(value for row in spec.rows for value in row.values)])
    page.remark(page.whole, (MARGIN, HEAD + LANE_HEAD / 2), spec.row_axis, room=width)
    for number, row in enumerate(spec.rows):
        above = LANE_HEAD + number * HEAT_ROW
        middle = (MARGIN, HEAD + above + HEAT_ROW / 2)
        page.text(page.whole, middle, row.label, size=LABEL_SIZE, color=INK, room=label - 12)
        edges = [cell * column for column in range(len(row.values) + 1)]
        _cells(axes, edges, [above + 2, above + HEAT_ROW - 2], [row.values], top)
    for number, name in enumerate(spec.columns):
        page.tick(axes, (cell * (number + 0.5), bottom + AXIS / 2), name)
    page.remark(axes, (width / 2, bottom + AXIS + AXIS_NAME / 2), spec.column_axis, ha="center", room=width)
    _scale(page, spec.value_axis, top)
    return page
