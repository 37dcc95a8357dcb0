"""The course of a live: what it shows can be seen in its pixels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from bot.charts.courses import ABOVE, CURVE_HEIGHT, FLAG_ROW, LEFT, MOST_FLAG_ROWS, RIGHT
from bot.charts.page import BACKGROUND, COLOURS, HEAD, MARGIN, TRACK, WIDTH
from bot.charts.render import _page
from bot.charts.text import Fonts
from bot.core.charts import CourseChart, Line, Marks
from tests.charts.test_prediction_pictures import colours, picture
from tests.charts.test_render import HOSTILE

BEGIN = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CURVE, GOLD, MANY = COLOURS[1], COLOURS[0], COLOURS[2]
AREA = WIDTH - 2 * MARGIN - LEFT - RIGHT  # pixels of the whole time
LEFT_EDGE = MARGIN + LEFT


def run(*points):
    return Line(name="", points=tuple((BEGIN + at * MINUTE, value) for at, value in points))


def chart(*runs, minutes=100, **more):
    kept = {"title": "t", "value_axis": "v", "begins_at": BEGIN, "ends_at": BEGIN + minutes * MINUTE}
    return CourseChart(**{**kept, "zone": "UTC", "runs": runs, **more})


def places(image, colour, top=HEAD, bottom=None):
    """Where a colour is: pixels across from the begin of the time, and down from the top of the picture."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    pixels = np.asarray(image)[top:bottom]
    down, across = np.nonzero((pixels == wanted).all(axis=2))
    return across - LEFT_EDGE, down + top


def test_the_curve_has_its_values_at_their_times():
    across, down = places(picture(chart(run((0, 0), (50, 100), (100, 0)))), CURVE)
    peak = across[down == down.min()]
    assert peak.mean() == pytest.approx(AREA / 2, abs=4)
    assert across.min() == pytest.approx(0, abs=4)
    assert across.max() == pytest.approx(AREA, abs=4)
    bottom = HEAD + ABOVE + CURVE_HEIGHT
    assert down.max() == pytest.approx(bottom, abs=4)


