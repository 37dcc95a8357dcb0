from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.looking import Answer
from bot.errors import SourceUnavailable
from bot.sources.etlegacy.server_query import (
    PREFIX,
    ServerPlayer,
    Team,
    UdpGameQuery,
    parse_status,
    query_status,
)
from tests.gameserver import running_gameserver

MARKS = {"0": Team.CONNECTING, "1": Team.AXIS, "2": Team.ALLIES, "3": Team.SPECTATOR}
name = st.text(st.characters(blacklist_characters="\n\r", codec="utf-8"), max_size=40)
client = st.tuples(st.integers(-99_999, 99_999), st.integers(-1, 999), name, st.sampled_from("0123"))


def answer(keys: dict[str, str], clients: list[str], challenge: str = "c1") -> bytes:
    info = "".join(f"\\{key}\\{value}" for key, value in {"challenge": challenge, **keys}.items())
    return PREFIX + b"statusResponse\n" + "\n".join([info, *clients, ""]).encode()


@given(st.lists(client, max_size=12), st.integers(0, 4))
def test_players_have_the_team_of_their_slot(clients, gap):
    marks = ("-" * gap).join(mark for *_, mark in clients) + "-"
    lines = [f'{score} {ping} "{nick}"' for score, ping, nick, _ in clients]
    status = parse_status(answer({"P": marks, "mapname": "supply", "timelimit": "12"}, lines), "c1")
    assert status.players == tuple(
        ServerPlayer(name=nick, score=score, ping_ms=ping, team=MARKS[mark])
        for score, ping, nick, mark in clients
    )
    assert status.playing == sum(mark in "12" for *_, mark in clients)
    assert (status.map_name, status.time_limit_minutes) == ("supply", 12.0)


@given(st.binary(max_size=300), st.sampled_from([b"", PREFIX, PREFIX + b"statusResponse\n\\challenge\\c1\\"]))
def test_no_packet_breaks_the_parser(rest, head):
    status = parse_status(head + rest, "c1")
    assert status is None or status.playing is None or status.playing >= 0


@given(st.text(st.characters(codec="utf-8", blacklist_characters="\\\n"), max_size=20))
def test_a_time_limit_is_a_number_or_unknown(limit):
    status = parse_status(answer({"timelimit": limit}, []), "c1")
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", limit):
        assert status.time_limit_minutes == float(limit)
    elif limit.isascii():
        assert status.time_limit_minutes is None


def test_an_answer_to_another_challenge_is_no_answer():
    packet = answer({"P": "12"}, [])
    assert parse_status(packet, "c1") is not None
    assert parse_status(packet, "c2") is None
    assert parse_status(packet.replace(b"statusResponse", b"infoResponse"), "c1") is None


def test_what_the_server_does_not_say_is_unknown():
    status = parse_status(answer({}, ['5 50 "One"', "nonsense"]), "c1")
    assert (status.map_name, status.time_limit_minutes, status.playing) == (None, None, None)
    assert [(player.name, player.team) for player in status.players] == [("One", None)]


def test_teams_are_unknown_while_somebody_comes_or_goes():
    status = parse_status(answer({"P": "12-"}, ['5 50 "One"']), "c1")
    assert [player.team for player in status.players] == [None]
    assert status.playing == 2


def test_a_name_that_is_not_utf8_is_still_read():
    packet = answer({"P": "1"}, []) + b'5 50 "\xe9t\xe9"\n'
    assert parse_status(packet, "c1").players[0].name == "été"


@pytest.fixture(scope="module")
def shared():
    with running_gameserver() as server:
        yield server


@pytest.fixture
def server(shared):
    shared.reset()
    shared.control(
        "POST",
        "players",
        {
            "mapname": "etl_adlernest",
            "timelimit": "7.35",
            "players": [{"name": "One", "team": "axis", "score": 12}, {"name": "Two", "team": "spectator"}],
        },
    )
    return shared


def ask(server, challenge="c0ffee", **more):
    facts = server.facts
    return query_status(facts["query_host"], facts["query_port"], challenge=challenge, **more)


async def test_the_server_is_asked_and_answers(server):
    status = await ask(server)
    assert (status.map_name, status.time_limit_minutes, status.playing) == ("etl_adlernest", 7.35, 1)
    assert [(player.name, player.score, player.team) for player in status.players] == [
        ("One", 12, Team.AXIS),
        ("Two", 0, Team.SPECTATOR),
    ]
    assert [entry["challenge"] for entry in server.seen(kind="udp", op="getstatus")] == ["c0ffee"]


async def test_who_is_there_and_what_is_played_is_told_in_one_answer(server):
    query = UdpGameQuery(host=server.facts["query_host"], port=server.facts["query_port"])
    assert await query.ask() == Answer(
        playing=1, map_name="etl_adlernest", time_limit=7.35, names=("One", "Two")
    )


async def test_a_lost_packet_is_asked_for_again(server):
    server.fault("silence", "getstatus")
    status = await ask(server, timeout_seconds=0.2)
    assert status.map_name == "etl_adlernest"
    assert len(server.seen(kind="udp")) == 2


@pytest.mark.parametrize("kind", ["silence", "stranger", "forged", "garbled"])
async def test_a_false_answer_counts_as_none(server, kind):
    server.fault(kind, "getstatus", times=2, body="\xff\xff\xff\xffstatusResponse\n\\P\\11\n")
    with pytest.raises(SourceUnavailable, match="did not answer 2"):
        await ask(server, timeout_seconds=0.1)
    assert len(server.seen(kind="udp")) == 2


async def test_a_port_where_nothing_listens(unused_udp_port):
    with pytest.raises(SourceUnavailable):
        await query_status("127.0.0.1", unused_udp_port, challenge="c1", timeout_seconds=0.05)


async def test_a_challenge_that_would_change_the_question_is_refused():
    with pytest.raises(ValueError, match="letters and digits"):
        await query_status("127.0.0.1", 1, challenge='x"; quit')
