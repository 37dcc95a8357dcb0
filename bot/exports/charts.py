"""The workbook's own charts: viewers and diamonds over one live, or live by live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.exports.sheets import Sheet

MOST_POINTS = 1500
"""The last so many; more can neither be read nor drawn quickly."""
_SIZE = {"width": 960, "height": 360}
_APART = 20
_LABELS = 24  # under a chart; more cannot be read
_VIEWERS = (("Mean viewers", "#1F6FB5"), ("Most viewers", "#9CC3E6"))
_VIEWERS_OF_LIVES = (("Mean viewers", "#1F6FB5"), ("Peak viewers", "#9CC3E6"))
_DIAMONDS = (("Diamonds", "#D08A1D"),)


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A sheet as it was written: `rows` under its line of titles."""

    sheet: Sheet
    rows: int

    def cells(self, title: str) -> list[Any]:
        """Give where the values of a column stand, the last `MOST_POINTS` of them."""
        column = self.column(title)
        return [self.sheet.title, max(1, self.rows - MOST_POINTS + 1), column, self.rows, column]

    def column(self, title: str) -> int:
        """Give the place of the column whose title begins so."""
        return next(at for at, one in enumerate(self.sheet.columns) if one.title.startswith(title))


def add_charts(book: Any, page: Any, row: int, written: Mapping[str, Written]) -> None:
    """Put the charts under a row of the page; of one live over its time, of several live by live."""
    sessions, intervals = written["Sessions"], written["Intervals"]
    if sessions.rows == 1 and intervals.rows:
        viewers = chart_of(book, "line", "Viewers over time", intervals, "From (", "hh:mm", _VIEWERS)
        diamonds = chart_of(book, "column", "Diamonds over time", intervals, "From (", "hh:mm", _DIAMONDS)
    else:
        day = "yyyy-mm-dd"
        viewers = chart_of(book, "line", "Viewers by live", sessions, "Started (", day, _VIEWERS_OF_LIVES)
        diamonds = chart_of(book, "column", "Diamonds by live", sessions, "Started (", day, _DIAMONDS)
    for number, chart in enumerate((viewers, diamonds)):
        page.insert_chart(row + number * _APART, 0, chart)


def chart_of(  # noqa: PLR0917 - what a chart is made of
    book: Any,
    kind: str,
    title: str,
    of: Written,
    times: str,
    time_format: str,
    series: tuple[tuple[str, str], ...],
) -> Any:
    """Make a chart of columns of a sheet: `series` are their titles and colours, `times` begins the title of the axis."""
    chart = book.add_chart({"type": kind})
    for name, colour in series:
        line = {"line": {"color": colour, "width": 2}}
        look: dict[str, Any] = line if kind == "line" else {"fill": {"color": colour}}
        if kind == "line" and of.rows < 60:
            look["marker"] = {"type": "circle", "size": 5, "fill": {"color": colour}}
        chart.add_series({"name": name, "categories": of.cells(times), "values": of.cells(name), **look})
    chart.set_title({"name": title})
    chart.set_x_axis(
        {
            "num_format": time_format,
            "text_axis": True,
            "interval_unit": 1 + min(of.rows, MOST_POINTS) // _LABELS,
            "num_font": {"rotation": -45},
        }
    )
    grid = {"visible": True, "line": {"color": "#D9D9D9"}}
    chart.set_y_axis(
        {"min": 0, "num_format": "#,##0", "name": title.split(maxsplit=1)[0], "major_gridlines": grid}
    )
    chart.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
    chart.show_blanks_as("gap")
    chart.set_size(_SIZE)
    return chart
