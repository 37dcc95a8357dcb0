"""When lives start: the intensity of starts of every account, from its habits and what happened of late.

log(starts a day) = weights x covariates. The covariates are an account's own habits (rate, hour, weekday)
and what moves it off them: hours since its last start and end, the minute of the hour, the weekday, and
whether all accounts together start more than expected these hours. The weights are shared by all accounts
and learned as checks come in: Poisson regression in which a start that no check could have seen does not
count, by one Newton step an hour from the posterior before it (recursive Laplace approximation).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bot.core.live.arrays import Floats, Indices
from bot.core.live.habits import MINUTES_PER_DAY, SLOT, SLOTS, HabitRules, Habits

SINCE_START: Floats = np.array(
    [0, 2, 4, 8, 12, 16, 19, 21, 22.5, 24, 25.5, 27, 29, 32, 40, 44, 48, 52, 60, 72, 96, 168, 336, 672], float
)
"""Hours since the last known start at which the weight is learned (between them it is interpolated)."""
WEEK_AGES: Floats = np.arange(0.25, SINCE_START[-1], 0.5)
"""Hours since the last start, in half hours, that an ordinary week tells apart."""
WEEKS_TO_SETTLE = 4
SINCE_END: Floats = np.array([0, 1, 3, 8], float)
PLAIN = 7
"""Covariates with one weight each: one, hours, rate, recent hours, weekday at the hour, two lifts."""
FIRST_WEIGHTS = (0.0, 1.0, 1.0, 0.0, 0.3, 0.0, 0.0)
HATS = (
    PLAIN,
    PLAIN + SINCE_START.size,
    PLAIN + SINCE_START.size + SINCE_END.size,
    PLAIN + SINCE_START.size + SINCE_END.size + 6,
)
"""Where the weights of hours since a start, of hours since an end, of minutes and of weekdays begin."""
WIDTH = HATS[-1] + 7
LIFT_MEMORY: Floats = np.array([180.0, 1440.0])
"""Minutes for which starts of any account count as fresh, in the two lifts."""
LOWEST, HIGHEST = -12.0, 5.0
"""Bounds of the logarithm of starts a day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RhythmRules:
    """How fast the shared weights are learned."""

    habits: HabitRules = field(default_factory=HabitRules)
    weights_memory_days: float = 90.0  # accounts come and go, their ways change
    ridge: float = 6.0  # starts it takes to move a weight half of the way
    lift_strength: float = 2.0  # starts "as expected" that the lift begins with
    longest_step: float = 0.5  # one hour's news moves no weight further


@dataclass(slots=True)
class Covariates:
    """Covariates of n accounts at m instants: `plain` of [n, m] each, `hats` as (first weight, index, part).

    A hat gives `part` of its weight to `index` + 1 and the rest to `index`.
    """

    plain: list[Floats]
    hats: list[tuple[int, Indices, Floats]]

    def log_intensity(self, weights: Floats) -> Floats:
        """Give the logarithm of starts a day, [n, m]."""
        padded = np.append(weights, 0.0)
        total = sum((weight * part for weight, part in zip(weights, self.plain, strict=False)), np.zeros(1))
        for first, index, part in self.hats:
            low = padded[first + index]
            total = total + low + part * (padded[first + index + 1] - low)
        return np.clip(total, LOWEST, HIGHEST)

    def design(self) -> Floats:
        """Give the rows of the regression for the first account, [m, WIDTH]."""
        size = self.plain[0].shape[1]
        design = np.zeros((size, WIDTH + 1))
        design[:, :PLAIN] = np.stack([part[0] for part in self.plain], axis=1)
        rows = np.arange(size)
        for first, index, part in self.hats:
            design[rows, first + index[0]] = 1 - part[0]
            design[rows, first + index[0] + 1] += part[0]
        return design[:, :WIDTH]


