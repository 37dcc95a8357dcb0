from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.rounds.fields import KINDS, UNREAD
from bot.core.rounds.grammar import LARGEST_FILE, RoundFileError, WeaponLine, parse_stats
from bot.errors import InputRefused
from tests.core.rounds.samples import GUIDS, content, header, player, roster, spaced

GOOD = content(header(), *roster(f37=1234))


def refusal(data: bytes) -> str:
    with pytest.raises(RoundFileError) as caught:
        parse_stats(data)
    return str(caught.value)


def test_header_is_read():
    read = parse_stats(content(header(2, "71:05", "0:00", defender=2, winner=0))).header
    assert (read.server, read.map, read.config) == ("^1the ^7server", "supply", "legacy3")
    assert (read.round, read.defender, read.winner) == (2, 2, 0)
    assert (read.limit, read.next_limit) == (71 * 60 + 5, 0)


@pytest.mark.parametrize(
    ("ninth", "seconds"),
    [
        ("450300", 450),
        ("-3", None),
        ("0", None),
        ("450", 450),
        ("1733415574", None),
        ("m-8", None),
        ("", None),
    ],
)
def test_optional_ninth_field_is_a_duration_or_nothing(ninth, seconds):
    read = parse_stats(content(header(extra=f"\\{ninth}"), *roster()))
    assert read.header.played_seconds == seconds
    assert len(read.players) == 4


def test_player_is_read_field_by_field():
    tail = {f"f{at}": at + 1 for at in range(38)}
    line = player(GUIDS[0], name="a^1b\\c", rounds=1, side=3, guns=(1, 2, 3, 4, 5), **tail)
    (read,) = parse_stats(content(header(), line)).players
    assert (read.guid, read.name, read.rounds, read.side) == (GUIDS[0], "a^1b\\c", 1, 3)
    assert read.weapons == {4: WeaponLine(hits=1, shots=2, kills=3, deaths=4, head_hits=5)}
    assert read.counts["damage_given"] == 1
    assert read.counts["headshot_kills"] == 15
    assert read.ratios["team_minutes"] == 23.0
    assert read.counts["revives"] == 38


def test_weapons_follow_the_bits_of_the_mask_lowest_first():
    line = player(GUIDS[0]).replace("16 30 100 5 4 6", f"{1 << 2 | 1 << 27} 1 2 3 4 5 6 7 8 9 10")
    (read,) = parse_stats(content(header(), line)).players
    assert [(weapon, counters.hits) for weapon, counters in read.weapons.items()] == [(2, 1), (27, 6)]


def test_windows_line_ends_and_nul_characters_change_nothing():
    assert parse_stats(GOOD.replace(b"\n", b"\r\n")) == parse_stats(GOOD)
    assert parse_stats(GOOD.replace(b"someone", b"some\0one")) == parse_stats(GOOD)


def test_names_are_utf8_or_else_latin1():
    for encoding in ("utf-8", "latin-1"):
        line = player(GUIDS[0], name="Jürgen\x85\x0b")
        (read,) = parse_stats(f"{header()}\n{line}\n".encode(encoding)).players
        assert read.name == "Jürgen\x85\x0b"


def test_header_alone_is_a_round_with_nobody():
    assert parse_stats(content(header(2))).players == ()


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        (33, {"denied_seconds", "useless_kills", "full_self_kills", "repairs", "revives"}),
        (36, {"repairs", "revives"}),
        (37, {"revives"}),
        (38, set()),
    ],
)
def test_the_layout_is_chosen_by_the_count_of_fields(count, missing):
    """In the 33 layout the multi-kills stand where others have the denied time."""
    line = "\t".join(player(GUIDS[0], f28=28, f29=29, f32=32, f33=33, f36=36).split("\t")[: count + 1])
    (read,) = parse_stats(content(header(), line)).players
    assert set(KINDS) - UNREAD - set(read.counts) - set(read.ratios) == missing
    if count == 33:
        assert (read.counts["double_kills"], read.counts["hexa_kills"]) == (28, 32)
    else:
        assert (read.counts["denied_seconds"], read.counts["double_kills"]) == (28, 29)
        assert read.counts["hexa_kills"] == 33


def test_an_unknown_layout_is_refused_with_the_known_ones():
    told = refusal(content(header(), player(GUIDS[0]) + "\t0"))
    assert told.startswith("line 2: an unknown layout of 39 fields")
    assert "33, 36, 37, 38" in told


def test_a_line_that_lost_a_field_does_not_pass_for_an_older_layout():
    lost = player(GUIDS[1]).rpartition("\t")[0]
    assert refusal(content(header(), player(GUIDS[0]), lost)).startswith("line 3: 37 fields, unlike")
    assert refusal(content(header(), player(GUIDS[0]), spaced(GUIDS[1]))).startswith("line 3: 10 fields")


def test_the_space_separated_layout_of_game_stats_is_read():
    read = parse_stats(content(header(limit="20.00", next_limit="7.45"), spaced(GUIDS[0]), spaced(GUIDS[1])))
    assert (read.header.limit, read.header.next_limit) == (1200, 447)
    assert read.players[0].weapons == {4: WeaponLine(hits=30, shots=100, kills=5, deaths=5, head_hits=6)}
    assert read.players[0].counts == {
        **dict.fromkeys(("damage_given", "damage_received"), 900),
        "team_damage_given": 10,
        "team_damage_received": 20,
        "gibs": 3,
        "self_kills": 1,
        "team_kills": 2,
        "team_gibs": 4,
        "xp": -7,
    }
    assert read.players[0].ratios == {"alive_percent": 80.0}


