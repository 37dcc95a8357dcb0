"""What each account is used to: how often it goes live, at which hours, and on which weekdays at those hours.

Starts that were found are set against exposure: the share of the time in which a start would have been
found by the checks that were made. So hours that are seldom looked at do not look quiet. Whether an account
keeps the hours of the others, or hours of its own, is told by its starts; how many do is learned. And who is not
found at the usual hours may live at others: the longer nothing is found, the more the hours that were not looked
at since count, so that nobody is looked for in the wrong place for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.core.live.arrays import Floats, Indices

MINUTES_PER_DAY = 1440.0
SLOTS = 48
SLOT = MINUTES_PER_DAY / SLOTS
TINY = 1e-9
LONGEST_LEAP = 30.0
"""Days of memory that one leap of the clock can cost at most, however far it leaps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HabitRules:
    """How long habits are remembered, and how many starts it takes to believe in them."""

    hours_memory_days: float = 110.0  # hours drift slowly (specs/scheduling.md 3)
    rate_memory_days: float = 35.0  # the rate changes often
    recent_memory_days: float = 14.0  # a schedule that has changed shows within days
    kernel_hours: float = 0.8  # a start tells of its neighbourhood; about a third of the usual spread
    shape_strength: float = 12.0  # starts that the hours of all accounts count for in an account's own
    shared_strength: float = 1.0  # starts that "any hour" counts for in the hours of all
    unseen_level: float = 0.2  # so much of an average hour is one at which nobody was looked for
    own_strength: float = 4.0  # starts that "any hour" counts for in hours of an account's own
    own_level: float = 0.2  # there, too, so much of an average hour is one at which nobody looked
    alike_strength: float = 4.0  # accounts that an even chance to keep the others' hours counts for
    recent_strength: float = 6.0
    rate_strength: float = 2.0  # starts that the rate of all counts for in an account's own
    week_strength: float = 0.5
    floor: float = 0.02  # part of an account's starts that may come at any hour, for exploring
    change_days: float = 60.0  # a found account with hours of its own moves them about this often
    break_share: float = 0.3  # of silences are breaks, in which no hour helps
    first_break_share: float = 0.05  # of accounts never found yet are on one
    gap_strength: float = 1.0  # starts missed at an hour after which it counts for half
    first_rate: float = 0.7  # lives a day before anything is known
    first_days: float = 3.0  # days of one account that this guess counts for


