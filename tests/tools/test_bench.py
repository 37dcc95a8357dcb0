"""The benchmark of the planner, on small fleets: it measures what it names, and a missed limit is told."""

from __future__ import annotations

import math

import pytest

from tools.bench import planner
from tools.bench.report import Figure, print_report


@pytest.fixture
async def figures(monkeypatch) -> dict[str, Figure]:
    monkeypatch.setattr(planner, "FLEETS", (10, 30))
    monkeypatch.setattr(planner, "EVENTS", 5)
    monkeypatch.setattr(planner, "CHOICES", 5)
    return {figure.name: figure for figure in await planner.measure()}


async def test_every_policy_is_measured_with_every_fleet(figures):
    for model in ("probability", "fixed"):
        for words in (
            "all 30 accounts",
            "one of 30 after an event",
            "memory, 30 accounts",
            "replan: 30 against 10",
        ):
            assert figures[f"{model}: {words}"].value > 0
    assert figures["next check: 30 against 10"].value > 0
    assert figures["probability: all 30 accounts"].limit == 2
    assert figures["probability: one of 30 after an event"].limit == 5
    assert math.isinf(figures["fixed: all 30 accounts"].limit)


def test_a_figure_over_its_limit_is_told_and_ends_with_1(capsys):
    kept = Figure(name="all 100 accounts", value=0.1, limit=2, unit="s", how="")
    unjudged = Figure(name="memory", value=9, unit="KB each", how="")
    assert print_report([kept, unjudged]) == 0
    assert "MISSED" not in capsys.readouterr().out
    missed = Figure(name="all 30 accounts", value=2.5, limit=2, unit="s", how="")
    assert print_report([kept, unjudged, missed]) == 1
    assert "MISSED" in capsys.readouterr().out


def test_memory_counts_everything_an_object_leads_to_once():
    shared = bytes(100_000)
    assert 100_000 < planner._bytes_of([shared, {"again": shared}]) < 110_000
