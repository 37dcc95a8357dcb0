"""The real rounds, against a second decoder that knows nothing of the first (specs/etlegacy.md 8)."""

from __future__ import annotations

import math

import pytest

from bot.core.rounds.pairing import pair_rounds
from bot.core.rounds.resolve import Flag, resolve
from bot.core.rounds.results import map_result
from tests.core.rounds import decoder


@pytest.fixture(scope="module")
def expected(real_files):
    return decoder.rounds(real_files)


@pytest.fixture(scope="module")
def resolved(real_rounds):
    pairings = pair_rounds(real_rounds.values())
    return {key: resolve(played, pairings[key]) for key, played in real_rounds.items()}


def starts(keys) -> list[str]:
    return [key[:17] for key in keys]


def test_every_pair_is_found(resolved, expected):
    assert {key: one.partner_key for key, one in resolved.items()} == {
        key: one["first"] for key, one in expected.items()
    }
    assert sum(one.partner_key is not None for one in resolved.values()) == 26


def test_singles_are_what_they_are(resolved):
    partners = {one.partner_key for one in resolved.values()}
    single = [key for key, one in resolved.items() if one.partner_key is None and key not in partners]
    assert starts(single) == [
        "2024-04-16-220731",
        "2024-09-11-212540",
        "2024-09-12-174949",
        "2025-01-06-221847",
        "2025-10-26-200001",
    ]
    assert starts(key for key in single if Flag.NO_PARTNER in resolved[key].flags) == [
        "2024-09-12-174949",
        "2025-01-06-221847",
    ]
    assert starts(key for key, one in resolved.items() if Flag.ABORTED in one.flags) == ["2025-10-26-200001"]


def test_every_number_of_every_player_agrees(resolved, expected):
    compared = 0
    for key, one in resolved.items():
        players = expected[key]["players"]
        assert {player.guid for player in one.players} == players.keys()
        for player in one.players:
            for what, value in players[player.guid].items():
                assert getattr(player, what) == pytest.approx(value, abs=0.51), (key, player.guid, what)
            compared += 1
    assert compared > 330


def test_winners_and_clocks_agree(resolved, expected):
    for key, one in resolved.items():
        if Flag.ABORTED in one.flags or (Flag.NO_PARTNER in one.flags and not one.attackers_succeeded):
            assert one.ended_early_seconds is None
            continue
        wanted = expected[key]
        assert one.attackers_succeeded is wanted["attackers_succeeded"], key
        assert one.played_seconds == wanted["played_seconds"], key
        assert (Flag.ENDED_EARLY in one.flags, one.ended_early_seconds > 10) == (wanted["is_early"],) * 2


def test_sums_balance_except_where_an_earlier_part_is_lost(resolved):
    unbalanced = [key for key, one in resolved.items() if Flag.SUMS_DO_NOT_BALANCE in one.flags]
    # One player reconnected inside round 1; the two of 2024 and 2025-01 stand alone.
    assert "2025-11-01-231128" in starts(unbalanced)
    paired = {one.partner_key for one in resolved.values()} - {None}
    seconds = [key for key, one in resolved.items() if one.partner_key]
    assert not set(unbalanced) & set(seconds)
    assert starts(set(unbalanced) & paired) == ["2025-11-01-231128"]


def test_resets_and_spectators_are_those_of_the_specification(resolved, real_rounds):
    assert sum(player.counter_reset for one in resolved.values() for player in one.players) == 1
    spectators = [line for one in real_rounds.values() for line in one.stats.players if line.side == 3]
    assert len(spectators) == 3


def test_maps_are_won_by_who_finishes(resolved):
    results = [
        (resolved[one.partner_key].attackers_succeeded, one.attackers_succeeded, map_result(first, one))
        for one in resolved.values()
        if one.partner_key and (first := resolved[one.partner_key])
    ]
    names = {(True, False): "round_1_attackers", (False, False): "draw"}
    for first, second, result in results:
        assert result == names.get((first, second), "round_2_attackers")
    assert {result for _, _, result in results} == {"round_1_attackers", "round_2_attackers", "draw"}


def test_numbers_make_sense_to_a_reader(resolved):
    for one in resolved.values():
        for player in one.players:
            assert 0 <= player.alive_seconds <= player.team_seconds
            assert one.played_seconds is None or player.team_seconds <= one.played_seconds + 12
            assert player.headshot_kills <= player.kills or Flag.NO_PARTNER in one.flags
            assert not math.isnan(player.kd)
            assert player.dpm is None or 0 <= player.dpm < 1500
            assert "^" not in player.name


def test_only_rounds_that_are_no_match_do_not_count(resolved):
    assert starts(key for key, one in resolved.items() if not one.counted) == [
        "2024-09-11-212540",
        "2024-09-12-174949",
        "2025-01-06-221847",
        "2025-10-26-200001",
    ]
