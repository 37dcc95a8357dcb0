"""A radar: outlines over spokes around a centre, told apart by colour, line and marker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from math import cos, pi, sin

from matplotlib.axes import Axes

from bot.charts.page import (
    COLOURS,
    FOOT,
    HEAD,
    INK,
    LABEL_SIZE,
    LINE_STYLES,
    MARGIN,
    QUIET_INK,
    SMALL_SIZE,
    WIDTH,
    Page,
)
from bot.charts.text import Fonts
from bot.core.charts import RadarChart, Shape, Spoke

LEGEND = 40
RADIUS = 210  # pixels
CENTRE = 20  # where 0 is, so that who is last everywhere still has an outline
ABOVE = 64  # room for the words of a spoke above and below the circle
AWAY = 22  # from the edge to the words beside it
LINE = 26  # from a spoke's label to its note
RINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
WEB = "#5C6068"  # rings and spokes: seen through an outline, and quieter than it
MARKERS = ("o", "s", "^", "D")
LOOKS = tuple(zip(COLOURS, cycle(LINE_STYLES), cycle(MARKERS), strict=False))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Circle:
    """Where the spokes are, in pixels from the upper left; the first points up, the rest follow the clock."""

    axes: Axes
    x: float
    y: float
    spokes: int

    def at(self, spoke: int, share: float, beyond: float = 0.0) -> tuple[float, float]:
        """Give the place so far out on a spoke, and so many pixels more."""
        angle, out = 2 * pi * spoke / self.spokes, CENTRE + share * (RADIUS - CENTRE) + beyond
        return self.x + out * sin(angle), self.y - out * cos(angle)

    def outline(self, shares: Sequence[float]) -> tuple[list[float], list[float]]:
        """Give the closed line through a place on each spoke."""
        places = [self.at(spoke, share) for spoke, share in enumerate(shares)]
        across, down = zip(*places, places[0], strict=True)
        return list(across), list(down)


def radar(spec: RadarChart, fonts: Fonts) -> Page:
    """Draw rings and spokes with their names around, an outline for each shape, and who is who above."""
    height = 2 * (RADIUS + ABOVE)
    page = Page(spec, HEAD + LEGEND + height + FOOT, fonts)
    page.foot(spec.value_axis)
    axes = page.axes(0, HEAD + LEGEND, WIDTH, height)
    circle = _Circle(axes=axes, x=WIDTH / 2, y=height / 2, spokes=max(1, len(spec.spokes)))
    for ring in RINGS:
        axes.plot(*circle.outline([ring] * circle.spokes), color=WEB, linewidth=2, zorder=0)
    for number, spoke in enumerate(spec.spokes):
        ends = zip(circle.at(number, 0), circle.at(number, 1), strict=True)
        axes.plot(*ends, color=WEB, linewidth=2, zorder=0)
        _name(page, circle, number, spoke)
    for (colour, style, marker), shape in zip(LOOKS, spec.shapes, strict=False):
        if shape.values:
            across, down = circle.outline([min(max(value, 0.0), 1.0) for value in shape.values])
            axes.fill(across, down, color=colour, alpha=0.15, linewidth=0, zorder=1)
            look = {"linestyle": style, "marker": marker, "markersize": 11, "linewidth": 3.5}
            axes.plot(across, down, color=colour, zorder=2, **look)  # type: ignore[arg-type]
    _legend(page, spec.shapes)
    return page


def _name(page: Page, circle: _Circle, number: int, spoke: Spoke) -> None:
    """Write a spoke's label and note beyond its end, away from the circle."""
    x, y = circle.at(number, 1, AWAY)
    side = (x - circle.x) / RADIUS
    # Straight above or below there is the whole width; beside the circle what is left of it.
    ha = "center" if abs(side) < 0.1 else ("left" if side > 0 else "right")
    room = WIDTH / 2 if ha == "center" else WIDTH / 2 - MARGIN - abs(x - circle.x)
    lift = (circle.y - y) / (RADIUS + AWAY)
    middle = y - lift * LINE / 2
    label = (x, middle - LINE / 2)
    page.text(circle.axes, label, spoke.label, size=LABEL_SIZE, color=INK, ha=ha, room=room)
    page.text(
        circle.axes, (x, middle + LINE / 2), spoke.note, size=SMALL_SIZE, color=QUIET_INK, ha=ha, room=room
    )


def _legend(page: Page, shapes: Sequence[Shape]) -> None:
    """Name the shapes from left to right, each with a piece of its line."""
    room = (WIDTH - 2 * MARGIN) / max(1, len(shapes))
    middle = HEAD + LEGEND / 2
    for number, ((colour, style, marker), shape) in enumerate(zip(LOOKS, shapes, strict=False)):
        left = MARGIN + number * room
        page.whole.plot((left, left + 56), (middle, middle), color=colour, linestyle=style, linewidth=3.5)
        page.whole.plot(left + 28, middle, color=colour, marker=marker, markersize=11)
        name = page.fonts.drawable(shape.name, shape.fallback)
        page.text(page.whole, (left + 70, middle), name, size=LABEL_SIZE, color=INK, room=room - 84)
