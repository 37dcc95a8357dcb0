"""Regressions of viewers on activities some minutes before, and of activities on viewers, with lives drawn by chance.

Viewers remember: they swing back to a level, keep their momentum, and rise and fall with the evening; and so do
activities. Two such series look alike by chance far more often than white noise does. So what comes later is always
explained by its own past and by a slow drift first; the other activities of the same minute are held fixed; and what
is left is compared not with a formula but with lives in which the activity has no say: viewers drawn anew from the
fitted model of their own past (a sieve bootstrap), beside the very activities that were seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bot.core.live.arrays import Floats, Truths
from bot.core.streams.course import Course, lagged

FURTHEST = 10
"""Minutes; the longest lag."""
OWN_PAST = 4
"""So many minutes of its own changes explain the next."""
_DRIFT = 90.0  # minutes: slower swings are the evening's, not an activity's
_WILD = 2.5  # so many spreads from the middle a surprise is cut
_BATCH = 100  # lives that are drawn before it is looked whether that is enough
_ENOUGH = 20
_AT_ONCE = 18_000  # minutes of lives drawn are worked through together, to save memory
_BLOCK = 10  # minutes that are drawn together
_RANGE_DRAWS = 400
_TINY = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Tests:
    """Student's t for (lag, activity, life); the first life is the one seen, all others are drawn. NaN: none.

    `freedom` are the degrees of freedom at each lag.
    """

    t: Floats
    freedom: Floats

    @property
    def r(self) -> Floats:
        """Give the partial correlations of the life seen, (lag, activity)."""
        seen = self.t[:, :, 0]
        correlations: Floats = seen / np.sqrt(seen**2 + self.freedom[:, None])
        return correlations

    @property
    def scores(self) -> Floats:
        """Give t of the life seen as standard normal values, by what t is in the lives drawn."""
        drawn = self.t[:, :, 1:]
        scores: Floats = (self.t[:, :, 0] - drawn.mean(axis=2)) / np.maximum(drawn.std(axis=2), _TINY)
        return scores

    def p(self, activities: Sequence[int], lags: slice) -> Floats:
        """Give p for each (lag, activity), corrected for all of them by the largest |t| of each life drawn."""
        size = np.nan_to_num(np.abs(self.t[lags][:, list(activities)]))
        largest = size[:, :, 1:].max(axis=(0, 1))
        more = (largest[None, None] >= size[:, :, :1]).sum(axis=2)
        chances: Floats = (1 + more) / (1 + len(largest))
        return chances


# --- Activities before viewers -------------------------------------------------------------------


def leading(course: Course, active: Sequence[int], held: Sequence[Floats], lives: int) -> Tests:
    """Test whether activities come before changes of viewers, lags 0 to `FURTHEST`.

    `held` are further series held fixed, for instance an activity that is known to lead. At most `lives` are drawn, in
    hundreds: fewer once so many are as close as what was seen that nothing will be claimed (Besag and Clifford, 1991).
    """
    fixed = np.column_stack([_drift(len(course.viewers)), *held])
    past = _Past.of(course, fixed)
    t, freedom = _told(past, course, active, past.seen())
    chance = np.random.default_rng([course.seed, len(held)])
    closest = np.nanmax(np.abs(t[1:]), initial=0.0)
    while t.shape[2] <= lives and _as_close(t, closest) < _ENOUGH:
        drawn = _drawn(past, course, active, chance)
        t = np.concatenate([t, *drawn], axis=2)
    return Tests(t=t, freedom=freedom)


def _as_close(t: Floats, closest: float) -> int:
    """Count the lives drawn in which some activity comes before the viewers as closely as it was seen."""
    largest = np.nan_to_num(np.abs(t[1:, :, 1:])).max(axis=(0, 1), initial=0.0)
    return int((largest >= closest).sum())


def _drawn(
    past: _Past, course: Course, active: Sequence[int], chance: np.random.Generator
) -> Iterator[Floats]:
    """Draw lives and give t for them, part by part."""
    change, viewers = past.drawn(chance, _BATCH)
    at_once = max(1, _AT_ONCE // len(course.viewers))
    for start in range(0, _BATCH, at_once):
        part = slice(start, start + at_once)
        lives = _Lives(change=change[part], own=_own_past(change[part], viewers[part]))
        yield _told(past, course, active, lives)[0]


@dataclass(frozen=True, kw_only=True)
class _Lives:
    """Viewers of several lives, (life, minute): the surprising part cut in `change`, as it was in `own` pasts."""

    change: Floats
    own: Floats  # (life, minute, own past)


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What the viewers' own past and the fixed series explain of their changes."""

    course: Course
    fixed: Floats
    own: Floats
    usable: Truths
    weights: Floats
    surprises: Floats  # of the usable minutes

    @classmethod
    def of(cls, course: Course, fixed: Floats) -> _Past:
        change = _tamed(course.change, 2 * _WILD)
        own = _own_past(change[None], course.viewers[None])[0]
        usable = ~np.isnan(np.column_stack([change, own, fixed])).any(axis=1)
        known = np.column_stack([fixed, own])[usable]
        weights = np.linalg.lstsq(known, change[usable], rcond=None)[0]
        surprises = _tamed(change[usable] - known @ weights, _WILD)
        return cls(course=course, fixed=fixed, own=own, usable=usable, weights=weights, surprises=surprises)

    def seen(self) -> _Lives:
        """Give the life that was seen."""
        change = np.zeros(len(self.usable))
        known = np.column_stack([self.fixed, self.own])[self.usable]
        change[self.usable] = known @ self.weights + self.surprises
        return _Lives(change=change[None], own=self.own[None])

    def drawn(self, chance: np.random.Generator, lives: int) -> tuple[Floats, Floats]:
        """Let lives go as the past alone would have them: each surprise in its minute, up or down by chance.

        Gives the changes and the viewers, (life, minute).
        """
        length = len(self.usable)
        surprises = chance.choice(self.surprises, (length, lives))
        surprises[self.usable] = self.surprises[:, None]
        surprises *= chance.choice([-1.0, 1.0], (length, lives))
        viewers, change = np.zeros((length, lives)), np.zeros((length, lives))
        begin = int(np.argmax(self.usable))
        viewers[:begin] = _filled(self.course.viewers)[:begin, None]
        change[:begin] = np.nan_to_num(self.course.change)[:begin, None]
        fixed_weights, own_weights = np.split(self.weights, [self.fixed.shape[1]])
        drift = np.nan_to_num(self.fixed) @ fixed_weights
        recent, pull = own_weights[:-1][::-1], min(own_weights[-1], 0.0)  # the oldest change first
        most = 2 * np.nanmax(self.course.viewers)
        for now in range(begin, length):
            before = viewers[now - 1]
            moved = drift[now] + recent @ change[now - OWN_PAST : now] + pull * before + surprises[now]
            viewers[now] = np.clip(before + moved, 0.0, most)
            change[now] = viewers[now] - before
        return change.T, viewers.T


