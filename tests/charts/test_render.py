from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from bot.charts.page import BACKGROUND, COLOURS, FOOT, HEIGHT
from bot.charts.render import _page, draw
from bot.charts.text import Fonts
from bot.core.charts import Bar, BarChart, BarGroup, Line, LineChart
from bot.core.rounds.chart import round_chart
from bot.core.rounds.files import FileKind, file_kind, parse_name
from bot.core.rounds.grammar import parse_stats
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.resolve import resolve

START = datetime(2026, 11, 21, 19, 0, tzinfo=UTC)
# Mathematical script letters, as fancy nicknames have them.
FANCY = "".join(chr(0x1D4D0 + ord(letter) - ord("A")) for letter in "FANCY")
HOSTILE = [
    "$x$",
    "$\\frac{1}{$",
    "\\",
    "🔥💀",
    "fire 🔥",
    "مرحبا بكم",
    "漢字かな",
    "W" * 35,
    FANCY,
    "_*~|`@everyone",
    "e\u0301\u0327" * 20,
    "\u202e\u200b",
    "",
    " ",
    "\ud800",
    "a\nb\tc",
]


def picture(spec) -> Image.Image:
    return Image.open(io.BytesIO(draw(spec))).convert("RGB")


def colours(image: Image.Image) -> Counter[str]:
    return Counter({f"#{r:02X}{g:02X}{b:02X}": count for count, (r, g, b) in image.getcolors(2**24)})


def two_sides(names, value=1000.0):
    bars = tuple(Bar(label=name, value=value, note="1 / 2", fallback="player 0") for name in names)
    groups = (BarGroup(name="Axis", bars=bars), BarGroup(name="Allies", bars=bars))
    return BarChart(title="map", subtitle="won", value_axis="damage (hp)", groups=groups)


def test_real_rounds_are_drawn(reference_data):
    rounds = []
    for path in sorted((reference_data / "etlegacy").glob("2025-10-2*.txt"))[:3]:
        assert file_kind(path.name) is FileKind.ROUND
        ended_at = parse_name(path.name).wall_clock.replace(tzinfo=UTC)
        rounds.append(PlayedRound(key=path.name, ended_at=ended_at, stats=parse_stats(path.read_bytes())))
    pairings = pair_rounds(rounds)
    for one in rounds:
        image = picture(round_chart(resolve(one, pairings[one.key])))
        seen = colours(image)
        assert image.size[0] == 1000
        assert 500 <= image.size[1] < 600
        assert seen.most_common(1)[0][0] == BACKGROUND
        assert len(seen) > 100
        assert min(seen[COLOURS[0]], seen[COLOURS[1]]) > 1000


def test_longer_bar_for_a_larger_value():
    def painted(value):
        bars = (Bar(label="a", value=1000), Bar(label="b", value=value))
        image = picture(BarChart(title="", value_axis="", groups=(BarGroup(name="", bars=bars),)))
        return colours(image)[COLOURS[0]]

    assert painted(0) < painted(300) < painted(900)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_breaks_a_picture(name):
    spec = two_sides([name])
    image = picture(BarChart(title=name, subtitle=name, value_axis=name, groups=spec.groups))
    assert image.size == (1000, 500)
    assert colours(image)[COLOURS[0]] > 1000


def test_nothing_is_drawn_at_the_edges():
    """A label that runs out of the picture would colour its border."""
    image = picture(two_sides(["W" * 35] * 10, value=123456789))
    width, height = image.size
    edges = [
        (0, 0, 12, height),
        (width - 12, 0, width, height),
        (0, 0, width, 6),
        (0, height - 6, width, height),
    ]
    assert all(set(colours(image.crop(edge))) == {BACKGROUND} for edge in edges)


def test_picture_grows_with_the_players():
    assert picture(two_sides("abcde")).size == (1000, 500)
    assert picture(two_sides("abcdefghij")).size[1] > 700


@pytest.mark.parametrize("hours", [0.01, 1, 3, 24, 24 * 9, 24 * 400])
def test_lines_over_any_span_of_time(hours):
    points = tuple((START + timedelta(hours=hours * at / 10), at * 10.0) for at in range(11))
    lines = tuple(Line(name=f"${number}$", points=points[number:]) for number in range(3))
    image = picture(LineChart(title="live", value_axis="viewers", zone="Europe/Berlin", lines=lines))
    seen = colours(image)
    assert image.size == (1000, 500)
    assert all(seen[colour] > 100 for colour in COLOURS[:3])


