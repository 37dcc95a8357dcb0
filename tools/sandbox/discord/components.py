"""Buttons, menus, layouts and modals: what Discord accepts of them, and the ids it gives them.

Limits are those of specs/discord.md, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.sandbox.discord.errors import ApiError, invalid, too_long

ROW, BUTTON, TEXT_INPUT, SECTION, TEXT, GALLERY, LABEL = 1, 2, 4, 9, 10, 12, 18
SELECTS: Final = (3, 5, 6, 7, 8)
_STRING_SELECT: Final = 3
_LINK, _PREMIUM = 5, 6
_LAYOUT: Final = (ROW, SECTION, TEXT, GALLERY, 13, 14, 17)
_MOST_IN_ALL: Final = 40
_MOST_CHARACTERS: Final = 4000
#: property: how long it may be, in any component
_LENGTHS: Final = {"custom_id": 100, "label": 80, "url": 512, "placeholder": 150}
_OPTION_LENGTHS: Final = {"label": 100, "value": 100, "description": 100}


def walk(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component, parents first, including accessories and what a label holds."""
    for component in components:
        yield component
        nested = [
            component[key] for key in ("accessory", "component") if isinstance(component.get(key), dict)
        ]
        yield from walk([*component.get("components", ()), *nested])


def number_components(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every component the `id` it lacks; custom ids must differ."""
    taken = {one["id"] for one in walk(components) if one.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)
    names: set[str] = set()
    for one in walk(components):
        one["id"] = one.get("id") or next(free)
        if one.get("emoji"):  # one of everybody's has no id, which discord.py sends as null
            one["emoji"] = {key: value for key, value in one["emoji"].items() if value is not None}
        custom_id = one.get("custom_id")
        if custom_id in names:
            raise invalid(
                "components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        names |= {custom_id} if custom_id else set()
    return components


def check_components(components: list[dict[str, Any]], *, in_v2: bool) -> None:
    """Raises ApiError 50035 for what a message may not have."""
    if in_v2:
        _check_layout(components)
    elif len(components) > 5:
        raise too_long("components", 5)
    for number, one in enumerate(components):
        if one["type"] not in (_LAYOUT if in_v2 else (ROW,)):
            raise _not_here(f"components.{number}.type")
    for one in walk(components):
        _check_one(one)


def _check_layout(components: list[dict[str, Any]]) -> None:
    every = list(walk(components))
    if len(every) > _MOST_IN_ALL:
        text = f"The total number of components must be {_MOST_IN_ALL} or fewer"
        raise invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
    if sum(len(one.get("content") or "") for one in every if one["type"] == TEXT) > _MOST_CHARACTERS:
        text = f"The total size of all text must be {_MOST_CHARACTERS} or fewer"
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)


def _check_one(one: Mapping[str, Any]) -> None:
    for key, most in _LENGTHS.items():
        if len(one.get(key) or "") > most:
            raise too_long(f"components.{key}", most)
    if one["type"] == ROW:
        _check_row(one.get("components") or [])
    elif one["type"] == BUTTON:
        _check_button(one)
    elif one["type"] in SELECTS:
        check_select(one)
    elif one["type"] == GALLERY and not 1 <= len(one.get("items") or []) <= 10:
        raise _length("components.items", 1, 10)
    elif one["type"] == SECTION and not 1 <= len(one.get("components") or []) <= 3:
        raise _length("components.components", 1, 3)


def _check_row(children: list[dict[str, Any]]) -> None:
    """Up to five buttons, or one menu."""
    kinds = [child["type"] for child in children]
    if not 1 <= len(kinds) <= 5:
        raise _length("components.components", 1, 5)
    if any(kind in SELECTS for kind in kinds):
        if len(kinds) > 1:
            raise invalid("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The layout is too wide")
    elif set(kinds) != {BUTTON}:
        raise _not_here("components.components")


def _check_button(one: Mapping[str, Any]) -> None:
    """A link has an address and no custom id, all others the other way round."""
    style = one["style"]
    needed = {_LINK: "url", _PREMIUM: "sku_id"}.get(style, "custom_id")
    if not one.get(needed):
        raise _required(f"components.{needed}")
    for other in {"url", "custom_id"} - {needed}:
        if one.get(other):
            text = "A custom id and url cannot both be specified"
            raise invalid("components", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", text)
    if style != _PREMIUM and not (one.get("label") or one.get("emoji")):
        text = "A label or emoji is required"
        raise invalid("components.label", "BUTTON_COMPONENT_EMOJI_OR_LABEL_REQUIRED", text)


def check_select(one: Mapping[str, Any]) -> None:
    if not one.get("custom_id"):
        raise _required("components.custom_id")
    least, most = one.get("min_values"), one.get("max_values")
    least, most = 1 if least is None else least, 1 if most is None else most
    if not 0 <= least <= 25 or not max(1, least) <= most <= 25:
        raise invalid("components.max_values", "NUMBER_TYPE_MAX", "min_values and max_values do not fit")
    if one["type"] == _STRING_SELECT:
        _check_options(one.get("options") or [])


def _check_options(options: list[dict[str, Any]]) -> None:
    if not 1 <= len(options) <= 25:
        raise _length("components.options", 1, 25)
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        text = "The specified option value is already used"
        raise invalid("components.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
    for option in options:
        for key, most in _OPTION_LENGTHS.items():
            if len(option.get(key) or "") > most:
                raise too_long(f"components.options.{key}", most)


def check_modal(modal: Mapping[str, Any]) -> None:
    """Raises ApiError 50035 for a modal that Discord would not open."""
    if not 1 <= len(modal.get("title") or "") <= 45:
        raise _length("data.title", 1, 45)
    if not 1 <= len(modal.get("custom_id") or "") <= 100:
        raise _length("data.custom_id", 1, 100)
    components = modal.get("components") or []
    if not 1 <= len(components) <= 5:
        raise _length("data.components", 1, 5)
    for one in components:
        if one["type"] not in (ROW, LABEL, TEXT):
            raise _not_here("data.components")
        if len(one.get("label") or "") > 45:
            raise too_long("data.components.label", 45)
    for one in walk(components):
        _check_field(one)


def _check_field(one: Mapping[str, Any]) -> None:
    if one["type"] in SELECTS:
        check_select(one)
    if one["type"] != TEXT_INPUT:
        return
    if len(one.get("label") or "") > 45:
        raise too_long("data.components.label", 45)
    if len(one.get("placeholder") or "") > 100:
        raise too_long("data.components.placeholder", 100)
    least, most = one.get("min_length") or 0, one.get("max_length") or 4000
    if not 0 <= least <= most <= 4000:
        raise invalid("data.components.max_length", "NUMBER_TYPE_MAX", "min_length and max_length do not fit")
    if len(one.get("value") or "") > most:
        raise too_long("data.components.value", most)


def _length(path: str, least: int, most: int) -> ApiError:
    return invalid(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")


def _required(path: str) -> ApiError:
    return invalid(path, "BASE_TYPE_REQUIRED", "This field is required")


def _not_here(path: str) -> ApiError:
    return invalid(path, "UNION_TYPE_CHOICES", "Value is not a component that can stand here")
