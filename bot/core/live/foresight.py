"""What is expected of accounts, for people and scores: probabilities by hour, and the next likely window."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from bot.core.live.arrays import Floats, Indices
from bot.core.live.forecast import Forecast, Outlook, Window
from bot.core.live.learner import STEP, Known, Learner, midpoints, minutes
from bot.core.live.predictions import POSSIBLE

PER_HOUR = 6
PAST = 24 * PER_HOUR
HORIZON_HOURS = 24
WINDOW_STEPS = 2 * PER_HOUR
NEARLY = 0.5
"""A stretch with this part of the chance of the likeliest one is told where it comes sooner, and is `POSSIBLE`."""
ENOUGH_STARTS = 12.0
"""Starts at which an account's own record counts for half of what is said of it."""


def forecast(learner: Learner, now: datetime, account_ids: Sequence[int], hours: int) -> Forecast:
    """Forecast the hour that `now` is in and those after it, from what is known at `now`."""
    learner.refresh(minutes(now))
    known = [learner.known(account_id, now) for account_id in account_ids]
    first = int(minutes(now) // 60) * PER_HOUR
    busy, expected = _expected(learner, known, first, hours * PER_HOUR, minutes(now))
    by_hour = (len(known), hours, PER_HOUR)
    starts = 1 - np.exp(-expected.reshape(by_hour).sum(axis=2))
    evidence = learner.evidence(known)
    return Forecast(
        account_ids=tuple(account_ids),
        hours_from=datetime.fromtimestamp(first * STEP * 60, UTC),
        starts=starts,
        live=1 - (1 - busy.reshape(by_hour)[:, :, 0]) * (1 - starts),
        confidence=evidence / (evidence + ENOUGH_STARTS),
    )


def outlook(learner: Learner, now: datetime, account_id: int) -> Outlook:
    """Say what is expected of one account from `now` on."""
    minute = minutes(now)
    learner.refresh(minute)
    known = learner.known(account_id, now)
    first = int(minute // STEP)
    busy, expected = _expected(learner, [known], first, HORIZON_HOURS * PER_HOUR, minute)
    sums = np.convolve(expected[0], np.ones(WINDOW_STEPS), "valid")
    chances = 1 - np.exp(-sums)
    best = soonest(chances)
    begins = max(now, datetime.fromtimestamp((first + best) * STEP * 60, UTC))
    evidence = float(learner.evidence([known])[0])
    return Outlook(
        account_id=account_id,
        live_now=1.0 if known.live_since is not None else float(busy[0, 0]),
        within_hour=float(1 - np.exp(-expected[0, :PER_HOUR].sum())),
        window=Window(
            start=begins,
            end=datetime.fromtimestamp((first + best + WINDOW_STEPS) * STEP * 60, UTC),
            probability=float(chances[best]),
        ),
        confidence=evidence / (evidence + ENOUGH_STARTS),
    )


def soonest(chances: Floats) -> int:
    """Give where the first stretch begins that is not clearly less likely than the likeliest of all.

    Who asks for the next live should hear of today's, even if tomorrow's is somewhat surer; but where one can
    be expected at all, not of one that is too unlikely for that.
    """
    best = chances.max()
    least = max(NEARLY * best, POSSIBLE) if best >= POSSIBLE else NEARLY * best
    place = int((chances >= least).argmax())
    # That is where a hill begins: its top is the stretch that no overlapping one beats.
    while climb := int(chances[place : place + WINDOW_STEPS].argmax()):
        place += climb
    return place


def _expected(
    learner: Learner, known: Sequence[Known], first: int, ahead: int, now: float
) -> tuple[Floats, Floats]:
    """Give P(live) and the starts expected in each step from `first` on, both [n, ahead].

    Whoever is live, seen or not, does not start: so the intensity counts only as far as an account is offline.
    """
    steps = np.arange(first - PAST, first + ahead)
    intensity = learner.intensity(known, steps, now)
    busy = _busy(learner, known, steps, intensity * learner.unseen(known, steps, now))
    return busy[:, PAST:], (intensity * (1 - busy))[:, PAST:]


def _busy(learner: Learner, known: Sequence[Known], steps: Indices, mass: Floats) -> Floats:
    """Give P(live) at each step, [n, m]: a known live that goes on, or one that started unseen."""
    alive = learner.alive(known, np.arange(steps.size, dtype=np.float64) * STEP)
    busy = np.empty_like(mass)
    for row, one in enumerate(known):
        busy[row] = 1 - np.exp(-np.convolve(mass[row], alive[row])[: steps.size])
        if one.live_since is not None:
            ages = np.append(midpoints(steps), one.clear) - one.live_since
            goes_on = learner.alive([one], np.maximum(ages, 0.0))[0]
            busy[row] = np.maximum(busy[row], np.minimum(goes_on[:-1] / max(goes_on[-1], 1e-9), 1.0))
    return busy
