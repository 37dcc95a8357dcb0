"""The pictures of predictions: what they show can be seen in their pixels."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from bot.charts.page import BACKGROUND, COLOURS, HEAD, INK, MARGIN, TRACK, WIDTH
from bot.charts.render import _page, draw
from bot.charts.text import Fonts
from bot.charts.timetables import LANE_LABEL, LANE_NOTE, SHADES
from bot.core.charts import (
    Bar,
    BarChart,
    BarGroup,
    ChartStack,
    ColumnChart,
    HeatMap,
    HeatRow,
    Lane,
    LaneChart,
    ReliabilityChart,
    ReliabilityPoint,
    Series,
)
from bot.core.guilds import LANGUAGES
from bot.core.live.prediction_charts import account_chart, next_chart, plan_chart, reliability_chart
from bot.core.live.predictions import BudgetUse, Standing
from bot.discord.speech import Speaker
from tests import predicted
from tests.charts.test_render import HOSTILE

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def picture(spec) -> Image.Image:
    return Image.open(io.BytesIO(draw(spec))).convert("RGB")


def colours(image: Image.Image) -> Counter[str]:
    pixels = np.asarray(image).reshape(-1, 3).astype(np.uint32) @ (0x10000, 0x100, 1)
    found, counts = np.unique(pixels, return_counts=True)
    return Counter({f"#{int(one):06X}": int(count) for one, count in zip(found, counts, strict=True)})


def shade(share: float) -> str:
    return to_hex(SHADES(share)).upper()


def lane(label="Ana", chances=(0.0,) * 24, **more):
    return Lane(label=label, chances=chances, **more)


def timetable(*lanes, **more):
    texts = {"title": "t", "value_axis": "v", "time_axis": "time", "now_name": "now", "mark_name": "check"}
    spans = {"begins_at": NOW - HOUR / 2, "now": NOW, "zone": "UTC"}
    return LaneChart(lanes=lanes, **{**texts, **spans, **more})


def week(values, **more):
    rows = tuple(HeatRow(label=day, values=values) for day in ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))
    texts = {"title": "t", "value_axis": "v", "row_axis": "day", "column_axis": "hour"}
    return HeatMap(rows=rows, columns=("00",) * len(values), **{**texts, **more})


def day(*series, **more):
    texts = {"title": "t", "value_axis": "v", "column_axis": "hour", "labels": ("00",) * 24}
    return ColumnChart(
        series=tuple(Series(name="s", values=values) for values in series), **{**texts, **more}
    )


def diagram(*points, **more):
    texts = {"title": "t", "value_axis": "v", "said_axis": "said", "count_name": "n", "perfect_name": "p"}
    return ReliabilityChart(
        points=tuple(ReliabilityPoint(predicted=x, observed=y, count=n) for x, y, n in points),
        **{**texts, **more},
    )


def everything(name: str) -> list:
    """Every kind of picture with the same words in all places."""
    bars = (BarGroup(name=name, bars=(Bar(label=name, value=50, note=name, fallback="x"),)),)
    return [
        timetable(
            *[lane(name, (0.5,) * 24, marks=(NOW,), note=name, fallback="x")] * 3,
            title=name,
            subtitle=name,
            value_axis=name,
            time_axis=name,
            note_axis=name,
            now_name=name,
            mark_name=name,
        ),
        week((0.5,) * 24, title=name, subtitle=name, value_axis=name, row_axis=name, column_axis=name),
        day(
            (1.0,) * 24, (2.0,) * 24, limit=2, limit_name=name, title=name, value_axis=name, column_axis=name
        ),
        diagram((0.5, 0.5, 10), title=name, value_axis=name, said_axis=name, count_name=name),
        ChartStack(
            title=name, value_axis=name, charts=(BarChart(title=name, value_axis=name, groups=bars),) * 2
        ),
    ]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_breaks_a_picture(name):
    for spec in everything(name):
        assert picture(spec).size[0] == WIDTH


def test_nothing_is_drawn_at_the_edges():
    for spec in everything("W" * 200):
        image = picture(spec)
        height = image.size[1]
        for edge in ((0, 0, 12, height), (WIDTH - 12, 0, WIDTH, height), (0, height - 6, WIDTH, height)):
            assert set(colours(image.crop(edge))) == {BACKGROUND}, type(spec).__name__


def test_the_likelier_an_hour_the_lighter_it_is():
    seen = colours(picture(timetable(lane(chances=(0.0, 0.5, 1.0) * 8))))
    assert min(seen[shade(0)], seen[shade(0.5)], seen[shade(1.0)]) > 2000
    lightness = [sum(SHADES(step / 20)[:3]) for step in range(21)]
    assert lightness == sorted(lightness)


def test_a_small_chance_does_not_look_like_a_large_one():
    seen = colours(picture(timetable(lane(chances=(0.01,) * 24))))
    assert seen[shade(1.0)] < 200
    assert seen[shade(0.1)] > 5000


def plot_of(image: Image.Image) -> Image.Image:
    """The lanes alone: no names, no notes, no hours."""
    return image.crop((MARGIN + LANE_LABEL, HEAD + 34, WIDTH - MARGIN - LANE_NOTE, image.size[1] - 110))


def test_now_and_planned_checks_stand_where_the_clock_says():
    def first_ink(**more):
        plot = plot_of(picture(timetable(lane(marks=more.pop("marks", ())), **more)))
        inked = [x for x in range(plot.size[0]) if INK in colours(plot.crop((x, 0, x + 1, plot.size[1])))]
        return inked[0] / plot.size[0] * 24 if inked else None

    assert first_ink() == pytest.approx(0.5, abs=0.15)
    assert first_ink(now=NOW + 6 * HOUR) == pytest.approx(6.5, abs=0.15)
    assert first_ink(now=NOW + 6 * HOUR, marks=(NOW + 3 * HOUR,)) == pytest.approx(3.5, abs=0.4)
    assert first_ink(now=NOW + 30 * HOUR, marks=(NOW - 3 * HOUR,)) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"])
def test_hours_are_written_in_any_zone(zone):
    begins = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)  # the night New York sets its clocks back
    spec = timetable(lane(), zone=zone, begins_at=begins, now=begins)
    image = picture(spec)
    hours = image.crop((MARGIN + LANE_LABEL, image.size[1] - 105, WIDTH - MARGIN, image.size[1] - 75))
    assert len(colours(hours)) > 20


def test_an_account_more_is_a_lane_more():
    heights = [picture(timetable(*[lane()] * count)).size[1] for count in (1, 2, 12)]
    assert heights[1] - heights[0] == (heights[2] - heights[0]) / 11 == 44


def test_a_week_is_as_light_as_its_likeliest_hour():
    seen = colours(picture(week((0.0, 0.2, 0.4) * 8)))
    assert min(seen[shade(0)], seen[shade(0.5)], seen[shade(1.0)]) > 10_000


def test_more_checks_make_higher_columns_and_the_limit_is_always_in_the_picture():
    def painted(value):
        return colours(picture(day((value,) + (0.0,) * 23, limit=10)))[COLOURS[0]]

    assert painted(0) < painted(3) < painted(9)
    with_limit, without = (colours(picture(day((9.0,) * 24, limit=limit)))[INK] for limit in (40, 0))
    assert with_limit > without + 500


def test_series_differ_in_more_than_their_colour():
    """Each has the others' places empty, and is of one colour; their shares of full colour differ."""
    full = [
        colours(picture(day(*[(0.0,) * 24] * number, (5.0,) * 24)))[COLOURS[number]] for number in range(3)
    ]
    assert full[0] > 2 * full[2] > 4 * full[1]


