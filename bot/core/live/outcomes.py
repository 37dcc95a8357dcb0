"""What became of predictions, from sums over bins of them: there are far too many to look at each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.live.calibration import BINS, LIKELY, ReliabilityBin
from bot.core.live.predictions import AccountAccuracy


@dataclass(frozen=True, kw_only=True, slots=True)
class OutcomeSum:
    """The predicted hours of one bin in which a live was seen to start, or in which none was.

    `number` counts the `BINS` bins of equal width from 0; `chances` and `squares` are the sums of the
    probabilities that were told, and of their squares.
    """

    number: int
    started: bool
    hours: int
    chances: float
    squares: float

    @property
    def was_likely(self) -> bool:
        """Whether people were told "likely"."""
        return self.number / BINS >= LIKELY


def account_accuracy(sums: Sequence[OutcomeSum]) -> AccountAccuracy:
    """Give how right predictions were; None where there were none."""
    hours = sum(one.hours for one in sums)
    if not hours:
        return AccountAccuracy(hours=0, right=None, always_unlikely=None, brier=None)
    return AccountAccuracy(
        hours=hours,
        right=sum(one.hours for one in sums if one.was_likely == one.started) / hours,
        always_unlikely=sum(one.hours for one in sums if not one.started) / hours,
        brier=sum(_squared_errors(one) for one in sums) / hours,
    )


def false_alarms(sums: Sequence[OutcomeSum]) -> int:
    """Count the hours called likely in which no live was seen to start."""
    return sum(one.hours for one in sums if one.was_likely and not one.started)


def reliability_of(sums: Sequence[OutcomeSum]) -> tuple[ReliabilityBin, ...]:
    """Compare predictions with what happened, in bins of equal width."""
    return tuple(_bin(number, [one for one in sums if one.number == number]) for number in range(BINS))


def _bin(number: int, sums: Sequence[OutcomeSum]) -> ReliabilityBin:
    hours = sum(one.hours for one in sums)
    return ReliabilityBin(
        low=number / BINS,
        high=(number + 1) / BINS,
        forecasts=hours,
        predicted=sum(one.chances for one in sums) / hours if hours else None,
        observed=sum(one.hours for one in sums if one.started) / hours if hours else None,
    )


def _squared_errors(one: OutcomeSum) -> float:
    return one.squares - 2 * one.chances + one.hours if one.started else one.squares
