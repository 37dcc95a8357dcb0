from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.mvps import evening_mvps, team_mvps
from bot.core.rounds.resolve import Flag
from bot.core.rounds.results import MapResult
from bot.core.rounds.scores import score_maps
from bot.core.rounds.teams import find_teams
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round


def scored(rounds):
    return score_maps(rounds, find_teams(rounds))


def one_map(number, *, axis="abc", allies="xyz", first=True, second=True, **second_half):
    """Two halves; Axis defends, so that the Allies of each half attack. The sides are swapped between them."""
    key, at = str(number), 20 * number
    return [
        evening_round(f"{key}a", at, axis, allies, attackers_succeeded=first),
        evening_round(
            f"{key}b", at + 8, allies, axis, first=f"{key}a", attackers_succeeded=second, **second_half
        ),
    ]


def test_real_scores_are_those_of_the_bytes(real_files, real_rounds):
    totals = []
    for evening in real_rows.evenings(real_rounds):
        names = [one.key for one in evening.rounds if not one.key.startswith(real_rows.UNCOUNTED)]
        if not names:
            continue
        expected = decoder.scores(real_files, names)
        maps = scored(evening.rounds)
        told = {one.rounds[-1]: one.score for one in maps if one.result}
        assert told == expected, names[0]
        assert sum(len(one.rounds) for one in maps) == len(evening.rounds)
        totals.append(sum(maps[-1].score))
    assert sum(totals) == 2 * 26
    assert max(totals) == 24


@pytest.mark.parametrize(
    ("first", "second", "winner", "points"),
    [
        (True, True, 0, (2, 0)),  # team 0 attacks second, and is faster
        (False, True, 0, (2, 0)),
        (True, False, 1, (0, 2)),
        (False, False, None, (1, 1)),
        (None, True, None, (0, 0)),
    ],
)
def test_points_of_a_map_go_to_the_team_and_not_to_the_side(first, second, winner, points):
    (one,) = scored(one_map(1, first=first, second=second))
    assert (one.winner, one.points, one.score) == (winner, points, points)
    assert one.rounds == ("1a", "1b")


def test_score_runs_on_whichever_side_a_team_begins_on():
    rounds = [*one_map(1), *one_map(2, axis="xyz", allies="abc"), *one_map(3, first=False, second=False)]
    assert [one.score for one in scored(rounds)] == [(2, 0), (2, 2), (3, 3)]


def test_sides_of_a_map_that_axis_attacks_are_told_by_the_defender():
    rounds = [
        evening_round("a", 0, defender=2, attackers_succeeded=True),
        evening_round("b", 8, "xyz", "abc", first="a", defender=2, attackers_succeeded=False),
    ]
    (one,) = scored(rounds)
    assert (one.winner, one.result) == (0, MapResult.ROUND_1_ATTACKERS)


def test_half_that_does_not_count_or_is_missing_gives_no_points_and_is_told():
    rounds = [*one_map(1, voided=True), *one_map(2)[:1], *one_map(3, flags=frozenset({Flag.BOTS}))]
    maps = scored(rounds)
    assert [(one.rounds, one.result, one.points) for one in maps] == [
        (("1a", "1b"), None, (0, 0)),
        (("2a",), None, (0, 0)),
        (("3a", "3b"), None, (0, 0)),
    ]
    assert maps[-1].score == (0, 0)


def test_evening_of_uncounted_rounds_has_no_score():
    (one,) = scored([evening_round("a", flags=frozenset({Flag.ABORTED}), attackers_succeeded=None)])
    assert (one.lineup, one.score) == (None, None)


def test_new_teams_start_at_nothing():
    rounds = [*one_map(1), *one_map(2, axis="axm", allies="byn")]
    assert [(one.lineup, one.score) for one in scored(rounds)] == [(0, (2, 0)), (1, (2, 0))]


maps_played = st.lists(
    st.tuples(st.sampled_from((True, False, None)), st.sampled_from((True, False, None)), st.booleans()),
    max_size=8,
)


@given(maps_played)
def test_every_decided_map_gives_two_points_and_the_last_score_is_their_sum(played):
    rounds = []
    for number, (first, second, swapped) in enumerate(played):
        axis, allies = ("xyz", "abc") if number and swapped else ("abc", "xyz")
        rounds += one_map(number, axis=axis, allies=allies, first=first, second=second)
    maps = scored(rounds)
    assert [sum(one.points) for one in maps] == [0 if None in halves[:2] else 2 for halves in played]
    if maps:
        assert maps[-1].score == tuple(sum(one.points[team] for one in maps) for team in (0, 1))


def test_real_mvps_have_the_most_xp_of_the_bytes(real_files, real_rounds):
    told = decoder.rounds(real_files)
    evening = max(real_rows.evenings(real_rounds), key=lambda one: len(one.rounds))
    xp: dict[str, int] = {}
    for one in evening.rounds:
        for guid, numbers in told[one.key]["players"].items():
            xp[guid] = xp.get(guid, 0) + numbers["xp"]
    (mvp,) = evening_mvps(evening.rounds)
    assert (mvp.guid, mvp.xp, mvp.rounds) == (max(xp, key=xp.get), max(xp.values()), 24)
    anchor_sides = told[evening.rounds[0].key]["players"]
    teams = find_teams(evening.rounds)
    for team, own in enumerate(team_mvps(evening.rounds, teams, 0)):
        team_xp = {guid: value for guid, value in xp.items() if anchor_sides[guid]["side"] == team + 1}
        assert [(one.guid, one.xp) for one in own] == [(max(team_xp, key=team_xp.get), max(team_xp.values()))]


def test_mvps_tie_and_rounds_that_do_not_count_bring_nothing():
    rounds = [
        evening_round("1", 0, xp={"a": 5, "x": 9}.items()),
        evening_round("2", 6, xp={"a": 4}.items()),
        evening_round("3", 12, xp={"b": 99}.items(), voided=True),
    ]
    assert [(one.guid, one.xp, one.rounds) for one in evening_mvps(rounds)] == [("a", 9, 2), ("x", 9, 2)]
    of_0, of_1 = team_mvps(rounds, find_teams(rounds), 0)
    assert ([one.guid for one in of_0], [one.guid for one in of_1]) == (["a"], ["x"])


def test_nobody_is_the_best_without_anything_earned():
    assert evening_mvps([evening_round("1", xp={"a": -3}.items())]) == ()
    assert evening_mvps([]) == ()
