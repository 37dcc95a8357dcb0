from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.balance import Present, balance, balance_message
from bot.core.rounds.rating import Rating, win_chance

RATINGS = st.builds(Rating, mean=st.floats(-20, 60), deviation=st.floats(0.5, 9), maps=st.integers(0, 50))
NAMES = "abcdefghijklmnop"


def present(fewest=2, most=8):
    return st.lists(RATINGS, min_size=fewest, max_size=most).map(
        lambda ratings: dict(zip(NAMES, ratings, strict=False))
    )


def chance_of(players, team) -> float:
    others = [players[name] for name in players if name not in team]
    return win_chance([players[name] for name in team], others)


@given(present())
def test_no_other_teams_are_more_even(players):
    split = balance(players)
    assert sorted([*split.first, *split.second]) == sorted(players)
    assert abs(len(split.first) - len(split.second)) == len(players) % 2
    assert split.chance == pytest.approx(chance_of(players, split.first))
    for team in combinations(sorted(players), len(players) // 2):
        assert abs(split.chance - 0.5) <= abs(chance_of(players, team) - 0.5) + 1e-9


@given(present(most=16), st.randoms(use_true_random=False))
def test_teams_are_no_worse_than_drawn_by_lot_and_always_the_same(players, luck):
    split = balance(players)
    names = sorted(players)
    for _ in range(5):
        team = luck.sample(names, len(names) // 2)
        assert abs(split.chance - 0.5) <= abs(chance_of(players, team) - 0.5) + 1e-9
    luck.shuffle(names)
    assert balance({name: players[name] for name in names}) == split


def test_the_best_are_named_first():
    means = {"a": 20.0, "b": 31.0, "c": 25.0, "d": 30.0, "e": 29.0, "f": 24.0}
    split = balance({name: Rating(mean=mean, deviation=2) for name, mean in means.items()})
    assert split.first[0] == "b"
    for team in (split.first, split.second):
        assert sorted(team, key=means.__getitem__, reverse=True) == list(team)


def test_newcomers_get_even_teams():
    split = balance(dict.fromkeys(NAMES, Rating()))
    assert (len(split.first), len(split.second), split.chance) == (8, 8, 0.5)


@pytest.mark.parametrize("number", [0, 1, 17])
def test_a_number_of_players_that_makes_no_teams_is_refused(number):
    with pytest.raises(ValueError, match=f"{number} players"):
        balance({str(at): Rating() for at in range(number)})


def test_the_teams_are_told_with_what_is_known_of_everybody():
    players = {
        "AAAAAAA1": Present(name="*Star*", rating=Rating(mean=30, deviation=2, maps=40)),
        "AAAAAAA2": Present(name="bea", rating=Rating(mean=28.04, deviation=1.2, maps=10)),
        "AAAAAAA3": Present(name="cy", rating=Rating(mean=26, deviation=7, maps=1)),
        "new:dan:0": Present(name="dan", rating=Rating()),
    }
    told = balance_message(players, server="alpha_1")
    assert told.body == "4 players are on alpha\\_1 now."
    first, second = told.fields
    assert first.value == "\\*Star\\* · 24.0\ndan · new"
    assert second.value == "bea · 24.4\ncy · 1 map so far"
    assert (first.name, second.name) == ("Team 1 · wins 53 %", "Team 2 · wins 47 %")
    assert "after 10 maps" in told.footer


def test_it_is_said_when_the_players_are_those_of_the_last_round():
    players = {name: Present(name=name, rating=Rating()) for name in "ab"}
    ended_at = datetime(2025, 10, 26, 21, tzinfo=UTC)
    told = balance_message(players, server="alpha", last_round_at=ended_at)
    assert told.body == (
        f"alpha does not say who is there. 2 players were in the last round, which ended <t:{ended_at.timestamp():.0f}:R>."
    )


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 players are"), (1, "1 player is"), (17, "17 players are")]
)
def test_too_few_or_too_many_make_no_teams(number, told):
    players = {str(at): Present(name=f"p{at}", rating=Rating()) for at in range(number)}
    message = balance_message(players, server="alpha")
    assert message.body.startswith(told)
    assert message.body.endswith("Teams are made of 2 to 16 players.")
    assert message.fields == ()
