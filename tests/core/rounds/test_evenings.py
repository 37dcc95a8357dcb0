from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.evenings import GAP, evenings_on, group_evenings
from tests.core.rounds import decoder, real_rows
from tests.core.rounds.evening_samples import evening_round
from tests.core.rounds.samples import EVENING

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def keys(evenings) -> list[str]:
    return ["".join(one.key for one in evening.rounds) for evening in evenings]


def test_real_rounds_make_the_evenings_of_the_bytes(real_files, real_rounds):
    """By the names and the played times alone; two evenings of 2025-10-26 are 65 minutes apart."""
    told = decoder.rounds(real_files)
    expected: list[list[str]] = []
    for name in sorted(real_files):
        seconds = told[name]["played_seconds"]
        began = decoder.written(name) - timedelta(seconds=seconds if seconds == seconds else 0)
        if expected and began - decoder.written(expected[-1][-1]) <= timedelta(hours=1):
            expected[-1].append(name)
        else:
            expected.append([name])
    evenings = real_rows.evenings(real_rounds)
    assert [[one.key for one in evening.rounds] for evening in evenings] == expected
    sizes = [len(evening.rounds) for evening in evenings]
    assert sizes[-3:] == [7, 8, 4]
    assert max(sizes) == 24


def test_real_evening_over_midnight_is_one_and_has_the_date_it_began_on(real_rounds):
    evenings = real_rows.evenings(real_rounds)
    (long,) = evenings_on(evenings, date(2025, 10, 19), ZoneInfo("UTC"))
    assert (long.began_at.day, long.ended_at.day) == (19, 20)
    assert evenings_on(evenings, date(2025, 10, 20), ZoneInfo("UTC")) == ()
    assert len(evenings_on(evenings, date(2025, 10, 26), ZoneInfo("UTC"))) == 2


@pytest.mark.parametrize(("gap", "count"), [(60 * MINUTE, 1), (60 * MINUTE + timedelta(seconds=1), 2)])
def test_an_hour_without_a_round_ends_an_evening_and_not_a_second_less(gap, count):
    later = EVENING + gap + timedelta(seconds=300)
    assert len(group_evenings([evening_round("a"), evening_round("b", at=later, seconds=300)])) == count


def test_time_that_was_played_is_no_gap_and_an_unknown_one_is():
    known = [evening_round("a"), evening_round("b", 70, seconds=720)]
    unknown = [evening_round("a"), evening_round("b", 70, seconds=None)]
    assert keys(group_evenings(known)) == ["ab"]
    assert keys(group_evenings(unknown)) == ["a", "b"]


def test_round_that_arrives_late_bridges_two_evenings():
    two = [evening_round("a"), evening_round("c", 100)]
    assert keys(group_evenings(two)) == ["a", "c"]
    assert keys(group_evenings([*two, evening_round("b", 50)])) == ["abc"]


def test_rounds_that_do_not_count_are_shown_and_hold_an_evening_together():
    rounds = [evening_round("a"), evening_round("b", 50, voided=True), evening_round("c", 100)]
    (evening,) = group_evenings(rounds)
    assert [one.counted for one in evening.rounds] == [True, False, True]


@pytest.mark.parametrize(
    ("first", "second", "day"),
    [
        # The clocks go back at 03:00 (01:00 UTC): 02:40 and the later 02:20 are 40 minutes apart.
        ("2026-10-25T00:40", "2026-10-25T01:20", date(2026, 10, 25)),
        # The clocks go forward at 02:00 (01:00 UTC): 01:50 and 03:20 are 30 minutes apart.
        ("2026-03-29T00:50", "2026-03-29T01:20", date(2026, 3, 29)),
        # Local midnight: 23:50 and 00:30.
        ("2026-07-01T21:50", "2026-07-01T22:30", date(2026, 7, 1)),
    ],
)
def test_change_of_clocks_and_midnight_neither_end_nor_lengthen_an_evening(first, second, day):
    rounds = [
        evening_round(key, at=datetime.fromisoformat(when).replace(tzinfo=UTC), seconds=0)
        for key, when in (("a", first), ("b", second))
    ]
    evenings = group_evenings(rounds)
    assert keys(evenings) == ["ab"]
    assert evenings_on(evenings, day, BERLIN) == evenings


def test_clocks_that_read_forty_minutes_apart_may_be_hours_apart():
    """02:50 before and 02:50 after the clocks went back look like no time at all."""
    rounds = [
        evening_round("a", at=datetime(2026, 10, 25, 0, 20, tzinfo=UTC), seconds=0),
        evening_round("b", at=datetime(2026, 10, 25, 1, 25, tzinfo=UTC), seconds=0),
    ]
    assert keys(group_evenings(rounds)) == ["a", "b"]


def test_same_evening_has_another_date_in_another_zone():
    (evening,) = group_evenings(
        [evening_round("a", at=datetime(2026, 7, 1, 22, 10, tzinfo=UTC), seconds=300)]
    )
    assert evening.day(BERLIN) == date(2026, 7, 2)
    assert evening.day(ZoneInfo("UTC")) == date(2026, 7, 1)
    assert evening.day(ZoneInfo("Asia/Jakarta")) == date(2026, 7, 2)


def test_evening_is_over_after_the_gap():
    (evening,) = group_evenings([evening_round("a")])
    assert not evening.is_over(EVENING + GAP)
    assert evening.is_over(EVENING + GAP + timedelta(seconds=1))


rounds_of_weeks = st.lists(st.tuples(st.integers(0, 2000), st.none() | st.integers(0, 1800)), max_size=25)


@given(rounds_of_weeks, st.randoms(use_true_random=False))
def test_every_round_is_in_one_evening_and_evenings_are_an_hour_apart(played, chance: random.Random):
    rounds = [
        evening_round(f"{number:02}", minutes, "", "", seconds=seconds)
        for number, (minutes, seconds) in enumerate(played)
    ]
    evenings = group_evenings(rounds)
    shuffled = chance.sample(rounds, len(rounds))
    assert group_evenings(shuffled) == evenings
    assert sorted(one.key for evening in evenings for one in evening.rounds) == [one.key for one in rounds]
    for evening, following in pairwise(evenings):
        assert following.began_at - evening.ended_at > GAP
        assert following.rounds[0].resolved.ended_at >= evening.ended_at
    for evening in evenings:
        for one, following in pairwise(evening.rounds):
            assert following.began_at - one.resolved.ended_at <= GAP