def _told(past: _Past, course: Course, active: Sequence[int], lives: _Lives) -> tuple[Floats, Floats]:
    """Give t for (lag, activity, life) and the degrees of freedom at each lag."""
    told = np.full((FURTHEST + 1, course.counts.shape[1], len(lives.change)), np.nan)
    freedom = np.ones(FURTHEST + 1)
    for lag in range(FURTHEST + 1):
        activities = lagged(course.counts[:, active], lag)
        rows = past.usable & ~np.isnan(activities).any(axis=1)
        freedom[lag] = rows.sum() - past.fixed.shape[1] - lives.own.shape[2] - len(active)
        if freedom[lag] > 0 and len(active):
            basis = np.linalg.qr(past.fixed[rows])[0]
            told[lag, active] = _t(
                _without(basis, lives.change[:, rows, None]),
                _without(basis, lives.own[:, rows]),
                _without(basis, activities[rows]),
                freedom[lag],
            )
    return told, freedom


def _t(change: Floats, own: Floats, activities: Floats, freedom: float) -> Floats:
    """Regress the change on its own past and all activities, in many lives at once; gives t (activity, life)."""
    lives, count = len(change), activities.shape[1]
    explaining = np.concatenate([own, np.broadcast_to(activities, (lives, *activities.shape))], axis=2)
    scale = np.sqrt((explaining**2).sum(axis=1, keepdims=True)) + _TINY
    explaining /= scale
    turned = explaining.transpose(0, 2, 1)
    inverse = np.linalg.inv(turned @ explaining + _TINY * np.eye(explaining.shape[2]))
    shared = turned @ change
    weights = inverse @ shared
    left = (change**2).sum(axis=(1, 2)) - (weights * shared).sum(axis=(1, 2))
    spread = np.sqrt(np.maximum(left, _TINY)[:, None] / freedom * np.diagonal(inverse, axis1=1, axis2=2))
    t: Floats = (weights[:, :, 0] / spread)[:, -count:].T
    return t


# --- Viewers before activities -------------------------------------------------------------------


