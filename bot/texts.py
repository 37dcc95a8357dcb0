"""What people read, as values: a text in English that an edge can say in any other language.

A `Text` is its English wording, so that logs, limits and comparisons take it as any string. It also keeps
the pattern and the values it was made of; by these `bot.discord.speech` says it in the language of whoever
reads it. Cutting or joining a text as a string leaves plain English: `join` and `Text.mapped` keep it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

Value = str | int | datetime
"""What a text may hold: another text, text from outside, a number to be grouped, an instant to be written out."""

_T = TypeVar("_T")


class Text(str):
    """A sentence in English that can be said in other languages; made by `text`, `texts`, `number` and `join`.

    `source` is the pattern, with a name in braces for each value. `plural` is the pattern for more than one,
    chosen by the value `count`; empty where there is no number to agree with.
    """

    __slots__ = ("plural", "source", "values")
    source: str
    plural: str
    values: Mapping[str, Value]

    def __new__(cls, source: str, plural: str, values: Mapping[str, Value]) -> Self:
        """Put the values into the English pattern."""
        one = not plural or values["count"] == 1
        self = super().__new__(cls, filled(source if one else plural, values, _in_english))
        self.source, self.plural, self.values = source, plural, values
        return self

    def __reduce__(self) -> tuple[type[Text], tuple[str, str, Mapping[str, Value]]]:
        """Copy and pickle what it was made of."""
        return Text, (self.source, self.plural, self.values)

    def mapped(self, change: Callable[[str], str]) -> Text:
        """Give the same text with each string from outside changed, also in the texts it holds."""
        values = {
            name: value.mapped(change)
            if isinstance(value, Text)
            else (change(value) if isinstance(value, str) else value)
            for name, value in self.values.items()
        }
        return Text(self.source, self.plural, values)


def text(source: str, /, **values: Value) -> Text:
    """Give a text; `source` must stand here as a literal, because translators get it from the code."""
    return Text(source, "", values)


def texts(singular: str, plural: str, count: int, /, **values: Value) -> Text:
    """Give a text that agrees with a number, which the pattern names `{count}`."""
    return Text(singular, plural, {**values, "count": count})


def number(count: int) -> Text:
    """Give a number alone, grouped as its readers group numbers."""
    return Text("{number}", "", {"number": count})


def join(separator: str, parts: Iterable[str]) -> str:
    """Join texts and strings from outside; the result is said part by part."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return Text(separator.join(f"{{{name}}}" for name in values), "", values)


def cut(words: str, limit: int) -> str:
    """Cut a string from outside, or those in a text, to `limit` characters."""
    return words.mapped(lambda value: value[:limit]) if isinstance(words, Text) else words[:limit]


def filled(pattern: str, values: Mapping[str, Value], write: Callable[[Value], str]) -> str:
    """Put the values into a pattern, each written by `write`."""
    return pattern.format(**{name: write(value) for name, value in values.items()})


def each_text(thing: _T, change: Callable[[Text], Any]) -> _T:
    """Give the same value with every text in it changed: in the fields of dataclasses and in tuples."""
    changed: Any = thing
    if isinstance(thing, Text):
        changed = change(thing)
    elif isinstance(thing, tuple):
        changed = tuple(each_text(one, change) for one in thing)
    elif is_dataclass(thing) and not isinstance(thing, type):
        news = {field.name: each_text(getattr(thing, field.name), change) for field in fields(thing)}
        changed = replace(thing, **news)
    return changed  # type: ignore[no-any-return]


def packed(data: Any) -> Any:
    """Give JSON-like data with every text and instant in it as plain JSON; `unpacked` reads it back."""
    if isinstance(data, Text):
        return {"text": data.source, "plural": data.plural, "values": packed(data.values)}
    if isinstance(data, datetime):
        return {"at": data.isoformat()}
    if isinstance(data, Mapping):
        return {name: packed(value) for name, value in data.items()}
    return [packed(one) for one in data] if isinstance(data, list | tuple) else data


def unpacked(data: Any) -> Any:
    """Read what `packed` gave."""
    if isinstance(data, list):
        return [unpacked(one) for one in data]
    if not isinstance(data, Mapping):
        return data
    if data.keys() == {"text", "plural", "values"}:
        return Text(data["text"], data["plural"], unpacked(data["values"]))
    if data.keys() == {"at"}:
        return datetime.fromisoformat(data["at"])
    return {name: unpacked(value) for name, value in data.items()}


def _in_english(value: Value) -> str:
    """Write a value for logs and tests; people get it from the edge, in their zone."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{value:,}" if isinstance(value, int) else str(value)
