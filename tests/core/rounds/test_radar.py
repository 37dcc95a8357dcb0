from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.metrics import METRICS
from bot.core.rounds.radar import RADAR_METRICS, radar, share_beaten
from tests.core.rounds import real_rows
from tests.core.rounds.row_samples import row

KILLS = (METRICS["kills"],)


def test_real_players_stand_among_all_as_the_bytes_say(real_files, real_rounds):
    own = {
        guid: rounds
        for guid, rounds in real_rows.expected_rows(real_files).items()
        if len(rounds) >= METRICS["dpm"].minimum.rounds
    }
    dpm = {
        guid: sum(one["damage_given"] for one in rounds) * 60 / sum(one["team_seconds"] for one in rounds)
        for guid, rounds in own.items()
    }
    assert len(dpm) > 5
    best, middle = max(dpm, key=dpm.get), sorted(dpm, key=dpm.get)[len(dpm) // 2]
    axis = radar(real_rows.rows(real_rounds), (best, middle))[0]
    assert axis.values == pytest.approx((dpm[best], dpm[middle]))
    beaten = sum(value < dpm[middle] for value in dpm.values())
    assert axis.scaled == pytest.approx((1, beaten / (len(dpm) - 1)))
    assert axis.ranked == len(dpm)


def test_all_axes_of_two_real_players_are_within_the_circle(real_rounds):
    rows = real_rows.rows(real_rounds)
    often = sorted({one.guid for one in rows}, key=lambda guid: -sum(one.guid == guid for one in rows))
    axes = radar(rows, (often[0], often[1]))
    assert [axis.metric for axis in axes] == list(RADAR_METRICS)
    for axis in axes:
        assert all(share is not None and 0 <= share <= 1 for share in axis.scaled), axis.metric.key


def test_freak_value_does_not_squeeze_the_others_together():
    rows = [row("a", kills=1), row("b", kills=2), row("c", kills=10**6)]
    (axis,) = radar(rows, ("a", "b"), KILLS)
    assert (axis.values, axis.scaled) == ((1, 2), (0, 0.5))


def test_who_played_too_little_or_never_is_not_scaled():
    rows = [row("a", kills=1), row("a", kills=1), row("b", kills=9), row("c", kills=1), row("c", kills=2)]
    (axis,) = radar(rows, ("b", "nobody"), KILLS, min_rounds=2)
    assert (axis.values, axis.scaled, axis.ranked) == ((9, None), (None, None), 2)


def test_bots_and_rounds_that_do_not_count_are_nobody_to_be_compared_with():
    rows = [row("a", kills=1), row("OMNIBOT0", kills=5), row("b", kills=7, counted=False)]
    (axis,) = radar(rows, ("a", "b"), KILLS)
    assert (axis.values, axis.scaled) == ((1, None), (None, None))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12))
def test_shares_rise_with_the_value_and_average_a_half(values):
    ordered = sorted(values)
    shares = [share_beaten(value, ordered) for value in ordered]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert sum(shares) / len(shares) == pytest.approx(0.5)
