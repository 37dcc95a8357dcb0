"""The radar: what it shows can be seen in its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from bot.charts.page import BACKGROUND, COLOURS, HEAD, WIDTH
from bot.charts.radar import ABOVE, CENTRE, LEGEND, LINE_STYLES, LOOKS, RADIUS
from bot.charts.render import _page
from bot.charts.text import Fonts
from bot.core.charts import RadarChart, Shape, Spoke
from bot.core.guilds import LANGUAGES
from bot.core.rounds.player_comparison import comparison_message
from bot.discord.speech import Speaker
from tests.charts.test_prediction_pictures import colours, picture
from tests.charts.test_render import HOSTILE
from tests.core.rounds.card_samples import comparison

TOP = HEAD + LEGEND
MIDDLE = (WIDTH / 2, TOP + ABOVE + RADIUS)


def web(*shapes, spokes=6, label="K/D", note="1 · 2"):
    return RadarChart(
        title="t",
        value_axis="v",
        spokes=(Spoke(label=label, note=note),) * spokes,
        shapes=tuple(Shape(name=f"player {at}", values=values) for at, values in enumerate(shapes)),
    )


def places(image, colour):
    """Where a colour is in the diagram, from its middle: x to the right, y up."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    pixels = np.asarray(image)[TOP:]
    down, across = np.nonzero((pixels == wanted).all(axis=2))
    return across - MIDDLE[0], MIDDLE[1] - TOP - down


def test_the_farther_out_the_better_each_on_its_own_spoke():
    image = picture(web((1.0, 0.5, 0.0, 0.25)[:4], spokes=4))
    across, up = places(image, COLOURS[0])
    marker = 8
    assert up.max() == pytest.approx(RADIUS, abs=marker)
    assert across.max() == pytest.approx(CENTRE + 0.5 * (RADIUS - CENTRE), abs=marker)
    assert -up.min() == pytest.approx(CENTRE, abs=marker)
    assert -across.min() == pytest.approx(CENTRE + 0.25 * (RADIUS - CENTRE), abs=marker)


def test_who_is_last_everywhere_still_has_an_outline():
    across, _ = places(picture(web((0.0,) * 6)), COLOURS[0])
    assert len(across) > 500


def test_what_is_out_of_bounds_stays_in_the_circle():
    wild, tame = (places(picture(web(values)), COLOURS[0]) for values in ((9.0,) * 6, (1.0,) * 6))
    assert [axis.max() for axis in wild] == [axis.max() for axis in tame]


def test_two_players_differ_in_more_than_their_colour():
    assert len({(style, marker) for _, style, marker in LOOKS}) == len(LINE_STYLES)
    seen = [colours(picture(web(*[()] * number, (1.0,) * 6)))[COLOURS[number]] for number in range(2)]
    assert seen[0] > 1.1 * seen[1]  # dashes leave gaps, though squares are larger than circles


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_breaks_it(name):
    spec = RadarChart(
        title=name,
        subtitle=name,
        value_axis=name,
        spokes=(Spoke(label=name, note=name),) * 5,
        shapes=(Shape(name=name, values=(0.5,) * 5, fallback="x"),) * 2,
    )
    assert picture(spec).size[0] == WIDTH


def test_nothing_is_drawn_at_the_edges():
    image = picture(web((1.0,) * 6, label="W" * 200, note="W" * 200))
    height = image.size[1]
    for edge in ((0, 0, 12, height), (WIDTH - 12, 0, WIDTH, height), (0, height - 6, WIDTH, height)):
        assert set(colours(image.crop(edge))) == {BACKGROUND}


@pytest.mark.parametrize("spec", [web(), web(()), web((1.0,), spokes=1), web((), spokes=0)])
def test_next_to_nothing_is_drawn(spec):
    assert picture(spec).size[0] == WIDTH


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_a_comparison_have_room_in_every_language(language):
    page = _page(Speaker(language=language).tell(comparison_message(comparison()).chart), Fonts())
    words = [text.get_text() for axes in page.figure.axes for text in axes.texts]
    assert len(words) > 15
    assert [cut for cut in words if cut.endswith("…")] == []
