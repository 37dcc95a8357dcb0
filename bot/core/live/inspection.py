"""Optimal inspection: the best instants to look at an account, for a price per look."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def waiting_costs(intensity: Floats, loss: Floats) -> Floats:
    """Give what it costs to look at step k and next at step j, [n, T, T + 1] (0 where j <= k).

    `intensity` [n, T] starts per step; `loss` [n, T] what a live lost that is looked at i + 1 steps later.
    """
    n, steps = intensity.shape
    costs = np.zeros((n, steps + 1, steps + 1))
    for k in range(steps - 1, -1, -1):
        costs[:, k, k + 1 :] = costs[:, k + 1, k + 1 :] + intensity[:, k, None] * loss[:, : steps - k]
    return costs


def values(costs: Floats, prices: Floats) -> tuple[Floats, Indices]:
    """Give the least cost from a look at step k on, and the step of the next look, both [m, n, T + 1].

    `prices` [m]: what a look costs, for each of which everything is worked out.
    """
    n, size, _ = costs.shape
    value = np.zeros((prices.size, n, size))
    best = np.full((prices.size, n, size), size - 1, dtype=np.intp)
    for k in range(size - 2, -1, -1):
        total = costs[:, k, k + 1 :] + value[:, :, k + 1 :]
        at = total.argmin(axis=2)
        best[:, :, k] = k + 1 + at
        value[:, :, k] = np.take_along_axis(total, at[:, :, None], 2)[:, :, 0] + prices[:, None]
    return value, best


def first_look(mass: Floats, loss: Floats, value: Floats) -> Indices:
    """Give the step of the best first look, [m, n], in 0..T.

    `mass` [n, P + T]: starts per step not looked at yet, the last T of them to come; `loss` [n, P + T].
    """
    n, total = mass.shape
    size = value.shape[-1]
    past = total - (size - 1)
    # cost[j] = sum over s < past + j of mass[s] * loss[past + j - 1 - s]
    padded = np.concatenate([np.zeros((n, total)), loss], axis=1)
    windows = sliding_window_view(padded, total, axis=1)[:, past : past + size, ::-1]
    cost = np.einsum("njs,ns->nj", windows, mass)
    return np.asarray((cost + value).argmin(axis=-1))


def looks(first: Indices, best: Indices) -> Indices:
    """Count the looks before the last step, [m, n], from the first one on."""
    number = np.zeros(best.shape, dtype=np.intp)
    for k in range(best.shape[-1] - 2, -1, -1):
        number[..., k] = 1 + np.take_along_axis(number, best[..., k, None], -1)[..., 0]
    return np.asarray(np.take_along_axis(number, first[..., None], -1)[..., 0])
