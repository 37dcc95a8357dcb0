from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.resolve import Flag
from bot.core.rounds.teams import find_teams
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round


def members(teams, lineup=0) -> tuple[str, str]:
    return tuple("".join(sorted(teams.lineups[lineup].members(team))) for team in (0, 1))


def axis_teams(teams, rounds) -> list[tuple[int, int]]:
    return [(teams.placements[one.key].lineup, teams.placements[one.key].axis_team) for one in rounds]


def test_real_teams_are_who_plays_with_the_one_who_never_misses_a_round(real_files, real_rounds):
    told = decoder.rounds(real_files)
    checked = 0
    for evening in real_rows.evenings(real_rounds):
        names = [one.key for one in evening.rounds if not one.key.startswith(real_rows.UNCOUNTED)]
        if not names:
            continue
        always = set.intersection(*(set(told[name]["players"]) for name in names))
        anchor = min(always)
        team = 0 if told[names[0]]["players"][anchor]["side"] == 1 else 1
        teams = find_teams(evening.rounds)
        assert len(teams.lineups) == 1
        for name in names:
            on_axis = told[name]["players"][anchor]["side"] == 1
            assert teams.placements[name].axis_team == (team if on_axis else 1 - team), name
            checked += 1
        assert teams.placements.keys() == set(names)
    assert checked == 53


def test_teams_keep_their_number_when_they_swap_sides():
    rounds = [evening_round("1"), evening_round("2", 6, "xyz", "abc"), evening_round("3", 12, "xyz", "abc")]
    teams = find_teams(rounds)
    assert axis_teams(teams, rounds) == [(0, 0), (0, 1), (0, 1)]
    assert members(teams) == ("abc", "xyz")


def test_who_joins_belongs_to_the_team_of_his_side_and_who_left_is_remembered():
    rounds = [
        evening_round("1"),
        evening_round("2", 6, "xyn", "abc"),
        evening_round("3", 12, "abc", "nyz"),
    ]
    teams = find_teams(rounds)
    assert axis_teams(teams, rounds) == [(0, 0), (0, 1), (0, 0)]
    assert members(teams) == ("abc", "nxyz")


def test_one_who_changes_sides_changes_the_team_and_the_others_stay():
    rounds = [evening_round("1", 0, "abcd", "wxyz"), evening_round("2", 6, "abcw", "dxyz")]
    teams = find_teams(rounds)
    assert members(teams) == ("abcw", "dxyz")
    assert len(teams.lineups) == 1


@pytest.mark.parametrize(("axis", "allies", "lineups"), [("abcxy", "devwz", 1), ("abx", "cyz", 1)])
def test_sixty_percent_who_stay_are_enough(axis, allies, lineups):
    rounds = [evening_round("1", 0, "abcde", "vwxyz"), evening_round("2", 6, axis, allies)]
    assert len(find_teams(rounds).lineups) == lineups


def test_mixed_teams_begin_anew():
    rounds = [
        evening_round("1", 0, "abcd", "wxyz"),
        evening_round("2", 6, "abwx", "cdyz"),
        evening_round("3", 12, "cdyz", "abwx"),
    ]
    teams = find_teams(rounds)
    assert axis_teams(teams, rounds) == [(0, 0), (1, 0), (1, 1)]
    assert members(teams, 0) == ("abcd", "wxyz")
    assert members(teams, 1) == ("abwx", "cdyz")


def test_hardly_anybody_known_makes_other_teams_though_the_few_stay_together():
    rounds = [evening_round("1", 0, "abcde", "vwxyz"), evening_round("2", 6, "mnopq", "arstu")]
    assert len(find_teams(rounds).lineups) == 2


def test_teams_that_grow_are_the_same_teams():
    rounds = [evening_round("1", 0, "ab", "yz"), evening_round("2", 6, "vwxyz", "abcde")]
    teams = find_teams(rounds)
    assert axis_teams(teams, rounds) == [(0, 0), (0, 1)]
    assert members(teams) == ("abcde", "vwxyz")


