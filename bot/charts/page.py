"""What every picture shares: colours, sizes, and a page to write and draw on, in pixels.

Drawn for a phone in Discord's dark theme: 1000 pixels wide, large letters, few lines. Colours are
Okabe and Ito's, which colour-blind people can tell apart, and never the only difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from bot.charts.text import Fonts
from bot.core.charts import ChartSpec

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

TITLE_SIZE, SUBTITLE_SIZE, LABEL_SIZE, SMALL_SIZE = 22.0, 15.0, 16.0, 14.0  # points


class Page:
    """A picture with its title; places and sizes are pixels from the upper left corner."""

    def __init__(self, spec: ChartSpec, height: int, fonts: Fonts) -> None:
        self.fonts = fonts
        self.height = height
        self.figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=BACKGROUND)
        self.whole = self.axes(0, 0, WIDTH, height)
        room = WIDTH - 2 * MARGIN
        self.text(self.whole, (MARGIN, 36), spec.title, size=TITLE_SIZE, color=INK, weight="bold", room=room)
        self.text(self.whole, (MARGIN, 70), spec.subtitle, size=SUBTITLE_SIZE, color=QUIET_INK, room=room)

    def foot(self, words: str, room: float = WIDTH - 2 * MARGIN) -> None:
        """Say at the bottom what the values are."""
        self.remark(self.whole, (MARGIN, self.height - FOOT / 2), words, room=room)

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

    def remark(
        self, axes: Axes, at: tuple[float, float], text: str, *, ha: str = "left", room: float = WIDTH
    ) -> Text:
        """Write a small quiet line: the name of an axis, a footnote."""
        return self.text(axes, at, text, room=room, ha=ha, size=SMALL_SIZE, color=QUIET_INK)

    def tick(self, axes: Axes, at: tuple[float, float], text: str, *, ha: str = "center") -> Text:
        """Write a mark of an axis."""
        return self.text(axes, at, text, ha=ha, size=SMALL_SIZE, color=QUIET_INK)

    def width(self, artist: Text) -> float:
        """Give how wide a text was drawn."""
        return artist.get_window_extent().width

    def pixels(self) -> NDArray[np.uint8]:
        """Give the finished picture: height x width x 4 (RGBA)."""
        # Not a file yet: several pages may become one picture.
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
