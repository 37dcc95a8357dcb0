from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.metrics import METRICS, from_sums
from bot.core.rounds.ranking import minimum_words, rank_measured, rank_players
from tests.core.rounds import real_rows
from tests.core.rounds.row_samples import row


def shown(ranking):
    return [(player.place, player.guid, player.value) for player in ranking.players]


def test_most_kills_of_the_real_rounds_are_those_of_the_bytes(real_files, real_rounds):
    kills = {
        guid: sum(one["kills"] for one in own) for guid, own in real_rows.expected_rows(real_files).items()
    }
    ranking = rank_players(real_rows.rows(real_rounds), METRICS["kills"])
    assert [player.value for player in ranking.players] == sorted(kills.values(), reverse=True)
    assert {player.guid: player.value for player in ranking.players} == kills
    assert (ranking.below_minimum, ranking.unknown) == (0, 0)


def test_minimum_leaves_out_who_played_little_and_is_stated(real_files, real_rounds):
    own = real_rows.expected_rows(real_files)
    often = {guid for guid, rounds in own.items() if len(rounds) >= 20}
    ranking = rank_players(real_rows.rows(real_rounds), METRICS["dpm"], min_rounds=20)
    assert {player.guid for player in ranking.players} == often
    assert 0 < len(often) < len(own)
    assert (ranking.minimum.rounds, ranking.below_minimum) == (20, len(own) - len(often))


def test_accuracy_asks_for_shots_too_whatever_rounds_are_asked_for():
    rows = [row("few", gun_hits=999, gun_shots=999), row("enough", gun_hits=1, gun_shots=1000)]
    ranking = rank_players(rows, METRICS["accuracy"], min_rounds=1)
    assert shown(ranking) == [(1, "enough", 0.001)]
    assert (ranking.minimum.amount, ranking.below_minimum) == (1000, 1)


def test_equal_ratios_of_different_sums_tie():
    rows = [
        row("one", name="b", kills=1, deaths=3),
        row("two", name="A", kills=2, deaths=6),
        row("best", kills=1, deaths=0),
        row("last", kills=0, deaths=2),
    ]
    ranking = rank_players(rows, METRICS["kd"], min_rounds=1)
    assert shown(ranking) == [(1, "best", math.inf), (2, "two", 1 / 3), (2, "one", 1 / 3), (4, "last", 0)]


def test_unknown_is_not_ranked_as_zero():
    rows = [row("knows", denied_seconds=0), row("unknown", denied_seconds=None)]
    ranking = rank_players(rows, METRICS["denied_seconds"])
    assert shown(ranking) == [(1, "knows", 0)]
    assert ranking.unknown == 1


def test_renamed_player_is_one_player_under_his_newest_name():
    rows = [row(name="zzz", minutes=30, kills=2), row(name="aaa", minutes=10, kills=3)]
    assert [(one.name, one.value, one.rounds) for one in rank_players(rows, METRICS["kills"]).players] == [
        ("zzz", 5, 2)
    ]


def test_bots_and_rounds_that_do_not_count_are_not_even_unknown():
    ranking = rank_players([row("OMNIBOT1", kills=1), row(kills=1, counted=False)], METRICS["kills"])
    assert (ranking.players, ranking.below_minimum, ranking.unknown) == ((), 0, 0)


@pytest.mark.parametrize("asked", [-3, 0])
def test_nobody_is_ranked_without_a_round(asked):
    assert rank_players([row(kills=1)], METRICS["kills"], min_rounds=asked).minimum.rounds == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.none() | st.integers(0, 4), st.booleans()), max_size=30),
    st.integers(1, 4),
)
def test_everybody_is_ranked_left_out_by_the_minimum_or_unknown(played, min_rounds):
    rows = [row(guid, kills=kills, counted=counted) for guid, kills, counted in played]
    ranking = rank_players(rows, METRICS["kills"], min_rounds=min_rounds)
    people = {guid for guid, _, counted in played if counted}
    assert len(ranking.players) + ranking.below_minimum + ranking.unknown == len(people)
    for player in ranking.players:
        own = [kills for guid, kills, counted in played if guid == player.guid and counted]
        known = [kills for kills in own if kills is not None]
        assert (player.value, player.rounds) == (sum(known), len(known))
        assert player.place == 1 + sum(other.value > player.value for other in ranking.players)
        assert len(known) >= min_rounds


def test_sums_made_by_a_database_rank_the_same():
    rows = [row("a", kills=5, deaths=2), row("b", kills=1, deaths=2), row("a", kills=1, deaths=2)]
    measured = {
        "a": from_sums(METRICS["kd"], {"kills": 6, "deaths": 4}, 2),
        "b": from_sums(METRICS["kd"], {"kills": 1, "deaths": 2}, 1),
    }
    names = {"a": "someone", "b": "someone"}
    assert rank_measured(measured, names, METRICS["kd"], min_rounds=1) == rank_players(
        rows, METRICS["kd"], min_rounds=1
    )


def test_minimum_of_every_metric_is_said_in_words():
    said = {key: minimum_words(metric.minimum) for key, metric in METRICS.items()}
    assert said["accuracy"] == "at least 10 rounds, at least 1,000 shots"
    assert said["head_hit_share"] == "at least 10 rounds, at least 300 hits"
    assert said["headshot_kill_share"] == "at least 10 rounds, at least 100 kills"
    assert (said["kd"], said["kills"]) == ("at least 10 rounds", "at least 1 round")
