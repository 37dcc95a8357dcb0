"""The fields of a player line as data: name, kind and position (specs/etlegacy.md 1.3, 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What a field counts, and so how round 2 alone is had from it."""

    CUM = "cumulative"  # counted over both rounds in the file of round 2: subtract round 1
    RND = "round"  # this round only, in both files: take as it is
    RATIO = "ratio"  # made of cumulative values: never subtract or average, make it anew
    DEAD = "dead"  # wrong or never set by some script: never used


# The layout of 38 fields (c0rnp0rn7 and 8, from 2025-10-12 on), in the order of the file.
TAIL_FIELDS: tuple[tuple[str, Kind], ...] = (
    ("damage_given", Kind.CUM),
    ("damage_received", Kind.CUM),
    ("team_damage_given", Kind.CUM),
    ("team_damage_received", Kind.CUM),
    ("gibs", Kind.CUM),
    ("self_kills", Kind.CUM),
    ("team_kills", Kind.CUM),
    ("team_gibs", Kind.CUM),
    ("alive_percent", Kind.RATIO),
    ("xp", Kind.RND),
    ("longest_kill_spree", Kind.RND),
    ("longest_death_spree", Kind.RND),
    ("kill_assists", Kind.RND),
    ("kill_steals", Kind.RND),
    ("headshot_kills", Kind.RND),
    ("objectives_stolen", Kind.DEAD),
    ("objectives_returned", Kind.DEAD),
    ("dynamite_planted", Kind.RND),
    ("dynamite_defused", Kind.RND),
    ("times_revived", Kind.RND),
    ("bullets_fired", Kind.DEAD),  # the weapons' shots; up to 37 fields up to 95 times too high
    ("dpm", Kind.DEAD),
    ("team_minutes", Kind.CUM),
    ("tank", Kind.RATIO),
    ("dead_percent", Kind.DEAD),
    ("dead_minutes", Kind.DEAD),
    ("kd", Kind.RATIO),
    ("useful_kills", Kind.RND),
    ("denied_seconds", Kind.RND),
    ("double_kills", Kind.RND),
    ("triple_kills", Kind.RND),
    ("quad_kills", Kind.RND),
    ("penta_kills", Kind.RND),
    ("hexa_kills", Kind.RND),
    ("useless_kills", Kind.RND),
    ("full_self_kills", Kind.RND),
    ("repairs", Kind.RND),
    ("revives", Kind.RND),
)

_NAMES = tuple(name for name, _ in TAIL_FIELDS)
KINDS = dict(TAIL_FIELDS)

# What follows the weapons after a tab, by the number of fields.
LAYOUTS: Mapping[int, tuple[str, ...]] = {
    33: (*_NAMES[:28], *_NAMES[29:34]),  # 2024: no denied time, so the multi-kills come one earlier
    36: _NAMES[:36],  # early 2025; also kraszken's statsdump.lua
    37: _NAMES[:37],  # mid 2025
    38: _NAMES,
}
# What follows them after a space in game-stats 0.2 and in the JSON of the gathers.
SHORT_LAYOUT = _NAMES[:10]

# The fields written with a decimal point.
DECIMAL_FIELDS = frozenset(
    {"alive_percent", "dpm", "team_minutes", "tank", "dead_percent", "dead_minutes", "kd"}
)

# Fields that nothing is made of, so that whatever a script prints for them does no harm.
UNREAD = frozenset(name for name, kind in TAIL_FIELDS if kind is Kind.DEAD) | {"tank", "kd"}

# The guns: weapons that can score head hits, the only ones accuracy is made of (1.3, 4.4).
GUNS = frozenset({2, 3, 4, 5, 6, 7, 22, 23, 24, 25, 26})
KNIFE = 0  # its shots can go down, because the engine takes one back for a hit on a corpse (1.3)
SYRINGE = 27  # its hits are revives (1.3)

AXIS = 1
ALLIES = 2
SPECTATOR = 3
