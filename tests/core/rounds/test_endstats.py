from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.rounds.endstats import (
    Award,
    Duel,
    canonical_guids,
    endstats_of,
    parse_endstats,
    player_duels,
)
from bot.core.rounds.files import parse_name
from bot.core.rounds.grammar import RoundFileError

GUID = "AAAAAAA1" + "0" * 24
AWARDS = b"Most deaths\t^1ana\t14\nQuickest multikill w/ light weapons\tbo\t5 kills in 2.31s\n"
BLOCKS = f"VS_HEADER\tana\t{GUID}\nbo\t3\t2\n42\t0\t1\nVS_HEADER\tbo\t{GUID[::-1]}\nana\t2\t3\n".encode()


@pytest.fixture(scope="module")
def real(reference_data) -> bytes:
    (path,) = (reference_data / "etlegacy").glob("*-endstats.txt")
    return path.read_bytes()


def test_awards_and_blocks_of_duels_are_read():
    read = parse_endstats(AWARDS + BLOCKS)
    assert read.awards == (
        Award(title="Most deaths", name="ana", value="14", number=14),
        Award(title="Quickest multikill w/ light weapons", name="bo", value="5 kills in 2.31s", number=5),
    )
    assert [(block.name, block.guid) for block in read.blocks] == [("ana", "AAAAAAA1"), ("bo", "00000000")]
    assert read.blocks[0].duels == (
        Duel(opponent="bo", kills=3, deaths=2),
        Duel(opponent="42", kills=0, deaths=1),
    )
    assert canonical_guids(read)["AAAAAAA1"] == GUID


def test_opponents_become_players_where_their_name_is_one_players_alone():
    read = parse_endstats(AWARDS + BLOCKS)
    known = {"AAAAAAA1": "ana", "00000000": "bo", "CCCCCCC1": "cy"}
    between = {
        (duel.guid, duel.opponent_guid): (duel.kills, duel.deaths) for duel in player_duels(read, known)
    }
    assert between == {("AAAAAAA1", "00000000"): (3, 2), ("00000000", "AAAAAAA1"): (2, 3)}
    assert [one.guid for one in player_duels(read, known | {"CCCCCCC2": "bo"})] == ["00000000"]
    twice = parse_endstats(AWARDS + BLOCKS.replace(b"42\t0\t1", b"bo\t0\t1"))
    assert [one.guid for one in player_duels(twice, known)] == ["00000000"]


def test_without_heads_awards_are_shown_and_duels_left_out(real):
    read = parse_endstats(real)
    lines = real.decode().splitlines()
    assert len(read.awards) == len(lines) - 18
    assert read.blocks == ()
    by_title = {award.title: award for award in read.awards}
    assert (by_title["Best K/D ratio"].number, by_title["Most playtime denied"].value) == (
        1.625,
        "113 seconds",
    )
    assert by_title["Highest headshot accuracy"].number == 19.09


def test_an_award_of_a_player_whose_name_is_a_number_is_no_duel():
    read = parse_endstats(b"Most deaths\t42\t14\nMortarmagnet\t7\t3\nana\t3\t2\nMost wanted\t1\t0\n")
    assert [(award.title, award.name) for award in read.awards] == [
        ("Most deaths", "42"),
        ("Mortarmagnet", "7"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        AWARDS[:-1],
        AWARDS + b"two\tfields\n",
        AWARDS + b"\n",
        AWARDS + b"VS_HEADER\tana\tno guid\n",
        AWARDS + BLOCKS + b"bo\tthree\t2\n",
        AWARDS + BLOCKS + b"bo\t-3\t2\n",
        b"x" * 101 + b"\ta\t1\n",
    ],
)
def test_one_thing_wrong_refuses_the_file(broken):
    with pytest.raises(RoundFileError):
        parse_endstats(broken)


def test_a_round_has_the_endstats_written_next_to_it():
    stats = parse_name("2026-01-12-224606-te_escape2-round-2.txt")
    names = [
        parse_name(name)
        for name in (
            "2026-01-12-224606-te_escape2-round-2.txt",
            "2026-01-12-224640-te_escape2-round-2-endstats.txt",
            "2026-01-12-224610-te_escape2-round-2-endstats.txt",
            "2026-01-12-224603-te_escape2-round-2-endstats.txt",
            "2026-01-12-224606-te_escape2-round-1-endstats.txt",
            "2026-01-12-224606-supply-round-2-endstats.txt",
        )
    ]
    assert endstats_of(stats, names) is names[3]
    assert endstats_of(stats, names[:2]) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_read_or_refused(real, data):
    content = bytearray(data.draw(st.sampled_from([real, AWARDS + BLOCKS])))
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 20))] = data.draw(
            st.binary(max_size=5) | st.sampled_from([b"\t", b"\n", b"VS_HEADER\t"])
        )
    try:
        read = parse_endstats(bytes(content))
    except RoundFileError:
        return
    assert len(read.awards) + sum(1 + len(block.duels) for block in read.blocks) <= content.count(b"\n")


@given(st.binary(max_size=500))
def test_arbitrary_bytes_are_read_or_refused(content):
    with suppress(RoundFileError):
        assert parse_endstats(content)
