from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.rounds.rating import DEVIATION, DRIFT, MEAN, RatedMap, Rating, half, rate, rated_map, win_chance
from bot.core.rounds.results import MapResult
from tests.core.rounds import decoder, real_rows

WON, LOST, DRAW = MapResult.ROUND_1_ATTACKERS, MapResult.ROUND_2_ATTACKERS, MapResult.DRAW


def map_of(result=WON, team="abc", other="xyz", **shares: float) -> RatedMap:
    """A map that everybody played to the end, but whoever is named."""
    teams = [{guid: shares.get(guid, 1.0) for guid in side} for side in (team, other)]
    return RatedMap(result=result, round_1_attackers=teams[0], round_2_attackers=teams[1])


@st.composite
def rated_maps(draw) -> RatedMap:
    """A map between up to twelve of sixteen people."""
    people = draw(st.lists(st.sampled_from("abcdefghijklmnop"), min_size=2, max_size=12, unique=True))
    cut = draw(st.integers(1, len(people) - 1))
    shares = {guid: draw(st.one_of(st.just(1.0), st.floats(0.001, 1))) for guid in people}
    result = draw(st.sampled_from(MapResult))
    return map_of(result, "".join(people[:cut]), "".join(people[cut:]), **shares)


HISTORIES = st.lists(rated_maps(), max_size=12)


# What a map tells of its players.


def played(
    axis="abc", allies="xyz", then_axis="xyz", then_allies="abc", *, seconds=(), defender=1, won=(True, False)
):
    """A map: Axis defends, so the Allies attack first, and win in both rounds if nothing else is said.

    Everybody plays all of his rounds of 300 seconds, but whoever is named with a round.
    """
    told = dict(seconds)
    sides = (((axis, 1), (allies, 2)), ((then_axis, 1), (then_allies, 2)))
    return rated_map(
        *[
            half(
                attackers_succeeded=won[number - 1],
                defender_side=defender,
                played_seconds=300,
                players=[
                    (guid, side, told.get((guid, number), 300)) for guids, side in teams for guid in guids
                ],
            )
            for number, teams in enumerate(sides, start=1)
        ]
    )


def test_a_team_is_who_attacks_first_whatever_its_side():
    assert played() == map_of(WON, "xyz", "abc")
    assert played(won=(True, True)) == map_of(LOST, "xyz", "abc")
    assert played(won=(False, False)) == map_of(DRAW, "xyz", "abc")
    assert played(defender=2) == map_of(WON, "abc", "xyz")


def test_who_was_there_for_a_part_of_the_map_is_in_for_that_share():
    told = played("abcj", "xyz", "xyz", "abc", seconds={("x", 1): 120, ("z", 2): 0})
    assert told.round_1_attackers == {"x": 0.7, "y": 1, "z": 0.5}
    assert told.round_2_attackers == {"a": 1, "b": 1, "c": 1, "j": 0.5}


def test_who_changed_the_team_is_in_the_one_he_was_with_longer_for_what_was_more():
    # s attacks first, and in round 2 attacks again: with the others.
    assert played("abc", "xyzs", "xyz", "abcs", seconds={("s", 2): 60}) == map_of(WON, "xyzs", "abc", s=0.4)
    assert played("abc", "xyzs", "xyz", "abcs", seconds={("s", 1): 60}) == map_of(WON, "xyz", "abcs", s=0.4)
    assert played("abc", "xyzs", "xyz", "abcs") == map_of(WON, "xyz", "abc")


def test_time_that_was_not_played_counts_for_nothing():
    # Who was idle in round 1 has a team time of both rounds in the file of round 2.
    told = played("abc", "xyz", "xyzi", "abc", seconds={("i", 2): 600})
    assert told.round_1_attackers == {"x": 1, "y": 1, "z": 1, "i": 0.5}


