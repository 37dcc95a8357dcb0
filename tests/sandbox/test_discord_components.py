"""What the Discord stand-in accepts of buttons, menus, layouts and modals."""

from __future__ import annotations

import pytest

from tools.sandbox.discord.components import check_components, check_modal, number_components
from tools.sandbox.discord.errors import ApiError

BUTTON = {"type": 2, "style": 1, "label": "More", "custom_id": "more"}
LINK = {"type": 2, "style": 5, "label": "Watch", "url": "https://example.com"}
OPTION = {"label": "Red", "value": "red"}
MENU = {"type": 3, "custom_id": "menu", "options": [OPTION]}
WORDS = {"type": 10, "content": "words"}
PICTURE = {"media": {"url": "https://example.com/a.png"}}


def row(*children):
    return {"type": 1, "components": list(children)}


def buttons(count):
    return [BUTTON | {"custom_id": str(number)} for number in range(count)]


def options(count):
    return [{"label": "x", "value": str(number)} for number in range(count)]


GOOD = [
    [row(BUTTON, LINK)],
    [row(*buttons(5)) for _ in range(5)],
    [row(MENU | {"options": options(25), "max_values": 25})],
    [row(MENU | {"min_values": 0})],
    [row({"type": 6, "custom_id": "role"})],
]
BAD = {
    "a sixth row": [row(BUTTON)] * 6,
    "a sixth button": [row(*buttons(6))],
    "an empty row": [row()],
    "a button outside a row": [BUTTON],
    "a menu beside a button": [row(MENU, BUTTON)],
    "a link with a custom id": [row(LINK | {"custom_id": "x"})],
    "a link without an address": [row({key: LINK[key] for key in LINK if key != "url"})],
    "a button without a custom id": [row({key: BUTTON[key] for key in BUTTON if key != "custom_id"})],
    "a button without a text": [row(BUTTON | {"label": ""})],
    "a label of 81 characters": [row(BUTTON | {"label": "x" * 81})],
    "a custom id of 101 characters": [row(BUTTON | {"custom_id": "x" * 101})],
    "an address of 513 characters": [row(LINK | {"url": "https://example.com/" + "x" * 493})],
    "a menu of 26": [row(MENU | {"options": options(26)})],
    "a menu of none": [row(MENU | {"options": []})],
    "two options of one value": [row(MENU | {"options": [OPTION, OPTION]})],
    "more to choose than 25": [row(MENU | {"max_values": 26})],
    "words outside a layout": [WORDS],
}
BAD_LAYOUTS = {
    "a 41st component": [WORDS] * 41,
    "4001 characters": [WORDS | {"content": "x" * 4001}],
    "an eleventh picture": [{"type": 12, "items": [PICTURE] * 11}],
    "a section of four": [{"type": 9, "components": [WORDS] * 4, "accessory": BUTTON}],
    "a menu outside a row": [MENU],
}


@pytest.mark.parametrize("components", GOOD, ids=str)
def test_what_may_be(components):
    check_components(components, in_v2=False)
    check_components(components, in_v2=True)


@pytest.mark.parametrize("components", BAD.values(), ids=BAD)
def test_what_may_not_be(components):
    with pytest.raises(ApiError) as refused:
        check_components(components, in_v2=False)
    assert refused.value.code == 50035


@pytest.mark.parametrize("components", BAD_LAYOUTS.values(), ids=BAD_LAYOUTS)
def test_what_may_not_be_in_a_layout(components):
    with pytest.raises(ApiError) as refused:
        check_components(components, in_v2=True)
    assert refused.value.code == 50035


def test_a_layout_is_more_than_rows():
    container = {"type": 17, "components": [WORDS, {"type": 14}, row(BUTTON)]}
    check_components([container, {"type": 12, "items": [PICTURE] * 10}, *[WORDS] * 30], in_v2=True)


FIELD = {"type": 4, "custom_id": "name", "label": "Name", "style": 1}
MODAL = {"title": "Name it", "custom_id": "modal", "components": [row(FIELD)]}
BAD_MODALS = {
    "a title of 46 characters": MODAL | {"title": "x" * 46},
    "no title": MODAL | {"title": ""},
    "a sixth field": MODAL | {"components": [row(FIELD)] * 6},
    "a label of 46 characters": MODAL | {"components": [row(FIELD | {"label": "x" * 46})]},
    "a hint of 101 characters": MODAL | {"components": [row(FIELD | {"placeholder": "x" * 101})]},
    "more text than 4000 characters": MODAL | {"components": [row(FIELD | {"max_length": 4001})]},
    "a text longer than the field": MODAL | {"components": [row(FIELD | {"max_length": 3, "value": "four"})]},
}


def test_a_modal_may_have_fields_in_rows_or_labels():
    labelled = {"type": 18, "label": "Whom", "component": {"type": 6, "custom_id": "role"}}
    check_modal(MODAL | {"components": [row(FIELD), labelled, {"type": 10, "content": "words"}]})


@pytest.mark.parametrize("modal", BAD_MODALS.values(), ids=BAD_MODALS)
def test_a_modal_that_is_not_opened(modal):
    with pytest.raises(ApiError) as refused:
        check_modal(modal)
    assert refused.value.code == 50035


async def test_a_message_with_wrong_components_is_refused_and_nothing_is_posted(server, rest):
    before = len(server.messages("lives"))
    body = {"content": "x", "components": BAD["a menu beside a button"]}
    assert await rest.refused("POST", "/channels/{lives}/messages", body) == (400, 50035)
    assert len(server.messages("lives")) == before


def test_an_emoji_of_everybodys_has_no_id():
    bell = BUTTON | {"emoji": {"id": None, "name": "bell"}}
    (kept,) = number_components([row(bell)])[0]["components"]
    assert kept["emoji"] == {"name": "bell"}
