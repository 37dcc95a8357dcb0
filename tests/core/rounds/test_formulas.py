from __future__ import annotations

import math

from bot.core.rounds.formulas import accuracy, dpm, kd


def test_damage_per_minute_is_made_of_own_seconds():
    assert dpm(1000, 120) == 500
    assert dpm(1000, 0) is None


def test_accuracy_is_hits_per_shot():
    assert accuracy(30, 120) == 0.25
    assert accuracy(0, 0) is None


def test_nobody_who_never_died_is_given_an_invented_death():
    assert kd(12, 8) == 1.5
    assert kd(12, 0) == math.inf
    assert kd(0, 0) == 0
