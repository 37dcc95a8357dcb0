from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.balance import balance
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
