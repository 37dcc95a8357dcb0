"""What a game server's answers make of what is known, and the fixed interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.looking import Answer, FixedLooks, Known, Look, News, Result, Why, heard, looked

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def told(*answers: Answer | None) -> News:
    news = News()
    for number, answer in enumerate(answers):
        news = heard(news, answer, NOW + number * MINUTE, game_on=4)
    return news


def teams(playing: int | None, map_name: str | None = None, limit: float | None = None) -> Answer:
    return Answer(playing=playing, map_name=map_name, time_limit=limit)


def test_four_in_teams_are_a_game():
    assert not told(teams(3)).is_game_on
    news = told(teams(3), teams(4), teams(6))
    assert (news.is_game_on, news.game_from) == (True, NOW + MINUTE)


def test_a_game_ends_with_the_first_answer_without_enough_people():
    news = told(teams(4), teams(6), teams(1), teams(0))
    assert (news.is_game_on, news.game_until) == (False, NOW + 2 * MINUTE)
    assert not news.is_anyone_in
    assert told(teams(4), teams(1)).is_anyone_in


def test_silence_and_a_count_that_is_not_told_are_unknown():
    for nothing in (None, teams(None)):
        news = told(teams(6), nothing)
        assert news.is_game_on
        assert not news.is_to_be_had
        assert not told(nothing).is_to_be_had
    assert told(None, teams(0)).is_to_be_had


@pytest.mark.parametrize(
    ("answers", "at"),
    [
        ([teams(6, "supply", 10), teams(6, "goldrush", 10)], 1),
        ([teams(6, "supply", 10), teams(6, "supply", 7.5)], 1),
        ([teams(6, "supply", 10), teams(0, "goldrush", 10)], 1),  # all are connecting
        ([teams(6, "supply", 10), teams(6, None, None), teams(6, "supply", 10)], None),
        ([teams(6, "supply", 10), teams(6, "supply", 10)], None),
        ([teams(0, "supply", 10), teams(0, "goldrush", 10)], None),
        ([teams(6, "supply", 10)], None),
    ],
)
def test_another_map_or_limit_during_a_game_means_that_a_round_is_over(answers, at):
    assert told(*answers).changed_at == (None if at is None else NOW + at * MINUTE)


def test_looks_of_more_than_a_day_ago_are_forgotten():
    known = Known()
    for hours in (0, 1, 24.5):
        known = looked(known, Look(at=NOW + timedelta(hours=hours), result=Result.EMPTY))
    assert [look.at for look in known.looks] == [NOW + timedelta(hours=1), NOW + timedelta(hours=24.5)]


def test_a_fixed_interval_is_kept_and_stretched_while_the_server_is_down():
    policy, known, waits = FixedLooks(every=MINUTE), Known(), []
    for result in [Result.EMPTY, Result.FOUND, *[Result.FAILED] * 6, Result.EMPTY]:
        known = looked(known, Look(at=NOW, result=result))
        waits.append((policy.plan(known, NOW).look_at - NOW) / MINUTE)
    assert waits == [1, 1, 1, 2, 4, 8, 10, 10, 1]
    assert policy.plan(Known(), NOW).why is Why.START


@given(
    st.lists(st.builds(teams, st.none() | st.integers(0, 9), st.sampled_from([None, "a", "b"])) | st.none())
)
def test_what_is_known_of_a_game_is_in_order(answers):
    news = told(*answers)
    times = [news.game_from, news.game_until, news.answered_at, news.asked_at]
    known = [at for at in times if at is not None]
    assert known == sorted(known)
    assert news.is_game_on == (news.game_from is not None and news.game_until is None)
