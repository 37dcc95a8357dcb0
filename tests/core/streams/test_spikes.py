from __future__ import annotations

from collections import Counter

import pytest
from course_samples import START, minute

from bot.core.streams.activities import Activity
from bot.core.streams.spikes import FIRST_MINUTES, Spike, SpikeWatch, spikes
from tools.simulation.stream_lives import invent


def calm(length: int, **values: int) -> list:
    return [minute(number, **values) for number in range(length)]


def test_a_minute_far_above_the_usual_is_a_spike():
    rows = [minute(number, comments=20 + number % 3) for number in range(20)]
    found = spikes([*rows, minute(20, comments=80)])
    (spike,) = found
    assert spike.activity is Activity.COMMENTS
    assert spike.count == 80
    assert spike.usual == 21
    assert spike.at == rows[-1].minute + (rows[1].minute - START)


def test_a_few_loud_minutes_do_not_move_what_is_usual():
    loud = [minute(20 + number, comments=500) for number in range(5)]
    rows = [*calm(20, comments=20), *loud, minute(25, comments=500)]
    assert [one.usual for one in spikes(rows)] == [20] * 6


def test_what_comes_later_changes_no_spike():
    rows = [minute(number, likes=100 if number != 15 else 900) for number in range(60)]
    early = spikes(rows[:20])
    assert early
    assert spikes(rows)[: len(early)] == early


@pytest.mark.parametrize("activity", ["gifts", "follows", "shares"])
def test_one_where_hardly_anything_happens_is_no_spike(activity):
    rows = [minute(number, **{activity: int(number % 9 == 0)}) for number in range(60)]
    assert spikes(rows) == ()


def test_a_burst_of_gifts_among_rare_ones_is_a_spike():
    rows = [minute(number, gifts=int(number % 9 == 0)) for number in range(60)]
    assert [one.count for one in spikes([*rows, minute(60, gifts=12)])] == [12]


@pytest.mark.parametrize("seed", [0, 2])
def test_where_an_evening_goes_up_and_down_many_is_not_said_of_every_fifth_minute(seed):
    rows = invent(seed, share=None).rows
    often = Counter(one.activity for one in spikes(rows))
    assert often
    assert max(often.values()) <= len(rows) / 10


def test_nothing_is_usual_in_the_first_minutes():
    assert spikes([*calm(FIRST_MINUTES - 1, comments=1), minute(FIRST_MINUTES - 1, comments=900)]) == ()


def test_minutes_without_a_connection_are_not_usual():
    gone = [minute(20 + number, comments=0, connected_seconds=0.0) for number in range(60)]
    before = calm(20, comments=50)
    (spike,) = spikes([*before, *gone, minute(90, comments=200)])
    assert spike.usual == 50


def test_a_row_of_five_minutes_is_compared_with_five_times_the_usual():
    rows = calm(20, comments=20)
    assert spikes([*rows, minute(20, minutes=5, comments=100)]) == ()
    (spike,) = spikes([*rows, minute(20, minutes=5, comments=400)])
    assert spike.usual == 100


def test_a_row_may_be_asked_about_again_while_it_grows():
    watch = SpikeWatch()
    for row in calm(20, shares=0):
        watch.remember(row)
    assert watch.of(minute(20, shares=1)) == ()
    (spike,) = watch.of(minute(20, shares=8))
    assert isinstance(spike, Spike)
    assert watch.of(minute(20, shares=8)) == (spike,)
