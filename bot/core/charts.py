"""A chart as pure data: what it says, not how it is drawn.

A spec is JSON-serialisable, so that it can wait in an outbox row; `bot.charts` draws it. All texts are
plain (no markup), ours are `bot.texts` and said in a language before they are drawn; values are finite numbers in the unit the axis names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar. `note` is a short text shown with the label, for instance `12 kills, 9 deaths`.

    `fallback` is shown where the fonts lack more than half of the label. `written` stands for the value where
    a number without decimals would not do.
    """

    label: str
    value: float
    note: str = ""
    fallback: str = ""
    written: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class BarGroup:
    """Bars that belong together, for instance a team; `footnote` stands below them."""

    name: str
    bars: tuple[Bar, ...]
    footnote: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One series of (instant, value); instants are aware and ascending."""

    name: str
    points: tuple[tuple[datetime, float], ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for instant, value in self.points:
            _check_aware(instant)
            _check_finite(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartSpec:
    """What every chart has. `value_axis` names the value and its unit, for instance `damage given (hp)`."""

    title: str
    value_axis: str
    subtitle: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the chart as JSON-ready data; `from_json` reads it back unchanged."""
        raise NotImplementedError

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ChartSpec:
        """Read what `to_json` gave. Raises `ValueError` for a kind of chart that is not known here."""
        fields = dict(data)
        kind = fields.pop("kind", None)
        if kind not in _READERS:
            raise ValueError(f"no kind of chart is named {kind!r}")
        return _READERS[kind](fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class BarChart(ChartSpec):
    """Groups of bars beside each other on one scale; `longest` is the value of a full bar, 0: the largest."""

    groups: tuple[BarGroup, ...]
    longest: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "bars", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LineChart(ChartSpec):
    """Series over time on one scale; times are shown in `zone`, an IANA name.

    Where `dotted`, each point is marked: only there the value was read. `steps`, on a scale of their own below that
    `steps_axis` names, are stretches of time with one value each, that of their points.
    """

    lines: tuple[Line, ...]
    zone: str = "UTC"
    dotted: bool = False
    steps: tuple[Line, ...] = ()
    steps_axis: str = ""

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`; instants become ISO texts in UTC."""
        series = {name: [_line_json(line) for line in getattr(self, name)] for name in ("lines", "steps")}
        return {"kind": "lines", **asdict(self), **series}


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """One row of a timetable: a chance (0..1) for each hour, and instants that are marked.

    `note` is a short text at the right, `fallback` is shown where the fonts lack the label.
    """

    label: str
    chances: tuple[float, ...]
    marks: tuple[datetime, ...] = ()
    note: str = ""
    fallback: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(*self.chances)
        for instant in self.marks:
            _check_aware(instant)


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneChart(ChartSpec):
    """Lanes over the hours from `begins_at` on, with a line at `now`; hours are shown in `zone`.

    `time_axis` names the hours, `note_axis` what stands at the right, `now_name` and `mark_name` the line
    and the marks; `footnote` stands below the lanes.
    """

    lanes: tuple[Lane, ...]
    begins_at: datetime
    now: datetime
    zone: str
    time_axis: str
    note_axis: str = ""
    now_name: str = ""
    mark_name: str = ""
    footnote: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_aware(self.begins_at)
        _check_aware(self.now)

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        lanes = [{**asdict(lane), "marks": [_iso(at) for at in lane.marks]} for lane in self.lanes]
        instants = {"begins_at": _iso(self.begins_at), "now": _iso(self.now)}
        return {"kind": "lanes", **asdict(self), **instants, "lanes": lanes}


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatRow:
    """One row of a heat map, a value for each column."""

    label: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(*self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatMap(ChartSpec):
    """A table of shades, from 0 to the largest value; a column without a label in `columns` has none below it."""

    rows: tuple[HeatRow, ...]
    columns: tuple[str, ...]
    row_axis: str
    column_axis: str

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "heat", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One colour of the columns: a value for each column, and a name for the legend."""

    name: str
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(*self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnChart(ChartSpec):
    """Columns of stacked series, and a line across at `limit` (0: none), named `limit_name`.

    `labels` name the columns, an empty one leaves its place free.
    """

    labels: tuple[str, ...]
    series: tuple[Series, ...]
    column_axis: str
    limit: float = 0.0
    limit_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "columns", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityPoint:
    """Forecasts of about the same chance: their mean, the share that came true (both 0..1), how many."""

    predicted: float
    observed: float
    count: int

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(self.predicted, self.observed)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityChart(ChartSpec):
    """What was said against what came true; on the diagonal, named `perfect_name`, both are the same.

    `value_axis` names what came true, `said_axis` what was said, `count_name` what is counted.
    """

    points: tuple[ReliabilityPoint, ...]
    said_axis: str
    count_name: str
    perfect_name: str = ""

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "reliability", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoke:
    """One axis of a radar; `note` is a short text below its label, for instance the values themselves."""

    label: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """One outline of a radar: for each spoke how far out, 0 (centre) to 1 (edge).

    `fallback` is shown where the fonts lack more than half of the name.
    """

    name: str
    values: tuple[float, ...]
    fallback: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _check_finite(*self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class RadarChart(ChartSpec):
    """Outlines over the same spokes; `value_axis` says what the rings at each quarter mean."""

    spokes: tuple[Spoke, ...]
    shapes: tuple[Shape, ...]

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "radar", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """Instants that are marked: a flag on the curve, or a row of marks of one kind."""

    name: str
    at: tuple[datetime, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for instant in self.at:
            _check_aware(instant)


@dataclass(frozen=True, kw_only=True, slots=True)
class CourseChart(ChartSpec):
    """A value from `begins_at` to `ends_at`, with what happened meanwhile; times are shown in `zone`.

    `runs` are its stretches and `gaps` (named `gap_name`) the spans between in which nothing is known. `flags`
    stand on the curve, each of `rows` below it. The `columns` below have a scale of their own and are named by
    it; each begins at its instant and is `column_minutes` wide.
    """

    begins_at: datetime
    ends_at: datetime
    zone: str
    runs: tuple[Line, ...]
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    gap_name: str = ""
    flags: tuple[Marks, ...] = ()
    rows: tuple[Marks, ...] = ()
    columns: Line = Line(name="", points=())
    column_minutes: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for instant in (self.begins_at, self.ends_at, *(at for gap in self.gaps for at in gap)):
            _check_aware(instant)

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {
            "kind": "course",
            **asdict(self),
            **{name: _iso(getattr(self, name)) for name in ("begins_at", "ends_at")},
            "runs": [_line_json(run) for run in self.runs],
            "gaps": [[_iso(at) for at in gap] for gap in self.gaps],
            "flags": [_marks_json(marks) for marks in self.flags],
            "rows": [_marks_json(marks) for marks in self.rows],
            "columns": _line_json(self.columns),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartStack(ChartSpec):
    """Charts below each other in one picture; each has its own title."""

    charts: tuple[ChartSpec, ...]

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        charts = [chart.to_json() for chart in self.charts]
        return {"kind": "stack", **asdict(replace(self, charts=())), "charts": charts}


def _bar_chart(data: Mapping[str, Any]) -> BarChart:
    read = [{**group, "bars": tuple(Bar(**bar) for bar in group["bars"])} for group in data["groups"]]
    return BarChart(**{**data, "groups": tuple(BarGroup(**group) for group in read)})


def _line_chart(data: Mapping[str, Any]) -> LineChart:
    series = {name: tuple(_line(line) for line in data.get(name, ())) for name in ("lines", "steps")}
    return LineChart(**{**data, **series})


def _line(data: Mapping[str, Any]) -> Line:
    points = tuple((datetime.fromisoformat(at), value) for at, value in data["points"])
    return Line(name=data["name"], points=points)


def _line_json(line: Line) -> dict[str, Any]:
    return {"name": line.name, "points": [[_iso(at), value] for at, value in line.points]}


def _course_chart(data: Mapping[str, Any]) -> CourseChart:
    read = {name: datetime.fromisoformat(data[name]) for name in ("begins_at", "ends_at")}
    gaps = tuple(tuple(datetime.fromisoformat(at) for at in gap) for gap in data["gaps"])
    return CourseChart(
        **{
            **data,
            **read,
            "gaps": gaps,
            "runs": tuple(_line(run) for run in data["runs"]),
            "flags": tuple(_marks(marks) for marks in data["flags"]),
            "rows": tuple(_marks(marks) for marks in data["rows"]),
            "columns": _line(data["columns"]),
        }
    )


def _marks(data: Mapping[str, Any]) -> Marks:
    return Marks(name=data["name"], at=tuple(datetime.fromisoformat(at) for at in data["at"]))


def _marks_json(marks: Marks) -> dict[str, Any]:
    return {"name": marks.name, "at": [_iso(at) for at in marks.at]}


def _lane_chart(data: Mapping[str, Any]) -> LaneChart:
    instants = {name: datetime.fromisoformat(data[name]) for name in ("begins_at", "now")}
    return LaneChart(**{**data, **instants, "lanes": tuple(_lane(lane) for lane in data["lanes"])})


def _lane(data: Mapping[str, Any]) -> Lane:
    marks = tuple(datetime.fromisoformat(at) for at in data["marks"])
    return Lane(**{**data, "chances": tuple(data["chances"]), "marks": marks})


def _heat_map(data: Mapping[str, Any]) -> HeatMap:
    rows = tuple(HeatRow(label=row["label"], values=tuple(row["values"])) for row in data["rows"])
    return HeatMap(**{**data, "rows": rows, "columns": tuple(data["columns"])})


def _column_chart(data: Mapping[str, Any]) -> ColumnChart:
    series = tuple(Series(name=one["name"], values=tuple(one["values"])) for one in data["series"])
    return ColumnChart(**{**data, "series": series, "labels": tuple(data["labels"])})


def _reliability_chart(data: Mapping[str, Any]) -> ReliabilityChart:
    points = tuple(ReliabilityPoint(**point) for point in data["points"])
    return ReliabilityChart(**{**data, "points": points})


def _radar_chart(data: Mapping[str, Any]) -> RadarChart:
    spokes = tuple(Spoke(**spoke) for spoke in data["spokes"])
    shapes = tuple(Shape(**{**shape, "values": tuple(shape["values"])}) for shape in data["shapes"])
    return RadarChart(**{**data, "spokes": spokes, "shapes": shapes})


def _chart_stack(data: Mapping[str, Any]) -> ChartStack:
    return ChartStack(**{**data, "charts": tuple(ChartSpec.from_json(chart) for chart in data["charts"])})


_READERS: Mapping[str, Callable[[Mapping[str, Any]], ChartSpec]] = {
    "bars": _bar_chart,
    "lines": _line_chart,
    "lanes": _lane_chart,
    "heat": _heat_map,
    "columns": _column_chart,
    "reliability": _reliability_chart,
    "radar": _radar_chart,
    "course": _course_chart,
    "stack": _chart_stack,
}


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


def _check_aware(instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError("an instant of a chart must be aware")


def _check_finite(*values: float) -> None:
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a value of a chart must be finite")