def following(course: Course, active: Sequence[int], lives: int) -> Tests:
    """Test whether activities come after changes of viewers, lags 1 to `FURTHEST`.

    The activity is explained by its own past and by the others of its minute first.
    """
    chance = np.random.default_rng([course.seed, 1000])
    told = np.full((FURTHEST, course.counts.shape[1], 1 + lives), np.nan)
    freedom = np.ones(FURTHEST)
    change = _tamed(course.change, 2 * _WILD)
    drift = _drift(len(change))
    for one in active:
        own = [lagged(course.counts[:, one], lag) for lag in range(1, OWN_PAST + 1)]
        others = course.counts[:, [other for other in active if other != one]]
        known = np.column_stack([drift, *own, others])
        usable = ~np.isnan(np.column_stack([known, course.counts[:, one]])).any(axis=1)
        basis = np.linalg.qr(known[usable])[0]
        surprises = np.full((len(change), 1 + lives), np.nan)
        left = _tamed(_without(basis, course.counts[usable, one]), _WILD)
        surprises[usable] = left[:, None]
        surprises[usable, 1:] *= chance.choice([-1.0, 1.0], (len(left), lives))
        for lag in range(1, FURTHEST + 1):
            before = lagged(change, lag)
            rows = usable & ~np.isnan(before)
            freedom[lag - 1] = rows.sum() - known.shape[1] - 1
            if freedom[lag - 1] > 0:
                told[lag - 1, one] = _t_of_one(known[rows], before[rows], surprises[rows], freedom[lag - 1])
    return Tests(t=told, freedom=freedom)


def _t_of_one(known: Floats, before: Floats, surprises: Floats, freedom: float) -> Floats:
    basis = np.linalg.qr(known)[0]
    before, surprises = _without(basis, before), _without(basis, surprises)
    size = float(before @ before) + _TINY
    shared = before @ surprises
    left = (surprises**2).sum(axis=0) - shared**2 / size
    t: Floats = shared / np.sqrt(size * np.maximum(left, _TINY) / freedom)
    return t


# --- How sure a correlation is -------------------------------------------------------------------


def correlation_range(course: Course, active: Sequence[int], one: int, lag: int) -> tuple[float, float]:
    """Give the 95 % interval of a partial correlation, by minutes drawn in blocks; under 0 the activity comes after."""
    earlier, later = _surprises(course, active, one, lag)
    if len(later) <= _BLOCK:
        return -1.0, 1.0
    chance = np.random.default_rng([course.seed, 2000 + one, FURTHEST + lag])
    blocks = chance.integers(0, len(later) - _BLOCK + 1, (_RANGE_DRAWS, -(-len(later) // _BLOCK)))
    places = (blocks[:, :, None] + np.arange(_BLOCK)).reshape(_RANGE_DRAWS, -1)
    a, b = earlier[places], later[places]
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    r = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1) + _TINY)
    low, high = np.quantile(r, [0.025, 0.975])
    return float(low), float(high)


def _surprises(course: Course, active: Sequence[int], one: int, lag: int) -> tuple[Floats, Floats]:
    """Give what comes earlier and what later in the minutes where both are known, without what explains them."""
    change, drift = _tamed(course.change, 2 * _WILD), _drift(len(course.viewers))
    others = course.counts[:, [other for other in active if other != one]]
    if lag >= 0:
        own = _own_past(change[None], course.viewers[None])[0]
        known = np.column_stack([drift, own, lagged(others, lag)])
        earlier, later = lagged(course.counts[:, one], lag), change
    else:
        past = [lagged(course.counts[:, one], back) for back in range(1, OWN_PAST + 1)]
        known = np.column_stack([drift, *past, others])
        earlier, later = lagged(change, -lag), course.counts[:, one]
    rows = ~np.isnan(np.column_stack([known, earlier, later])).any(axis=1)
    basis = np.linalg.qr(known[rows])[0]
    return _without(basis, earlier[rows]), _tamed(_without(basis, later[rows]), _WILD)


# --- Parts ---------------------------------------------------------------------------------------


def _drift(length: int) -> Floats:
    """Give what swings slower than `_DRIFT`: cosines, the first of them a constant."""
    times = (np.arange(length) + 0.5) / max(length, 1)
    return np.stack(
        [np.cos(np.pi * number * times) for number in range(1 + int(2 * length / _DRIFT))], axis=1
    )


def _own_past(change: Floats, viewers: Floats) -> Floats:
    """Give what explains a change: the changes before it and the level it starts from, (life, minute, own past)."""
    changes = [lagged(change.T, lag).T for lag in range(1, OWN_PAST + 1)]
    return np.stack([*changes, lagged(viewers.T, 1).T], axis=2)


def _without(basis: Floats, series: Floats) -> Floats:
    """Give what an orthonormal basis leaves of series; minutes are the last axis but one, or the only one."""
    rest: Floats = series - basis @ (basis.T @ series)
    return rest


def _tamed(series: Floats, most: float) -> Floats:
    """Cut what lies further from the middle than `most` robust spreads; unknown stays unknown."""
    known = series[~np.isnan(series)]
    middle = float(np.median(known)) if len(known) else 0.0
    spread = 1.4826 * float(np.median(np.abs(known - middle))) if len(known) else 0.0
    spread = spread or (float(known.std()) if len(known) else 0.0)
    return np.clip(series, middle - most * spread, middle + most * spread)


def _filled(series: Floats) -> Floats:
    return np.where(np.isnan(series), np.nanmedian(series), series)
