"""The one number that accounts share: the price of a look at which all plans together cost what there is."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.core.live.arrays import Floats, Indices
from bot.core.live.inspection import courses, distances, waiting_costs

CHUNK = 256
"""Accounts worked on at a time, so that their costs stay in the processor's cache."""
CHEAPEST, DEAREST = 1e-3, 1e5
TURNS = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlay:
    """What plans are made from: `intensity` and `loss` [n, T], and `pending` [n, T + 1] up to the first look.

    `factors` [n] are by how much a look at an account is dearer than the shared price.
    """

    intensity: Floats
    loss: Floats
    pending: Floats
    factors: Floats

    def waiting(self) -> Floats | None:
        """Give what it costs to wait, whatever a look costs; None where it fits into no cache."""
        n, steps = self.intensity.shape
        return waiting_costs(self.intensity.T, self.loss.T, distances(steps)) if n <= CHUNK else None

    def at_prices(self, prices: Floats, waiting: Floats | None = None) -> tuple[Floats, Indices, Indices]:
        """Plan at each of some prices [m].

        Gives the least cost from a look at each step on [m, n, T + 1], the step of the first look [m, n] and
        the number of looks [m, n]. `waiting` is what the method of this name gave.
        """
        n, steps = self.intensity.shape
        tried = distances(steps)
        value = np.empty((prices.size, n, steps + 1))
        first = np.empty((prices.size, n), dtype=np.intp)
        number = np.empty((prices.size, n), dtype=np.intp)
        for begin in range(0, n, CHUNK):
            part = slice(begin, begin + CHUNK)
            costs = waiting
            if costs is None:
                costs = waiting_costs(self.intensity[part].T, self.loss[part].T, tried)
            found, looks = courses(costs, prices[:, None] * self.factors[part], tried)
            value[:, part] = np.moveaxis(found, 0, -1)
            first[:, part] = (self.pending[part] + value[:, part]).argmin(axis=-1)
            number[:, part] = np.take_along_axis(np.moveaxis(looks, 0, -1), first[:, part, None], -1)[..., 0]
        return value, first, number


@dataclass(frozen=True, kw_only=True, slots=True)
class Afforded:
    """Plans that cost what there is: `value` [n, T + 1], `first` and `number` [n], as `Outlay.at_prices`."""

    price: float
    value: Floats
    first: Indices
    number: Indices


def afford(outlay: Outlay, target: float, price: float, order: Sequence[str]) -> Afforded:
    """Find the price near `price` at which the plans have `target` looks.

    Accounts that are alike change their minds at the same price, so that no single price may fit: then some of
    them, drawn by a hash of their `order`, plan at the price just below, and the others at the one just above.
    """
    spread, waiting = 1.06, outlay.waiting()
    for _ in range(TURNS):
        prices = np.clip(price * np.array([1 / spread, 1.0, spread]), CHEAPEST, DEAREST)
        value, first, number = outlay.at_prices(prices, waiting)
        spent = number.sum(axis=1)
        if spent[0] >= target >= spent[2] or prices[0] == prices[2]:
            break
        price = float(prices[2] * spread if spent[2] > target else prices[0] / spread)
        spread = min(spread**1.5, 2.0)
    dear = 2 if spent[1] > target else 1
    drawn = np.argsort([zlib.crc32(one.encode()) for one in order], kind="stable")
    more = (number[dear - 1] - number[dear])[drawn]
    pick = np.full(len(order), dear)
    pick[drawn] -= (spent[dear] + np.cumsum(more) <= target).astype(np.intp)
    rows = np.arange(len(order))
    return Afforded(
        price=float(prices[1]), value=value[pick, rows], first=first[pick, rows], number=number[pick, rows]
    )
