"""ChartSpec -> PNG. Runs in the chart process only.

Drawn for a phone in Discord's dark theme: 1000 pixels wide, large letters, few lines. Colours are
Okabe and Ito's, which colour-blind people can tell apart, and never the only difference.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from bot.charts.text import Fonts
from bot.core.charts import Bar, BarChart, BarGroup, ChartSpec, LineChart

DPI = 100
WIDTH = 1000  # pixels
HEIGHT = 500  # pixels, more where a group has more bars than fit
MARGIN = 28
HEAD = 92  # title and subtitle
FOOT = 44  # what the values are
GROUP_HEAD = 44
GROUP_FOOT = 28
LOWEST_ROW, HIGHEST_ROW = 58, 92  # a bar with its label; few bars are drawn larger
GUTTER = 40  # between two groups

BACKGROUND = "#313338"  # Discord's dark theme
INK = "#F2F3F5"
QUIET_INK = "#B5BAC1"
TRACK = "#3F4248"  # the empty part of a bar
# Okabe and Ito (2008), those that stand out from the background, neighbours far apart.
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#D55E00")
LINE_STYLES = ("-", "--", "-.", ":")

# Years, months, days, hours, minutes, seconds, and each where the smaller ones are zero: in numbers, which need no language.
_TIMES = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
_ROUND_TIMES = ["", "%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M"]

TITLE_SIZE, SUBTITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 22.0, 15.0, 16.0, 12.0  # points


def draw(spec: ChartSpec) -> bytes:
    """Draw a chart as PNG, 1000 pixels wide and at least 500 high."""
    fonts = Fonts()
    with mpl.rc_context({"font.family": fonts.families}):
        match spec:
            case BarChart():
                page = _bars(spec, fonts)
            case LineChart():
                page = _lines(spec, fonts)
            case _:
                raise TypeError(f"no way to draw a {type(spec).__name__}")
        return page.png()


def warm_up() -> None:
    """Draw one small chart, so that fonts and caches are loaded."""
    draw(BarChart(title="-", value_axis="-", groups=(BarGroup(name="-", bars=(Bar(label="-", value=1),)),)))


class _Page:
    """A picture with its title; places and sizes are pixels from the upper left corner."""

    def __init__(self, spec: ChartSpec, height: int, fonts: Fonts) -> None:
        self.fonts = fonts
        self.height = height
        self.figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=BACKGROUND)
        whole = self.axes(0, 0, WIDTH, height)
        room = WIDTH - 2 * MARGIN
        self.text(whole, (MARGIN, 36), spec.title, size=TITLE_SIZE, color=INK, weight="bold", room=room)
        self.text(whole, (MARGIN, 70), spec.subtitle, size=SUBTITLE_SIZE, color=QUIET_INK, room=room)
        foot = (MARGIN, height - FOOT / 2)
        self.text(whole, foot, spec.value_axis, size=SMALL_SIZE, color=QUIET_INK, room=room)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Give an area whose own units are pixels too."""
        bottom = self.height - top - height
        place = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.axis("off")
        return axes

    def text(
        self, axes: Axes, at: tuple[float, float], text: str, *, room: float = WIDTH, **look: Any
    ) -> Text:
        """Write one line, vertically centred; cut with an ellipsis where it is wider than `room`."""
        words = self.fonts.drawable(text)
        # parse_math: a name with two dollar signs is no formula.
        artist = axes.text(*at, words, va="center_baseline", parse_math=False, **look)
        while words and self.width(artist) > room:
            words = words[: min(len(words) - 1, int(len(words) * room / self.width(artist)))]
            artist.set_text(f"{words.rstrip()}…")
        return artist

    def width(self, artist: Text) -> float:
        """Give how wide a text was drawn."""
        return artist.get_window_extent().width

    def png(self) -> bytes:
        """Give the finished picture."""
        target = io.BytesIO()
        self.figure.savefig(target, format="png")
        return target.getvalue()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """Where a group of bars is drawn, and how: `longest` pixels stand for the value `top`."""

    axes: Axes
    width: float
    row: float
    colour: str
    top: float

    @property
    def longest(self) -> float:
        return self.width - 15 * len(_number(self.top)) - 22

    @property
    def size(self) -> float:
        return min(20.0, LABEL_SIZE * self.row / LOWEST_ROW)