def test_points_stand_where_they_belong():
    def middle(x, y):
        image = picture(diagram((x, y, 1000)))
        places = [
            (left, top)
            for left in range(0, image.size[0], 2)
            for top in range(0, image.size[1], 2)
            if image.getpixel((left, top)) == (0x56, 0xB4, 0xE9)
        ]
        return tuple(sum(axis) / len(places) for axis in zip(*places, strict=True))

    left, low = middle(0.1, 0.1)
    right, high = middle(0.9, 0.9)
    assert right - left == pytest.approx(0.8 * 840, abs=4)
    assert low - high == pytest.approx(0.8 * 400, abs=4)


def test_few_forecasts_have_a_long_interval():
    def height(count):
        image = picture(diagram((0.5, 0.5, count)))
        column = colours(image.crop((512, HEAD + 40, 513, HEAD + 440)))
        return 400 - column[BACKGROUND] - column[TRACK]

    assert height(5) > height(5000) + 150  # Wilson: 24-76 % and 49-51 %


@pytest.mark.parametrize(
    "spec",
    [
        timetable(),
        timetable(lane(chances=())),
        week(()),
        replace(week((0.0,)), rows=()),
        day(labels=()),
        day(()),
        day((0.0,) * 24),
        diagram(),
        diagram((0, 0, 1), (1, 1, 1)),
    ],
)
def test_charts_with_next_to_nothing_are_drawn(spec):
    assert picture(spec).size[0] == WIDTH


def test_a_stack_is_its_charts_below_each_other():
    one, two = week((0.1,) * 24), day((1.0,) * 24)
    stack = picture(ChartStack(title="", value_axis="", charts=(one, two)))
    assert stack.size[1] == picture(one).size[1] + picture(two).size[1]
    assert stack.crop((0, 0, *picture(one).size)).tobytes() == picture(one).tobytes()


def test_a_full_bar_is_the_value_that_was_said():
    def painted(value):
        groups = (BarGroup(name="", bars=(Bar(label="a", value=value),)),)
        image = picture(BarChart(title="", value_axis="", groups=groups, longest=100))
        return colours(image)[COLOURS[0]]

    assert painted(50) == pytest.approx(painted(100) / 2, rel=0.02)
    assert painted(150) == painted(100)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "spec",
    [
        next_chart(predicted.next_lives(*[predicted.expected(standing=one) for one in Standing])),
        account_chart(predicted.account(zone="America/Argentina/Buenos_Aires")),
        plan_chart(predicted.plan(discovery=BudgetUse(used=1000, limit=1000), reserved=100, unplanned="x")),
        reliability_chart(predicted.accuracy(predictions=123_456)),
    ],
    ids=["next", "account", "plan", "accuracy"],
)
def test_our_own_words_have_room_in_every_language(spec, language):
    said = Speaker(language=language).tell(spec)
    fonts = Fonts()
    for chart in said.charts if isinstance(said, ChartStack) else (said,):
        page = _page(chart, fonts)
        words = [text.get_text() for axes in page.figure.axes for text in axes.texts]
        assert len(words) > 10
        assert [cut for cut in words if cut.endswith("…")] == []
