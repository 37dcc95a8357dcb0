"""Who asked to be forgotten, known by a keyed hash alone: who has the list learns no name and no id from it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

ALIAS_PREFIX = "X"
"""No GUID of a real player begins with it: those are hexadecimal."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Tells of a viewer's id, or of a player's GUID, whether they asked. `key` is the deployment's secret."""

    key: str = ""
    digests: frozenset[str] = field(default_factory=frozenset)

    def viewer(self, person_id: int) -> bool:
        """Tell whether somebody of an audience asked not to be recorded."""
        return bool(self.digests) and viewer_digest(self.key, person_id) in self.digests

    def player(self, guid: str) -> bool:
        """Tell whether a player asked to be forgotten."""
        return bool(self.digests) and player_digest(self.key, guid) in self.digests


def viewer_digest(key: str, person_id: int) -> str:
    """Give what is kept of a viewer who asked to be forgotten."""
    return _hash(key, f"viewer:{person_id}")


def player_digest(key: str, guid: str) -> str:
    """Give what is kept of a player who asked to be forgotten."""
    return _hash(key, f"player:{guid.upper()}")


def alias_of(key: str, guid: str) -> str:
    """Give the GUID under which the rounds of a forgotten player go on: always the same, and nobody's."""
    return ALIAS_PREFIX + _hash(key, f"alias:{guid.upper()}")[:7].upper()


def name_of(alias: str) -> str:
    """Give the name under which they stand in tables and awards."""
    return f"Anonymous {alias[-4:]}"


def _hash(key: str, what: str) -> str:
    return hmac.digest(key.encode(), what.encode(), "sha256").hex()
