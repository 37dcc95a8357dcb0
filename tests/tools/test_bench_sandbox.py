"""The benchmark of the sandbox, made small."""

from __future__ import annotations

import pytest

from tools.bench import sandbox
from tools.bench.sandbox import Watched, growth, told


def test_the_virtual_days_keep_their_promises(monkeypatch):
    monkeypatch.setattr(sandbox, "VIRTUAL_DAYS", 1.0)
    figures = {figure.name: figure for figure in sandbox.virtual_days()}
    assert figures["promises broken"].value == 0
    assert all(figure.is_kept for figure in figures.values())


def test_memory_that_grows_all_the_time_is_told_and_that_of_the_start_is_not():
    assert growth([100.0] * 10 + [150.0] * 20) == 0
    assert growth([100.0 + number for number in range(30)]) == pytest.approx(17)


MEASURED = {"megabytes": [100.0] * 9, "answers_ms": [20.0], "cpu_seconds": 1, "seconds": 10}


def test_what_is_told_wrongly_misses_a_limit(capsys):
    well = Watched(**MEASURED, lives=3, rounds=2, evenings=2)
    assert all(figure.is_kept for figure in told(well))
    ill = Watched(**MEASURED | {"answers_ms": [3100.0], "cpu_seconds": 9}, wrongs=["#lives a1"])
    assert not any(figure.is_kept for figure in told(ill) if figure.name != sandbox.MEMORY)
    assert "#lives a1" in capsys.readouterr().out


def test_evenings_that_were_played_and_are_not_summed_up_miss_a_limit():
    missed = [one.name for one in told(Watched(**MEASURED, lives=3, evenings=1)) if not one.is_kept]
    assert missed == ["evenings not summed up"]
