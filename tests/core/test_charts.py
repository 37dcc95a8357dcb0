from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.core.charts import Bar, BarChart, BarGroup, ChartSpec, Line, LineChart

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
)


@pytest.mark.parametrize("spec", [BARS, LINES], ids=["bars", "lines"])
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


def test_naive_instant_is_refused():
    with pytest.raises(ValueError, match="aware"):
        Line(name="", points=((NOON.replace(tzinfo=None), 1),))
