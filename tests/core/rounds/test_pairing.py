from __future__ import annotations

from itertools import permutations

import pytest

from bot.core.rounds.pairing import Pairing, pair_rounds
from tests.core.rounds.samples import GUIDS, header, played, roster

FIRST = played("first", 0, header(1, "10:00", "7:30"), *roster())


def second(minutes=8, key="second", limit="7:30", rounds=1, guids=GUIDS, **changes):
    return played(key, minutes, header(2, limit, "5:00", **changes), *roster(rounds=rounds, guids=guids))


def test_round_2_finds_its_round_1_by_the_limit():
    assert pair_rounds([second(), FIRST]) == {
        "first": Pairing(round=1),
        "second": Pairing(round=2, first=FIRST),
    }


@pytest.mark.parametrize(
    "stranger",
    [
        second(limit="7:31"),
        second(map_name="oasis"),
        second(minutes=46),
        second(minutes=-3),
        second(guids=("CCCCCCC1", "CCCCCCC2", "CCCCCCC3", GUIDS[0])),
    ],
    ids=["other limit", "other map", "too late", "before", "other players"],
)
def test_anything_that_does_not_fit_stays_single(stranger):
    assert pair_rounds([FIRST, stranger])["second"] == Pairing(round=2)


def test_half_of_the_players_is_enough():
    other = second(guids=(*GUIDS[:2], "CCCCCCC1", "CCCCCCC2"))
    assert pair_rounds([FIRST, other])["second"].first is FIRST


def test_round_2_with_nobody_has_no_partner_and_is_not_aborted():
    assert pair_rounds([FIRST, played("second", 8, header(2, "7:30"))])["second"] == Pairing(round=2)


def test_replayed_map_with_equal_times_pairs_each_with_its_own_whatever_the_order():
    again = played("again", 16, header(1, "10:00", "7:30"), *roster(rounds=1))
    last = second(minutes=24, key="last", rounds=2)
    for order in permutations([FIRST, second(), again, last]):
        pairings = pair_rounds(order)
        assert pairings["second"].first is FIRST
        assert pairings["last"].first is again
        assert not any(pairing.aborted for pairing in pairings.values())


def test_two_round_1_in_a_row_leave_the_first_single():
    again = played("again", 12, header(1, "10:00", "7:30"), *roster())
    pairings = pair_rounds([FIRST, again, second(minutes=20)])
    assert pairings["second"].first is again
    assert pairings["first"] == Pairing(round=1)


def test_round_2_label_on_fresh_counters_is_an_aborted_round_1():
    aborted = played("aborted", 30, header(2, "12:00", "71:05"), *roster(rounds=0))
    assert pair_rounds([FIRST, aborted])["aborted"] == Pairing(round=1, aborted=True)


def test_round_1_label_on_counters_of_round_2_is_an_aborted_round_2():
    aborted = played("aborted", 5, header(1, "7:30", "0:00"), *roster(rounds=1, f22=8.0))
    assert pair_rounds([FIRST, aborted])["aborted"] == Pairing(round=2, first=FIRST, aborted=True)


def test_replay_of_a_held_round_is_not_called_aborted_when_its_round_2_was_played():
    held = played("held", 0, header(1, "10:00", "10:00", winner=1), *roster())
    replay = played("replay", 12, header(1, "10:00", "7:30"), *roster(rounds=1))
    pairings = pair_rounds([held, replay, second(minutes=20, rounds=2)])
    assert pairings["replay"] == Pairing(round=1)
    assert pairings["second"].first is replay


def test_replay_without_its_round_2_is_told_from_an_aborted_round_2_by_counters_that_began_anew():
    held = played("held", 0, header(1, "10:00", "10:00", winner=1), *roster(f0=2000, f1=2000, f22=10.0))
    replay = played("replay", 12, header(1, "10:00", "7:30"), *roster(rounds=1))
    assert pair_rounds([held, replay])["replay"] == Pairing(round=1)
    # Everybody did more, but in the same time: both were held to the end.
    better = played("better", 13, header(1, "10:00", "10:00"), *roster(rounds=1, f0=2900, f1=2900, f22=10.1))
    assert pair_rounds([held, better])["better"] == Pairing(round=1)
    cut = played("cut", 4, header(1, "10:00", "0:00"), *roster(rounds=1, f0=2300, f1=2300, f22=12.0))
    assert pair_rounds([held, cut])["cut"] == Pairing(round=2, first=held, aborted=True)


def test_an_aborted_round_2_is_no_round_1_of_another():
    cut = played("cut", 5, header(1, "7:30", "7:30"), *roster(rounds=1, f22=8.0))
    late = played("late", 12, header(1, "7:30", "0:00"), *roster(rounds=2, f22=9.0))
    pairings = pair_rounds([FIRST, cut, late])
    assert pairings["cut"] == Pairing(round=2, first=FIRST, aborted=True)
    assert pairings["late"] == Pairing(round=1)


def test_counters_that_hold_another_round_too_belong_to_another_round_1():
    """The limit is the same by chance: both were held."""
    assert pair_rounds([FIRST, second(rounds=2)])["second"] == Pairing(round=2)
    mixed = played("second", 8, header(2, "7:30"), *roster(rounds=1)[:2], *roster(rounds=2)[2:])
    assert pair_rounds([FIRST, mixed])["second"].first is FIRST


def test_a_map_started_ten_thousand_times_is_paired_in_no_time():
    lines = roster()
    many = [played(f"{at:05}", at * 2, header(1, "10:00", "7:30"), *lines) for at in range(10_000)]
    assert pair_rounds([*many, second(minutes=20_003)])["second"].first is many[-1]
