from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.counters import COUNTERS, known_sums
from bot.core.rounds.metrics import METRICS, Per, measure, related
from bot.core.rounds.ranking import rounds_by_player
from tests.core.rounds import real_rows
from tests.core.rounds.row_samples import row
from tests.core.rounds.samples import header, played, roster

counts = st.integers(0, 10**6)
anything = st.dictionaries(st.sampled_from(COUNTERS), st.none() | counts)


def total(players, *names):
    return sum(player[name] for player in players for name in names)


# From the bytes: what each metric must be, from a player's rounds.
EXPECTED = {
    "kills": lambda own: total(own, "kills"),
    "dpm": lambda own: total(own, "damage_given") / total(own, "team_seconds") * 60,
    "kd": lambda own: total(own, "kills") / total(own, "deaths"),
    "accuracy": lambda own: total(own, "gun_hits") / total(own, "gun_shots"),
    "head_hit_share": lambda own: total(own, "head_hits") / total(own, "gun_hits"),
    "headshot_kill_share": lambda own: total(own, "headshot_kills") / total(own, "kills"),
    "efficiency": lambda own: total(own, "kills") / total(own, "kills", "deaths"),
    "revives": lambda own: total(own, "revives"),
    "gibs": lambda own: total(own, "gibs"),
    "useful_kills": lambda own: total(own, "useful_kills"),
    "denied_seconds": lambda own: total([one for one in own if "denied_seconds" in one], "denied_seconds"),
    "multi_kills": lambda own: total(own, "multi_kills"),
    "dynamite": lambda own: total(own, "dynamite"),
    "playtime": lambda own: total(own, "team_seconds"),
}


@pytest.mark.parametrize("key", METRICS)
def test_every_metric_of_every_real_player_agrees_with_the_bytes(key, real_files, real_rounds):
    expected = real_rows.expected_rows(real_files)
    own = rounds_by_player(real_rows.rows(real_rounds))
    assert own.keys() == expected.keys()
    assert len(own) > 20
    for guid, rows in own.items():
        told = [one for one in expected[guid] if key != "denied_seconds" or key in one]
        measured = measure(METRICS[key], rows)
        assert measured.rounds == len(told), guid
        if told:
            assert measured.value == pytest.approx(EXPECTED[key](told), rel=1e-6), guid
        else:
            assert measured.value is None


def test_denied_time_of_a_file_that_does_not_tell_it_is_unknown(real_rounds):
    old = [row for row in real_rows.rows(real_rounds) if row.ended_at.year == 2024 and row.counted]
    assert len(old) == 6
    assert {measure(METRICS["denied_seconds"], [row]).value for row in old} == {None}
    assert all(measure(METRICS["useful_kills"], [row]).value is not None for row in old)


def test_time_that_a_script_never_tells_is_unknown():
    silent = played("x", 0, header(1, "10:00", "10:00", winner=1), *roster(f22="0.0"))
    rows = real_rows.rows({"x": silent})
    assert measure(METRICS["kills"], rows).rounds == 4
    assert (measure(METRICS["playtime"], rows).value, measure(METRICS["dpm"], rows).rounds) == (None, 0)


def test_ratios_are_made_of_sums_never_of_ratios():
    rows = [row(kills=9, deaths=1), row(kills=1, deaths=9)]
    assert measure(METRICS["kd"], rows).value == 1
    assert measure(METRICS["efficiency"], rows).value == 0.5


def test_round_that_lacks_one_counter_is_left_out_of_both_sides_of_the_division():
    rows = [
        row(damage_given=600, team_seconds=120),
        row(damage_given=9000, team_seconds=None),
        row(damage_given=None, team_seconds=500),
    ]
    measured = measure(METRICS["dpm"], rows)
    assert (measured.value, measured.rounds) == (300, 1)


@pytest.mark.parametrize(
    ("key", "counters", "value"),
    [
        ("kd", {"kills": 3, "deaths": 0}, math.inf),
        ("efficiency", {"kills": 0, "deaths": 0}, None),
        ("efficiency", {"kills": 3, "deaths": 1}, 0.75),
        ("accuracy", {"gun_hits": 0, "gun_shots": 0}, None),
        ("head_hit_share", {"head_hits": 0, "gun_hits": 0}, None),
        ("headshot_kill_share", {"headshot_kills": None, "kills": 4}, None),
        ("headshot_kill_share", {"headshot_kills": 0, "kills": 4}, 0),
        ("gibs", {}, None),
        ("gibs", {"gibs": 0}, 0),
        ("dynamite", {"dynamite_planted": 2, "dynamite_defused": 1}, 3),
        ("dynamite", {"dynamite_planted": 2}, None),
    ],
)
def test_unknown_is_not_zero_and_zero_is_not_unknown(key, counters, value):
    assert measure(METRICS[key], [row(**counters)]).value == value


def test_count_per_ten_minutes_is_made_of_the_players_own_time():
    revives = related(METRICS["revives"], Per.TEN_MINUTES)
    rows = [row(revives=3, team_seconds=300), row(revives=1, team_seconds=900), row(revives=50)]
    assert measure(revives, rows).value == 2
    assert revives.minimum.rounds == 10
    assert measure(METRICS["revives"], rows).value == 54


@pytest.mark.parametrize("key", ["dpm", "kd", "accuracy", "efficiency", "playtime"])
def test_what_is_no_count_has_no_rate(key):
    assert related(METRICS[key], Per.TEN_MINUTES) is METRICS[key]


def test_bots_and_rounds_that_do_not_count_are_left_out():
    rows = [row(kills=1), row(kills=10, counted=False), row("OMNIBOT0", kills=100)]
    assert measure(METRICS["kills"], rows).value == 1


def test_minimum_asks_for_a_counter_that_the_metric_sums():
    asked = {key: metric for key, metric in METRICS.items() if metric.minimum.counter}
    assert asked.keys() == {"accuracy", "head_hit_share", "headshot_kill_share"}
    assert all(metric.minimum.counter in metric.counters for metric in asked.values())


@given(st.lists(anything, max_size=6), st.sampled_from(sorted(METRICS)), st.sampled_from(Per))
def test_order_of_rounds_tells_nothing_and_nothing_crashes(numbers, key, per):
    metric = related(METRICS[key], per)
    rows = [row(**one) for one in numbers]
    measured = measure(metric, rows)
    assert measured == measure(metric, rows[::-1])
    assert measured.value is None or measured.value >= 0


@given(st.lists(anything, max_size=6), st.lists(anything, max_size=6), st.sampled_from(sorted(METRICS)))
def test_sums_of_two_parts_are_the_sums_of_the_whole(first, second, key):
    names = METRICS[key].counters
    (one, played), (other, more) = (known_sums([row(**n) for n in part], names) for part in (first, second))
    whole, rounds = known_sums([row(**n) for n in first + second], names)
    assert whole == {name: one[name] + other[name] for name in names}
    assert rounds == played + more
