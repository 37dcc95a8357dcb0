"""Monospaced tables in messages: every column ends where its head does, whatever a name holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from bot.texts import join

WIDTH = 36  # columns a phone shows in a code block without a break


def code_block(lines: Iterable[str], after: Iterable[str] = ()) -> str:
    """Give lines as a code block, and others below it."""
    return join("\n", ["```", *lines, "```", *after])


def short(count: int, width: int) -> str:
    """Write a count; one that no real round reaches is cut to nines, so that the columns stand."""
    return str(min(count, 10**width - 1))


def percent(share: float | None) -> str:
    """Write a share, 0 to 1, in at most four columns; a dash where it is unknown."""
    return "-" if share is None else f"{min(share, 1):.0%}"


def column(name: str, width: int) -> str:
    """Give a name that fills exactly `width` columns and cannot end the code block it stands in."""
    shown, used = "", 0
    for character in name.replace("`", "'")[:width]:
        columns = 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
        if used + columns > width:
            break
        shown += character
        used += columns
    return shown + " " * (width - used)
