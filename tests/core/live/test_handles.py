"""What people paste as a handle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.handles import normalise_handle
from bot.errors import InputRefused


@pytest.mark.parametrize(
    "text",
    [
        "@Some.Name_1",
        " some.name_1 ",
        "https://www.tiktok.com/@some.name_1",
        "https://www.tiktok.com/@Some.Name_1/live?lang=en",
        "tiktok.com/@some.name_1",
    ],
)
def test_every_usual_form_is_the_same_handle(text: str) -> None:
    assert normalise_handle(text) == "some.name_1"


@pytest.mark.parametrize(
    "text", ["", "@", "a", "x" * 25, "na me", "../etc", "name.", "näme", "https://evil.example/@x"]
)
def test_what_is_no_handle_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputRefused, match="@name"):
        normalise_handle(text)


@given(st.text(max_size=60))
def test_nothing_but_a_safe_handle_ever_comes_out(text: str) -> None:
    try:
        handle = normalise_handle(text)
    except InputRefused:
        return
    assert handle.isascii()
    assert handle == handle.lower()
    assert not set(handle) & set("/@?#% ")
