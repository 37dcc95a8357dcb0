"""TikTok handles: what people paste, made into what the platform knows."""

from __future__ import annotations

import re

from bot.errors import InputRefused
from bot.texts import text

_HANDLE = re.compile(r"[a-z0-9_.]{2,24}")
_LINK = re.compile(r"(?:https?://)?(?:www\.|m\.)?tiktok\.com/@([^/?#\s]+)(?:[/?#]\S*)?", re.IGNORECASE)


def normalise_handle(written: str) -> str:
    """Make a handle of ``@Name``, ``name`` or a link to a profile or a live: lower case, without ``@``.

    The pattern is that of specs/tiktok-live.md and design/dependencies.md 10. Raises `InputRefused`.
    """
    candidate = written.strip()
    link = _LINK.fullmatch(candidate)
    if link:
        candidate = link.group(1)
    candidate = candidate.removeprefix("@").lower()
    if not _HANDLE.fullmatch(candidate) or candidate.endswith("."):
        raise InputRefused(
            text(
                "That is not a TikTok handle. Give something like `@name`: 2 to 24 letters, digits, `_` or `.`, "
                "not ending in a dot."
            )
        )
    return candidate