def test_bots_spectators_and_people_without_a_guid_are_nobody():
    people = [("AAAAAAA1", 1, 300), ("AAAAAAA2", 2, 300)]
    extra = [("OMNIBOT0", 1, 300), ("SPECTATE", 3, 300), ("NO_GUID", 1, 300), ("UNKNOWN", 2, 300)]
    known = {"attackers_succeeded": True, "defender_side": 1, "played_seconds": 300}
    assert half(**known, players=[*people, *extra]) == half(**known, players=people)


@pytest.mark.parametrize(
    "odd", [{"won": (None, True)}, {"won": (True, None)}, {"axis": "", "then_allies": ""}]
)
def test_without_a_result_or_an_opponent_a_map_tells_nothing(odd):
    assert played(**odd) is None


def half_of(resolved):
    return half(
        attackers_succeeded=resolved.attackers_succeeded,
        defender_side=resolved.defender_side,
        played_seconds=resolved.played_seconds,
        players=[(player.guid, player.side, player.team_seconds) for player in resolved.players],
    )


def test_real_maps_have_the_winners_and_the_players_of_their_bytes(real_files, real_rounds):
    told = decoder.rounds(real_files)
    by_key = real_rows.resolved_rounds(real_rounds)
    results = []
    for name, one in told.items():
        if not one["first"] or name.startswith(real_rows.UNCOUNTED):
            continue
        halves = [one["first"], name]
        rated = rated_map(*(half_of(by_key[key]) for key in halves))
        results.append(rated.result)
        for number, key in enumerate(halves):
            defender = int(decoder.naive(real_files[key])[0][4])
            teams = [rated.round_1_attackers, rated.round_2_attackers]
            for guid, player in told[key]["players"].items():
                attacks = player["side"] != defender
                if player["side"] < 3:
                    assert guid in teams[number if attacks else 1 - number]
                    assert guid not in teams[1 - number if attacks else number]
        shares = [*rated.round_1_attackers.values(), *rated.round_2_attackers.values()]
        assert 0 < min(shares) <= max(shares) <= 1
    assert len(results) == 26
    assert set(results) >= {WON, LOST}


# What maps make of ratings.


def test_ten_maps_must_be_played_before_a_rating_is_shown():
    known = rate([map_of()] * 9)
    assert known["a"].maps == 9
    assert known["a"].shown is None
    known = rate([map_of()], known)
    assert known["a"].shown == known["a"].mean - 3 * known["a"].deviation
    assert Rating().shown is None


@given(rated_maps(), HISTORIES)
def test_the_winners_go_up_and_the_losers_down(one, history):
    before = rate(history)
    after = rate([one], before)
    sign = {WON: 1, LOST: -1, DRAW: 0}[one.result]
    for team, direction in ((one.round_1_attackers, sign), (one.round_2_attackers, -sign)):
        for guid in team:
            moved = after[guid].mean - before.get(guid, Rating()).mean
            assert math.isfinite(after[guid].mean)
            assert 0 < after[guid].deviation < DEVIATION + 12 * DRIFT
            assert moved * direction >= 0
            if direction and team[guid] > 0.1:
                assert moved != 0
    assert {guid: known for guid, known in after.items() if guid in before.keys() - _people(one)} == {
        guid: known for guid, known in before.items() if guid not in _people(one)
    }


def _people(one: RatedMap) -> set[str]:
    return {*one.round_1_attackers, *one.round_2_attackers}


@given(HISTORIES, st.randoms(use_true_random=False))
def test_the_order_of_the_players_does_not_matter(history, luck):
    def shuffled(team):
        return dict(luck.sample(sorted(team.items()), len(team)))

    mixed = [
        replace(
            one,
            round_1_attackers=shuffled(one.round_1_attackers),
            round_2_attackers=shuffled(one.round_2_attackers),
        )
        for one in history
    ]
    assert rate(mixed) == rate(history)


