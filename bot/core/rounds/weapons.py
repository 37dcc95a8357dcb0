"""The weapons by the names players know; four constants of the server script mislead (specs/etlegacy.md 1.3)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.rounds.fields import GUNS

WEAPONS: Mapping[int, str] = {
    0: "Knife (Axis)",
    1: "Ka-Bar",
    2: "Luger",
    3: "Colt",
    4: "MP 40",
    5: "Thompson",
    6: "Sten",
    7: "FG 42",
    8: "Panzerfaust",
    9: "Bazooka",
    10: "Flamethrower",
    11: "Grenade",
    12: "Mortar",
    13: "Granatwerfer",
    14: "Dynamite",
    15: "Airstrike",
    16: "Artillery",
    17: "Satchel",
    18: "Rifle grenade",
    19: "Landmine",
    20: "MG 42",
    21: "Browning",
    22: "Garand",
    23: "K43 rifle",
    24: "Scoped Garand",
    25: "Scoped K43",
    26: "MP 34",
    27: "Syringe",
}
# The engine takes knife shots back and books causes without a weapon on slot 0.
KNIVES = frozenset({0, 1})
AIMED = GUNS | {20, 21}
"""Whose hits are at most their shots. One shell hits many, and its accuracy means nothing."""
