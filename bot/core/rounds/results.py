"""Who won a map: what the two rounds of a pair make together (specs/etlegacy.md 2.6)."""

from __future__ import annotations

from enum import StrEnum

from bot.core.rounds.resolve import ResolvedRound


class MapResult(StrEnum):
    """Which team won a map, named by the round in which it attacked; sides are not teams."""

    ROUND_1_ATTACKERS = "round_1_attackers"
    ROUND_2_ATTACKERS = "round_2_attackers"
    DRAW = "draw"  # both teams held


def map_result(first: ResolvedRound, second: ResolvedRound) -> MapResult | None:
    """Give the result of a map; None where a winner is not known or a round was aborted.

    In round 2 the limit is the time set in round 1: who finishes has beaten it.
    """
    return result_of(first.attackers_succeeded, second.attackers_succeeded)


def result_of(first_succeeded: bool | None, second_succeeded: bool | None) -> MapResult | None:
    """Give the result by whether the attackers of each round succeeded; None where either is not known."""
    if first_succeeded is None or second_succeeded is None:
        return None
    if second_succeeded:
        return MapResult.ROUND_2_ATTACKERS
    return MapResult.ROUND_1_ATTACKERS if first_succeeded else MapResult.DRAW
