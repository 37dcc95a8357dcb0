"""How good forecasts were: "a live starts in this hour", against what happened (specs/scheduling.md 2).

Chances are arrays of one row per account and one column per hour (UTC); NaN where no forecast was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from bot.core.live.arrays import Floats, Truths
from bot.core.live.past_lives import PastLive

HOUR = timedelta(hours=1)
RATE_HOURS = 28 * 24
"""The flat rate a forecast is measured against is that of the 28 days before."""
LIKELY = 0.5
"""From this probability on people are told "likely"."""
SMALLEST_CHANCE = 1e-6
"""A forecast nearer to 0 or 1 is scored as this near, so that one surprise does not cost without end."""
BINS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class StartChances:
    """The chance that at least one live starts within each hour, each told before that hour began.

    `chances` has the shape accounts x hours; `hours_from` is the start of the first hour. NaN: none was told.
    """

    account_ids: tuple[int, ...]
    hours_from: datetime
    chances: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """The forecasts between `low` and `high`: how many, their mean, and the share that came true.

    The mean and the share are None in a bin without forecasts.
    """

    low: float
    high: float
    forecasts: int
    predicted: float | None
    observed: float | None


def start_hours(
    lives: Iterable[PastLive], account_ids: Sequence[int], hours_from: datetime, hours: int
) -> Truths:
    """Say for each account and hour whether a live started in it (accounts x hours)."""
    rows = {account_id: row for row, account_id in enumerate(account_ids)}
    happened = np.zeros((len(account_ids), hours), dtype=np.bool_)
    for live in lives:
        hour = (live.started_at - hours_from) // HOUR
        if live.account_id in rows and 0 <= hour < hours:
            happened[rows[live.account_id], hour] = True
    return happened


def flat_chances(
    lives: Iterable[PastLive],
    account_ids: Sequence[int],
    hours_from: datetime,
    hours: int,
    known_from: datetime,
) -> Floats:
    """Give what the account's own rate of the 28 days before says of each hour, flat over the day.

    It is the share of the hours in (hour - 28 days, hour) in which a live started, by the truth; where less
    than 28 days are known (the truth begins at `known_from`), of the hours known, at least a day's. A rate
    of 0 would cost without end at the next start, so half a start is taken where there was none.
    """
    happened = start_hours(lives, account_ids, hours_from - RATE_HOURS * HOUR, RATE_HOURS + hours)
    sums = np.cumsum(np.pad(happened, ((0, 0), (1, 0))).astype(np.float64), axis=1)
    starts = sums[:, RATE_HOURS : RATE_HOURS + hours] - sums[:, :hours]
    known = (hours_from - known_from) / HOUR + np.arange(hours)
    chances: Floats = np.maximum(starts, 0.5) / np.clip(known, 24, RATE_HOURS)
    return chances


def brier_terms(chances: Floats, happened: Truths) -> Floats:
    """Give the squared error of each forecast; their mean is the Brier score (0 best, 1 worst)."""
    return np.square(chances - happened)


def log_loss_terms(chances: Floats, happened: Truths) -> Floats:
    """Give the surprise at each outcome in nats; their mean is the log-loss (0 best)."""
    told = np.clip(chances, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE)
    losses: Floats = -np.log(np.where(happened, told, 1 - told))
    return losses


def right_words(chances: Floats, happened: Truths) -> Truths:
    """Say where "likely" or "unlikely", as shown to people, came true."""
    right: Truths = (chances >= LIKELY) == happened
    return right


def reliability(chances: Floats, happened: Truths, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Compare forecasts with outcomes in bins of equal width; NaN forecasts are left out."""
    told = ~np.isnan(chances)
    values, outcomes = chances[told], happened[told]
    # A forecast of exactly 1 belongs to the last bin.
    where = np.minimum((values * bins).astype(np.int64), bins - 1)
    counts = np.bincount(where, minlength=bins)
    predicted = np.bincount(where, weights=values, minlength=bins)
    observed = np.bincount(where, weights=outcomes.astype(np.float64), minlength=bins)
    return tuple(
        ReliabilityBin(
            low=number / bins,
            high=(number + 1) / bins,
            forecasts=int(count),
            predicted=float(predicted[number] / count) if count else None,
            observed=float(observed[number] / count) if count else None,
        )
        for number, count in enumerate(counts)
    )
