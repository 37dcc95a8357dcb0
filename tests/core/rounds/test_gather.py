from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.rounds.gather import parse_gather, parse_match
from bot.core.rounds.grammar import RoundFileError
from bot.core.rounds.pairing import PlayedRound, pair_rounds
from bot.core.rounds.resolve import Flag, resolve
from tests.core.rounds.samples import EVENING

GUID = "AAAAAAA1" + "0" * 24
ROW = ["16", "30", "100", "5", "5", "6", "900", "800", "10", "20", "3", "1", "2", "4", "80.5", "-7"]
INFO = {
    "servername": "gather",
    "config": "legacy6",
    "mapname": "supply",
    "round": 1,
    "defenderteam": 1,
    "winnerteam": "2",
    "timelimit": "15:00",
    "nextTimeLimit": "7:30",
    "matchID": "1733415574",
}


def document(rows=None, *, info=None, **changes) -> dict:
    player = {"guid": GUID[:8], "name": "^1a", "rounds": "0", "team": "1", "weaponStats": ROW}
    rows = {GUID: player | changes} if rows is None else rows
    return {"round_info": INFO | (info or {}), "player_stats": rows}


def parse(value) -> object:
    return parse_gather(json.dumps(value).encode())


def refusal(value) -> str:
    with pytest.raises(RoundFileError) as caught:
        parse(value)
    return str(caught.value)


@pytest.fixture(scope="module")
def match(reference_data) -> bytes:
    return (reference_data / "etlegacy" / "1733415574.json").read_bytes()


def test_a_round_is_read_with_its_long_guids_and_clock():
    read = parse(document(info={"round_start_unix": 1733428000, "round_end_unix": "1733428450"}))
    assert (read.match_id, read.long_guids) == ("1733415574", {"AAAAAAA1": GUID})
    assert read.ended_at == datetime.fromtimestamp(1733428450, UTC)
    assert (read.stats.header.played_seconds, read.stats.header.next_limit) == (450, 450)
    (line,) = read.stats.players
    assert (line.guid, line.name, line.side, line.weapons[4].head_hits) == ("AAAAAAA1", "^1a", 1, 6)
    assert (line.counts["damage_given"], line.counts["xp"], line.ratios) == (900, -7, {"alive_percent": 80.5})


def test_what_else_a_document_holds_is_left_alone():
    plain = parse(document())
    assert parse(document() | {"messages": [{"chat": "hello"}], "gamelog": [1, 2]}) == plain
    assert parse({"round_filename": "x", "round_data": document()}) == plain


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {},
        {"round_info": INFO},
        document(rows=[]),
        document(info={"mapname": ""}),
        document(info={"round": 3}),
        document(info={"round": True}),
        document(info={"timelimit": 15.0}),
        document(info={"matchID": "../x"}),
        document(guid="BBBBBBB1"),
        document(guid=""),
        document(team="4"),
        document(rounds=None),
        document(weaponStats="16"),
        document(weaponStats=ROW[:-1]),
        document(weaponStats=[*ROW, "0"]),
        document(weaponStats=[*ROW[:-1], None]),
        document(weaponStats=[]),
    ],
)
def test_one_thing_wrong_refuses_the_document(broken):
    assert refusal(broken)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[" * 100_000, b'{"a":1,"a":2}', b'{"a":NaN}', b"1" * 5000, b"\xff\xfe", b"null"],
)
def test_what_is_no_document_is_refused(raw):
    with pytest.raises(RoundFileError):
        parse_gather(raw)


def resolved(match):
    rounds = [
        PlayedRound(key=f"{at:02}", ended_at=one.ended_at, stats=one.stats)
        for at, one in enumerate(parse_match(match))
    ]
    pairings = pair_rounds(rounds)
    return [(resolve(one, pairings[one.key]), one) for one in rounds]


def test_the_real_match_is_eight_pairs_that_balance(match):
    rounds = resolved(match)
    assert [one.partner_key for one, _ in rounds] == [
        None if at % 2 == 0 else f"{at - 1:02}" for at in range(16)
    ]
    assert all(one.flags <= {Flag.ENDED_EARLY} for one, _ in rounds)
    assert not any(player.counter_reset for one, _ in rounds for player in one.players)


def test_real_numbers_agree_with_a_second_decoder(match):
    """By hand: mask, five numbers for each of its bits, then ten fields; round 2 less round 1."""
    before = {}
    rounds = json.loads(match)["match"]["rounds"]
    for entry, (one, played) in zip(rounds, resolved(match), strict=True):
        raw = {}
        for guid, row in entry["round_data"]["player_stats"].items():
            numbers = row["weaponStats"]
            fives = [list(map(int, numbers[at : at + 5])) for at in range(1, len(numbers) - 10, 5)]
            raw[guid[:8]] = {
                "kills": sum(five[2] for five in fives),
                "deaths": sum(five[3] for five in fives),
                "damage_given": int(numbers[-10]),
                "damage_received": int(numbers[-9]),
                "self_kills": int(numbers[-5]),
                "team_gibs": int(numbers[-3]),
            }
        first = before if played.stats.header.round == 2 else {}
        for player in one.players:
            for what, value in raw[player.guid].items():
                assert getattr(player, what) == value - first.get(player.guid, {}).get(what, 0)
            assert player.headshot_kills is None
            assert 0 < player.alive_seconds <= player.team_seconds == one.played_seconds
        before = raw


def test_a_match_without_times_keeps_the_order_of_its_list(match):
    raw = json.loads(match)
    for entry in raw["match"]["rounds"]:
        del entry["round_filename"]
    read = parse_match(json.dumps(raw).encode())
    assert [one.ended_at for one in read] == [None] * 16
    assert [one.stats.header.map for one in read][:3] == ["supply", "supply", "sw_goldrush_te"]


def test_a_player_is_known_by_the_same_eight_characters_in_all_files():
    played = PlayedRound(key="x", ended_at=EVENING, stats=parse(document()).stats)
    assert [player.guid for player in resolve(played, pair_rounds([played])["x"]).players] == ["AAAAAAA1"]


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists) | st.binary()
)
def test_any_document_is_read_or_refused(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    read_or_refuse(raw)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_documents_are_read_or_refused(data):
    raw = bytearray(json.dumps(document()).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b'"', b"{", b"1e999", b"[]", b"null"])
        )
    read_or_refuse(bytes(raw))


def read_or_refuse(raw: bytes) -> None:
    try:
        read = parse_gather(raw)
    except RoundFileError:
        return
    assert len(read.long_guids) <= len(read.stats.players)
