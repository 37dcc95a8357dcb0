"""A chart as pure data: what it says, not how it is drawn.

A spec is JSON-serialisable, so that it can wait in an outbox row; `bot.charts` draws it. All texts are
plain (no markup), ours are `bot.texts` and said in a language before they are drawn; values are finite numbers in the unit the axis names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar. `note` is a short text shown with the label, for instance `12 kills, 9 deaths`.

    `fallback` is shown where the fonts lack more than half of the label.
    """

    label: str
    value: float
    note: str = ""
    fallback: str = ""

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
            if instant.tzinfo is None:
                raise ValueError("a point of a chart needs an aware instant")
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
        match fields.pop("kind", None):
            case "bars":
                groups = fields.pop("groups")
                return BarChart(**fields, groups=tuple(_bar_group(group) for group in groups))
            case "lines":
                lines = fields.pop("lines")
                return LineChart(**fields, lines=tuple(_line(line) for line in lines))
            case kind:
                raise ValueError(f"no kind of chart is named {kind!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class BarChart(ChartSpec):
    """Groups of bars beside each other on one scale."""

    groups: tuple[BarGroup, ...]

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`."""
        return {"kind": "bars", **asdict(self)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LineChart(ChartSpec):
    """Series over time on one scale; times are shown in `zone`, an IANA name."""

    lines: tuple[Line, ...]
    zone: str = "UTC"

    def to_json(self) -> dict[str, Any]:
        """See `ChartSpec.to_json`; instants become ISO texts in UTC."""
        lines = [
            {
                "name": line.name,
                "points": [[at.astimezone(UTC).isoformat(), value] for at, value in line.points],
            }
            for line in self.lines
        ]
        return {"kind": "lines", **asdict(self), "lines": lines}


def _bar_group(data: Mapping[str, Any]) -> BarGroup:
    return BarGroup(**{**data, "bars": tuple(Bar(**bar) for bar in data["bars"])})


def _line(data: Mapping[str, Any]) -> Line:
    points = tuple((datetime.fromisoformat(at), value) for at, value in data["points"])
    return Line(name=data["name"], points=points)


def _check_finite(value: float) -> None:
    if not math.isfinite(value):
        raise ValueError("a value of a chart must be finite")
