"""Those who play on the game server: always the same people, each with a class, a skill and a habit of coming."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

AXIS, ALLIES = 1, 2


class Role(StrEnum):
    """The class somebody likes to play, which decides what they carry."""

    MEDIC = "medic"
    ENGINEER = "engineer"
    RIFLE = "rifle engineer"
    FIELD_OPS = "field ops"
    HEAVY = "soldier"
    SNIPER = "covert ops"


@dataclass(frozen=True, kw_only=True, slots=True)
class Player:
    """`skill` is 1 for the usual player; `comes` how likely one is to come to an evening; names have their colours."""

    name: str
    other_name: str
    role: Role
    skill: float
    comes: float

    @property
    def long_guid(self) -> str:
        """What the engine knows somebody by, 32 characters."""
        return hashlib.md5(self.name.encode(), usedforsecurity=False).hexdigest().upper()

    @property
    def guid(self) -> str:
        """What the files of rounds have of it."""
        return self.long_guid[:8]


#: By class: what is fired, by side (Axis, Allies), with its share of the fights; numbers as in the files.
ARMS: dict[Role, tuple[tuple[int, int, float], ...]] = {
    Role.MEDIC: ((4, 5, 0.86), (2, 3, 0.08), (11, 11, 0.05), (0, 1, 0.01)),
    Role.ENGINEER: ((4, 5, 0.74), (11, 11, 0.14), (19, 19, 0.05), (14, 14, 0.04), (2, 3, 0.03)),
    Role.RIFLE: ((23, 22, 0.55), (18, 18, 0.3), (2, 3, 0.1), (14, 14, 0.05)),
    Role.FIELD_OPS: ((4, 5, 0.62), (15, 15, 0.2), (16, 16, 0.1), (11, 11, 0.08)),
    Role.HEAVY: ((8, 9, 0.35), (20, 21, 0.3), (13, 12, 0.1), (10, 10, 0.05), (4, 5, 0.2)),
    Role.SNIPER: ((25, 24, 0.4), (7, 7, 0.2), (6, 6, 0.2), (26, 26, 0.1), (17, 17, 0.1)),
}

PLAYERS = tuple(
    Player(name=name, other_name=other, role=role, skill=skill, comes=comes)
    for name, other, role, skill, comes in (
        ("^1Ember", "^1Ember^7|afk", Role.MEDIC, 1.35, 0.97),
        ("^2mo^3ss", "^2mo^3ss", Role.ENGINEER, 0.9, 0.95),
        ("^3Brass^7*", "^3Brass^7*", Role.FIELD_OPS, 1.1, 0.93),
        ("^4tide_", "^4tide_", Role.MEDIC, 1.0, 0.92),
        ("^5Frost^/y", "^5Frost", Role.RIFLE, 1.2, 0.9),
        ("^6Plum", "^6Plum ^7(late)", Role.ENGINEER, 0.75, 0.9),
        ("^7ch^0a^7lk", "^7ch^0a^7lk", Role.HEAVY, 1.05, 0.85),
        ("^8Rust", "^8Rust", Role.MEDIC, 0.8, 0.82),
        ("^dKopi ^7Tubruk", "^dKopi ^7Susu", Role.MEDIC, 1.25, 0.75),
        ("^aW^bayang", "^aW^bayang", Role.SNIPER, 0.95, 0.7),
        ("^oquiet.", "^oquiet.", Role.FIELD_OPS, 0.85, 0.6),
        ("^zBintang", "^zBintang", Role.RIFLE, 1.0, 0.5),
        ("^?nobody^7~", "^?nobody^7~", Role.ENGINEER, 0.65, 0.4),
        ("^mSambal", "^mSambal", Role.HEAVY, 0.9, 0.35),
        ("^9Otto", "^9Otto", Role.MEDIC, 1.45, 0.3),
        ("^cpelican", "^cpelican", Role.SNIPER, 0.7, 0.25),
    )
)
