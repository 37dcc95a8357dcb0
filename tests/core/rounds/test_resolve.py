from __future__ import annotations

import pytest

from bot.core.rounds.pairing import pair_rounds
from bot.core.rounds.resolve import Flag, resolve
from bot.core.rounds.results import map_result
from tests.core.rounds.samples import GUIDS, header, played, player, roster


def alone(*rounds, key=None):
    """Resolve the last of some rounds, as the service does."""
    pairings = pair_rounds(rounds)
    wanted = next((one for one in rounds if one.key == key), rounds[-1])
    return resolve(wanted, pairings[wanted.key])


def by_guid(resolved):
    return {player.guid: player for player in resolved.players}


FIRST = played("first", 0, header(1, "10:00", "7:30"), *roster(f6=1, f9=40, f14=3, f22=7.5, f37=2))


def second_with(line, **head):
    others = roster(
        rounds=1, guids=GUIDS[1:], guns=(50, 180, 9, 9, 8), f0=1500, f1=1500, f8="70.0", f22=12.5, f37=1
    )
    return played("second", 8, header(2, "7:30", "5:00", **head), line, *others)


def second_line(**changes):
    values = {"rounds": 1, "guns": (50, 180, 9, 9, 8), "f0": 1500, "f1": 1500, "f8": "70.0", "f22": 12.5}
    return player(GUIDS[0], **(values | {"f6": 3, "f9": 25, "f14": 1, "f37": 5} | changes))


def test_round_2_alone_subtracts_what_counts_on_and_takes_the_rest_as_it_is():
    resolved = alone(FIRST, second_with(second_line(name="^1New^7Name")))
    someone = by_guid(resolved)[GUIDS[0]]
    assert someone.name == "NewName"
    assert (someone.kills, someone.deaths, someone.damage_given, someone.damage_received) == (4, 4, 600, 600)
    assert (someone.gun_hits, someone.gun_shots, someone.head_hits) == (20, 80, 2)
    assert someone.team_kills == 2
    assert (someone.xp, someone.headshot_kills, someone.revives) == (25, 1, 5)
    assert (someone.team_seconds, someone.alive_seconds) == (300, round((12.5 * 0.7 - 7.5 * 0.8) * 60))
    assert (someone.dpm, someone.accuracy, someone.kd) == (120, 0.25, 1)
    assert not someone.counter_reset
    assert (resolved.partner_key, resolved.flags, resolved.counted) == ("first", frozenset(), True)


def test_reconnected_player_keeps_the_raw_numbers_of_round_2():
    """The counter did not rise, though damage, kills and hits did: a drop alone would miss it."""
    line = second_line(rounds=0)
    someone = by_guid(alone(FIRST, second_with(line)))[GUIDS[0]]
    assert someone.counter_reset
    assert (someone.damage_given, someone.kills, someone.team_seconds) == (1500, 9, 750)


@pytest.mark.parametrize("drop", [{"f0": 100}, {"f1": 100}, {"f22": 3.0}, {"guns": (50, 180, 9, 1, 8)}])
def test_drop_in_damage_deaths_or_time_is_a_reconnect_too(drop):
    someone = by_guid(alone(FIRST, second_with(second_line(**drop))))[GUIDS[0]]
    assert someone.counter_reset
    assert someone.kills == 9


def test_knife_shots_taken_back_are_no_reconnect_and_never_negative():
    knives = f"{1 | 1 << 4} 0 9 0 0 0 "
    fewer = f"{1 | 1 << 4} 0 2 0 0 0 "
    first = played(
        "first", 0, header(1, "10:00", "7:30"), *(line.replace("16 ", knives, 1) for line in roster())
    )
    someone = by_guid(alone(first, second_with(second_line().replace("16 ", fewer, 1))))[GUIDS[0]]
    assert not someone.counter_reset
    assert (someone.kills, someone.gun_shots) == (4, 80)


def test_late_joiner_has_his_own_numbers_and_a_leaver_none():
    line = second_line(rounds=0).replace(GUIDS[0], "CCCCCCC1")
    players = by_guid(alone(FIRST, second_with(line)))
    assert players["CCCCCCC1"].damage_given == 1500
    assert not players["CCCCCCC1"].counter_reset
    assert GUIDS[0] not in players


def test_spectator_with_frozen_totals_did_not_play_round_2():
    frozen = second_line(side=3, guns=(30, 100, 5, 5, 6), f0=900, f1=900, f6=1, f22=7.5)
    assert GUIDS[0] not in by_guid(alone(FIRST, second_with(frozen)))
    moved_late = second_line(side=3)
    assert by_guid(alone(FIRST, second_with(moved_late)))[GUIDS[0]].damage_given == 600


