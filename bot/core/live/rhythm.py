"""When lives start: the intensity of starts of every account, learned from what checks found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

MINUTES_PER_DAY = 1440.0
SLOTS = 48
SLOT = MINUTES_PER_DAY / SLOTS
AGES: Floats = np.array(
    [0, 2, 4, 8, 12, 16, 19, 21, 22.5, 24, 25.5, 27, 29, 32, 40, 44, 48, 52, 60, 72, 96, 168, 336, 672], float
)
"""Hours since the last known start at which its effect is learned; between them it is interpolated."""
PLAIN = 7
WIDTH = PLAIN + AGES.size + 6 + 7
TINY = 1e-12


@dataclass(frozen=True, kw_only=True, slots=True)
class RhythmRules:
    """What shapes the learning."""

    hours_memory_days: float = 80.0
    rate_memory_days: float = 28.0
    recent_memory_days: float = 14.0
    kernel_hours: float = 0.8
    shape_strength: float = 6.0
    shared_strength: float = 6.0
    recent_strength: float = 6.0
    rate_strength: float = 2.0
    weekday_strength: float = 5.0
    floor: float = 0.08
    first_rate: float = 0.7
    weights_memory_days: float = 60.0
    ridge: float = 6.0
    lift_strength: float = 2.0


class Rhythm:
    """Intensities as rate x hour profile, corrected by a pooled log-linear model learned as it goes."""

    def __init__(self, rules: RhythmRules) -> None:
        self._rules = rules
        self._clock = -np.inf
        self.starts: Floats = np.zeros((0, SLOTS))
        self.exposed: Floats = np.zeros((0, SLOTS))
        self.recent_starts: Floats = np.zeros((0, SLOTS))
        self.recent_exposed: Floats = np.zeros((0, SLOTS))
        self.rate_found: Floats = np.zeros(0)
        self.rate_exposed: Floats = np.zeros((0, SLOTS))
        self.weekday_found: Floats = np.zeros((0, 7))
        self.weekday_expected: Floats = np.zeros((0, 7))
        self.last_start: Floats = np.zeros(0)
        self.hidden: Floats = np.zeros(0)
        self.used: NDArray[np.bool_] = np.zeros(0, bool)
        self._kernel = _kernel(rules.kernel_hours)
        self._prior_mean = np.zeros(WIDTH)
        self._prior_mean[1:5] = [1.0, 1.0, 0.0, 0.0]
        self._prior = np.full(WIDTH, rules.ridge)
        self._info = np.diag(self._prior)
        self.weights = self._prior_mean.copy()
        self._gradient = np.zeros(WIDTH)
        self._fresh_info = np.zeros((WIDTH, WIDTH))
        self._lift = np.zeros((2, 2))
        self._lift_at = -np.inf
        self._lift_memory = np.array([180.0, 1440.0])
        self._tables()

    def grow(self, rows: int) -> None:
        for name in ("starts", "exposed", "recent_starts", "recent_exposed", "rate_exposed"):
            setattr(self, name, _grown(getattr(self, name), (rows, SLOTS)))
        for name in ("weekday_found", "weekday_expected"):
            setattr(self, name, _grown(getattr(self, name), (rows, 7)))
        self.rate_found = _grown(self.rate_found, (rows,))
        self.hidden = _grown(self.hidden, (rows,))
        self.last_start = _grown(self.last_start, (rows,), -np.inf)
        self.used = np.concatenate([self.used, np.zeros(rows - len(self.used), bool)])
        self._tables()

    def reset(self, row: int, *, used: bool) -> None:
        for name in ("starts", "exposed", "recent_starts", "recent_exposed", "rate_exposed"):
            getattr(self, name)[row] = 0.0
        self.weekday_found[row] = self.weekday_expected[row] = 0.0
        self.rate_found[row] = self.hidden[row] = 0.0
        self.last_start[row] = -np.inf
        self.used[row] = used

    # --- tables
    def refresh(self, now: float) -> None:
        days = (now - self._clock) / MINUTES_PER_DAY
        if days <= 0:
            return
        rules = self._rules
        if np.isfinite(days):
            keep = np.exp(
                -days / np.array([rules.hours_memory_days, rules.recent_memory_days, rules.rate_memory_days])
            )
            self.starts *= keep[0]
            self.exposed *= keep[0]
            self.weekday_found *= keep[0]
            self.weekday_expected *= keep[0]
            self.recent_starts *= keep[1]
            self.recent_exposed *= keep[1]
            self.rate_found *= keep[2]
            self.rate_exposed *= keep[2]
            self._solve(float(np.exp(-days / rules.weights_memory_days)))
        self._clock = now
        self._tables()

    def _tables(self) -> None:
        rules, kernel = self._rules, self._kernel
        found, exposed = self.starts @ kernel, self.exposed @ kernel
        shape = np.ones_like(found)
        for _ in range(2):
            seen = (self.rate_exposed * shape).mean(axis=1)
            self.shared_rate = (self.rate_found.sum() + rules.first_rate * 3) / (seen.sum() + 3)
            k = rules.rate_strength
            self.rates = (self.rate_found + k) / (seen + k / self.shared_rate)
            expected = self.rates[:, None] * exposed / SLOTS
            k = rules.shared_strength / SLOTS
            shared = (found.sum(axis=0) + k) / (expected.sum(axis=0) + k)
            self.shared_shape = shared / shared.mean()
            k = rules.shape_strength / SLOTS
            shape = _normal((found + k * self.shared_shape) / (expected + k))
            shape = (1 - rules.floor) * shape + rules.floor
        # recent counts against what the long table expects
        short = self.recent_starts @ kernel
        awaited = (self.recent_exposed * shape * self.rates[:, None] / SLOTS) @ kernel
        recent = (short + rules.recent_strength / SLOTS) / (awaited + rules.recent_strength / SLOTS)
        self.log_shape = np.log(shape)
        self.log_recent = np.log(recent)
        self.log_rate = np.log(self.rates)
        self.log_weekday = np.log(
            (self.weekday_found + rules.weekday_strength) / (self.weekday_expected + rules.weekday_strength)
        )

    # --- model
    def lift(self, at: float) -> Floats:
        s = self._rules.lift_strength
        fade = (
            np.exp(-max(at - self._lift_at, 0.0) / self._lift_memory)
            if np.isfinite(self._lift_at)
            else np.ones(2)
        )
        return np.log((self._lift[0] * fade + s) / (self._lift[1] * fade + s))

    def design(self, row: int, times: Floats, local: Floats) -> Floats:
        """Give the covariates [m, d] of one account at instants [m]."""
        slot = (local // SLOT).astype(int) % SLOTS
        weekday = (local // MINUTES_PER_DAY + 3).astype(int) % 7
        x = np.zeros((times.size, WIDTH))
        x[:, 0] = 1.0
        x[:, 1] = self.log_shape[row, slot]
        x[:, 2] = self.log_rate[row]
        x[:, 3] = self.log_recent[row, slot]
        x[:, 4] = self.log_weekday[row, weekday]
        x[:, 5:7] = self.lift(times[0])
        age = np.clip((times - self.last_start[row]) / 60, 0, AGES[-1])
        upper = np.clip(np.searchsorted(AGES, age), 1, AGES.size - 1)
        part = (age - AGES[upper - 1]) / (AGES[upper] - AGES[upper - 1])
        i = np.arange(times.size)
        x[i, PLAIN + upper - 1] = 1 - part
        x[i, PLAIN + upper] = part
        x[i, PLAIN + AGES.size + (local // 10).astype(int) % 6] = 1.0
        x[i, PLAIN + AGES.size + 6 + weekday] = 1.0
        return x

    def intensity(self, rows: Rows, times: Floats, local: Floats, now: float) -> Floats:
        """Give starts per minute [n, m] at instants [m], whose local minutes are [n, m]."""
        w = self.weights
        slot = (local // SLOT).astype(int) % SLOTS
        weekday = (local // MINUTES_PER_DAY + 3).astype(int) % 7
        eta = np.take_along_axis(w[1] * self.log_shape[rows] + w[3] * self.log_recent[rows], slot, axis=1)
        eta += (w[0] + w[2] * self.log_rate[rows])[:, None]
        eta += np.take_along_axis(w[4] * self.log_weekday[rows] + w[PLAIN + AGES.size + 6 :], weekday, axis=1)
        age = np.clip((times - self.last_start[rows][:, None]) / 60, 0, AGES[-1])
        eta += np.interp(age, AGES, w[PLAIN : PLAIN + AGES.size])
        eta += w[PLAIN + AGES.size : PLAIN + AGES.size + 6][(local // 10).astype(int) % 6]
        fade = np.exp(-np.maximum(times[:, None] - now, 0) / self._lift_memory)
        eta += fade @ (w[5:7] * self.lift(now))
        return np.exp(np.clip(eta, -12, 5)) / MINUTES_PER_DAY

    def observe(self, row: int, times: Floats, local: Floats, width: Floats, exposure: Floats) -> None:
        """No start was seen at `times`, where one would have been with probability; [m] days."""
        if times.size == 0:
            return
        rules = self._rules
        slot = (local // SLOT).astype(int) % SLOTS
        weekday = (local // MINUTES_PER_DAY + 3).astype(int) % 7
        days = exposure / MINUTES_PER_DAY  # exposure in minutes
        x = self.design(row, times, local)
        self.hidden[row] += float(
            ((width - exposure) / MINUTES_PER_DAY * np.exp(np.clip(x @ self.weights, -12, 5))).sum()
        )
        mean = days * np.exp(np.clip(x @ self.weights, -12, 5))
        self._gradient -= mean @ x
        self._fresh_info += (x * mean[:, None]).T @ x
        per_slot = np.bincount(slot, exposure / SLOT, SLOTS)
        a = self._weights_at(times[-1])
        self.exposed[row] += a[0] * per_slot
        self.recent_exposed[row] += a[1] * per_slot
        self.rate_exposed[row] += a[2] * per_slot
        plain = days * np.exp(self.log_shape[row, slot] + self.log_rate[row])
        self.weekday_expected[row] += a[0] * np.bincount(weekday, plain, 7)
        self._lifted(times[-1], 0.0, float(mean.sum()))
        del rules

    def start(self, row: int, at: float, local: float) -> None:
        """A live started."""
        slot, weekday = int(local // SLOT) % SLOTS, int(local // MINUTES_PER_DAY + 3) % 7
        self._gradient += self.design(row, np.array([at]), np.array([local]))[0]
        a = self._weights_at(at)
        self.starts[row, slot] += a[0]
        self.weekday_found[row, weekday] += a[0]
        self.recent_starts[row, slot] += a[1]
        self.rate_found[row] += a[2]
        self.last_start[row] = max(self.last_start[row], at)
        self._lifted(at, 1.0, 0.0)

    def heat(self, row: int) -> Floats:
        """Give P(a start) per weekday and hour of an ordinary week, [7, 24]."""
        by_hour = (np.exp(self.log_shape[row]) * self.rates[row] / SLOTS).reshape(24, 2).sum(axis=1)
        return 1 - np.exp(-np.exp(self.log_weekday[row])[:, None] * by_hour)

    def _weights_at(self, at: float) -> Floats:
        rules = self._rules
        days = (self._clock - at) / MINUTES_PER_DAY
        if not np.isfinite(days):
            return np.ones(3)
        return np.exp(
            -max(days, -1.0)
            / np.array([rules.hours_memory_days, rules.recent_memory_days, rules.rate_memory_days])
        )

    def _lifted(self, at: float, found: float, expected: float) -> None:
        if at > self._lift_at:
            if np.isfinite(self._lift_at):
                self._lift *= np.exp(-(at - self._lift_at) / self._lift_memory)
            self._lift_at = at
        fade = np.exp(-(self._lift_at - at) / self._lift_memory)
        self._lift[0] += found * fade
        self._lift[1] += expected * fade

    def _solve(self, keep: float) -> None:
        """One Newton step on what came since the last, from the posterior before it."""
        prior = np.diag(self._prior)
        about = self._info @ self.weights
        self._info = keep * self._info + (1 - keep) * prior
        about = keep * about + (1 - keep) * (prior @ self._prior_mean)
        self.weights = np.linalg.solve(self._info, about)
        self._info += self._fresh_info
        step = np.linalg.solve(self._info, self._gradient)
        self.weights += np.clip(step, -0.5, 0.5)
        self._gradient[:] = 0.0
        self._fresh_info[:] = 0.0


def _grown(array: Floats, shape: tuple[int, ...], fill: float = 0.0) -> Floats:
    grown = np.full(shape, fill)
    grown[: len(array)] = array
    return grown


def _normal(shape: Floats) -> Floats:
    return shape / np.maximum(shape.mean(axis=1, keepdims=True), TINY)


def _kernel(hours: float) -> Floats:
    distance = np.arange(SLOTS) * SLOT / 60
    distance = np.minimum(distance, 24 - distance)
    weights = np.exp(-0.5 * (distance / hours) ** 2)
    weights /= weights.sum()
    return np.array([np.roll(weights, shift) for shift in range(SLOTS)])
