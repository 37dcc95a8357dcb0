"""Why the viewers of an account move: the findings of its lives put together.

Each live tells, for each activity and lag, a score (standard normal where the activity has no say). Their sum, each
weighted by the root of its minutes, is standard normal again: lives are set side by side, never glued end to end. p is
multiplied by the number of activities and lags of a direction (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.streams.activities import WEIGHTS, Activity
from bot.core.streams.findings import LAGS, Effect, Evidence, Findings, Role

SURE_TOGETHER = 0.005
"""The largest p that is claimed. A quarter of that of one live: what is not quite standard normal in each live (heavy
tails, a slant that all lives of an account share) adds up over many, so that p comes out too small."""
_Z95 = 1.96
_NOW = LAGS.index(0)
_SPANS = {
    Role.FOLLOWS: range(_NOW),
    Role.TOGETHER: range(_NOW, _NOW + 1),
    Role.LEADS: range(_NOW + 1, len(LAGS)),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cell:
    """All lives at one lag: the summed score, the mean r with its 95 % interval."""

    place: int
    score: float
    r: float
    low: float
    high: float


def together(lives: Sequence[Findings]) -> Findings:
    """Put together what was found out about each of several lives; one alone tells what it told."""
    told = [one for one in lives if one.evidence is Evidence.ENOUGH]
    if not told:
        evidence = max(lives, key=lambda one: one.minutes).evidence if lives else Evidence.SHORT
        return Findings(evidence=evidence, minutes=sum(one.minutes for one in lives), lives=len(lives))
    if len(told) == 1:
        return replace(told[0], spikes=())
    known = {activity: _cells(told, activity) for activity in WEIGHTS}
    tried = sum(1 for cells in known.values() if cells)
    return Findings(
        evidence=Evidence.ENOUGH,
        minutes=sum(one.minutes for one in told),
        lives=len(told),
        effects=tuple(_effect(activity, cells, tried, told) for activity, cells in known.items()),
    )


def _cells(lives: Sequence[Findings], activity: Activity) -> list[_Cell]:
    """Sum up one activity over all lives that tell of it, lag by lag; nothing where none does."""
    effects = [
        (one.minutes, effect) for one in lives for effect in one.effects if effect.activity is activity
    ]
    found = []
    for place in range(len(LAGS)):
        parts = [
            (minutes, effect.scores[place], effect.by_lag[place])
            for minutes, effect in effects
            if effect.role is not Role.RARE
        ]
        known = [(minutes, score, r) for minutes, score, r in parts if score is not None and r is not None]
        if known:
            found.append(_cell(place, known))
    return found


def _cell(place: int, known: Sequence[tuple[int, float, float]]) -> _Cell:
    total = sum(minutes for minutes, _, _ in known)
    score = sum(math.sqrt(minutes) * score for minutes, score, _ in known) / math.sqrt(total)
    turned = [(minutes, math.atanh(max(-0.999, min(0.999, r)))) for minutes, _, r in known]
    mean = sum(minutes * one for minutes, one in turned) / total
    # Lives that differ more than chance would have it say less together.
    between = sum(minutes * (one - mean) ** 2 for minutes, one in turned) / total / len(turned)
    wide = _Z95 * math.sqrt(max(1 / total, between))
    return _Cell(
        place=place, score=score, r=math.tanh(mean), low=math.tanh(mean - wide), high=math.tanh(mean + wide)
    )


def _effect(activity: Activity, cells: Sequence[_Cell], tried: int, lives: Sequence[Findings]) -> Effect:
    if not cells:
        return Effect(activity=activity, role=Role.RARE)
    best = {role: _best(cells, span, tried) for role, span in _SPANS.items()}
    role = next(
        (role for role in (Role.LEADS, Role.FOLLOWS, Role.TOGETHER) if best[role][1] <= SURE_TOGETHER),
        Role.NOTHING,
    )
    if (
        role is Role.LEADS
        and best[role][0].place == _NOW + 1
        and _score_now(cells) > abs(best[role][0].score)
    ):
        role = Role.TOGETHER  # a count of viewers that is told late would look the same
    cell, p = best[Role.LEADS if role is Role.NOTHING else role]
    simple = [effect.simple for one in lives for effect in one.effects if effect.activity is activity]
    spiked = [one for one in simple if one is not None]
    return Effect(
        activity=activity,
        role=role,
        lag=LAGS[cell.place],
        r=round(cell.r, 4),
        low=round(cell.low, 4),
        high=round(cell.high, 4),
        p=round(p, 6),
        simple=round(sum(spiked) / len(spiked), 4) if spiked else None,
        by_lag=_in_order(cells, [round(one.r, 4) for one in cells]),
        scores=_in_order(cells, [round(one.score, 4) for one in cells]),
    )


def _best(cells: Sequence[_Cell], span: range, tried: int) -> tuple[_Cell, float]:
    """Give the surest cell of a direction and its p, corrected for all activities and lags of it."""
    best = max((one for one in cells if one.place in span), key=lambda one: abs(one.score), default=cells[0])
    return best, min(1.0, tried * len(span) * math.erfc(abs(best.score) / math.sqrt(2)))


def _score_now(cells: Sequence[_Cell]) -> float:
    return max((abs(one.score) for one in cells if one.place == _NOW), default=0.0)


def _in_order(cells: Sequence[_Cell], values: Sequence[float]) -> tuple[float | None, ...]:
    known = dict(zip((one.place for one in cells), values, strict=True))
    return tuple(known.get(place) for place in range(len(LAGS)))
