"""Player and server names as people read them: without colour codes and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

BOT_NAME = "[BOT]"  # how the names of bots begin (specs/etlegacy.md 2.4)
NAME_LENGTH = 35  # the longest name the game allows (specs/etlegacy.md 1.3)

# A caret and any printable ASCII character but a caret is a colour (specs/etlegacy.md 1.5).
_COLOUR = re.compile(r"\^[ -\]_-~]")


def clean_name(raw: str) -> str:
    """Strip colours, control, direction and other invisible characters; cut to 35 characters.

    The result may be empty, and may hold Markdown or mentions: escape it where it is shown.
    """
    plain = _COLOUR.sub("", raw)
    visible = "".join(char for char in plain if not unicodedata.category(char).startswith("C"))
    return " ".join(visible.split())[:NAME_LENGTH].rstrip()


def people_named(raw: Iterable[str]) -> tuple[str, ...]:
    """Give the clean names of people among those of all clients of a server."""
    names = (clean_name(one) for one in raw)
    return tuple(name for name in names if name and not name.startswith(BOT_NAME))