class Rhythm:
    """Intensities of all accounts; `times` are minutes since 1970, `local` the same on the account's clock."""

    def __init__(self, rules: RhythmRules) -> None:
        self._rules = rules
        self.habits = Habits(rules.habits)
        self._last_start: Floats = np.zeros(0)
        self._last_end: Floats = np.zeros(0)
        self._prior = np.eye(WIDTH) * rules.ridge
        self._first: Floats = np.zeros(WIDTH)
        self._first[:PLAIN] = FIRST_WEIGHTS
        self.weights: Floats = self._first.copy()
        self._precision = self._prior.copy()
        self._news = np.zeros((WIDTH, WIDTH))
        self._gradient = np.zeros(WIDTH)
        # Starts found and starts expected of late, by memory; faded to `_lifted_at`.
        self._lift = np.zeros((2, LIFT_MEMORY.size))
        self._lifted_at = -np.inf

    def grow(self, rows: int) -> None:
        """Make room for `rows` accounts."""
        self.habits.grow(rows)
        extra = np.full(rows - self._last_start.size, -np.inf)
        self._last_start = np.concatenate([self._last_start, extra])
        self._last_end = np.concatenate([self._last_end, extra])

    def forget(self, row: int) -> None:
        """Empty the place of an account; what it taught about all stays."""
        self.habits.forget(row)
        self._last_start[row] = self._last_end[row] = -np.inf

    def refresh(self, now: float, *, back: bool = False) -> None:
        """Bring tables and weights up to `now`."""
        days = (now - self.habits.clock) / MINUTES_PER_DAY
        if 0 < days < np.inf:
            self._step(float(np.exp(-days / self._rules.weights_memory_days)))
        self.habits.fade(now, back=back)

    def _step(self, keep: float) -> None:
        """Forget a little towards the first weights, then take one Newton step on the news."""
        about = keep * (self._precision @ self.weights) + (1 - keep) * (self._prior @ self._first)
        self._precision = keep * self._precision + (1 - keep) * self._prior
        self.weights = np.asarray(np.linalg.solve(self._precision, about), dtype=np.float64)
        self._precision += self._news
        step = np.linalg.solve(self._precision, self._gradient)
        longest = self._rules.longest_step
        self.weights += np.clip(step, -longest, longest)
        self._news[:] = 0.0
        self._gradient[:] = 0.0

    def covariates(self, rows: Indices, times: Floats, local: Floats, now: float) -> Covariates:
        """Give the covariates of accounts `rows` [n] at `times` [m] with `local` [n, m], as known at `now`."""
        habits = self.habits
        slot, weekday = _slots(local), _weekdays(local)
        one, none = np.ones(local.shape), np.zeros(local.shape)
        lifts = np.exp(-np.maximum(times - now, 0)[:, None] / LIFT_MEMORY) * self._lifts(now)
        since_start = (times - self._last_start[rows][:, None]) / 60
        since_end = (times - self._last_end[rows][:, None]) / 60
        return Covariates(
            plain=[
                one,
                np.take_along_axis(habits.log_shape[rows], slot, 1),
                one * habits.log_rate[rows][:, None],
                np.take_along_axis(habits.log_recent[rows], slot, 1),
                np.take_along_axis(habits.log_week[rows], weekday * SLOTS + slot, 1),
                one * lifts[:, 0],
                one * lifts[:, 1],
            ],
            hats=[
                (HATS[0], *_hat(SINCE_START, since_start)),
                (HATS[1], *_hat(SINCE_END, since_end)),
                (HATS[2], (local // 10).astype(np.intp) % 6, none),
                (HATS[3], weekday, none),
            ],
        )

    def intensity(self, rows: Indices, times: Floats, local: Floats, now: float) -> Floats:
        """Give starts per minute, [n, m]."""
        found = self.covariates(rows, times, local, now).log_intensity(self.weights)
        return np.exp(found) / MINUTES_PER_DAY

    def observe(self, row: int, times: Floats, local: Floats, seen: Floats) -> Floats:
        """Take in that no start was seen, where at `times` [m] one would have been in `seen` minutes [m].

        Gives the starts per minute that were expected, [m].
        """
        covariates = self.covariates(np.array([row]), times, local[None], float(times[0]))
        design = covariates.design()
        rate = np.exp(covariates.log_intensity(self.weights)[0]) / MINUTES_PER_DAY
        mean = rate * seen
        self._gradient -= mean @ design
        self._news += (design * mean[:, None]).T @ design
        self.habits.add_exposure(row, float(times[-1]), _slots(local), seen)
        self._count(float(times[-1]), 0.0, float(mean.sum()))
        return np.asarray(rate)

    def start(self, row: int, at: float, local: float) -> None:
        """Take in a start."""
        there = np.array([[local]])
        self._gradient += self.covariates(np.array([row]), np.array([at]), there, at).design()[0]
        self.habits.add_start(row, at, int(_slots(there)[0, 0]), int(_weekdays(there)[0, 0]))
        self._last_start[row] = max(self._last_start[row], at)
        # Until its end is known, a live has ended at the very instant that is asked about.
        self._last_end[row] = np.inf
        self._count(at, 1.0, 0.0)

    def end(self, row: int, at: float) -> None:
        """Take in the end of a live."""
        self._last_end[row] = at

    def _lifts(self, at: float) -> Floats:
        """Give the logarithm of starts found to starts expected of late, [memories]."""
        fade = np.exp(-max(at - self._lifted_at, 0.0) / LIFT_MEMORY)
        found, expected = self._lift * fade + self._rules.lift_strength
        return np.asarray(np.log(found / expected))

    def _count(self, at: float, found: float, expected: float) -> None:
        if at > self._lifted_at:
            self._lift *= np.exp(-(at - self._lifted_at) / LIFT_MEMORY)
            self._lifted_at = at
        fade = np.exp(-(self._lifted_at - at) / LIFT_MEMORY)
        self._lift += np.array([[found], [expected]]) * fade

    def week(self, row: int, alive: Floats) -> Floats:
        """Give the starts expected by weekday (Monday first) and hour of an ordinary week, [7, 24].

        `alive`: P(a live is still on) in each half hour since its start, as many as `WEEK_AGES`.
        """
        since_start = np.interp(WEEK_AGES, SINCE_START, self.weights[HATS[0] : HATS[1]])
        log_rates = self._log_week(row)[:, None] + since_start
        chances = -np.expm1(-np.exp(np.clip(log_rates, LOWEST, HIGHEST)) / SLOTS) * (1 - alive)
        return np.asarray(_settled(chances).reshape(7, 24, 2).sum(axis=2))

    def _log_week(self, row: int) -> Floats:
        """Give the logarithm of starts a day in each half hour of a week, had the account long been offline."""
        weights, habits = self.weights, self.habits
        level = weights[0] + weights[2] * habits.log_rate[row] + weights[HATS[2] - 1]
        level += np.log(np.exp(weights[HATS[2] : HATS[3]]).mean())
        hours = weights[1] * habits.log_shape[row] + weights[3] * habits.log_recent[row]
        days = weights[4] * habits.log_week[row].reshape(7, SLOTS) + weights[HATS[3] :, None]
        return np.asarray((level + hours + days).ravel())


def _settled(chances: Floats) -> Floats:
    """Give the starts expected in each half hour of a week, [w], when week after week is alike.

    `chances` [w, a]: P(a live starts) by the half hours since the last start. How long ago that was is told by
    the weeks before: so a start holds the next one off, as it does for the account.
    """
    width, ages = chances.shape
    since = np.zeros(ages)
    since[-1] = 1.0
    starts = np.zeros(width)
    for _ in range(WEEKS_TO_SETTLE):
        for slot in range(width):
            begun = since * chances[slot]
            since -= begun
            since[1:], oldest = since[:-1].copy(), since[-1]
            since[-1] += oldest
            since[0] = starts[slot] = begun.sum()
    return starts


def _slots(local: Floats) -> Indices:
    return (local // SLOT).astype(np.intp) % SLOTS


def _weekdays(local: Floats) -> Indices:
    """Give the weekdays, Monday 0; 1970 began on a Thursday."""
    return ((local // MINUTES_PER_DAY).astype(np.intp) + 3) % 7


def _hat(knots: Floats, at: Floats) -> tuple[Indices, Floats]:
    """Give the knot before each value, and how far it is on the way to the next."""
    inside = np.clip(at, knots[0], knots[-1])
    before = np.clip(np.searchsorted(knots, inside), 1, knots.size - 1) - 1
    return before, (inside - knots[before]) / (knots[before + 1] - knots[before])