def test_restart_vote_that_zeroed_everybody_subtracts_nobody():
    fresh = roster(rounds=1, guns=(50, 180, 9, 9, 8), f0=1500, f1=1500, f22=7.4)
    first = played("first", 0, header(1, "10:00", "7:30"), *roster(f22=6.0))
    resolved = alone(first, played("second", 8, header(2, "7:30", "7:24"), *fresh))
    assert {one.damage_given for one in resolved.players} == {1500}
    assert all(one.counter_reset for one in resolved.players)


def test_round_2_without_round_1_is_kept_and_not_counted():
    resolved = alone(second_with(second_line(), defender=1, winner=1))
    assert resolved.flags >= {Flag.NO_PARTNER}
    assert not resolved.counted
    assert by_guid(resolved)[GUIDS[0]].damage_given == 1500
    assert resolved.played_seconds is None


def test_sums_that_do_not_balance_are_marked_but_count():
    resolved = alone(FIRST, second_with(second_line(f0=1600)))
    assert resolved.flags == {Flag.SUMS_DO_NOT_BALANCE}
    assert resolved.counted
    killed_by_nobody = alone(FIRST, second_with(second_line(guns=(50, 180, 8, 9, 8))))
    assert killed_by_nobody.flags == {Flag.SUMS_DO_NOT_BALANCE}


def test_bots_are_told_apart_and_keep_a_round_from_counting():
    bots = [player("OMNIBOT0", name=f"[BOT]{name}", guns=(1, 1, 1, 1, 0)) for name in ("b", "a")]
    resolved = alone(played("first", 0, header(), *roster(), *bots))
    assert {one.guid: one.name for one in resolved.players if "BOT" in one.guid} == {
        "OMNIBOT0": "[BOT]a",
        "OMNIBOT1": "[BOT]b",
    }
    assert resolved.flags == {Flag.BOTS}
    assert not resolved.counted


def test_few_players_and_short_rounds_do_not_count():
    few = alone(played("few", 0, header(), *roster(guids=GUIDS[:3])))
    assert (few.flags, few.counted) == ({Flag.TOO_FEW_PLAYERS}, False)
    short = alone(played("short", 0, header(next_limit="0:59"), *roster(f22=0.9)))
    assert (short.flags, short.counted) == ({Flag.TOO_SHORT}, False)
    assert alone(played("long", 0, header(next_limit="1:00"), *roster(f22=1.0))).counted


def test_counters_of_an_earlier_match_keep_a_round_1_from_counting():
    leaked = alone(played("leaked", 0, header(1, "10:00", "7:30"), *roster(f22=7.8)))
    assert (leaked.flags, leaked.counted) == ({Flag.COUNTERS_LEAKED}, False)
    assert alone(played("fine", 0, header(1, "10:00", "7:30"), *roster(f22=7.7))).counted


@pytest.mark.parametrize(
    ("head", "minutes", "seconds", "succeeded", "early"),
    [
        (header(1, "10:00", "7:30"), 7.5, 450, True, False),
        (header(1, "10:00", "10:00", winner=1), 10.0, 600, False, False),
        (header(1, "10:00", "10:00", winner=1), 9.85, 591, False, False),
        (header(1, "10:00", "10:00", winner=1), 9.8, 588, False, True),
        (header(1, "10:00", "10:00", winner=1, extra="\\480200"), 8.1, 480, False, True),
        (header(1, "10:00", "7:30", defender=2, winner=1), 7.5, 450, True, False),
        (header(1, "10:00", "10:00", winner=0), 9.0, 540, None, False),
    ],
)
def test_played_time_and_winner_come_from_the_header_and_the_team_time(
    head, minutes, seconds, succeeded, early
):
    resolved = alone(played("x", 0, head, *roster(f22=minutes)))
    assert (resolved.played_seconds, resolved.attackers_succeeded) == (seconds, succeeded)
    assert (Flag.ENDED_EARLY in resolved.flags) is early


def test_aborted_round_has_no_winner_and_does_not_count():
    resolved = alone(played("x", 0, header(2, "12:00", "71:05", winner=1), *roster(f22=1.2)))
    assert resolved.flags == {Flag.ABORTED}
    assert (resolved.round, resolved.attackers_succeeded, resolved.played_seconds) == (1, None, 72)


def test_players_come_by_damage():
    lines = [player(guid, f0=damage) for guid, damage in zip(GUIDS, (5, 20, 10, 20), strict=True)]
    resolved = alone(played("x", 0, header(), *lines))
    assert [one.damage_given for one in resolved.players] == [20, 20, 10, 5]


def test_restart_vote_is_seen_in_a_held_round_by_numbers_that_dropped():
    """Nothing tells the clock of a held round; the counters of most are lower than in round 1."""
    fresh = roster(rounds=1, guns=(50, 180, 9, 9, 8), f0=800, f1=800, f22=7.5)
    higher = player("CCCCCCC1", rounds=1, guns=(5, 10, 2, 2, 0), f0=950, f1=950, f22=7.5)
    first = played("first", 0, header(1, "10:00", "7:30"), *roster(f22=7.5), player("CCCCCCC1", f22=7.5))
    resolved = alone(first, played("second", 16, header(2, "7:30", "7:30", winner=1), *fresh, higher))
    assert by_guid(resolved)["CCCCCCC1"].damage_given == 950
    assert all(one.counter_reset for one in resolved.players)
    assert (resolved.played_seconds, resolved.flags) == (450, frozenset())


