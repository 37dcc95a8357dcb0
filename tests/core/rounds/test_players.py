from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.evenings import group_evenings
from bot.core.rounds.players import Alias, RoundSpan, alike, newest_first, own_evenings
from tests.core.rounds import real_rows
from tests.core.rounds.evening_samples import evening_round
from tests.core.rounds.row_samples import row
from tests.core.rounds.samples import EVENING


def alias(name, guid="AAAAAAA1", *, minutes=0, rounds=1):
    at = EVENING + timedelta(minutes=minutes)
    return Alias(guid=guid, name=name, first_at=EVENING, last_at=at, rounds=rounds)


def span(minutes, *, server="alpha", seconds=300):
    return RoundSpan(server=server, ended_at=EVENING + timedelta(minutes=minutes), played_seconds=seconds)


def ends(evenings):
    return [[one.ended_at for one in rows] for rows in evenings]


def test_evenings_of_every_real_player_are_those_of_the_server(real_rounds):
    spans, own, expected = [], defaultdict(list), defaultdict(list)
    for evening in real_rows.evenings(real_rounds):
        mine = defaultdict(list)
        for one in evening.rounds:
            ended_at = one.resolved.ended_at
            spans.append(RoundSpan(server="a", ended_at=ended_at, played_seconds=one.resolved.played_seconds))
            for player in one.resolved.players:
                mine[player.guid].append(ended_at)
        for guid, times in mine.items():
            expected[guid].append(times)
    for one in real_rows.rows(real_rounds):
        own[one.guid].append(("a", one))
    assert own.keys() == expected.keys()
    assert max(map(len, expected.values())) > 3
    for guid, rows in own.items():
        assert ends(own_evenings(rows, spans)) == expected[guid]


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 3600), st.booleans()), max_size=12))
def test_evenings_end_as_those_of_the_server_whoever_played(rounds):
    told = [
        evening_round(f"{number}", minutes, seconds=seconds)
        for number, (minutes, seconds, _) in enumerate(rounds)
    ]
    present = {EVENING + timedelta(minutes=minutes) for minutes, _, took_part in rounds if took_part}
    expected = [
        times
        for evening in group_evenings(told)
        if (times := sorted({one.resolved.ended_at for one in evening.rounds} & present))
    ]
    spans = [span(minutes, seconds=seconds) for minutes, seconds, _ in rounds]
    own = [("alpha", row(minutes=(at - EVENING) / timedelta(minutes=1))) for at in present]
    assert ends(own_evenings(own, spans)) == expected


def test_who_pauses_while_others_play_comes_back_to_the_same_evening():
    spans = [span(minutes) for minutes in range(0, 200, 20)]
    own = [("alpha", row(minutes=0)), ("alpha", row(minutes=180))]
    assert len(own_evenings(own, spans)) == 1
    assert len(own_evenings(own, [spans[0], spans[-1]])) == 2


def test_two_servers_have_evenings_of_their_own():
    spans = [span(0), span(10, server="beta")]
    assert len(own_evenings([("alpha", row()), ("beta", row(minutes=10))], spans)) == 2


def test_the_newest_name_is_the_players_and_who_was_seen_last_comes_first():
    known = [alias("old"), alias("new", minutes=5), alias("other", "AAAAAAA2", minutes=9)]
    assert [one.name for one in newest_first(known).values()] == ["other", "new"]


@pytest.mark.parametrize(
    ("wanted", "likest"),
    [
        ("carniee", "AAAAAAA1"),
        ("Carnie", "AAAAAAA1"),
        ("SMETARSKI", "AAAAAAA2"),
        ("smetar", "AAAAAAA2"),
        ("Olz!", "AAAAAAA3"),
        ("brons", "AAAAAAA4"),
    ],
)
def test_the_player_with_the_likest_name_is_proposed_first(wanted, likest):
    known = [
        alias("=|slomix|=.carniee", "AAAAAAA1"),
        alias("SmetarskiProner", "AAAAAAA2"),
        alias("slomix.olz", "AAAAAAA3"),
        alias("bronze.", "AAAAAAA4"),
        alias("once carried", "AAAAAAA4"),
    ]
    assert alike(wanted, known)[0] == likest


def test_five_players_at_most_are_proposed_each_once_and_none_who_is_unlike():
    known = [alias(f"kalle{number}", f"AAAAAAA{number % 7}") for number in range(20)]
    found = alike("kalle", [*known, alias("xyz", "BBBBBBB1")])
    assert len(found) == len(set(found)) == 5
    assert alike("kalle", [alias("xyz")]) == ()
    assert alike("", [alias("xyz")]) == ()


def test_of_names_as_alike_the_one_seen_last_comes_first():
    known = [alias("kalle", "AAAAAAA1"), alias("kalle", "AAAAAAA2", minutes=9)]
    assert alike("kalle", known) == ("AAAAAAA2", "AAAAAAA1")


@given(st.text(max_size=10), st.lists(st.text(max_size=10), max_size=5))
def test_no_name_breaks_the_comparison(wanted, names):
    known = [alias(name, f"AAAAAAA{number}") for number, name in enumerate(names)]
    assert set(alike(wanted, known)) <= {one.guid for one in known}