def _bars(spec: BarChart, fonts: Fonts) -> _Page:
    rows = max((len(group.bars) for group in spec.groups), default=0)
    around = HEAD + GROUP_HEAD + GROUP_FOOT + FOOT
    row = min(HIGHEST_ROW, max(LOWEST_ROW, (HEIGHT - around) // max(1, rows)))
    height = max(HEIGHT, around + rows * row)
    page = _Page(spec, height, fonts)
    top = max((bar.value for group in spec.groups for bar in group.bars), default=0.0)
    width = (WIDTH - 2 * MARGIN - GUTTER * (len(spec.groups) - 1)) / max(1, len(spec.groups))
    for number, (group, colour) in enumerate(zip(spec.groups, cycle(COLOURS), strict=False)):
        axes = page.axes(MARGIN + number * (width + GUTTER), HEAD, width, height - HEAD - FOOT)
        _group(page, _Column(axes=axes, width=width, row=row, colour=colour, top=max(top, 1.0)), group)
    return page


def _group(page: _Page, column: _Column, group: BarGroup) -> None:
    axes, width = column.axes, column.width
    page.text(axes, (0, 18), group.name, size=LABEL_SIZE, color=column.colour, weight="bold", room=width)
    for number, bar in enumerate(group.bars):
        _bar(page, column, bar, GROUP_HEAD + number * column.row)
    below = GROUP_HEAD + len(group.bars) * column.row + GROUP_FOOT / 2
    page.text(axes, (0, below), group.footnote, size=SMALL_SIZE, color=QUIET_INK, room=width)


def _bar(page: _Page, column: _Column, bar: Bar, at: float) -> None:
    """Draw the label and the note above the bar, and the value at its right."""
    axes, right, size = column.axes, column.width, column.size
    words, middle, thickness = at + 0.2 * column.row, at + 0.65 * column.row, 0.3 * column.row
    note = page.text(axes, (right, words), bar.note, size=size, color=QUIET_INK, ha="right")
    label = page.fonts.drawable(bar.label, bar.fallback)
    page.text(axes, (0, words), label, size=size, color=INK, room=right - page.width(note) - 16)
    length = max(2.0, column.longest * max(0.0, bar.value) / column.top)
    axes.barh(middle, column.longest, height=thickness, color=TRACK)
    axes.barh(middle, length, height=thickness, color=column.colour)
    value = _number(bar.value)
    page.text(axes, (right, middle), value, size=LABEL_SIZE, color=INK, weight="bold", ha="right")


def _number(value: float) -> str:
    """Write a number without decimals; from 10,000 on with narrow spaces, which no language misreads."""
    return f"{value:.0f}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", "\u202f")


def _lines(spec: LineChart, fonts: Fonts) -> _Page:
    page = _Page(spec, HEIGHT, fonts)
    axes = page.figure.add_axes((0.08, 0.2, 0.89, 0.5), facecolor=BACKGROUND)
    looks = zip(cycle(COLOURS), cycle(LINE_STYLES), strict=False)
    for line, (colour, style) in zip(spec.lines, looks, strict=False):
        instants = mdates.date2num([at for at, _ in line.points])  # type: ignore[no-untyped-call]
        values = [value for _, value in line.points]
        marker = "o" if len(values) == 1 else ""
        axes.plot(instants, values, color=colour, linestyle=style, marker=marker, linewidth=3)
    _dress(axes, ZoneInfo(spec.zone))
    _legend(page, spec)
    return page


def _dress(axes: Axes, zone: ZoneInfo) -> None:
    """Quiet axes: times in the zone below, a grid for the values."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8, tz=zone)  # type: ignore[no-untyped-call]
    labels = mdates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, tz=zone, show_offset=False, formats=_TIMES, zero_formats=_ROUND_TIMES
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(labels)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.tick_params(colors=QUIET_INK, labelsize=SMALL_SIZE, length=0, pad=8)
    axes.grid(axis="y", color=TRACK)
    axes.spines[:].set_visible(False)


def _legend(page: _Page, spec: LineChart) -> None:
    """Name the lines in their colours, with a piece of each line, from left to right."""
    axes = page.axes(MARGIN, HEAD, WIDTH - 2 * MARGIN, GROUP_HEAD)
    room = (WIDTH - 2 * MARGIN) / max(1, len(spec.lines))
    looks = zip(cycle(COLOURS), cycle(LINE_STYLES), strict=False)
    for number, (line, (colour, style)) in enumerate(zip(spec.lines, looks, strict=False)):
        left = number * room
        axes.plot((left, left + 36), (22, 22), color=colour, linestyle=style, linewidth=3)
        page.text(axes, (left + 46, 22), line.name, size=SMALL_SIZE, color=colour, room=room - 60)