@pytest.mark.parametrize(("count", "name"), [(31, "c0rnsp0rn 1.0"), (5, "5 fields without tabs")])
def test_other_space_separated_variants_are_refused_by_name(count, name):
    head = player(GUIDS[0]).partition(" \t")[0]
    assert name in refusal(content(header(extra="\\1733415574"), f"{head} {' '.join(['1'] * count)}"))


@pytest.mark.parametrize("dead", ["nan", "-nan", "inf", "-nan(ind)", "123456789012345.5"])
def test_whatever_a_script_prints_for_a_number_nobody_reads_does_no_harm(dead):
    line = player(GUIDS[0], f20="99999999999", f21=dead, f23=dead, f24=dead, f25=dead, f26=dead)
    assert parse_stats(content(header(), line)) == parse_stats(content(header(), player(GUIDS[0])))


def test_names_may_hold_what_separates_fields():
    line = player(GUIDS[0], name="a\\b\tc\\1\\2")
    assert parse_stats(content(header(), line)).players[0].name == "a\\b\tc\\1\\2"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0:00", 0), ("71:05", 4265), ("10000:00", 600_000), ("20.00", 1200), ("3.55", 213), ("-10:30", 0)],
)
def test_time_limits_of_every_script_are_read(written, seconds):
    assert parse_stats(content(header(next_limit=written))).header.next_limit == seconds


@pytest.mark.parametrize(
    ("written", "shots"),
    [("2147483657", 9), ("-2147483639", 9), ("-3", -3), ("4294967293", -3), ("2147483647", 2**31 - 1)],
)
def test_a_sign_bit_that_a_counter_cannot_have_is_taken_off(written, shots):
    """Seen in a real gather: the shots of a landmine."""
    line = player(GUIDS[0]).replace("\\16 30 100", f"\\16 30 {written}")
    assert parse_stats(content(header(), line)).players[0].weapons[4].shots == shots


@pytest.mark.parametrize("guid", ["NO_GUID", "UNKNOWN", "OMNIBOT0", "01234567"])
def test_clients_without_a_guid_are_read_too(guid):
    assert parse_stats(content(header(), player(guid))).players[0].guid == guid


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\n",
        b"\0\n",
        GOOD[:-1],
        GOOD[:-40],
        GOOD + b"\n",
        GOOD + b"rubbish\n",
        GOOD * 2,
        GOOD.replace(b"\\legacy3", b""),
        GOOD.replace(b"supply", b""),
        GOOD.replace(b"\\1\\1\\2\\10:00", b"\\3\\1\\2\\10:00"),
        GOOD.replace(b"10:00", b"10:60"),
        GOOD.replace(b"10:00", "\u0661\u0660:00".encode()),
        GOOD.replace(b"AAAAAAA1", b"aaaaaaa1"),
        GOOD.replace(b"AAAAAAA1", b"AAAA"),
        GOOD.replace(b"AAAAAAA1", b"AAAAAAA2"),
        GOOD.replace(b"\\0\\1\\16", b"\\0\\4\\16"),
        GOOD.replace(b"\\0\\1\\16", b"\\-1\\1\\16"),
        GOOD.replace(b"\\16 30", b"\\24 30"),
        GOOD.replace(b"\\16 30", b"\\-16 30"),
        GOOD.replace(b"\\16 30 100 5 5 6", b"\\"),
        GOOD.replace(b"\\16 30", b"\\16 3_0"),
        GOOD.replace(b"\t900", b"\t9999999999"),
        GOOD.replace(b"\t900", b"\t" + b"9" * 5000),
        GOOD.replace(b"\t900", b"\t900.5"),
        GOOD.replace(b"80.0", b"nan"),
        GOOD.replace(b"80.0", b"1e308"),
        GOOD[:-1] + b"x" * LARGEST_FILE + b"\n",
    ],
)
def test_one_thing_wrong_refuses_the_whole_file(broken):
    assert refusal(broken)


def test_refusal_names_the_line_and_is_safe_to_show():
    bad = GOOD.replace(b"BBBBBBB1\\^3someone\\0", b"BBBBBBB1\\^3@everyone\\zero")
    assert refusal(bad).startswith("line 4: rounds counter")
    assert "@everyone" not in refusal(bad)
    assert issubclass(RoundFileError, InputRefused)


@given(st.binary(max_size=3000))
def test_arbitrary_bytes_are_read_or_refused(data):
    _read_or_refuse(data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_real_files_are_read_or_refused(real_files, data):
    content = bytearray(data.draw(st.sampled_from(list(real_files.values()))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(at, min(len(content), at + 30)))
        content[at:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"\t", b"\\", b"\n", b"-1", b" "])
        )
    _read_or_refuse(bytes(content))


@given(st.integers(0, len(GOOD) - 1))
def test_file_cut_anywhere_is_never_read_beyond_its_whole_lines(length):
    cut = GOOD[:length]
    if cut.endswith(b"\n"):
        assert len(parse_stats(cut).players) == cut.count(b"\n") - 1
    else:
        assert refusal(cut)


def test_every_real_file_is_read(real_files):
    for name, data in real_files.items():
        read = parse_stats(data)
        assert len(read.players) == data.count(b"\n") - 1
        assert f"-{read.header.map}-round-{read.header.round}.txt" in name


def _read_or_refuse(data: bytes) -> None:
    try:
        read = parse_stats(data)
    except RoundFileError:
        return
    assert len(read.players) <= data.count(b"\n")
    assert all(-(2**31) <= count < 2**31 for line in read.players for count in line.counts.values())