def test_reconnect_that_neither_counter_nor_drop_gives_away_is_found_by_the_sums():
    """He has more than in round 1 and the `rounds` of those who stayed."""
    lines = roster(guids=GUIDS[1:], f0=900, f1=800, guns=(30, 100, 5, 5, 6))
    one = player(GUIDS[0], f0=600, f1=900, guns=(30, 100, 4, 4, 6), f22=5.0)
    first = played("first", 0, header(1, "10:00", "7:30"), one, *lines)
    later = roster(rounds=1, guids=GUIDS[1:], f0=1500, f1=1400, guns=(60, 200, 9, 9, 8), f22=12.5)
    back = player(GUIDS[0], rounds=1, f0=1000, f1=1000, guns=(40, 120, 6, 6, 7), f22=5.0)
    resolved = alone(first, played("second", 8, header(2, "7:30", "5:00"), back, *later))
    assert by_guid(resolved)[GUIDS[0]].damage_given == 1000
    assert [one.guid for one in resolved.players if one.counter_reset] == [GUIDS[0]]
    assert (by_guid(resolved)[GUIDS[1]].damage_given, resolved.flags) == (600, frozenset())


def test_reconnects_of_most_do_not_speak_for_the_others():
    back = [second_line(rounds=0, f0=100, f1=100, f22=4.0).replace(GUIDS[0], guid) for guid in GUIDS[:3]]
    last = second_line().replace(GUIDS[0], GUIDS[3])
    second = played("second", 16, header(2, "7:30", "7:30", winner=1), *back, last)
    assert [one.counter_reset for one in alone(FIRST, second).players].count(True) == 3
    assert by_guid(alone(FIRST, second))[GUIDS[3]].damage_given == 600


def test_one_reconnect_in_a_held_round_subtracts_the_others():
    line = second_line(rounds=1, f0=100, f1=100, f22=4.0)
    resolved = alone(FIRST, second_with(line, winner=1))
    assert [one.counter_reset for one in resolved.players].count(True) == 1


@pytest.mark.parametrize("next_limit", ["0:00", "71:05"])
def test_time_that_no_attacker_can_have_set_is_not_the_played_time(next_limit):
    resolved = alone(played("x", 0, header(1, "10:00", next_limit, winner=2), *roster(f22=6.5)))
    assert (resolved.attackers_succeeded, resolved.played_seconds) == (True, 390)


def test_ninth_field_longer_than_the_limit_is_not_the_played_time():
    head = header(1, "10:00", "10:00", winner=1, extra="\\9000")
    assert alone(played("x", 0, head, *roster(f22=10.0))).played_seconds == 600


def test_who_was_idle_in_round_1_does_not_lengthen_round_2():
    idle = second_line(f0=0, f1=0, f22=14.0, guns=(1, 2, 0, 0, 0)).replace(GUIDS[0], "CCCCCCC1")
    resolved = alone(FIRST, second_with(idle, winner=1))
    assert by_guid(resolved)["CCCCCCC1"].team_seconds == 840
    assert (resolved.played_seconds, resolved.ended_early_seconds) == (300, 150)


def test_revives_are_the_hits_of_the_syringe_where_no_field_tells_them():
    def with_syringe(line, hits):
        shorter = line.rpartition("\t")[0]  # 37 fields
        return shorter.replace("\\16 ", f"\\{1 << 4 | 1 << 27} ").replace(" \t", f" {hits} 9 0 0 0 \t")

    first = played("first", 0, header(1, "10:00", "7:30"), *(with_syringe(line, 2) for line in roster()))
    later = roster(rounds=1, guns=(50, 180, 9, 9, 8), f0=1500, f1=1500, f22=12.5)
    resolved = alone(
        first, played("second", 8, header(2, "7:30"), *(with_syringe(line, 5) for line in later))
    )
    assert {one.revives for one in resolved.players} == {3}


def test_script_that_never_tells_the_team_time_leaves_it_unknown():
    resolved = alone(played("x", 0, header(1, "10:00", "10:00", winner=1), *roster(f22="0.0")))
    assert (resolved.played_seconds, resolved.ended_early_seconds) == (None, None)
    assert resolved.players[0].dpm is None


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        (2, 2, "round_2_attackers"),
        (1, 2, "round_2_attackers"),
        (2, 1, "round_1_attackers"),
        (1, 1, "draw"),
        (0, 1, None),
        (1, 0, None),
    ],
)
def test_who_finishes_wins_the_map_and_two_holds_are_a_draw(first, second, result):
    halves = [alone(played("x", 0, header(winner=winner), *roster())) for winner in (first, second)]
    assert map_result(*halves) == result
