"""On invented lives with a known cause; `python -m tools.bench influence` does so with hundreds of seeds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from course_samples import minute

from bot.core.streams.activities import Activity
from bot.core.streams.findings import LAGS, Evidence, Findings, Role
from bot.core.streams.influence import LEAST_MINUTES, explain, explain_together
from bot.core.streams.influence_posts import why
from bot.core.streams.together import together
from tools.bench.influence import is_right
from tools.simulation.stream_lives import invent

SHARE = 0.2


@pytest.fixture(scope="module")
def moved():
    return [invent(seed, share=SHARE, gaps=seed % 4 == 0) for seed in range(500, 506)]


@pytest.fixture(scope="module")
def told(moved):
    return [explain(live.rows) for live in moved]


def of(findings: Findings, activity: Activity):
    return next(one for one in findings.effects if one.activity is activity)


def test_a_planted_cause_is_found_with_its_lag(moved, told):
    assert sum(is_right(live.planted, one) for live, one in zip(moved, told, strict=True)) >= 5


def test_without_a_cause_none_is_named():
    found = [explain(invent(seed, share=None, gaps=seed % 4 == 0).rows) for seed in range(2000, 2010)]
    assert sum(bool(one.leading) for one in found) <= 1
    assert all(one.evidence is Evidence.ENOUGH for one in found)


def followers(seed: int, late: int, length: int = 180):
    """Viewers that wander around 300; likes and comments are nothing but a part of them, some minutes later."""
    chance = np.random.default_rng([5, seed])
    viewers = np.full(length, 300.0)
    for now in range(1, length):
        viewers[now] = 300 + 0.93 * (viewers[now - 1] - 300) + 15 * chance.standard_normal()
    then = viewers[np.maximum(np.arange(length) - late, 0)]
    likes, comments = chance.poisson(3 * then), chance.poisson(0.1 * then)
    return [
        minute(
            number,
            viewers=int(viewers[number]),
            likes=int(likes[number]),
            comments=int(comments[number]),
            gifts=int(chance.poisson(0.3)),
        )
        for number in range(length)
    ]


@pytest.mark.parametrize("late", [0, 1, 2])
def test_likes_that_follow_viewers_do_not_lead(late):
    found = [explain(followers(seed, late)) for seed in range(20, 23)]
    assert not any(one.leading for one in found)
    likes = [of(one, Activity.LIKES) for one in found]
    if late:
        assert [(one.role, one.lag) for one in likes] == [(Role.FOLLOWS, -late)] * 3
    else:
        assert {one.role for one in likes} <= {Role.TOGETHER, Role.FOLLOWS}
    assert all("likes" in why(one) and "lead viewer growth" not in why(one) for one in found)


def test_a_count_of_viewers_that_comes_late_makes_nothing_lead():
    rows = followers(3, 0)
    before = [rows[0], *rows[:-1]]
    mixed = [
        replace(row, viewers_last=round(0.5 * row.viewers_last + 0.5 * old.viewers_last))
        for row, old in zip(rows, before, strict=True)
    ]
    assert explain(mixed).leading == ()


def test_minutes_without_a_connection_are_left_out_and_not_taken_for_silence():
    rows = followers(4, 1)
    lost = range(60, 100)
    absent = [row for number, row in enumerate(rows) if number not in lost]
    nothing = {"viewers_last": None, "connected_seconds": 0.0, "comments": 0, "likes": 0, "gifts": 0}
    silent = [replace(row, **nothing) if number in lost else row for number, row in enumerate(rows)]
    assert replace(explain(silent), spikes=()) == replace(explain(absent), spikes=())
    assert explain(absent).minutes == len(rows) - 1 - len(lost) - 1


def test_the_same_rows_tell_the_same(moved, told):
    assert explain(moved[2].rows) == told[2]


def test_findings_survive_being_stored(told):
    found = told[3]
    assert found.spikes
    assert Findings.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    ("rows", "evidence"),
    [
        ([], Evidence.SHORT),
        ([minute(0)], Evidence.SHORT),
        ([minute(number, viewers=100 + number % 7) for number in range(LEAST_MINUTES)], Evidence.SHORT),
        ([minute(number, viewers=None, comments=number) for number in range(180)], Evidence.SHORT),
        ([minute(5 * number, minutes=5, viewers=100 + number) for number in range(36)], Evidence.THINNED),
        ([minute(number, comments=number % 5) for number in range(180)], Evidence.STILL),
    ],
)
def test_too_little_is_said_to_be_too_little(rows, evidence):
    found = explain(rows)
    assert found.evidence is evidence
    assert found.effects == ()
    assert "explains" not in why(found)


def test_what_hardly_ever_happened_is_not_judged():
    rows = [replace(row, shares=int(number == 50)) for number, row in enumerate(followers(1, 1))]
    assert of(explain(rows), Activity.SHARES).role is Role.RARE


def test_a_live_in_which_nothing_but_viewers_was_seen_is_survived():
    rows = [minute(number, viewers=100 + number * 37 % 41) for number in range(120)]
    assert {one.role for one in explain(rows).effects} == {Role.RARE}


def test_short_lives_and_odd_counts_are_survived():
    for length in (LEAST_MINUTES + 1, LEAST_MINUTES + 3, 55):
        rows = followers(7, 1, length)
        assert explain(rows).evidence is Evidence.ENOUGH
        assert explain([replace(row, follows=10**9) for row in rows]).evidence is Evidence.ENOUGH


def test_weak_evidence_of_several_lives_adds_up():
    lag = 4
    # The same cause in every live, planted by hand: viewers a little up some minutes after many likes.
    rows = [_with_lead(live.rows, lag) for live in (invent(seed, share=None) for seed in range(4100, 4105))]
    alone = [explain(one) for one in rows]
    found = together(alone)
    assert found.lives == 5
    assert [one.activity for one in found.leading] == [Activity.COMMENTS]
    assert abs(found.leading[0].lag - lag) <= 1
    assert explain_together(rows[:1]) == together(alone[:1])


def _with_lead(rows, lag):
    """Add a wave to the viewers, 8 % of the variance of their change, that comments make."""
    comments = np.sqrt([row.comments for row in rows])
    comments = (comments - comments.mean()) / comments.std()
    change = np.diff([row.viewers_last for row in rows])
    caused = np.concatenate([np.zeros(lag), comments[:-lag]]) * change.std() * np.sqrt(0.08 / 0.92)
    viewers = np.maximum(1, np.array([row.viewers_last for row in rows]) + np.cumsum(caused))
    return [replace(row, viewers_last=round(float(many))) for row, many in zip(rows, viewers, strict=True)]


@pytest.mark.parametrize("first", [1105, 1465])
def test_what_chance_adds_up_to_over_several_lives_leads_nothing(first):
    found = [explain(invent(seed, share=None, gaps=seed % 4 == 0).rows) for seed in range(first, first + 5)]
    assert [one.leading for one in found] == [()] * 5
    assert together(found).leading == ()


def test_one_live_alone_tells_what_it_told(told):
    found = told[0]
    assert together([found]).effects == found.effects
    assert together([found, explain([])]).lives == 1
    assert together([]).evidence is Evidence.SHORT


def test_each_effect_has_a_relation_for_each_lag(told):
    for one in told[4].effects:
        assert len(one.by_lag) == len(one.scores) == len(LAGS)
        assert all(r is None or -1 <= r <= 1 for r in one.by_lag)
