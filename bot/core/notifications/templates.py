"""An admin's own words above a message: what may stand in braces, what it becomes, and how long it can get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from string import Formatter

from bot.core.live.posts import duration
from bot.core.markup import clip, escape, stamp
from bot.core.notifications.kinds import Kind
from bot.errors import InputRefused
from bot.texts import Text, Value, join, text

EXAMPLE_LASTS = timedelta(hours=2, minutes=5)
LEAD_LIMIT = 1900
"""Discord takes 2000 characters; the rest is for the mention."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placeholder:
    """What stands in braces: what it is, an example, and how many characters it has at most once escaped.

    The example of an instant is empty: `example_of` gives one that fits the hour.
    """

    words: str
    example: Value
    longest: int


_STREAMER = {
    "streamer": Placeholder(words=text("the name of the person"), example="Ana", longest=180),
    "handle": Placeholder(words=text("the handle, with its @"), example="@ana", longest=50),
    "url": Placeholder(words=text("the link"), example="https://www.tiktok.com/@ana/live", longest=100),
}
_GAME = {
    "map": Placeholder(words=text("the map"), example="supply", longest=120),
    "winner": Placeholder(words=text("who won"), example="Allies", longest=120),
    "server": Placeholder(words=text("the game server"), example="main", longest=120),
}
_TITLE = {
    "title": Placeholder(words=text("the title of the message"), example="Supply, round 2", longest=512)
}

PLACEHOLDERS: Mapping[Kind, Mapping[str, Placeholder]] = {
    Kind.LIVE: _STREAMER
    | {
        "title": Placeholder(words=text("the title of the live"), example="Good evening!", longest=600),
        "viewers": Placeholder(words=text("how many watch"), example=1234, longest=20),
        "peak": Placeholder(words=text("the most viewers seen"), example=2345, longest=20),
        "started": Placeholder(words=text("when it began"), example="", longest=20),
        "duration": Placeholder(
            words=text("how long it lasted or lasts"), example=duration(EXAMPLE_LASTS), longest=30
        ),
    },
    Kind.RECAP: _STREAMER
    | _TITLE
    | {
        "peak": Placeholder(words=text("the most viewers seen"), example=2345, longest=20),
        "duration": Placeholder(
            words=text("how long it lasted or lasts"), example=duration(EXAMPLE_LASTS), longest=30
        ),
    },
    Kind.ROUND: _GAME | _TITLE,
    Kind.EVENING: {"server": _GAME["server"]} | _TITLE,
    Kind.MILESTONE: {"server": _GAME["server"]} | _TITLE,
    Kind.REPORT: _TITLE,
    Kind.NOTICE: _TITLE,
}


def checked_template(written: str, kind: Kind) -> str:
    """Give a template that can be said in every case. Raises `InputRefused`, which names what is wrong."""
    template = written.strip()
    known = PLACEHOLDERS[kind]
    names = _names(template)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputRefused(
            text(
                "I do not know {unknown}. There is {known}.",
                unknown=join(", ", [f"`{{{clip(escape(name), 40)}}}`" for name in dict.fromkeys(unknown)]),
                known=join(", ", [f"`{{{name}}}`" for name in known]),
            )
        )
    longest = len(template) + sum(known[name].longest for name in names)
    if longest > LEAD_LIMIT:
        raise InputRefused(
            text(
                "That can become {longest} characters long with long names and titles; {limit} are possible.",
                longest=longest,
                limit=LEAD_LIMIT,
            )
        )
    return template


def filled_template(template: str, facts: Mapping[str, Value], kind: Kind) -> str:
    """Put facts into a checked template; what is not known is a dash. Strings from outside must be escaped."""
    parts: list[str] = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(literal)
        if name is not None:
            longest = PLACEHOLDERS[kind][name].longest if name in PLACEHOLDERS[kind] else 0
            parts.append(_said(facts.get(name, "-"), longest))
    return join("", [part for part in parts if part])


def example_of(template: str, kind: Kind, now: datetime) -> str:
    """Fill a checked template with examples, for a preview: the live began as long ago as it is said to last."""
    facts = {name: one.example for name, one in PLACEHOLDERS[kind].items()}
    return filled_template(template, {**facts, "started": stamp(now - EXAMPLE_LASTS)}, kind)


def _said(value: Value, longest: int) -> str:
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return clip(value, longest)
    return Text("{value}", "", {"value": value})


def _names(template: str) -> list[str]:
    """Give the names in braces, in their order. Raises `InputRefused` for braces that make no sense."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise InputRefused(
            text(
                "Braces stand around a name, such as {example}; a single one is written twice.",
                example="`{title}`",
            )
        ) from error
    if any(spec or conversion for _, _, spec, conversion in parts):
        raise InputRefused(text("Between braces stands a name alone."))
    return [name for _, name, _, _ in parts if name is not None]
