"""What sources tell is taken in as it should be, or as nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.posts.reading import (
    address_of,
    count_of,
    handle_of,
    id_of,
    is_whole,
    posted_at,
    words_of,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        *((0, 0), ("0", 0), ("12", 12), (5_000_000_000, 5_000_000_000), (-1, None), ("", None), (None, None)),
        *((True, None), ("1e3", None), (1.5, None), ("٣", None), ("9" * 30, None), ([1], None)),
    ],
)
def test_a_count_is_a_count_or_unknown_and_never_0_instead(value: object, count: int | None) -> None:
    assert count_of(value) == count


@pytest.mark.parametrize(
    ("value", "number"),
    [("7710770994996150278", 7710770994996150278), (7, 7), ("0", None), (str(2**63), None), ("x", None)],
)
def test_an_id_fits_into_the_database(value: object, number: int | None) -> None:
    assert id_of(value) == number


def test_words_keep_their_lines_and_lose_what_controls() -> None:
    assert words_of("a\x00\x1b[31m\r\nb\x85\ud800🙂") == "a[31m\nb?🙂"
    assert words_of("x" * 200) == "x" * 100
    assert words_of(7) == ""


@pytest.mark.parametrize(
    "value", ["", None, "ftp://a/b", "https:///x", "https://a b/", "javascript:alert(1)"]
)
def test_what_is_no_address_of_a_picture_is_none(value: object) -> None:
    assert address_of(value) == ""
    assert address_of("https://a.example/x.png?y=1") == "https://a.example/x.png?y=1"


def test_a_handle_is_one_or_nothing() -> None:
    assert (handle_of("Ana.New_1"), handle_of("a/b"), handle_of("ä"), handle_of(None)) == (
        "ana.new_1",
        "",
        "",
        "",
    )


def test_the_time_of_a_post_comes_from_its_id_where_it_is_not_told() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    post_id = int(at.timestamp()) << 32 | 5
    assert posted_at(post_id, None) == posted_at(post_id, "soon") == posted_at(7, int(at.timestamp())) == at
    assert posted_at(7, 0) is None


@given(anything)
def test_nothing_that_comes_breaks_a_reader(value: object) -> None:
    assert count_of(value) is None or count_of(value) >= 0
    assert id_of(value) is None or 0 < id_of(value) < 2**63
    words_of(value).encode()
    assert not any(sign in address_of(value) for sign in " \n\x00")
    posted_at(id_of(value) or 1, value)
    handle_of(value)


@pytest.mark.parametrize(
    ("seen", "told", "whole"),
    [(0, 0, True), (5, None, True), (7, 10, True), (6, 10, False), (270, 300, True)],
)
def test_a_listing_is_whole_when_nearly_all_that_is_told_of_was_seen(
    seen: int, told: int | None, whole: bool
) -> None:
    assert is_whole(seen, told) is whole
