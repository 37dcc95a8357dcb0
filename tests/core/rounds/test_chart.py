from __future__ import annotations

import pytest

from bot.core.rounds.chart import MOST_BARS, outcome, round_chart
from bot.core.rounds.pairing import pair_rounds
from bot.core.rounds.resolve import resolve
from tests.core.rounds.samples import header, played, player, roster


def resolved(*rounds):
    return resolve(rounds[-1], pair_rounds(rounds)[rounds[-1].key])


def test_chart_names_map_round_outcome_and_sides():
    spec = round_chart(resolved(played("x", 0, header(1, "10:00", "7:30"), *roster())))
    assert spec.title == "supply · round 1"
    assert spec.subtitle == "Allies attacked and won in 7:30"
    assert [group.name for group in spec.groups] == ["Axis · defended", "Allies · attacked"]


def test_players_stand_under_their_side_by_damage_with_kills_and_deaths():
    lines = [
        player("AAAAAAA1", name="^1low", side=1, f0=10, guns=(0, 0, 3, 2, 0)),
        player("AAAAAAA2", name="high", side=1, f0=99, guns=(0, 0, 7, 4, 0)),
        player("BBBBBBB1", name="^1", side=2, f0=50),
    ]
    axis, allies = round_chart(resolved(played("x", 0, header(), *lines))).groups
    assert [(bar.label, bar.value, bar.note) for bar in axis.bars] == [
        ("high", 99, "7 / 4"),
        ("low", 10, "3 / 2"),
    ]
    assert [bar.label for bar in allies.bars] == ["BBBBBBB1"]


def test_crowd_is_cut_and_the_rest_counted():
    lines = [player(f"AAAAAA{number:02}", side=1, f0=number) for number in range(MOST_BARS + 3)]
    axis, allies = round_chart(resolved(played("x", 0, header(), *lines))).groups
    assert len(axis.bars) == MOST_BARS
    assert axis.footnote == "and 3 more"
    assert (allies.bars, allies.footnote) == ((), "nobody")


@pytest.mark.parametrize(
    ("head", "minutes", "text"),
    [
        (header(1, "10:00", "10:00", winner=1), 10.0, "Axis held the full 10:00"),
        (header(1, "10:00", "10:00", winner=1), 8.5, "Axis held, ended early at 8:30"),
        (header(1, "10:00", "10:00", winner=0), 8.5, ""),
        (header(1, "10:00", "7:05", defender=2, winner=1), 7.0, "Axis attacked and won in 7:05"),
    ],
)
def test_outcome_in_words(head, minutes, text):
    assert outcome(resolved(played("x", 0, head, *roster(f22=minutes))), {}) == text


def test_who_won_is_called_by_the_team_where_it_is_known():
    won = resolved(played("x", 0, header(1, "10:00", "7:05"), *roster(f22=7.0)))
    assert outcome(won, {2: "Reds"}) == "Reds attacked and won in 7:05"
    assert outcome(won, {1: "Blues"}) == "Allies attacked and won in 7:05"


def test_a_long_name_of_a_team_leaves_room_for_its_side():
    won = resolved(played("x", 0, header(1, "10:00", "7:05"), *roster(f22=7.0)))
    axis, allies = round_chart(won, {1: "The Flying Dutchmen Crew", 2: "Reds"}).groups
    assert (axis.name, allies.name) == ("The Flying Dutc… · Axis · defended", "Reds · Allies · attacked")


def test_doubtful_numbers_are_marked():
    single = round_chart(resolved(played("x", 0, header(2, "7:30", "7:30", winner=1), *roster(rounds=1))))
    assert single.subtitle == "Axis held · both rounds together, round 1 is missing"