class Habits:
    """Accumulators by account (row) and half hour of the day, faded to `clock`, and tables derived from them.

    `log_shape`, `log_recent` [n, 48]: the hour profile (mean 1), and how the last weeks differ from it;
    `log_week` [n, 336]: how a weekday differs from the others at the same hour; `rates` [n] starts a day;
    `alike` (0..1) is the part of the accounts that keep the hours of the others.
    """

    def __init__(self, rules: HabitRules) -> None:
        self._rules = rules
        self._kernel = _kernel(rules.kernel_hours)
        self.clock = -np.inf
        self.alike = 0.5
        self.shared_rate = rules.first_rate
        self._starts: Floats = np.zeros((0, SLOTS))
        self._exposed: Floats = np.zeros((0, SLOTS))
        self._week: Floats = np.zeros((0, 7 * SLOTS))
        self._recent_starts: Floats = np.zeros((0, SLOTS))
        self._recent_exposed: Floats = np.zeros((0, SLOTS))
        self._since: Floats = np.zeros((0, SLOTS))
        self._found: Floats = np.zeros((0, 1))
        self._rate_exposed: Floats = np.zeros((0, SLOTS))
        self._last_start: Floats = np.zeros(0)
        self._elsewhere: Floats = np.zeros((0, SLOTS))
        self.tabulate()

    def _faded(self) -> tuple[tuple[float, tuple[Floats, ...]], ...]:
        """Give the accumulators by the days they are remembered."""
        rules = self._rules
        return (
            (rules.hours_memory_days, (self._starts, self._exposed, self._week)),
            (rules.recent_memory_days, (self._recent_starts, self._recent_exposed, self._since)),
            (rules.rate_memory_days, (self._found, self._rate_exposed)),
        )

    def grow(self, rows: int) -> None:
        """Make room for `rows` accounts."""
        for _, arrays in self._faded():
            for array in arrays:
                array.resize((rows, array.shape[1]), refcheck=False)  # new rows are of zeros
        never = np.full(rows - self._last_start.size, -np.inf)
        self._last_start = np.concatenate([self._last_start, never])
        self.tabulate()

    def forget(self, row: int) -> None:
        """Empty a row."""
        for _, arrays in self._faded():
            for array in arrays:
                array[row] = 0.0
        self._last_start[row] = -np.inf

    def fade(self, now: float, *, back: bool = False) -> None:
        """Let memories fade until `now` and derive the tables; a clock that was set back is followed if `back`."""
        days = (now - self.clock) / MINUTES_PER_DAY
        if days > 0 or back:
            for memory, arrays in self._faded() if 0 < days < np.inf else ():
                keep = np.exp(-min(days, LONGEST_LEAP) / memory)
                for array in arrays:
                    np.multiply(array, keep, out=array)
            self.clock = now
        self.tabulate()

    def _weights(self, at: float) -> list[float]:
        """Give what an event at `at` weighs by now in each memory, as `_faded` orders them."""
        days = max((self.clock - at) / MINUTES_PER_DAY, 0.0) if np.isfinite(self.clock) else 0.0
        return [float(np.exp(-days / memory)) for memory, _ in self._faded()]

    def add_exposure(self, row: int, at: float, slots: Indices, minutes: Floats) -> None:
        """Take in for how many minutes [m] of the `slots` [m] a start would have been seen by now."""
        days = np.bincount(slots, minutes / SLOT, SLOTS)
        hours, recent, rate = self._weights(at)
        self._exposed[row] += hours * days
        self._recent_exposed[row] += recent * days
        self._since[row] += recent * days
        self._rate_exposed[row] += rate * days

    def add_start(self, row: int, at: float, slot: int, weekday: int) -> None:
        """Take in a start; the more it speaks for new hours, the more of the old ones is forgotten."""
        hours, recent, rate = self._weights(at)
        kept = 1 - self._elsewhere[row, slot]
        for array in (self._starts, self._exposed, self._week, self._recent_starts, self._recent_exposed):
            array[row] *= kept
        self._starts[row, slot] += hours
        self._week[row, weekday * SLOTS + slot] += hours
        self._recent_starts[row, slot] += recent
        self._found[row] += rate
        self._since[row] = 0.0
        self._last_start[row] = max(self._last_start[row], at)

    def tabulate(self) -> None:
        """Derive the tables from the accumulators."""
        shape = self._profiles()
        rules, kernel = self._rules, self._kernel
        expected = (self._recent_exposed * shape * self.rates[:, None] / SLOTS) @ kernel
        prior = rules.recent_strength / SLOTS
        self.log_recent = np.log((self._recent_starts @ kernel + prior) / (expected + prior))
        # The kernel's peak is made 1: starts near a half hour are counted, not spread.
        near = (self._week.reshape(-1, 7, SLOTS) @ kernel) / kernel[0, 0] + rules.week_strength
        self.log_week = np.log(near / near.mean(axis=1, keepdims=True)).reshape(-1, 7 * SLOTS)
        self.log_shape = np.log(shape)
        self.log_rate = np.log(self.rates)

    def _profiles(self) -> Floats:
        """Give the hour profiles [n, 48] and set the rates: each is needed for the other, so take two turns."""
        rules = self._rules
        found, exposed = self._starts @ self._kernel, self._exposed @ self._kernel
        shape = np.ones_like(found)
        for _ in range(2):
            seen = (self._rate_exposed * shape).mean(axis=1)
            started = rules.first_rate * rules.first_days
            self.shared_rate = float((self._found.sum() + started) / (seen.sum() + rules.first_days))
            prior = rules.rate_strength
            self.rates = (self._found[:, 0] + prior) / (seen + prior / self.shared_rate)
            expected = self.rates[:, None] * exposed / SLOTS
            shared = self._shared(found.sum(axis=0), expected.sum(axis=0))
            prior = rules.shape_strength / SLOTS
            shape = self._floored((found + prior * shared / shared.mean()) / (expected + prior))
        alike = self._alike(found, expected)
        prior = rules.own_strength / SLOTS
        own = self._floored((found + rules.own_level * prior) / (expected + prior))
        return self._perhaps_elsewhere(alike[:, None] * shape + (1 - alike[:, None]) * own, alike)

    def _shared(self, found: Floats, expected: Floats) -> Floats:
        """Give the hours of all of whom these are the starts found and expected, [..., 48]."""
        prior = self._rules.shared_strength / SLOTS
        return np.asarray((found + prior * self._rules.unseen_level) / (expected + prior))

    def _floored(self, shape: Floats) -> Floats:
        floor = self._rules.floor
        return np.asarray((1 - floor) * shape / shape.mean(axis=1, keepdims=True) + floor)

    def _alike(self, found: Floats, expected: Floats) -> Floats:
        """Give P(an account keeps the hours of the others) [n], and learn how many do.

        Each start is foretold from the other starts of its account, once with the hours of the other accounts
        behind them and once with nothing; which foretells better decides (leave-one-out likelihood), from the
        share of all that was learned so far (expectation maximisation).
        """
        rules = self._rules
        of_others = np.maximum(expected.sum(axis=0) - expected, 0.0)
        others = self._shared(found.sum(axis=0) - found, of_others)
        others /= others.mean(axis=1, keepdims=True)
        better = self._foretold(found, expected, others, rules.shape_strength / SLOTS)
        better -= self._foretold(found, expected, rules.own_level, rules.own_strength / SLOTS)
        is_found = np.isfinite(self._last_start)
        for _ in range(3):
            odds = np.log(self.alike / (1 - self.alike)) + better
            alike = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
            keep, strength = float(alike[is_found].sum()), rules.alike_strength
            self.alike = (strength / 2 + keep) / (strength + int(is_found.sum()))
        return np.where(is_found, alike, self.alike)

    def _foretold(self, found: Floats, expected: Floats, level: Floats | float, strength: float) -> Floats:
        """Give log P(the hours of an account's starts) [n], each foretold from its other starts.

        Behind those stands a prior: the `level` of each half hour, that counts for `strength` starts in each.
        """
        prior = strength * np.broadcast_to(level, found.shape)
        others = np.maximum(found - self._kernel[0, 0] * np.minimum(self._starts, 1.0), 0.0)
        seen = ((found + prior) / (expected + strength) * expected).sum(axis=1, keepdims=True)
        there = (others + prior) / (expected + strength)
        return np.asarray((self._starts * (np.log(there) - np.log(seen + TINY))).sum(axis=1))

    def _perhaps_elsewhere(self, usual: Floats, alike: Floats) -> Floats:
        """Mix the `usual` hours [n, 48] with all hours that were not looked at since the last start.

        Gives the mixed hours and sets the rates to match. Who is `alike` [n] others is not looked for elsewhere.
        """
        rules, since = self._rules, self._since
        prior = rules.rate_strength
        before = np.maximum(((self._rate_exposed - since) * usual).mean(axis=1), 0.0)
        rate = (self._found[:, 0] + prior) / (before + prior / self.shared_rate)
        share = self._share_elsewhere(
            1 - alike, rate * (since * usual).mean(axis=1), rate * since.mean(axis=1)
        )
        gaps = rules.gap_strength / (rate[:, None] * since + rules.gap_strength)
        awaited = (self._found[:, 0] + prior) / (before + since.mean(axis=1) + prior / self.shared_rate)
        there = (share * awaited / gaps.mean(axis=1))[:, None] * gaps
        starts = ((1 - share) * self.rates)[:, None] * usual + there
        self.rates = starts.mean(axis=1)
        self._elsewhere = there / starts
        return np.asarray(starts / self.rates[:, None])

    def _share_elsewhere(self, own: Floats, usually: Floats, anywhere: Floats) -> Floats:
        """Give P(the hours are others by now) [n], by Bayes from the silence since the last start.

        `own` [n]: P(an account keeps hours of its own); only such hours move. `usually` and `anywhere` [n]: the
        starts that should have been found since, at the usual hours and at just any.
        """
        rules = self._rules
        found = np.isfinite(self._last_start)
        clock = self.clock if np.isfinite(self.clock) else 0.0
        days = np.maximum(clock - np.where(found, self._last_start, clock), 0.0) / MINUTES_PER_DAY
        moved = own * np.where(found, -np.expm1(-days / rules.change_days), 1.0)
        on_break = np.where(found, rules.break_share, rules.first_break_share)
        silent_anywhere = on_break + (1 - on_break) * np.exp(-anywhere)
        silent_usually = on_break + (1 - on_break) * np.exp(-usually)
        return np.asarray(moved * silent_anywhere / (moved * silent_anywhere + (1 - moved) * silent_usually))

    def evidence(self, rows: Indices) -> Floats:
        """Give the starts found of each account, as far as they are remembered, [n]."""
        return np.asarray(self._starts[rows].sum(axis=1))


def _kernel(hours: float) -> Floats:
    """Give the weights of a bell wrapped around the day, one row per half hour, each of sum 1."""
    distance = np.arange(SLOTS) * SLOT / 60
    distance = np.minimum(distance, 24 - distance)
    weights = np.exp(-0.5 * (distance / hours) ** 2)
    return np.array([np.roll(weights / weights.sum(), shift) for shift in range(SLOTS)])
