"""Two players beside each other: the axes of a radar, scaled by where they stand among all.

Damage per minute and accuracy have no common scale. So an axis is the share of the other ranked players
whom one beats: 0 is the last, 1 the best, 0.5 the middle. One freak value does not squeeze all others
together, as a scale from the lowest to the highest value would.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.rounds.counters import PlayerRound
from bot.core.rounds.metrics import METRICS, Measured, Metric, Per, measure, related
from bot.core.rounds.ranking import asked_minimum, rankable, rounds_by_player

RADAR_METRICS = (
    METRICS["dpm"],
    METRICS["kd"],
    METRICS["accuracy"],
    METRICS["headshot_kill_share"],
    related(METRICS["revives"], Per.TEN_MINUTES),
    related(METRICS["useful_kills"], Per.TEN_MINUTES),
)

Two = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RadarAxis:
    """One metric of both players. `scaled` is 0 to 1 among the `ranked` players who reach its minimum.

    It is None for who does not reach it, or has nobody to be compared with; a value is None if unknown.
    """

    metric: Metric
    values: Two
    scaled: Two
    ranked: int


def radar(
    rows: Iterable[PlayerRound],
    players: tuple[str, str],
    metrics: Sequence[Metric] = RADAR_METRICS,
    *,
    min_rounds: int | None = None,
) -> tuple[RadarAxis, ...]:
    """Give the axes of two players, by GUID, out of the rounds of all."""
    by_guid = rounds_by_player(rows)
    return tuple(
        radar_axis(
            metric,
            {guid: measure(metric, own) for guid, own in by_guid.items()},
            players,
            min_rounds=min_rounds,
        )
        for metric in metrics
    )


def radar_axis(
    metric: Metric,
    measured: Mapping[str, Measured],
    players: tuple[str, str],
    *,
    min_rounds: int | None = None,
) -> RadarAxis:
    """Give one axis out of what is measured of all, by GUID, as `metrics.from_sums` gives it."""
    ranked = rankable(measured, asked_minimum(metric, min_rounds))
    ordered = sorted(ranked.values())
    one, other = (measured[guid].value if guid in measured else None for guid in players)
    scaled_one, scaled_other = (share_beaten(ranked.get(guid), ordered) for guid in players)
    return RadarAxis(
        metric=metric, values=(one, other), scaled=(scaled_one, scaled_other), ranked=len(ordered)
    )


def share_beaten(value: float | None, ordered: Sequence[float]) -> float | None:
    """Give the share of the others that `value`, one of `ordered` (ascending), beats; a tie counts half."""
    others = len(ordered) - 1
    if value is None or others < 1:
        return None
    lower = bisect_left(ordered, value)
    equal = bisect_right(ordered, value) - lower - 1
    return (lower + equal / 2) / others
