from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.names import clean_name, people_named


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("^1Red^7White", "RedWhite"),
        ("^/slash^?mark", "slashmark"),
        ("^^1a", "^a"),
        ("a^", "a^"),
        ("^ a", "a"),
        ("x\u202eevil\u200b\0\x1b", "xevil"),
        ("  many \t spaces ", "many spaces"),
        ("^1^2^3", ""),
        ("é^1ü", "éü"),
        ("w" * 50, "w" * 35),
    ],
)
def test_colours_and_invisible_characters_go(raw, clean):
    assert clean_name(raw) == clean


@given(st.text())
def test_any_name_is_one_short_line(raw):
    name = clean_name(raw)
    assert len(name) <= 35
    assert name == name.strip()
    assert name.isprintable()


def test_people_are_all_but_bots_and_the_nameless():
    assert people_named(["^1One", "[BOT]Fritz", "^7[BOT]^2Otto", "^1^2", "Two", "Two"]) == (
        "One",
        "Two",
        "Two",
    )
