"""Optimal inspection: the best steps to look at an account, for a price per look (specs/scheduling.md 4).

Time goes in steps from 0 (now) to T (the horizon). Lives start at random with a known intensity per step. A
look at step k sees a live that is on; a live that started in step s and is looked at first in step j has
lost `loss[j - 1 - s]` by then, also if it has ended unseen. A look sees all there is, so what comes after
it does not depend on what came before: dynamic programming from the horizon backwards gives all courses.

Arrays have the accounts last ([steps, n]), so that each operation runs over them in one stretch of memory.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bot.core.live.arrays import Floats, Indices


def distances(steps: int) -> Indices:
    """Give the distances of two looks that are tried: every step at first, coarser as they get longer."""
    grown = [1]
    while grown[-1] < steps:
        grown.append(grown[-1] + max(1, grown[-1] // 10))
    return np.minimum(grown, steps).astype(np.intp)


def waiting_costs(intensity: Floats, loss: Floats, tried: Indices) -> Floats:
    """Give what is lost between a look at step k and the next one `tried[l]` steps later, [T, l, n].

    `intensity` [T, n] are starts per step; `loss` [T, n] is what a live lost that started `i` steps (and a
    half) before it is looked at. Distances that pass the horizon are cut there.
    """
    steps, n = intensity.shape
    costs = np.empty((steps, tried.size, n))
    until = np.zeros((steps + 1, n))
    for k in range(steps - 1, -1, -1):
        until[k + 1 :] += intensity[k] * loss[: steps - k]
        costs[k] = until[np.minimum(k + tried, steps)]
    return costs


def courses(costs: Floats, prices: Floats, tried: Indices) -> tuple[Floats, Indices]:
    """Give the least cost from a look at step k on, and the number of looks from it on, both [T + 1, m, n].

    `prices` [m, n]: what a look costs; for each of the m everything is worked out. A look at the horizon is free
    and not counted: it stands for what comes later.
    """
    steps, _, n = costs.shape
    m = len(prices)
    # All [m, n] lie in one row, of which numpy takes parts with the least ado: with few accounts that is all it does.
    row, dear = np.arange(m * n), np.broadcast_to(prices, (m, n)).ravel()
    value = np.zeros((steps + 1, row.size))
    number = np.zeros((steps + 1, row.size), dtype=np.intp)
    after = np.minimum(np.arange(steps)[:, None] + tried, steps)
    for k in range(steps - 1, -1, -1):
        total = value.take(after[k], axis=0)
        total.reshape(-1, m, n)[:] += costs[k, :, None]
        best = total.argmin(axis=0)
        value[k] = total.take(best * row.size + row) + dear
        number[k] = number.take(after[k].take(best) * row.size + row) + 1
    return value.reshape(-1, m, n), number.reshape(-1, m, n)


def pending_costs(mass: Floats, loss: Floats, steps: int) -> Floats:
    """Give what is lost until the first look, for a first look at step 0..T, [T + 1].

    `mass` [P + T]: starts per step of one account not looked at since, the last T of them still to come;
    `loss` [P + T] as above.
    """
    past = mass.size - steps
    first = int(np.flatnonzero(mass)[0]) if mass.any() else past
    first = min(first, past)
    held = np.concatenate([np.zeros(steps + past - first), loss[: steps + past - first]])
    # Row j of the windows, turned round, is the loss at step j of starts in steps `first`, `first` + 1, ...
    windows = sliding_window_view(held, steps + past - first)[past - first : past - first + steps + 1, ::-1]
    return np.asarray(windows @ mass[first:])
