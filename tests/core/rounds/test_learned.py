"""The policy `learned`: what it promises whatever happens, what it learns, and whole weeks with both DST days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.rounds.learned import (
    GAME_DAYS_TO_LEARN,
    LONGEST_PAUSE,
    LONGEST_UNTOLD,
    AutoLooks,
    LearnedLooks,
)
from bot.core.rounds.looking import Known, Look, News, Result, Why
from bot.core.rounds.rhythm import rhythm_of
from tests.core.rounds.played import played, worst_day

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOST_A_DAY = 200
DST_DAYS = (date(2026, 3, 29), date(2026, 10, 25))


def local(written: str, day: date) -> datetime:
    return datetime.combine(day, time.fromisoformat(written), PARIS).astimezone(UTC)


def evenings(first: date, days: int, *, rounds: int = 20, minutes: float = 8) -> list[datetime]:
    """Games at the same hour of the wall clock every day."""
    return [
        local("21:00", first + day * DAY) + number * minutes * MINUTE
        for day in range(days)
        for number in range(rounds)
    ]


def just_looked(result: Result = Result.EMPTY) -> tuple[Look, ...]:
    return (Look(at=NOW, result=result),)


def quiet(at: datetime = NOW) -> News:
    return News(asked_at=at, answered_at=at)


def playing(since: datetime, at: datetime) -> News:
    return News(asked_at=at, answered_at=at, game_from=since, is_anyone_in=True)


def plan(known: Known, now: datetime = NOW):
    return LearnedLooks(PARIS).plan(known, now)


# --- What it answers to ---------------------------------------------------------------------------


def test_it_sleeps_half_an_hour_while_the_server_says_that_nobody_plays():
    planned = plan(Known(looks=just_looked(), news=quiet()))
    assert (planned.look_at, planned.why) == (NOW + LONGEST_PAUSE, Why.QUIET)
    assert planned.ask_at == NOW + 5 * MINUTE


def test_it_sleeps_ten_minutes_at_most_while_the_server_is_silent():
    planned = plan(Known(looks=just_looked(), news=News(asked_at=NOW)))
    assert planned.look_at <= NOW + LONGEST_UNTOLD


def test_people_in_teams_wake_it():
    later = NOW + 5 * MINUTE
    planned = plan(Known(looks=just_looked(), news=playing(later, later)), later)
    assert later < planned.look_at <= later + 2 * MINUTE
    assert planned.why is Why.PLAYING
    assert planned.ask_at == later + MINUTE


def test_a_game_that_is_not_told_of_any_more_does_not_keep_it_awake():
    news = replace(playing(NOW - HOUR, NOW - HOUR), asked_at=NOW)
    assert plan(Known(looks=just_looked(), news=news)).why is not Why.PLAYING


def test_the_end_of_a_round_is_looked_for_after_5_10_and_20_seconds():
    changed = NOW + 10 * SECOND
    news = replace(playing(NOW - HOUR, changed), changed_at=changed)
    known, waits = Known(looks=just_looked(), news=news), []
    for _ in range(3):
        planned = plan(known, changed)
        assert planned.why is Why.ROUND_OVER
        waits.append((planned.look_at - changed) / SECOND)
        known = replace(known, looks=(*known.looks, Look(at=planned.look_at, result=Result.EMPTY)))
    assert waits == [5, 10, 20]
    assert plan(known, changed).why is not Why.ROUND_OVER


def test_a_round_that_is_found_ends_the_quick_looks():
    news = replace(playing(NOW - HOUR, NOW), changed_at=NOW)
    found = Look(at=NOW + 5 * SECOND, result=Result.FOUND)
    assert plan(Known(looks=(found,), news=news), found.at).look_at > NOW + 30 * SECOND


def test_after_an_error_it_waits_five_minutes_then_ten():
    failed = just_looked(Result.FAILED)
    assert plan(Known(looks=failed)).look_at == NOW + 5 * MINUTE
    assert plan(Known(looks=failed * 2)).look_at == NOW + 10 * MINUTE


def test_the_first_look_and_the_first_question_are_at_once():
    planned = plan(Known())
    assert (planned.look_at, planned.ask_at) == (NOW, NOW)


# --- What it promises -----------------------------------------------------------------------------

news_of = st.sampled_from([
    News(),
    News(asked_at=NOW),
    quiet(),
    playing(NOW - 20 * MINUTE, NOW),
    playing(NOW - 20 * MINUTE, NOW - 3 * MINUTE),
])  # fmt: skip
past = st.lists(st.floats(0, 60 * 24 * 40), max_size=40).map(
    lambda ago: tuple(sorted(NOW - minutes * MINUTE for minutes in ago))
)


@given(past, news_of, st.integers(0, 250), st.floats(0, 1))
def test_a_plan_is_no_earlier_than_now_within_the_longest_pause_and_keeps_when_remade(
    rounds, news, used, part
):
    policy = LearnedLooks(PARIS)
    looks = tuple(Look(at=NOW - number * SECOND, result=Result.EMPTY) for number in range(used, -1, -1))
    known = Known(looks=looks, rounds=rounds, news=news)
    planned = policy.plan(known, NOW)
    assert NOW <= planned.look_at <= NOW + policy.longest_pause(known)
    later = NOW + part * (planned.look_at - NOW)
    assert policy.plan(known, later).look_at == planned.look_at
    assert LearnedLooks(PARIS).plan(known, NOW) == planned


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.floats(0, 60 * 40), st.floats(2, 30), st.integers(1, 120)), max_size=4),
    st.sampled_from([None, 2 * MINUTE, 60 * MINUTE]),
)
def test_no_24_hours_hold_more_looks_than_a_day_may(games, present):
    written = [NOW + (at + gap * number) * MINUTE for at, gap, count in games for number in range(count)]
    watched, _ = played(LearnedLooks(PARIS), NOW - DAY, NOW + 2 * DAY, written, present)
    assert worst_day([look.at for look in watched.looks]) <= MOST_A_DAY


def test_with_an_even_chance_the_interval_kept_is_the_one_planned():
    """Section 4.6: a plan remade again and again must not push its look back."""
    watched, found = played(LearnedLooks(PARIS), NOW, NOW + 6 * HOUR)
    waits = {
        round((after - before) / SECOND)
        for before, after in zip(found.listings, found.listings[1:], strict=False)
    }
    assert len(watched.plans) > 2 * len(found.listings)  # remade at each question
    assert waits == {600}


# --- What it learns -------------------------------------------------------------------------------


def test_it_looks_when_the_next_round_is_usually_over():
    regular = rhythm_of(evenings(date(2026, 11, 1), 15, minutes=12), NOW, PARIS)
    assert regular.next_round(12 * MINUTE) > 5 * regular.next_round(5 * MINUTE)
    assert regular.next_round(61 * MINUTE) == 0


def test_the_hours_of_games_are_those_of_the_wall_clock_on_both_sides_of_a_change():
    for day in DST_DAYS:
        games = evenings(day - 20 * DAY, 20)
        for now in (local("12:00", day - DAY), local("12:00", day + DAY)):
            rhythm = rhythm_of([at for at in games if at < now], now, PARIS)
            chances = {hour: rhythm.first_round(datetime.combine(day, time(hour))) for hour in range(24)}
            assert max(chances, key=chances.get) == 21
            assert chances[21] > 3 * chances[18] > 0


def test_a_rhythm_never_gives_a_chance_that_is_none():
    @given(past)
    def check(rounds):
        rhythm = rhythm_of(rounds, NOW, PARIS)
        for minute in range(60):
            assert 0 <= rhythm.next_round(minute * MINUTE) < 10
        assert all(0 < chance < 1 for chance in rhythm.first)
        assert 0 < rhythm.playing < 10

    check()


def test_nothing_is_learned_from_rounds_that_are_still_to_come():
    games = evenings(date(2026, 11, 1), 40)
    seen = [at for at in games if at <= NOW]
    assert rhythm_of(games, NOW, PARIS) == rhythm_of(seen, NOW, PARIS)


# --- Whole weeks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dst_day", DST_DAYS)
@pytest.mark.parametrize("present", [2 * MINUTE, None])
def test_whole_weeks_are_found_soon_within_the_looks_of_a_day(dst_day, present):
    first = dst_day - 10 * DAY
    games = evenings(first, 14)
    night = local("03:30", dst_day)
    watched, found = played(
        LearnedLooks(PARIS), local("12:00", first), local("12:00", first + 14 * DAY), [*games, night], present
    )
    assert worst_day(found.listings) <= MOST_A_DAY
    delays = sorted(found.delays)
    assert delays[len(delays) // 2] < 3 * MINUTE
    assert delays[-1] <= (LONGEST_UNTOLD if present is None else LONGEST_PAUSE) + 4 * SECOND
    pauses = [after.at - before.at for before, after in zip(watched.looks, watched.looks[1:], strict=False)]
    assert max(pauses) <= LONGEST_PAUSE + 4 * SECOND
    on_dst_day = [
        late
        for at, late in zip(sorted([*games, night]), found.delays, strict=True)
        if at.astimezone(PARIS).date() == dst_day
    ]
    assert sorted(on_dst_day)[len(on_dst_day) // 2] < 3 * MINUTE


def test_classic_plans_until_enough_game_days_are_known():
    policy = AutoLooks(PARIS)
    games = evenings(date(2026, 10, 1), GAME_DAYS_TO_LEARN, rounds=3)
    assert policy.chosen(Known(rounds=tuple(games[:-3]))).name == "classic"
    assert policy.chosen(Known(rounds=tuple(games))).name == "learned"
