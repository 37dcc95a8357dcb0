"""Milestones: round numbers that a player's totals reach, announced once ever.

What was reached is claimed for good, in the transaction that announces it. So a milestone stays said when
a round is voided and restored, when history is imported anew, and when the bot restarts (row 26 of section
3 in specs/etlegacy.md). Totals only, no ratios: these fall again, and reward playing less.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

_HOUR = 3600

# By what is summed over all counted rounds; `rounds` are these themselves, times are in seconds.
THRESHOLDS: Mapping[str, tuple[int, ...]] = {
    "rounds": (10, 50, 100, 250, 500, 1000, 2500, 5000),
    "team_seconds": tuple(hours * _HOUR for hours in (10, 50, 100, 250, 500, 1000)),
    "kills": (100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000),
    "headshot_kills": (100, 500, 1000, 2500, 5000, 10_000),
    "damage_given": (100_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000),
    "revives": (50, 100, 250, 500, 1000, 2500, 5000),
    "gibs": (50, 100, 250, 500, 1000, 2500, 5000),
}


@dataclass(frozen=True, order=True, slots=True)
class Milestone:
    """A total that was reached; both fields name it for ever."""

    counter: str
    threshold: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MilestoneDecision:
    """What to claim for a player, and which of it to announce."""

    claim: tuple[Milestone, ...] = ()
    announce: tuple[Milestone, ...] = ()


def decide(
    before: Mapping[str, int | None], after: Mapping[str, int | None], claimed: AbstractSet[Milestone]
) -> MilestoneDecision:
    """Decide from ONE player's totals before and after a change, and from what he has claimed.

    Everything reached is claimed. Announced is what this change reached, and of several of one counter the
    highest. Where a total was unknown, it may have been reached long ago: claimed in silence.
    """
    claim: list[Milestone] = []
    announce: list[Milestone] = []
    for counter, thresholds in THRESHOLDS.items():
        was, total = before.get(counter), after.get(counter)
        if total is None:
            continue
        reached = [Milestone(counter, threshold) for threshold in thresholds if threshold <= total]
        fresh = [one for one in reached if one not in claimed]
        claim += fresh
        if fresh and was is not None and was < reached[-1].threshold and reached[-1] in fresh:
            announce.append(reached[-1])
    return MilestoneDecision(claim=tuple(claim), announce=tuple(announce))
