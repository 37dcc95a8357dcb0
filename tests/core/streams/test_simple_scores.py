from __future__ import annotations

import pytest
from course_samples import minute

from bot.core.streams.activities import Activity
from bot.core.streams.scores import SimpleScores, simple_by_activity
from bot.core.streams.spikes import spikes

COUNTS = {"comments": 10, "likes": 100, "gifts": 4, "follows": 2, "shares": 2}


def after(rows) -> SimpleScores:
    return SimpleScores.resumed(rows)


def test_activity_is_the_weighted_share_of_the_95th_percentile_so_far():
    # 1..19 and the row itself: the 95th percentile of 20 values, by nearest rank, is the 19th.
    scores = after([minute(number, comments=number + 1) for number in range(19)])
    assert scores.of(minute(19, comments=9)).activity == pytest.approx(0.3 * 9 / 18)
    assert scores.of(minute(19, comments=200)).activity == pytest.approx(0.3)


def test_the_weights_are_those_people_know():
    scores = after([minute(number, **COUNTS) for number in range(5)])
    weights = {name: scores.of(minute(5, **{name: count})).activity for name, count in COUNTS.items()}
    assert weights == pytest.approx(
        {"comments": 0.3, "likes": 0.2, "gifts": 0.4, "follows": 0.05, "shares": 0.05}
    )
    assert scores.of(minute(5, **COUNTS)).activity == pytest.approx(1)
    assert scores.of(minute(5)).activity == 0


def test_the_first_gift_of_a_live_counts_in_full():
    assert after([minute(number) for number in range(30)]).of(minute(30, gifts=1)).activity == pytest.approx(
        0.4
    )


@pytest.mark.parametrize(("viewers", "sign"), [(130, 1), (100, 0), (80, -1)])
def test_correlation_is_the_weight_of_what_spiked_signed_by_the_change_of_viewers(viewers, sign):
    scores = after([minute(number, **COUNTS) for number in range(20)])
    row = minute(20, viewers=viewers, **{**COUNTS, "comments": 90, "shares": 30})
    assert scores.of(row).correlation == pytest.approx(0.35 * sign)


def test_correlation_is_unknown_where_the_viewers_are():
    scores = after([minute(number, **COUNTS) for number in range(20)])
    assert scores.of(minute(20, viewers=None, comments=90)).correlation is None


def test_after_a_gap_the_change_is_that_within_the_minute():
    scores = after([minute(number, **COUNTS) for number in range(20)])
    row = minute(50, **{**COUNTS, "comments": 90}, viewers_first=300, viewers_last=310)
    assert scores.of(row).correlation == pytest.approx(0.3)
    fell = minute(50, **{**COUNTS, "comments": 90}, viewers_first=300, viewers_last=290)
    assert scores.of(fell).correlation == pytest.approx(-0.3)


def test_a_restart_changes_no_score():
    rows = [minute(number, viewers=100 + number * 7 % 13, comments=number * 31 % 50) for number in range(40)]
    alive, said = SimpleScores(), []
    for row in rows:
        said.append(alive.of(row))
        alive.remember(row)
    assert [SimpleScores.resumed(rows[:number]).of(row) for number, row in enumerate(rows)] == said


def test_each_activity_has_the_mean_score_of_its_own_spikes():
    rows = [minute(number, gifts=1) for number in range(20)]
    rows += [
        minute(20, gifts=30, viewers=120),
        minute(21, gifts=30, viewers=140),
        minute(22, gifts=30, viewers=130),
    ]
    assert simple_by_activity(rows, spikes(rows)) == pytest.approx({Activity.GIFTS: 0.4 / 3})
