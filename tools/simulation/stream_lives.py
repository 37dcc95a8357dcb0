"""Invented lives minute by minute, with at most one activity that moves the viewers: what `influence` is tried on.

Each seed is another kind of live: viewers that wander or return to a level, with momentum or without, errors of
counting, calm or wild tails, raids, shapes of an evening; comments and likes that come in waves, rare gifts with long
streaks, activities that follow the viewers or one another. Nothing here knows how the analysis works.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.streams.models import StreamMinute

START = datetime(2026, 3, 1, 18, tzinfo=UTC)
NAMES = ("comments", "likes", "gifts", "follows", "shares")
_BEFORE = 60  # minutes that are thrown away, so that a live is not born in balance
_WAIT = 10  # the longest lag


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """What moves viewers: `activity`, `lag` minutes before; the share of the variance of viewer change it makes."""

    activity: str
    lag: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class InventedLive:
    """One live, and what moves its viewers; `share` is None without an effect."""

    rows: list[StreamMinute]
    planted: Planted | None


def invent(seed: int, *, share: float | None, minutes: int = 180, gaps: bool = False) -> InventedLive:
    """Make a live; the same seed gives the same live. With `share` one activity moves the viewers."""
    chance = np.random.default_rng([20261121, seed])
    world = _World.drawn(chance, minutes + _BEFORE)
    planted, force = None, 0.0
    if share is not None:
        activity, lag = int(chance.integers(5)), int(chance.integers(1, _WAIT + 1))
        bend = (lambda x: x, np.sqrt, np.log1p)[chance.integers(3)]
        for _ in range(
            3
        ):  # activities answer to viewers: what the effect makes of them is found step by step
            viewers, counts = world.run(activity, lag, force, bend)
            change = np.diff(viewers)[_BEFORE:]
            caused = bend(counts[_BEFORE - lag : len(counts) - lag, activity])
            rest = np.var(change - force * caused)
            force = float(np.sqrt(share / (1 - share) * rest / max(float(np.var(caused)), 1e-9)))
        planted = Planted(activity=NAMES[activity], lag=lag, share=share)
        viewers, counts = world.run(activity, lag, force, bend)
    else:
        viewers, counts = world.run(0, 1, 0.0, np.sqrt)
    holes = _holes(chance, minutes) if gaps else set()
    rows = [
        _row(number, viewers[_BEFORE + number : _BEFORE + number + 2], counts[_BEFORE + number])
        for number in range(minutes)
        if number not in holes
    ]
    return InventedLive(rows=rows, planted=planted)


@dataclass(frozen=True, kw_only=True)
class _World:
    """All that chance decides about a live, before anything in it depends on anything else."""

    level: Floats  # the shape of the evening
    push: Floats  # what moves viewers by itself, as a part of the level
    pull: float  # back to the level, each minute
    momentum: float
    error: Floats  # of the count that is told
    waves: Floats  # of each activity, (minutes, 5)
    base: Floats
    follows: Floats  # how much each activity follows the viewers, and how late
    late: Floats
    welcomes: Floats  # how much each activity follows a change of the viewers
    bursts: Floats  # streaks: how many come at once
    seed: int

    @classmethod
    def drawn(cls, chance: np.random.Generator, length: int) -> _World:
        wild = chance.random() < 0.4
        size = chance.uniform(0.01, 0.06)
        noise = chance.standard_t(4, length) / np.sqrt(2) if wild else chance.standard_normal(length)
        level = np.exp(chance.uniform(np.log(40), np.log(3000))) * _shape(chance, length)
        mood = _waves(chance, length, chance.uniform(0.5, 0.95))
        shared = chance.uniform(0, 0.6, 5)
        own = np.stack([_waves(chance, length, chance.uniform(0.0, 0.95)) for _ in range(5)], axis=1)
        spread = np.array([0.5, 0.7, 0.6, 0.4, 0.4]) * chance.uniform(0.6, 1.4, 5)
        waves = (np.sqrt(1 - shared**2) * own + shared * mood[:, None]) * spread
        base = np.exp(
            [
                chance.uniform(np.log(low), np.log(high))
                for low, high in ((2, 60), (20, 900), (0.1, 3), (0.2, 4), (0.1, 3))
            ]
        )
        streaks = np.minimum(1 + chance.pareto(chance.uniform(1.2, 2.5), (length, 5)), 200)
        streaks[:, [0, 3, 4]] = 1.0
        streaks[:, 1] = 1.0 + (chance.random(length) < 0.03) * chance.uniform(1, 6)
        return cls(
            level=level,
            push=size * noise,
            pull=chance.choice([0.0, 0.02, 0.05, 0.15]),
            momentum=chance.uniform(-0.2, 0.7),
            error=chance.choice([0.0, 0.0, 0.3 * size]) * chance.standard_normal(length),
            waves=waves,
            base=base,
            follows=chance.choice([0.0, 0.0, 1.0, 1.0], 5),
            late=chance.choice([0, 0, 1, 2, 3], 5).astype(float),
            welcomes=chance.choice([0.0, 0.0, 3.0, 10.0], 5),
            bursts=streaks,
            seed=int(chance.integers(1 << 31)),
        )

    def run(self, cause: int, lag: int, force: float, bend: Callable[[Any], Any]) -> tuple[Floats, Floats]:
        """Let the minutes go by; gives the viewers told (one more than minutes) and the counts."""
        chance = np.random.default_rng(self.seed)
        length = len(self.push)
        true, counts = np.zeros(length + 1), np.zeros((length, 5))
        true[0] = self.level[0]
        moved = 0.0
        for now in range(length):
            inner = self.push[now] * self.level[now]
            moved = self.momentum * moved + inner
            caused = force * bend(counts[now - lag, cause]) if now >= lag else 0.0
            usual = force * bend(counts[max(0, now - 60) : now + 1, cause]).mean() if force else 0.0
            home = self.pull * (self.level[now] - true[now]) + self.level[now] - self.level[max(now - 1, 0)]
            true[now + 1] = max(3.0, true[now] + home + moved + caused - usual)
            counts[now] = self._counts(chance, now, true)
        error = np.concatenate([[0.0], self.error])
        return np.round(np.maximum(true * (1 + error), 1)), counts

    def _counts(self, chance: np.random.Generator, now: int, true: Floats) -> Floats:
        then = np.maximum(now + 1 - self.late.astype(int), 0)
        crowd = (true[then] / self.level[now]) ** self.follows
        news = (true[then] - true[np.maximum(then - 1, 0)]) / true[then]
        rate = self.base * crowd * np.exp(self.waves[now]) * np.exp(np.clip(self.welcomes * news, -1.5, 1.5))
        counts: Floats = np.round(chance.poisson(np.minimum(rate, 1e5)) * self.bursts[now])
        return counts


def _shape(chance: np.random.Generator, length: int) -> Floats:
    """Give the course of an evening: flat, growing, a hill, waves or with raids."""
    time = np.linspace(0, 1, length)
    kind = chance.integers(5)
    shape = np.ones(length)
    if kind == 1:
        shape = 1 + chance.uniform(-0.5, 1.5) * time
    elif kind == 2:
        shape = 0.4 + np.sin(np.pi * time) ** chance.uniform(0.5, 2)
    elif kind == 3:
        shape = 1 + 0.3 * np.sin(2 * np.pi * (chance.uniform(1, 3) * time + chance.random()))
    elif kind == 4:
        for at in chance.integers(0, length, 2):
            after = np.maximum(np.arange(length) - at, 0)
            shape += (
                chance.uniform(0.2, 1.0) * np.exp(-after / chance.uniform(5, 60)) * (np.arange(length) >= at)
            )
    return shape


def _waves(chance: np.random.Generator, length: int, memory: float) -> Floats:
    """Give an autoregressive series of variance 1."""
    wave = chance.standard_normal(length)
    for now in range(1, length):
        wave[now] = memory * wave[now - 1] + np.sqrt(1 - memory**2) * wave[now]
    return wave


def _holes(chance: np.random.Generator, minutes: int) -> set[int]:
    starts = chance.integers(10, minutes - 15, chance.integers(1, 4))
    return {start + more for start in starts for more in range(int(chance.integers(1, 12)))}


def _row(number: int, viewers: Floats, counts: Floats) -> StreamMinute:
    first, last = int(viewers[0]), int(viewers[1])
    named = {name: int(count) for name, count in zip(NAMES, counts, strict=True)}
    return StreamMinute(
        minute=START + timedelta(minutes=number),
        viewers_first=first,
        viewers_last=last,
        viewers_min=min(first, last),
        viewers_max=max(first, last),
        viewer_seconds=30.0 * (first + last),
        watched_seconds=60.0,
        connected_seconds=60.0,
        diamonds=3 * named["gifts"],
        **named,
    )
