from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from bot.core.rounds.columns import WIDTH
from bot.core.rounds.metrics import METRICS, RATING, Measured, Per, Unit, related
from bot.core.rounds.periods import Period, Span
from bot.core.rounds.ranking import rank_measured, rank_players
from bot.core.rounds.top import PER_PAGE, TopPlayers, top_chart, top_footer, top_pages, top_title
from bot.discord.speech import Speaker
from tests.core.rounds.row_samples import row

KINDS = [related(metric, per) for metric in METRICS.values() for per in Per] + [RATING]


def top(ranking, period=Period.ALL_TIME):
    return TopPlayers(
        ranking=ranking, period=period, span=Span(), servers=("alpha",), zone=ZoneInfo("Asia/Jakarta")
    )


def ranked(metric, *values, rounds=12, name="someone"):
    measured = {
        f"{number:08X}": Measured(value=value, rounds=rounds, sums=dict.fromkeys(metric.counters, 10**6))
        for number, value in enumerate(values)
    }
    return rank_measured(measured, {guid: f"{name}{guid[-2:]}" for guid in measured}, metric)


def lines(page):
    return page.split("```")[1].strip("\n").split("\n")


@pytest.mark.parametrize("metric", KINDS, ids=lambda metric: f"{metric.key} {metric.per}")
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_line_of_a_table_is_as_wide_as_its_head_and_a_phone(metric, language):
    speaker = Speaker(language=language)
    most = 1.0 if metric.unit is Unit.SHARE else 99_999.0
    made = top(ranked(metric, 0.5, most, rounds=12_345, name="a very long name of 35 letters "))
    (page,) = map(speaker.say, top_pages(made))
    assert {len(line) for line in lines(page)} == {WIDTH}


def test_ten_players_stand_on_a_page_and_ties_share_a_place_over_its_end():
    pages = top_pages(top(ranked(METRICS["kills"], *[9] * 9, 5, 5, 5, 1)))
    assert [len(lines(page)) - 1 for page in pages] == [PER_PAGE, 3]
    assert [line.split()[0] for page in pages for line in lines(page)[1:]] == ["1"] * 9 + ["10"] * 3 + ["13"]


def test_what_was_asked_and_who_is_left_out_is_stated_on_every_page():
    rows = [row(f"P{number:02}", kills=30, deaths=1, minutes=at) for number in range(11) for at in range(10)]
    rows += [row("LESS", kills=1, deaths=1), row("UNKNOWN", kills=None, deaths=1)]
    pages = top_pages(top(rank_players(rows, METRICS["kd"])))
    assert len(pages) == 2
    for page in pages:
        assert page.endswith("-# Counted: at least 10 rounds. 1 player has less. Of 1 player it is unknown.")


def test_a_rating_says_that_it_is_of_all_time_and_counts_maps():
    (page,) = top_pages(top(ranked(RATING, 23.456)))
    assert lines(page)[0].endswith("Value   Maps")
    assert lines(page)[1].split() == ["1", "someone00", "23.46", "12"]
    assert "at least 10 maps" in page
    assert "all maps that were ever counted" in page


def test_a_table_of_nobody_says_so_and_has_no_chart():
    made = top(ranked(METRICS["kd"], 1.0, rounds=3))
    (page,) = top_pages(made)
    assert page == "Nobody reaches the minimum here.\n-# Counted: at least 10 rounds. 1 player has less."
    assert top_chart(made) is None


def test_title_and_footer_say_what_when_and_where():
    made = top(ranked(related(METRICS["gibs"], Per.TEN_MINUTES), 2.0), Period.THIS_WEEK)
    assert top_title(made) == "Gibs per 10 minutes · This week"
    assert top_footer(made) == "alpha"


def test_the_chart_shows_the_first_ten_with_values_as_people_read_them():
    chart = top_chart(top(ranked(METRICS["kd"], float("inf"), *[2.5] * 11)))
    (group,) = chart.groups
    assert [(bar.label, bar.written) for bar in group.bars[:2]] == [
        ("1. someone00", "∞"),
        ("2. someone01", "2.50"),
    ]
    assert len(group.bars) == PER_PAGE
    assert group.bars[0].value == 2.5


def test_a_name_cannot_end_the_block_it_stands_in():
    (page,) = top_pages(top(ranked(METRICS["kills"], 3, name="```@everyone")))
    assert page.count("```") == 2
