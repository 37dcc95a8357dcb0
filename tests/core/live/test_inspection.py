"""Optimal inspection: courses are the best there are, and a plan remade keeps to itself."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bot.core.live.inspection import courses, distances, pending_costs, waiting_costs


def cost_of(looks: tuple[int, ...], intensity: np.ndarray, loss: np.ndarray, price: float) -> float:
    """What a course of looks costs, by the definition: every live is charged at the first look after it."""
    total = price * len(looks)
    for start, rate in enumerate(intensity):
        look = next((step for step in looks if step > start), intensity.size)
        total += rate * loss[look - 1 - start]
    return total


def test_no_course_is_cheaper_than_the_one_found() -> None:
    chance = np.random.default_rng(4)
    for _ in range(20):
        intensity, loss = chance.random(9), np.cumsum(chance.random(9))
        price = float(chance.random() * 3)
        tried = distances(9)
        costs = waiting_costs(intensity[:, None], loss[:, None], tried)
        value, number = courses(costs, np.array([[price]]), tried)
        every = [looks for size in range(9) for looks in combinations(range(1, 9), size)]
        best = min(every, key=lambda looks: cost_of(looks, intensity, loss, price))
        assert value[0, 0, 0] - price == pytest.approx(cost_of(best, intensity, loss, price))
        assert number[0, 0, 0] - 1 == len(best)


def test_what_is_pending_is_charged_at_the_first_look() -> None:
    chance = np.random.default_rng(1)
    mass, loss = chance.random(20), np.cumsum(chance.random(20))
    mass[:3] = 0.0
    pending = pending_costs(mass, loss, 8)
    for step in range(9):
        assert pending[step] == pytest.approx(
            sum(mass[s] * loss[12 + step - 1 - s] for s in range(12 + step))
        )


def test_the_dearer_a_look_the_fewer_looks() -> None:
    intensity, loss = np.full((144, 1), 0.02), np.arange(1.0, 145.0)[:, None] * 10
    tried = distances(144)
    prices = np.array([[1.0], [5.0], [25.0], [125.0]])
    _, number = courses(waiting_costs(intensity, loss, tried), prices, tried)
    assert list(number[0, :, 0]) == sorted(number[0, :, 0], reverse=True)
    assert number[0, 0, 0] > 2 * number[0, 3, 0]


def test_with_a_flat_intensity_looks_are_as_far_apart_as_theory_says() -> None:
    """A live lost minute by minute, rate r, price p: the best distance is the root of 2 p / r."""
    rate, price = 0.001, 5.0
    intensity, loss = np.full((144, 1), rate * 10), (np.arange(144.0)[:, None] + 0.5) * 10
    tried = distances(144)
    _, number = courses(waiting_costs(intensity, loss, tried), np.array([[price]]), tried)
    assert 1440 / number[0, 0, 0] == pytest.approx((2 * price / rate) ** 0.5, rel=0.12)


def test_every_distance_up_to_the_horizon_is_tried_at_first_and_then_coarser() -> None:
    tried = distances(144)
    assert list(tried[:10]) == list(range(1, 11))
    assert tried[-1] == 144
    assert len(tried) < 60
