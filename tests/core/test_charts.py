from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.core.charts import (
    Bar,
    BarChart,
    BarGroup,
    ChartSpec,
    ChartStack,
    ColumnChart,
    CourseChart,
    HeatMap,
    HeatRow,
    Lane,
    LaneChart,
    Line,
    LineChart,
    Marks,
    RadarChart,
    ReliabilityChart,
    ReliabilityPoint,
    Series,
    Shape,
    Spoke,
)

NOON = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)
BARS = BarChart(
    title="a round",
    subtitle="won",
    value_axis="damage (hp)",
    groups=(
        BarGroup(name="Axis", bars=(Bar(label="$x$", value=12.5, note="1 / 2"),), footnote="and 1 more"),
    ),
)
LINES = LineChart(
    title="a live",
    value_axis="viewers",
    zone="Europe/Berlin",
    lines=(Line(name="viewers", points=((NOON, 3), (NOON + timedelta(minutes=1), 4.5))),),
    dotted=True,
    steps=(Line(name="", points=((NOON, 1.5), (NOON + timedelta(minutes=1), 1.5))),),
    steps_axis="a day",
)
LANES = LaneChart(
    title="next",
    value_axis="chance",
    lanes=(Lane(label="$x$", chances=(0.1, 0.5), marks=(NOON,), note="50%", fallback="@x"),),
    begins_at=NOON,
    now=NOON + timedelta(minutes=5),
    zone="Asia/Jakarta",
    time_axis="time of day",
)
HEAT = HeatMap(
    title="week",
    value_axis="chance",
    rows=(HeatRow(label="Mon", values=(0.0, 0.25)),),
    columns=("00", ""),
    row_axis="weekday",
    column_axis="hour",
)
COLUMNS = ColumnChart(
    title="today",
    value_axis="checks",
    labels=("00", ""),
    series=(Series(name="made", values=(1, 2.5)),),
    column_axis="hour",
    limit=5,
    limit_name="budget",
)
RELIABILITY = ReliabilityChart(
    title="true?",
    value_axis="observed",
    points=(ReliabilityPoint(predicted=0.1, observed=0.2, count=7),),
    said_axis="predicted",
    count_name="hours",
)
RADAR = RadarChart(
    title="two",
    value_axis="better than others",
    spokes=(Spoke(label="K/D", note="1 · 2"), Spoke(label="DPM"), Spoke(label="accuracy")),
    shapes=(Shape(name="$x$", values=(0.0, 0.5, 1), fallback="x"),),
)
STACK = ChartStack(title="all", value_axis="", charts=(HEAT, BARS, LANES))
COURSE = CourseChart(
    title="a live",
    value_axis="viewers",
    begins_at=NOON,
    ends_at=NOON + timedelta(hours=1),
    zone="Asia/Jakarta",
    runs=(Line(name="", points=((NOON, 3), (NOON + timedelta(minutes=1), 4.5))),),
    gaps=((NOON + timedelta(minutes=1), NOON + timedelta(minutes=9)),),
    gap_name="not recorded",
    flags=(Marks(name="Rose", at=(NOON,)),),
    rows=(Marks(name="Many likes", at=(NOON, NOON + timedelta(minutes=1))),),
    columns=Line(name="Diamonds", points=((NOON, 5),)),
    column_minutes=10,
)
ALL = [BARS, LINES, LANES, HEAT, COLUMNS, RELIABILITY, RADAR, STACK, COURSE]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: type(spec).__name__)
def test_chart_waits_as_json_and_comes_back_unchanged(spec):
    assert ChartSpec.from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False))) == spec


def test_instants_of_any_zone_are_the_same_instants():
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    spec = LineChart(title="", value_axis="", lines=(Line(name="", points=((there, 1),)),))
    ((back, _),) = ChartSpec.from_json(spec.to_json()).lines[0].points
    assert back == NOON


def test_chart_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="pie"):
        ChartSpec.from_json({"kind": "pie", "title": ""})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_cannot_be_drawn_is_refused_before_it_is_stored(value):
    with pytest.raises(ValueError, match="finite"):
        Bar(label="", value=value)
    with pytest.raises(ValueError, match="finite"):
        Line(name="", points=((NOON, value),))
    with pytest.raises(ValueError, match="finite"):
        Lane(label="", chances=(value,))
    with pytest.raises(ValueError, match="finite"):
        HeatRow(label="", values=(value,))
    with pytest.raises(ValueError, match="finite"):
        Series(name="", values=(value,))
    with pytest.raises(ValueError, match="finite"):
        ReliabilityPoint(predicted=0.5, observed=value, count=1)
    with pytest.raises(ValueError, match="finite"):
        Shape(name="", values=(value,))


def test_naive_instant_is_refused():
    with pytest.raises(ValueError, match="aware"):
        Line(name="", points=((NOON.replace(tzinfo=None), 1),))
    with pytest.raises(ValueError, match="aware"):
        Lane(label="", chances=(), marks=(NOON.replace(tzinfo=None),))
    with pytest.raises(ValueError, match="aware"):
        replace(LANES, now=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        replace(COURSE, ends_at=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        Marks(name="", at=(NOON.replace(tzinfo=None),))


def test_lines_that_an_earlier_version_wrote_have_no_steps():
    written = LINES.to_json()
    for name in ("dotted", "steps", "steps_axis"):
        del written[name]
    assert ChartSpec.from_json(written) == replace(LINES, dotted=False, steps=(), steps_axis="")
