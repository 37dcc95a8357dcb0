from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.form import FEWEST_BASELINE_ROUNDS, LAST_EVENINGS, player_form
from bot.core.rounds.metrics import METRICS
from tests.core.rounds import real_rows
from tests.core.rounds.row_samples import row

KD = (METRICS["kd"],)


def evening(*rows, at=0):
    return [row(minutes=at + number, **one) for number, one in enumerate(rows)]


def dpm(rounds) -> float:
    return sum(one["damage_given"] for one in rounds) * 60 / sum(one["team_seconds"] for one in rounds)


USUAL = [evening(*([{"kills": 10, "deaths": 10}] * FEWEST_BASELINE_ROUNDS))]


def change(form):
    return [one.values["kd"].change for one in form.evenings]


def test_last_real_evenings_against_the_earlier_ones_agree_with_the_bytes(real_files, real_rounds):
    """Of whoever played most: the last two evenings against those before."""
    told = real_rows.expected_rows(real_files)
    often = max(told, key=lambda guid: len(told[guid]))
    rows = [one for one in real_rows.rows(real_rounds) if one.guid == often]
    own = []
    for one in real_rows.evenings(real_rounds):
        times = {round_.resolved.ended_at for round_ in one.rounds}
        own.append([row for row in rows if row.ended_at in times])
    form = player_form(own, last=2)
    names = [one["file"] for one in told[often]]
    # His last evening is that of 2025-11-01, the one before the second of 2025-10-26.
    split = next(at for at, name in enumerate(names) if name >= "2025-10-26-2139")
    final = next(at for at, name in enumerate(names) if name >= "2025-11-01")
    assert (form.baseline_rounds, [one.rounds for one in form.evenings]) == (split, [8, 4])
    usual, last = dpm(told[often][:split]), dpm(told[often][final:])
    assert form.baseline["dpm"] == pytest.approx(usual)
    assert form.evenings[-1].values["dpm"].value == pytest.approx(last)
    assert form.evenings[-1].values["dpm"].change == pytest.approx(last / usual - 1)


def test_compared_evenings_are_not_in_the_baseline():
    form = player_form([*USUAL, evening({"kills": 30, "deaths": 10}, at=100)], KD, last=1)
    assert form.baseline == {"kd": 1}
    assert change(form) == [2]


def test_few_rounds_before_are_no_baseline():
    few = [USUAL[0][:-1]]
    form = player_form([*few, evening({"kills": 30, "deaths": 10}, at=100)], KD, last=1)
    assert (form.baseline["kd"], change(form)) == (None, [None])
    assert form.evenings[0].values["kd"].value == 3


@pytest.mark.parametrize(
    ("last", "value"), [({"kills": 3, "deaths": 0}, math.inf), ({"kills": None, "deaths": 4}, None)]
)
def test_change_that_cannot_be_said_is_unknown(last, value):
    form = player_form([*USUAL, evening(last, at=100)], KD, last=1)
    assert (form.evenings[0].values["kd"].value, change(form)) == (value, [None])


def test_baseline_of_nothing_is_not_divided_by():
    never = [evening(*([{"kills": 0, "deaths": 5}] * FEWEST_BASELINE_ROUNDS))]
    form = player_form([*never, evening({"kills": 5, "deaths": 5}, at=100)], KD, last=1)
    assert (form.baseline["kd"], change(form)) == (0, [None])


def test_evening_of_rounds_that_do_not_count_is_none():
    uncounted = [row(minutes=200, kills=50, deaths=1, counted=False)]
    form = player_form([*USUAL, evening({"kills": 5, "deaths": 10}, at=100), uncounted], KD, last=1)
    assert change(form) == [-0.5]


def test_who_never_played_has_no_form():
    form = player_form([], KD)
    assert (form.evenings, form.baseline, form.baseline_rounds) == ((), {"kd": None}, 0)


@given(st.lists(st.lists(st.integers(0, 20), max_size=4), max_size=9))
def test_rounds_are_in_the_baseline_or_in_an_evening(kills):
    evenings = [evening(*({"kills": one, "deaths": 1} for one in own)) for own in kills]
    form = player_form(evenings, KD)
    played = [own for own in kills if own]
    assert [one.rounds for one in form.evenings] == [len(own) for own in played[-LAST_EVENINGS:]]
    assert form.baseline_rounds + sum(one.rounds for one in form.evenings) == sum(map(len, played))
    assert [one.values["kd"].value for one in form.evenings] == [
        pytest.approx(sum(own) / len(own)) for own in played[-LAST_EVENINGS:]
    ]
