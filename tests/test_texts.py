"""Texts are strings in English that remember what they were made of."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.markup import escape
from bot.texts import Text, cut, each_text, join, number, packed, text, texts, unpacked

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIVE = text("{name} is live", name="Ana")


def test_a_text_is_its_english_words():
    assert LIVE == "Ana is live"
    assert f"{LIVE}!" == "Ana is live!"
    assert text("{count} of {limit}", count=1234, limit=5) == "1,234 of 5"
    assert text("since {start}", start=NOON.astimezone(timezone(timedelta(hours=7)))) == (
        "since 2026-11-21 12:00 UTC"
    )
    assert number(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1000, "1,000 days")]
)
def test_a_text_agrees_with_its_number(count, words):
    assert texts("{count} day", "{count} days", count) == words


def test_texts_join_to_a_text_that_keeps_its_parts():
    joined = join(", ", [LIVE, "{plain} ", texts("{count} day", "{count} days", 2)])
    assert joined == "Ana is live, {plain} , 2 days"
    assert [value for value in joined.values.values() if isinstance(value, Text)] == ["Ana is live", "2 days"]
    assert join(", ", []) == ""


values = st.one_of(st.text(), st.integers(), st.datetimes(timezones=st.just(UTC)))
plain = st.builds(lambda one, two: text("{one} and {two}", one=one, two=two), values, values)
anything = st.recursive(
    plain, lambda inner: st.builds(lambda *parts: join("\n", parts), inner, st.text(), inner)
)


@given(words=anything)
def test_a_text_comes_back_whole_from_json_from_a_copy_and_from_another_process(words):
    ways = (
        unpacked(json.loads(json.dumps(packed({"said": [words]}))))["said"][0],
        copy.deepcopy(words),
        pickle.loads(pickle.dumps(words)),
    )
    for back in ways:
        assert (back, back.source, back.plural, dict(back.values)) == (
            words,
            words.source,
            "",
            dict(words.values),
        )
        assert type(back) is Text


def test_what_comes_from_outside_is_made_inert_and_our_own_markup_stays():
    words = text("*Bold* {name} {nested} {count}", name="*x*", nested=text("`{it}`", it="@y"), count=3)
    assert escape(words) == r"*Bold* \*x\* `\@y` 3"
    assert isinstance(escape(words), Text)


def test_only_what_comes_from_outside_is_cut():
    assert cut(text("the file {name}", name="x" * 50), 3) == "the file xxx"
    assert cut("plain" * 9, 5) == "plain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    title: str
    lines: tuple[str, ...] = ()
    inner: Card | None = None


def test_every_text_of_a_value_is_found():
    card = Card(title=LIVE, lines=("plain", LIVE), inner=Card(title=LIVE))
    loud = each_text(card, str.upper)
    assert loud == Card(title="ANA IS LIVE", lines=("plain", "ANA IS LIVE"), inner=Card(title="ANA IS LIVE"))
