"""A count over time as a chart: its real samples above, what it gained a day between them below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.core.charts import Line, LineChart
from bot.core.posts.growth import Measure, Point, points, steps
from bot.core.posts.models import PostSample, ProfileSample
from bot.texts import join, text, texts

LEAST = timedelta(hours=6)
"""Samples that follow sooner are one step of growth: of an hour no day can be told."""


def trend_chart(
    samples: Sequence[ProfileSample | PostSample],
    *,
    title: str,
    value_axis: str,
    zone: str,
    measure: Measure = Measure.VIEWS,
) -> LineChart | None:
    """Draw up a count with its growth; None where no sample tells it."""
    known = points(samples, measure)
    if not known:
        return None
    return LineChart(
        title=title,
        subtitle=_subtitle(known),
        value_axis=value_axis,
        lines=(line("", known),),
        zone=zone,
        steps=tuple(
            Line(name="", points=((one.first.at, one.per_day), (one.last.at, one.per_day)))
            for one in steps(known, least=LEAST)
            if one.per_day is not None
        ),
        steps_axis=text("gained a day, between two readings"),
        dotted=True,
    )


def line(name: str, known: Sequence[Point]) -> Line:
    """Give points as a line."""
    return Line(name=name, points=tuple((point.at, float(point.value)) for point in known))


def _subtitle(known: Sequence[Point]) -> str:
    count = texts("{count} reading", "{count} readings", len(known))
    if len(known) < 2:
        return join(" · ", [count, text("growth is told from the second on")])
    return join(" · ", [count, text("{since} to {until}", since=known[0].at, until=known[-1].at)])
