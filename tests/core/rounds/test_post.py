from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.announcements import Message
from bot.core.rounds.pairing import Pairing, pair_rounds
from bot.core.rounds.post import MARKS, TABLE_WIDTH, round_message
from bot.core.rounds.resolve import Flag, ResolvedRound, resolve
from tests.core.rounds.samples import header, played, player, roster


def a_round(*players: str, **more: object) -> ResolvedRound:
    one = played("one", 0, header(**more), *(players or roster()))
    return resolve(one, Pairing(round=1))


def said(message: Message) -> str:
    return "\n".join([message.title, message.body, *(field.value for field in message.fields)])


def tables(message: Message) -> dict[str, list[str]]:
    return {
        field.name: field.value.split("```")[1].strip("\n").splitlines()
        for field in message.fields
        if field.value.startswith("```")
    }


def width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def size(message: Message) -> int:
    texts = [message.title, message.body, message.footer]
    return sum(map(len, texts + [text for field in message.fields for text in (field.name, field.value)]))


def test_a_round_is_told_by_map_round_and_outcome():
    message = round_message(a_round(map_name="etl_adlernest", next_limit="7:30"), server="alpha")
    assert message.title.startswith("Adlernest · round 1 · Allies")
    assert "7:30 of 10:00" in said(message)
    assert "<t:" in said(message)
    assert "alpha" in message.footer
    assert "etl_adlernest" in message.footer


def test_a_held_round_says_who_held():
    message = round_message(a_round(winner=1, next_limit="10:00"), server="alpha")
    assert "Axis held" in message.title


def test_an_unknown_winner_is_not_guessed():
    message = round_message(a_round(winner=0), server="alpha")
    assert "winner unknown" in message.title


def test_the_tables_show_each_side_by_damage():
    message = round_message(
        a_round(
            player("AAAAAAA1", name="^1low", side=1, f0=100, f1=100),
            player("AAAAAAA2", name="^2high", side=1, f0=700, f1=0),
            player("BBBBBBB1", name="^3other", side=2, guns=(30, 100, 12, 9, 6), f0=400, f1=1100),
        ),
        server="alpha",
    )
    found = tables(message)
    axis, allies = found["Axis (defending)"], found["Allies (attacking)"]
    assert [line.split()[0] for line in axis] == ["Player", "high", "low"]
    assert allies[1].split() == ["other", "12", "9", "400", "30%"]


def test_a_spectator_who_played_stands_apart():
    message = round_message(a_round(*roster(), player("CCCCCCC1", side=3)), server="alpha")
    assert len(tables(message)["Spectators"]) == 2


@pytest.mark.parametrize("flag", Flag)
def test_every_mark_is_shown(flag):
    marked = replace(a_round(), flags=frozenset({flag}))
    assert MARKS[flag] in round_message(marked, server="alpha").body
    unmarked = replace(a_round(), flags=frozenset())
    assert round_message(unmarked, server="alpha").body == ""


def test_a_round_2_alone_is_marked_as_cumulative():
    alone = played("two", 0, header(2), *roster(rounds=1))
    message = round_message(resolve(alone, pair_rounds([alone])["two"]), server="alpha")
    assert "cumulative, no partner" in message.body.lower()


def test_a_round_without_players_has_no_table_and_no_chart():
    empty = played("one", 0, header())
    message = round_message(resolve(empty, Pairing(round=1)), server="alpha")
    assert message.chart is None
    assert tables(message) == {}


def test_the_chart_goes_with_the_message():
    message = round_message(a_round(), server="alpha")
    assert message.chart is not None
    assert Message.from_json(message.to_json()) == message


HOSTILE = "```@everyone [x](http://y)\u202e<@&1> **b**"


def test_a_hostile_name_stays_inside_its_row():
    named = replace(a_round().players[0], name=HOSTILE)
    message = round_message(replace(a_round(map_name="a*b_`c`@x"), players=(named,)), server="alpha")
    (field,) = [field for field in message.fields if "```" in field.value]
    assert field.value.count("```") == 2
    assert field.value.startswith("```\n")
    assert field.value.endswith("\n```")
    assert "`" not in message.title.replace("\\`", "")
    assert "@" not in message.title.replace("\\@", "")


names = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=35)
counts = st.integers(0, 2**31)


@given(name=names, kills=counts, damage=counts, hits=counts, shots=counts)
def test_a_row_is_as_wide_as_its_head_whatever_it_holds(name, kills, damage, hits, shots):
    one = a_round().players[0]
    row = replace(
        one, name=name, kills=kills, deaths=kills, damage_given=damage, gun_hits=hits, gun_shots=shots
    )
    message = round_message(replace(a_round(), players=(row,)), server="alpha")
    (field,) = [field for field in message.fields if "```" in field.value]
    lines = field.value.removeprefix("```\n").removesuffix("\n```").split("\n")
    assert {width(line) for line in lines} == {width(lines[0])}
    assert width(lines[0]) <= TABLE_WIDTH


@given(name=names, map_name=st.text(max_size=300), server=st.text(max_size=300))
def test_the_longest_message_fits_into_an_embed(name, map_name, server):
    one = a_round().players[0]
    crowd = tuple(
        replace(one, guid=f"{number:08X}", name=name, side=1 + number % 3, damage_given=2**31, kills=2**31)
        for number in range(192)
    )
    longest = replace(a_round(), map=map_name, players=crowd, flags=frozenset(Flag))
    message = round_message(longest, server=server)
    assert len(message.title) <= 256
    assert all(len(field.value) <= 1024 for field in message.fields)
    assert size(message) <= 6000
    assert "and 52 more" in said(message)


def test_real_rounds_are_told(real_rounds):
    pairings = pair_rounds(real_rounds.values())
    messages = {
        key: round_message(resolve(one, pairings[key]), server="alpha") for key, one in real_rounds.items()
    }
    assert len({message.title for message in messages.values()}) > 20
    aborted = messages["2025-10-26-200001-etl_sp_delivery-round-2.txt"]
    assert "aborted" in aborted.title
    for key, message in messages.items():
        rows = sum(len(lines) - 1 for lines in tables(message).values())
        assert rows == len(resolve(real_rounds[key], pairings[key]).players)
        assert size(message) < 2500