def test_halves_of_a_map_have_the_same_teams_on_the_other_sides_whoever_was_mixed():
    rounds = [evening_round("1", 0, "abcd", "wxyz"), evening_round("2", 6, "abwx", "cdyz", first="1")]
    teams = find_teams(rounds)
    assert axis_teams(teams, rounds) == [(0, 0), (0, 1)]


def test_players_set_by_an_admin_never_change():
    rounds = [
        evening_round("1", 0, "abcd", "wxyz"),
        evening_round("2", 6, "abwx", "cdyz"),
    ]
    teams = find_teams(rounds, fixed={"a": 1, "w": 0})
    assert members(teams) == ("bcdw", "axyz")
    assert all(lineup.teams["a"] == 1 and lineup.teams["w"] == 0 for lineup in teams.lineups)


def test_a_player_who_is_moved_by_an_admin_leaves_the_others_where_they_are():
    rounds = [evening_round("1"), evening_round("2", 6, "xyz", "abc", first="1")]
    teams = find_teams(rounds, fixed={"a": 1})
    assert axis_teams(teams, rounds) == [(0, 0), (0, 1)]
    assert members(teams) == ("bc", "axyz")


@pytest.mark.parametrize("out", [{"1"}, {"1", "2"}, {"2"}, {"1", "2", "3"}])
def test_teams_keep_their_numbers_whatever_an_admin_takes_out(out):
    swapped = {"1": False, "2": True, "3": False, "4": True}
    rounds = [
        evening_round(key, 6 * int(key), *(("xyz", "abc") if swap else ("abc", "xyz")), voided=key in out)
        for key, swap in swapped.items()
    ]
    teams = find_teams(rounds)
    assert teams.placements.keys() == swapped.keys() - out
    assert all(teams.placements[key].axis_team == swapped[key] for key in teams.placements)


def test_rounds_that_do_not_count_say_nothing_about_teams():
    rounds = [
        evening_round("0", 0, "ax", "by", flags=frozenset({Flag.BOTS})),
        evening_round("1", 6),
        evening_round("2", 12, "abcxyz", ""),
        evening_round("3", 18, "xbc", "ayz", voided=True),
    ]
    teams = find_teams(rounds)
    assert teams.placements.keys() == {"1"}
    assert members(teams) == ("abc", "xyz")
    assert find_teams([]).lineups == ()


people = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from((1, 2)), max_size=8)


def played(sides, number, swapped):
    axis, allies = ("".join(guid for guid, side in sides.items() if side == which) for which in (1, 2))
    return evening_round(str(number), 6 * number, *((allies, axis) if swapped else (axis, allies)))


@given(people, st.lists(st.booleans(), min_size=1, max_size=8))
def test_fixed_groups_are_found_however_they_swap_sides(sides, swaps):
    rounds = [played(sides, number, swapped) for number, swapped in enumerate([False, *swaps])]
    teams = find_teams(rounds)
    if set(sides.values()) != {1, 2}:
        assert teams.placements == {}
        return
    assert axis_teams(teams, rounds) == [(0, int(swapped)) for swapped in [False, *swaps]]
    assert dict(teams.lineups[0].teams) == {guid: side - 1 for guid, side in sides.items()}


@given(st.lists(people, max_size=8))
def test_every_counted_round_with_two_sides_is_placed_and_its_players_have_a_team(evening):
    rounds = [played(sides, number, swapped=False) for number, sides in enumerate(evening)]
    teams = find_teams(rounds)
    assert teams.placements.keys() == {
        str(number) for number, sides in enumerate(evening) if set(sides.values()) == {1, 2}
    }
    for number, sides in enumerate(evening):
        if placement := teams.placements.get(str(number)):
            assert sides.keys() <= teams.lineups[placement.lineup].teams.keys()
    assert {placement.lineup for placement in teams.placements.values()} == set(range(len(teams.lineups)))
