"""The formulas of the numbers people compare; sums first, the division last (specs/etlegacy.md 4.4)."""

from __future__ import annotations

import math


def dpm(damage: int, team_seconds: int) -> float | None:
    """Give the damage per minute: damage x 60 / seconds on a team; None without time.

    Source: specs/etlegacy.md 4.4. The field of the file is always 0.0 (1.4, field 21).
    """
    return damage * 60 / team_seconds if team_seconds > 0 else None


def accuracy(gun_hits: int, gun_shots: int) -> float | None:
    """Give hits / shots of the guns (weapons 2-7 and 22-26), 0 to 1; None when nothing was fired.

    Source: the engine's own formula, specs/etlegacy.md 4.4.
    """
    return gun_hits / gun_shots if gun_shots > 0 else None


def kd(kills: int, deaths: int) -> float:
    """Give kills / deaths; infinite with kills and no death, 0 with neither.

    Source: specs/etlegacy.md 4.4; the file's own field says kills + 1 when there was no death.
    """
    if deaths > 0:
        return kills / deaths
    return math.inf if kills > 0 else 0.0