def test_a_gap_is_empty_and_hatched_and_no_drop_to_nothing():
    gap = (BEGIN + 30 * MINUTE, BEGIN + 60 * MINUTE)
    runs = run((0, 100), (30, 100)), run((60, 100), (100, 100))
    image = picture(chart(*runs, gaps=(gap,), gap_name="not recorded"))
    across, down = places(image, CURVE)
    inside = (across > 0.3 * AREA + 5) & (across < 0.6 * AREA - 5)
    assert not inside.any()
    assert down.max() - down.min() < 10  # the curve stays as high as it was
    hatched, _ = places(image, TRACK, HEAD + ABOVE + 20, HEAD + ABOVE + CURVE_HEIGHT // 2 - 20)
    whole, _ = places(picture(chart(*runs)), TRACK, HEAD + ABOVE + 20, HEAD + ABOVE + CURVE_HEIGHT // 2 - 20)
    assert len(hatched) > len(whole) + 1000


def test_flags_stand_on_the_curve_at_their_times():
    image = picture(chart(run((0, 50), (100, 50)), flags=(Marks(name="Galaxy", at=(BEGIN + 25 * MINUTE,)),)))
    flags = MOST_FLAG_ROWS * FLAG_ROW
    across, _ = places(image, GOLD, HEAD + ABOVE + flags)
    assert across.mean() == pytest.approx(AREA / 4, abs=4)


def test_words_of_flags_do_not_run_into_each_other():
    """The third of three gifts in one minute has its mark alone."""
    flags = tuple(Marks(name=f"Interstellar {number}", at=(BEGIN + 50 * MINUTE,)) for number in range(3))
    page = _page(chart(run((0, 50), (100, 50)), flags=flags), Fonts())
    boxes = [
        artist.get_window_extent()
        for axes in page.figure.axes
        for artist in axes.texts
        if artist.get_text().startswith("Interstellar")
    ]
    assert len(boxes) == 2
    assert not boxes[0].overlaps(boxes[1])


def test_each_row_has_its_marks_at_their_times():
    rows = (Marks(name="Many comments", at=(BEGIN + 75 * MINUTE,)), Marks(name="Many likes", at=(BEGIN,)))
    image = picture(chart(run((0, 50), (100, 50)), rows=rows))
    below = HEAD + ABOVE + CURVE_HEIGHT + 44  # below the names
    across, _ = places(image, MANY, below)
    assert across.mean() == pytest.approx(0.75 * AREA, abs=3)
    assert places(image, COLOURS[3], below)[0].mean() == pytest.approx(0, abs=3)


def test_columns_are_as_high_as_their_values_against_each_other():
    columns = Line(name="Diamonds", points=((BEGIN, 100.0), (BEGIN + 50 * MINUTE, 50.0)))
    image = picture(chart(run((0, 50), (100, 50)), columns=columns, column_minutes=10))
    across, _ = places(image, GOLD, HEAD + ABOVE + CURVE_HEIGHT + 50)
    first, second = (across < 0.1 * AREA).sum(), (across > 0.4 * AREA).sum()
    assert first == pytest.approx(2 * second, rel=0.05)


@pytest.mark.parametrize("minutes", [0, 1, 12, 59, 90, 600, 3000, 30_000])
def test_a_live_of_any_length_has_a_few_times_below_in_the_zone(minutes):
    spec = chart(run((0, 5), (minutes, 7)), minutes=minutes, zone="Asia/Kathmandu")
    page = _page(spec, Fonts())
    times = [words.get_text() for words in page.figure.axes[1].texts if ":" in words.get_text()]
    assert len(times) <= 9
    if 12 <= minutes < 3000:
        assert len(times) >= 3
    if minutes == 600:
        assert all(time.endswith(":00") for time in times)


def test_times_are_those_of_the_clocks_of_the_zone():
    page = _page(chart(run((0, 5), (600, 7)), minutes=600, zone="Asia/Kathmandu"), Fonts())
    words = [artist.get_text() for artist in page.figure.axes[1].texts]
    assert "11-22" in words  # midnight, 18:15 UTC
    assert "02:00" in words


@pytest.mark.parametrize(
    ("highest", "words"),
    [(9999, "9999"), (10_001, "10k"), (123_456, "123k"), (999_600, "1M"), (12_345_678, "12.3M")],
)
def test_the_highest_column_is_written_short(highest, words):
    """Long numbers would stand outside the picture."""
    columns = Line(name="Diamonds", points=((BEGIN, float(highest)),))
    page = _page(chart(run((0, 5), (100, 7)), columns=columns), Fonts())
    assert words in [artist.get_text() for artist in page.figure.axes[1].texts]


def test_one_count_alone_can_be_seen():
    assert colours(picture(chart(run((50, 7)))))[CURVE] > 20


def test_nothing_but_gifts_can_be_drawn():
    columns = Line(name="Diamonds", points=((BEGIN, 100.0),))
    flag = Marks(name="Rose", at=(BEGIN + MINUTE,))
    assert colours(picture(chart(columns=columns, flags=(flag,))))[GOLD] > 500


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_breaks_a_course(name):
    marks = Marks(name=name, at=(BEGIN,))
    spec = chart(
        run((0, 5), (100, 7)),
        title=f"{name} (@ana)",
        subtitle=name,
        gap_name=name,
        gaps=((BEGIN, BEGIN + 50 * MINUTE),),
        flags=(marks,) * 5,
        rows=(marks,) * 5,
        columns=Line(name=name, points=((BEGIN, 1.0),)),
    )
    assert picture(spec).size[0] == WIDTH


def test_nothing_is_drawn_at_the_edges_of_a_course():
    late = Marks(name="W" * 200, at=(BEGIN + 100 * MINUTE,))
    early = Marks(name="W" * 200, at=(BEGIN,))
    spec = chart(
        run((0, 99_999), (100, 99_999)), flags=(late, early), rows=(late, early) * 3, title="W" * 200
    )
    image = np.asarray(picture(spec))
    background = [int(BACKGROUND[at : at + 2], 16) for at in (1, 3, 5)]
    for edge in (image[:, :10], image[:, -10:], image[:5], image[-5:]):
        assert (edge == background).all()
