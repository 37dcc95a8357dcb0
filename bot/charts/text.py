"""Texts a font can draw: names come from strangers, and a missing glyph is an ugly box."""

from __future__ import annotations

import unicodedata
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

# DejaVu Sans comes with matplotlib; the others are used where the machine has them. Colour emoji fonts
# cannot be scaled, so that only the monochrome one helps.
WANTED_FONTS = ("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Emoji")

_OF_A_PLACE = frozenset("0123456789. ")


class Fonts:
    """The fonts at hand, in the order of their use, and the characters they can draw."""

    def __init__(self) -> None:
        here = {font.name: font.fname for font in reversed(font_manager.fontManager.ttflist)}
        self.families = [name for name in WANTED_FONTS if name in here]
        self._glyphs = frozenset().union(*(_glyphs(here[name]) for name in self.families))

    def drawable(self, text: str, fallback: str = "") -> str:
        """Give `text` with plain letters for fancy ones (NFKC) and without what no font has.

        `fallback` is given instead where less than half of the characters could be drawn; a place in a table, which
        stands before a name, is no part of it.
        """
        wanted = [char for char in unicodedata.normalize("NFKC", text) if not _is_invisible(char)]
        kept = [char for char in wanted if ord(char) in self._glyphs]
        named, left = (sum(char not in _OF_A_PLACE for char in some) for some in (wanted, kept))
        enough = 2 * left >= named and any(not char.isspace() for char in kept)
        # What was left out leaves no hole.
        return " ".join("".join(kept).split()) if enough or not fallback else self.drawable(fallback)


@cache
def _glyphs(path: str) -> frozenset[int]:
    return frozenset(FT2Font(path).get_charmap())


def _is_invisible(char: str) -> bool:
    # Variation selectors say how the character before them is drawn.
    is_selector = "\ufe00" <= char <= "\ufe0f"
    return is_selector or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
