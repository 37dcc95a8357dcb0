from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bot.core.leaderboards import places


def test_ties_share_a_place_and_the_next_ones_stay_free():
    values = {"a": 5.0, "b": 9.0, "c": 5.0, "d": 1.0, "e": math.inf}
    assert places(values) == [(1, "e"), (2, "b"), (3, "a"), (3, "c"), (5, "d")]


@given(st.dictionaries(st.integers(), st.integers(0, 5)))
def test_place_is_one_more_than_the_number_of_those_who_are_better(values):
    ranked = places(values)
    assert [key for _, key in ranked] == sorted(values, key=lambda key: -values[key])
    for place, key in ranked:
        assert place == 1 + sum(other > values[key] for other in values.values())