@pytest.mark.parametrize(
    "spec",
    [
        BarChart(title="t", value_axis="v", groups=()),
        BarChart(title="t", value_axis="v", groups=(BarGroup(name="g", bars=()),)),
        LineChart(title="t", value_axis="v", lines=()),
        LineChart(title="t", value_axis="v", lines=(Line(name="l", points=()),)),
        LineChart(title="t", value_axis="v", lines=(Line(name="l", points=((START, 1.0),)),)),
    ],
)
def test_charts_with_next_to_nothing_are_drawn(spec):
    assert picture(spec).size == (1000, 500)


def test_text_keeps_what_a_font_can_draw():
    fonts = Fonts()
    assert fonts.drawable(f"{FANCY} \u2460") == "FANCY 1"
    assert fonts.drawable("fire \U0001f9ff") == "fire"
    assert fonts.drawable("in the rain \U0001f327\ufe0f \u266b") == "in the rain \u266b"
    assert fonts.drawable("a\u202eb\u200bc") == "abc"
    assert fonts.drawable("$x$ _*") == "$x$ _*"
    assert fonts.drawable("a\U000e0041\U0010fffd\uf8ff", "@handle") == "a"
    assert fonts.drawable("\U00012000\U00012001x", "@handle") == "@handle"
    assert fonts.drawable("", "@handle") == "@handle"
    assert fonts.drawable("12. \U00012000\U00012001", "12. @handle") == "12. @handle"
    assert fonts.drawable("12. 34", "12. @handle") == "12. 34"


def test_a_value_below_one_fills_its_bar_and_is_written_as_it_is_read():
    def painted(value, written=""):
        bars = (Bar(label="a", value=value, written=written),)
        return picture(BarChart(title="", value_axis="", groups=(BarGroup(name="", bars=bars),)))

    def length(image):
        return colours(image)[COLOURS[0]]

    assert length(painted(0.4)) == length(painted(4.0))
    assert painted(0.4, written="40.0%").tobytes() != painted(0.4).tobytes()
    assert length(painted(0.4, written="40.0%")) < length(painted(0.4))  # the longer number needs more room


def trend(*values, days=None):
    at = [START + timedelta(days=day) for day in (days or range(len(values)))]
    steps = tuple(
        Line(name="", points=((since, float(last - first)), (until, float(last - first))))
        for since, until, first, last in zip(at, at[1:], values, values[1:], strict=False)
    )
    line = Line(name="", points=tuple(zip(at, map(float, values), strict=True)))
    return LineChart(
        title="t", value_axis="", lines=(line,), dotted=True, steps=steps, steps_axis="a day" if steps else ""
    )


def box_of(image, colour):
    """Left, upper, right, lower of what has exactly this colour."""
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    found = [at for at, pixel in enumerate(image.get_flattened_data()) if pixel == wanted]
    across, down = [at % image.width for at in found], [at // image.width for at in found]
    return min(across), min(down), max(across), max(down)


def test_a_step_is_as_wide_as_its_time_and_goes_down_for_a_loss():
    image = picture(trend(100, 200, 300, 200, days=(0, 1, 9, 10)))
    steps = image.crop((0, HEIGHT - FOOT, image.width, image.height))
    gains, losses = (box_of(steps, colour) for colour in (COLOURS[2], COLOURS[5]))
    one = losses[2] - losses[0]
    assert gains[2] - gains[0] == pytest.approx(9 * one, rel=0.1)
    assert losses[0] >= gains[2]
    assert losses[1] > gains[3]


def test_a_single_reading_stands_in_a_day_and_not_in_years():
    page = _page(trend(9_876_543), Fonts())
    page.pixels()
    words = [tick.get_text() for axes in page.figure.axes for tick in axes.get_xticklabels()]
    assert any(":" in word for word in words)


def test_large_numbers_are_short_and_have_no_common_factor_beside_the_axis():
    page = _page(trend(9_000_000, 9_400_000, 12_000_000), Fonts())
    page.pixels()
    words = [tick.get_text() for axes in page.figure.axes for tick in axes.get_yticklabels()]
    assert "12M" in words
    assert all(axes.yaxis.get_offset_text().get_text() == "" for axes in page.figure.axes)


@pytest.mark.parametrize("value", [0, 7, 5_432_100])
def test_a_count_that_does_not_move_has_whole_numbers_beside_it_and_none_below_0(value):
    page = _page(trend(value, value, value), Fonts())
    page.pixels()
    above, steps = [axes for axes in page.figure.axes if axes.yaxis.get_visible() and axes.axison]
    words = [tick.get_text() for axes in (above, steps) for tick in axes.get_yticklabels()]
    assert not any("0.0" in word for word in words)
    assert above.get_ylim()[0] >= 0
