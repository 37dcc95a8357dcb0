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


def efficiency(kills: int, deaths: int) -> float | None:
    """Give kills / (kills + deaths), 0 to 1; None with neither. Self kills are in neither.

    Source: the engine's own formula, specs/etlegacy.md 4.4.
    """
    return kills / (kills + deaths) if kills + deaths > 0 else None


def head_hit_share(head_hits: int, gun_hits: int) -> float | None:
    """Give head hits / hits of the guns (weapons 2-7 and 22-26), 0 to 1; None when nothing was hit.

    Source: the engine's own formula, specs/etlegacy.md 4.4. Hits, not kills: row 13 of its section 3.
    """
    return head_hits / gun_hits if gun_hits > 0 else None


def headshot_kill_share(headshot_kills: int, kills: int) -> float | None:
    """Give kills by a head hit / kills, 0 to 1; None without a kill.

    Source: specs/etlegacy.md 3, row 13.
    """
    return headshot_kills / kills if kills > 0 else None


def total(*counts: int) -> float:
    """Give the sum of some counts."""
    return sum(counts)


def per_ten_minutes(*counts_and_team_seconds: int) -> float | None:
    """Give the sum of some counts x 600 / seconds on a team, which come last; None without time.

    Source: specs/etlegacy.md 4.4: totals alone reward attendance only.
    """
    *counts, team_seconds = counts_and_team_seconds
    return sum(counts) * 600 / team_seconds if team_seconds > 0 else None


def rating(mean: float, deviation: float) -> float:
    """Give the skill that a player has almost surely: mean - 3 deviations.

    Source: specs/etlegacy.md 6.
    """
    return mean - 3 * deviation
