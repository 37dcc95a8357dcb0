"""Text from outside, made safe inside a Discord message; instants as Discord shows them."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from bot.texts import Text

_MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()<:@-])")
_EMOJI_JOINER = "\u200d"


def escape(text: str, limit: int = 200) -> str:
    """Make outside text inert: no markdown, mentions, links, line breaks, control or direction characters.

    The text is cut to `limit` characters before escaping, so the result is at most twice as long. Of a text
    of ours only what it holds from outside is made inert.
    """
    if isinstance(text, Text):
        return text.mapped(lambda value: escape(value, limit))
    kept = "".join(
        " " if character.isspace() else character for character in text if not _is_hidden(character)
    )
    return _MARKDOWN.sub(r"\\\1", clip(" ".join(kept.split()), limit))


def clip(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def stamp(instant: datetime, style: str = "R") -> str:
    """Write an instant so that each reader sees it in their own zone; `style` is Discord's letter."""
    return f"<t:{int(instant.timestamp())}:{style}>"


def _is_hidden(character: str) -> bool:
    """Tell whether a character could hide or reorder text; white space and emoji joiners stay."""
    if character.isspace() or character == _EMOJI_JOINER:
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}
