"""The world's streamers and their lives: each kind is what it says, and any window gives the same story."""

from __future__ import annotations

import itertools
import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.sandbox.clock import WorldClock
from tools.sandbox.tiktok.world import HANDLE
from tools.sandbox.tiktok.world import World as TikTok
from tools.sandbox.world import PAST_BEGINS, PAST_DAYS, START
from tools.sandbox.world.lives import CHANGED_ON, forced_live, live_at, lives_of
from tools.sandbox.world.streamers import EVERYBODY, STREAMERS, Kind, streamer_of

LIVES = {one.handle: lives_of(one, PAST_BEGINS, START + timedelta(days=30)) for one in EVERYBODY}
HOURS = st.integers(0, PAST_DAYS * 24)


def hours_of(lives, streamer):
    local = [live.started_at.astimezone(streamer.tz) for live in lives]
    return [one.hour + one.minute / 60 for one in local]


def test_there_is_every_kind_and_nobody_is_somebody_else():
    assert {one.kind for one in STREAMERS} == set(Kind)
    assert (len(STREAMERS), len(EVERYBODY)) == (8, 15)
    for what in ("handle", "id", "nickname", "number"):
        assert len({getattr(one, what) for one in EVERYBODY}) == 15
    assert all(HANDLE.fullmatch(one.handle) for one in EVERYBODY)
    with pytest.raises(KeyError):
        streamer_of("nobody")


def test_an_account_has_the_names_tiktok_gives_it():
    tiktok = TikTok(WorldClock(None))
    for one in EVERYBODY:
        assert tiktok.create(one.handle, id=one.id).sec_uid == one.sec_uid


def test_somebody_goes_live_soon_after_the_world_begins_and_nobody_is_live_before():
    assert [one.handle for one in EVERYBODY if live_at(one, START)] == []
    first = min(
        live.started_at for one in STREAMERS for live in lives_of(one, START, START + timedelta(days=1))
    )
    assert timedelta(minutes=3) < first - START < timedelta(minutes=10)


@given(a=HOURS, b=HOURS, c=HOURS, streamer=st.sampled_from(EVERYBODY))
def test_a_window_is_the_sum_of_its_parts(a, b, c, streamer):
    first, second, third = (PAST_BEGINS + timedelta(hours=one) for one in sorted((a, b, c)))
    parts = lives_of(streamer, first, second) + lives_of(streamer, second, third)
    assert parts == lives_of(streamer, first, third)


@pytest.mark.parametrize("streamer", EVERYBODY, ids=lambda one: one.handle)
def test_lives_of_one_streamer_follow_each_other(streamer):
    lives = LIVES[streamer.handle]
    assert len({live.room_id for live in lives}) == len(lives) > 30
    for before, after in itertools.pairwise(lives):
        assert before.ended_at < after.started_at
    for live in lives:
        assert live.room_id >> 32 == int(live.started_at.timestamp())
        assert live.started_at < live.ended_at <= live.started_at + timedelta(hours=8)
        assert live_at(streamer, live.started_at + timedelta(minutes=2)) == live
        assert live_at(streamer, live.ended_at) is None


def test_the_daily_come_nearly_every_day_at_their_hour_and_the_weekday_ones_not_on_weekends():
    for streamer in EVERYBODY:
        lives = LIVES[streamer.handle]
        if streamer.kind is Kind.DAILY:
            assert len(lives) > 0.85 * (PAST_DAYS + 30)
            assert statistics.pstdev(hours_of(lives, streamer)) < 0.5
        if streamer.kind is Kind.WEEKDAY:
            assert {live.started_at.astimezone(streamer.tz).weekday() for live in lives} == {0, 1, 2, 3, 4}


def test_who_has_two_shifts_comes_twice_a_day():
    for streamer in (one for one in EVERYBODY if one.kind is Kind.TWO_SHIFTS):
        hours = hours_of(LIVES[streamer.handle], streamer)
        near = [min(abs(hour - shift) for shift in streamer.hours) for hour in hours]
        assert max(near) < 1
        for shift in streamer.hours:
            assert sum(abs(hour - shift) < 1 for hour in hours) > 0.7 * (PAST_DAYS + 30)


def test_who_changes_their_schedule_has_done_so_a_month_ago():
    for streamer in (one for one in EVERYBODY if one.kind is Kind.CHANGES):
        lives = LIVES[streamer.handle]
        dates = [live.started_at.astimezone(streamer.tz).date() for live in lives]
        for day, hour in zip(dates, hours_of(lives, streamer), strict=True):
            assert abs(hour - streamer.hours[day >= CHANGED_ON]) < 1


def test_the_unpredictable_come_at_any_hour():
    for streamer in (one for one in EVERYBODY if one.kind is Kind.UNPREDICTABLE):
        assert statistics.pstdev(hours_of(LIVES[streamer.handle], streamer)) > 2.5


def test_a_live_that_was_asked_for_begins_at_once():
    now = START + timedelta(minutes=17, microseconds=5)
    live = forced_live(STREAMERS[0], now)
    assert timedelta(0) <= now - live.started_at < timedelta(seconds=1)
    assert live == forced_live(STREAMERS[0], now)
