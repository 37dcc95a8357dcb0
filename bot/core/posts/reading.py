"""What sources tell of profiles and posts, taken in: each value is as it should be, or empty."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

LARGEST = 2**63 - 1
CAPTION_LIMIT = 4400
NAME_LIMIT = 100
ADDRESS_LIMIT = 2000
_FIRST_POST = datetime(2014, 1, 1, tzinfo=UTC).timestamp()
_LAST_POST = 2.0**32
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


def count_of(value: object) -> int | None:
    """Read a count, in digits or as a number; one that is missing or impossible is None, never 0."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    written = str(value)
    return int(written) if re.fullmatch(r"[0-9]{1,18}", written) else None


def id_of(value: object) -> int | None:
    """Read an id, as `count_of`; None where it is none."""
    number = count_of(value) if len(str(value)) < 19 else _large(str(value))
    return number or None


def _large(written: str) -> int | None:
    return int(written) if re.fullmatch(r"[0-9]{19}", written) and int(written) <= LARGEST else None


def words_of(value: object, limit: int = NAME_LIMIT) -> str:
    """Read a text without what no database takes and no terminal should (control characters, lone surrogates)."""
    if not isinstance(value, str):
        return ""
    # Cut first, with room for what is taken out: letter by letter megabytes take seconds.
    whole = value[: 4 * limit].encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in whole if c == "\n" or unicodedata.category(c) != "Cc")[:limit]


def address_of(value: object) -> str:
    """Read the address of a picture; empty where it is none."""
    address = value if isinstance(value, str) and len(value) <= ADDRESS_LIMIT else ""
    return address if address.isprintable() and _ADDRESS.fullmatch(address) else ""


def handle_of(value: object) -> str:
    """Read a handle, in lower case; empty where it is none."""
    handle = value.lower() if isinstance(value, str) else ""
    return handle if re.fullmatch(r"[\w.]{1,24}", handle, re.ASCII) else ""


def posted_at(post_id: int, seconds: object) -> datetime | None:
    """Give when a post was made, by what is told (Unix seconds) or else by its id, which begins with that second."""
    for moment in (count_of(seconds), post_id >> 32):
        if moment is not None and _FIRST_POST <= moment < _LAST_POST:
            return datetime.fromtimestamp(moment, UTC)
    return None


def is_whole(seen: int, told: int | None) -> bool:
    """Say whether `seen` posts may be all of a profile that has `told`: a few are always shown to nobody."""
    return told is None or seen >= told - max(3, told // 10)
