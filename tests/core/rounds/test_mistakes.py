"""The mistakes others made, by their number in the table of specs/etlegacy.md 3: what only the core can get wrong.

Rows on imports, posts and Discord are proven in `tests/services` and `tests/cogs`.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta

import pytest

from bot.core.rounds.files import FileKind, file_kind, parse_name
from bot.core.rounds.formulas import dpm
from bot.core.rounds.grammar import RoundFileError, parse_stats
from bot.core.rounds.pairing import pair_rounds
from bot.core.rounds.resolve import Flag, resolve
from tests.core.rounds.samples import GUIDS, header, played, player, roster

ROUND_1, ROUND_2 = (
    "2025-10-19-220533-etl_sp_delivery-round-1.txt",
    "2025-10-19-221033-etl_sp_delivery-round-2.txt",
)


@pytest.fixture(scope="module")
def resolved(real_rounds):
    pairings = pair_rounds(real_rounds.values())
    return {key: resolve(one, pairings[key]) for key, one in real_rounds.items()}


def test_1_round_2_holds_neither_round_1_nor_less_than_itself(resolved, real_rounds):
    first, second = resolved[ROUND_1], resolved[ROUND_2]
    raw = real_rounds[ROUND_2].stats.players
    both = sum(player.damage_given for one in (first, second) for player in one.players)
    assert both == sum(line.counts["damage_given"] for line in raw)
    heads = {line.guid: line.counts["headshot_kills"] for line in raw}
    assert {player.guid: player.headshot_kills for player in second.players} == heads
    assert sum(heads.values()) > 0


def test_2_there_are_only_rounds_1_and_2(resolved):
    assert {one.round for one in resolved.values()} == {1, 2}


def test_5_a_file_that_is_still_being_written_is_refused(real_files):
    content = real_files[ROUND_1]
    for end in range(len(content)):
        if content[:end].endswith(b"\n"):
            continue  # whole lines; the size of two listings tells that more is to come
        with pytest.raises(RoundFileError):
            parse_stats(content[:end])


def test_7_a_map_played_three_times_is_three_pairs(resolved):
    evening = {key: one for key, one in resolved.items() if key.startswith("2025-10-19")}
    thrice = [one for one in evening.values() if one.map == "te_escape2"]
    assert len(thrice) == 6
    assert len({one.partner_key for one in thrice if one.round == 2}) == 3
    times = [one.played_seconds for one in thrice if one.round == 1]
    assert Counter(times)[3 * 60 + 47] == 2


def test_8_halves_are_joined_though_their_names_share_no_time(resolved):
    pairs = [(key, one.partner_key) for key, one in resolved.items() if one.partner_key]
    assert len(pairs) == 26
    assert all(first[:17] < second[:17] for second, first in pairs)


def test_9_every_instant_is_aware_utc(resolved):
    assert all(one.ended_at.utcoffset() == timedelta() for one in resolved.values())


def test_12_damage_per_minute_is_of_the_own_time_in_this_round():
    first = played("first", 0, header(1, "10:00", "7:30"), *roster(f22=7.5))
    joined = player("CCCCCCC1", rounds=0, guns=(5, 20, 2, 2, 0), f0=300, f1=300, f22=2.0)
    stayed = roster(rounds=1, guns=(60, 190, 9, 9, 8), f0=1900, f1=1900, f22=12.5)
    second = played("second", 8, header(2, "7:30", "5:00"), *stayed, joined)
    by_guid = {one.guid: one for one in resolve(second, pair_rounds([first, second])["second"]).players}
    assert by_guid["CCCCCCC1"].dpm == dpm(300, 120) == 150
    assert by_guid[GUIDS[0]].dpm == dpm(1000, 300) == 200


def test_13_head_hits_and_headshot_kills_are_two_numbers(resolved, real_rounds):
    players = [player for one in resolved.values() if one.counted for player in one.players]
    hits, kills = sum(one.head_hits for one in players), sum(one.headshot_kills for one in players)
    assert hits > 2 * kills > 0
    assert all(one.headshot_kills <= one.kills for one in players)


def test_14_nobody_is_alive_for_longer_than_he_played(resolved):
    players = [player for one in resolved.values() for player in one.players]
    assert all(0 <= player.alive_seconds <= player.team_seconds for player in players)


def test_15_a_round_that_ended_early_is_not_shown_at_full_length(resolved):
    early = [one for one in resolved.values() if Flag.ENDED_EARLY in one.flags]
    assert len(early) >= 3
    for one in early:
        assert not one.attackers_succeeded
        assert one.limit_seconds - one.played_seconds == one.ended_early_seconds > 10


def test_16_the_winner_is_read_and_never_told_by_clocks():
    """Attackers who surrender in round 1 set no time, though the next limit is shorter than the clock's."""
    gave_up = played("first", 0, header(1, "10:00", "10:00", winner=1), *roster(f22=3.0))
    assert resolve(gave_up, pair_rounds([gave_up])["first"]).attackers_succeeded is False
    at_the_end = played("first", 0, header(1, "10:00", "10:00", winner=2), *roster(f22=10.0))
    assert resolve(at_the_end, pair_rounds([at_the_end])["first"]).attackers_succeeded is True


def test_17_players_with_one_weapon_stay_and_an_empty_round_is_one(real_rounds, resolved):
    few = [line for one in real_rounds.values() for line in one.stats.players if len(line.weapons) <= 2]
    assert few
    (empty,) = [one for one in resolved.values() if not one.players]
    assert (empty.counted, Flag.TOO_FEW_PLAYERS in empty.flags) == (False, True)


def test_18_who_changed_his_name_is_one_player(resolved):
    first, second = (
        resolved[f"2025-10-15-{rest}.txt"]
        for rest in (
            "232112-te_escape2-round-1",
            "232922-te_escape2-round-2",
        )
    )
    names = [{player.guid: player.name for player in one.players} for one in (first, second)]
    renamed = [guid for guid in names[0].keys() & names[1].keys() if names[0][guid] != names[1][guid]]
    assert len(renamed) == 1
    assert not any(player.counter_reset for player in second.players)


def test_21_a_replayed_map_counts_every_time(resolved, real_rounds):
    replayed = [
        key
        for key, one in real_rounds.items()
        if one.stats.header.round == 1 and {line.rounds for line in one.stats.players} == {1}
    ]
    replayed = [key for key in replayed if len(resolved[key].players) > 1]
    assert len(replayed) >= 2
    assert all(resolved[key].counted and resolved[key].round == 1 for key in replayed)


def test_28_bots_few_players_and_a_minute_do_not_count():
    bot = player("OMNIBOT0", name="[BOT]a", guns=(1, 1, 1, 1, 0))
    for lines, flag in (
        ([*roster(), bot], Flag.BOTS),
        (roster(guids=GUIDS[:3]), Flag.TOO_FEW_PLAYERS),
        (roster(f22=0.9), Flag.TOO_SHORT),
    ):
        one = played("x", 0, header(1, "10:00", "0:55" if flag is Flag.TOO_SHORT else "7:30"), *lines)
        found = resolve(one, pair_rounds([one])["x"])
        assert (found.flags, found.counted) == ({flag}, False)


@pytest.mark.parametrize(
    "name", ["../2025-10-19-220533-supply-round-1.txt", "2025-10-19-220533-a/b-round-1.txt", "a\0b"]
)
def test_31_no_name_leads_out_of_the_folder(name):
    assert file_kind(name) is FileKind.UNKNOWN
    assert parse_name(name) is None
    assert parse_name(ROUND_1).wall_clock.replace(tzinfo=UTC).isoformat() == "2025-10-19T22:05:33+00:00"