@given(HISTORIES, st.integers(0, 12))
def test_a_longer_history_is_the_replay_of_all(history, at):
    assert rate(history) == rate(history)
    assert rate(history[at:], rate(history[:at])) == rate(history)


@given(rated_maps(), HISTORIES)
def test_the_teams_may_change_places(one, history):
    opposite = {WON: LOST, LOST: WON, DRAW: DRAW}
    turned = RatedMap(
        result=opposite[one.result],
        round_1_attackers=one.round_2_attackers,
        round_2_attackers=one.round_1_attackers,
    )
    before = rate(history)
    one_way, other_way = rate([one], before), rate([turned], before)
    for guid in one_way:
        assert one_way[guid].mean == pytest.approx(other_way[guid].mean, rel=1e-12)
        assert one_way[guid].deviation == pytest.approx(other_way[guid].deviation, rel=1e-12)


@pytest.mark.parametrize("result", [WON, LOST])
@given(share=st.floats(0.001, 0.99))
def test_who_played_less_wins_less_and_loses_less(result, share):
    known = rate([map_of(result, "ab", "xy", a=share)])
    assert 0 < abs(known["a"].mean - MEAN) < abs(known["b"].mean - MEAN)
    assert known["b"].deviation < known["a"].deviation


def test_a_team_with_a_helper_for_half_the_map_is_the_stronger_by_half_of_him():
    """A draw is worse than expected of the team with the helper, but not as bad as with a whole player more."""
    helped = {share: rate([map_of(DRAW, "abh", "xy", h=share)])["a"].mean for share in (0.1, 0.5, 1.0)}
    assert MEAN > helped[0.1] > helped[0.5] > helped[1.0]


@settings(max_examples=50)
@given(rated_maps(), HISTORIES)
def test_ratings_are_the_formula_of_weng_and_lin_with_shares_of_skill(one, history):
    """Algorithm 1 of their paper for two teams, written down anew; a team is the sum of share x skill."""
    before, teams = rate(history), [one.round_1_attackers, one.round_2_attackers]
    known = [{guid: before.get(guid, Rating()) for guid in team} for team in teams]
    variance = {
        guid: rating.deviation**2 + (team[guid] * DRIFT) ** 2
        for team, ratings in zip(teams, known, strict=True)
        for guid, rating in ratings.items()
    }
    strength = [sum(team[guid] * known[at][guid].mean for guid in team) for at, team in enumerate(teams)]
    spread = [sum(team[guid] ** 2 * variance[guid] for guid in team) for team in teams]
    c = math.sqrt(sum(spread) + 2 * (MEAN / 6) ** 2)
    expected = 1 / (1 + math.exp((strength[1] - strength[0]) / c))
    score = {WON: 1, LOST: 0, DRAW: 0.5}[one.result]
    after = rate([one], before)
    for at, team in enumerate(teams):
        better = (score - expected) * (1 if at == 0 else -1)
        gamma = math.sqrt(spread[at]) / c
        for guid, share in team.items():
            mean = known[at][guid].mean + share * variance[guid] / c * better
            less = gamma * share**2 * variance[guid] / c**2 * expected * (1 - expected)
            assert after[guid].mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
            assert after[guid].deviation == pytest.approx(math.sqrt(variance[guid] * (1 - less)), rel=1e-9)


def test_the_better_team_is_expected_to_win():
    strong, weak = Rating(mean=30, deviation=2, maps=20), Rating(mean=20, deviation=2, maps=20)
    assert win_chance([strong, strong], [weak, weak]) > 0.9
    assert win_chance([strong, weak], [weak, strong]) == pytest.approx(0.5)
    assert win_chance([weak], [strong]) == pytest.approx(1 - win_chance([strong], [weak]))


def test_the_library_is_loaded_by_the_first_rating_only():
    """An idle bot does without its memory."""
    program = """
import sys
from bot.core.rounds import balance, rating
assert not any(name.startswith("openskill") for name in sys.modules)
rating.rate([])
assert "openskill" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
