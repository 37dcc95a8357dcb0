"""What a post of an age and a history should gain, and how far off such a promise usually is.

The rate of views of a post falls with a power of its age: a straight line between the logarithms of both. The line is
fitted to the post's own steps, where a count of few views weighs little, and what is known of posts in general
keeps a short history from running wild (a Bayesian line with a normal prior of its slope). The noise of a promise
is that of a prediction: the scatter of the steps, what is uncertain about the line, and that views are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, log, sqrt

from bot.core.posts.growth import DAY, Growth

LEAST_STEPS = 4  # below it the history is too short to say anything
USUAL_NOISE = 0.4  # of the logarithm of a day's gain, where too few posts tell
_LEAST_NOISE = 0.15
_MOST_NOISE = 1.2
_USUAL_WEIGHS = 4.0  # steps: so much what is usual counts beside a post's own scatter
_SLOPE = -1.0  # a post's rate usually halves when its age doubles
_SLOPE_SPREAD = 1.0
_FADES = 0.85  # a step weighs so much of the one after it
_LONGEST_PROMISE = 0.5  # of the time that was seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A gain in views; `noise` is the standard deviation of the logarithm of the real one over it."""

    gain: float
    noise: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """log(rate) = level + slope * (log(age) - centre), with what is uncertain about both, and the scatter."""

    centre: float
    level: float
    slope: float
    level_weight: float
    slope_weight: float
    scatter: float
    weight: float


def expected(
    posted_at: datetime, before: Sequence[Growth], step: Growth, usual_noise: float = USUAL_NOISE
) -> Forecast | None:
    """Promise the gain of a step from the steps before it; None where they are too few, or it is far too long."""
    if len(before) < LEAST_STEPS or step.span > _LONGEST_PROMISE * (before[-1].last.at - before[0].first.at):
        return None
    line = _line(posted_at, before, usual_noise)
    off = _age(posted_at, step) - line.centre
    gain = exp(line.level + line.slope * off) * (step.span / DAY)
    own = line.scatter**2 * line.weight
    scatter = (own + _USUAL_WEIGHS * usual_noise**2) / (line.weight + _USUAL_WEIGHS)
    doubt = scatter * (1 / line.level_weight + off**2 / line.slope_weight)
    return Forecast(gain=gain, noise=sqrt(max(scatter, _LEAST_NOISE**2) + doubt + 1 / (gain + 1)))


def noise_of(posted_at: datetime, before: Sequence[Growth]) -> float | None:
    """Give how far a post's steps are off its own line; None where they are too few."""
    if len(before) < LEAST_STEPS:
        return None
    scatter = _line(posted_at, before, USUAL_NOISE).scatter
    return min(max(scatter, _LEAST_NOISE), _MOST_NOISE)


def _line(posted_at: datetime, before: Sequence[Growth], noise: float) -> _Line:
    ages = [_age(posted_at, step) for step in before]
    rates = [log((max(step.gained, 0) + 0.5) / (step.span / DAY)) for step in before]
    weights = [
        _FADES ** (len(before) - 1 - number) / (1 + 1 / (noise**2 * (max(step.gained, 0) + 0.5)))
        for number, step in enumerate(before)
    ]
    weight = sum(weights)
    centre = sum(w * age for w, age in zip(weights, ages, strict=True)) / weight
    level = sum(w * rate for w, rate in zip(weights, rates, strict=True)) / weight
    # The prior of the slope counts as an observation of it.
    prior = (noise / _SLOPE_SPREAD) ** 2
    across = sum(w * (age - centre) * rate for w, age, rate in zip(weights, ages, rates, strict=True))
    slope_weight = prior + sum(w * (age - centre) ** 2 for w, age in zip(weights, ages, strict=True))
    slope = (prior * _SLOPE + across) / slope_weight
    off = [rate - level - slope * (age - centre) for age, rate in zip(ages, rates, strict=True)]
    left = max(weight - 1, 1.0)  # a line through few points is nearer to them than to the truth
    scatter = sqrt(sum(w * one**2 for w, one in zip(weights, off, strict=True)) / left)
    return _Line(
        centre=centre,
        level=level,
        slope=slope,
        level_weight=weight,
        slope_weight=slope_weight,
        scatter=scatter,
        weight=weight,
    )


def _age(posted_at: datetime, step: Growth) -> float:
    """Give the logarithm of a post's age [d] in the middle of a step."""
    middle = step.first.at + step.span / 2
    return log(max((middle - posted_at) / DAY, 0.05))
