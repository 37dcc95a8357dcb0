"""The policy `classic`: its table row by row, its windows, and whole weeks with both DST days in them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rounds.looking import Known, Look, Result, Why
from bot.core.rounds.prime_time import ClassicLooks, window_at
from tests.core.rounds.played import played

PARIS = ZoneInfo("Europe/Paris")
CLASSIC = ClassicLooks(zone=PARIS)
F, E, X = Result.FOUND, Result.EMPTY, Result.FAILED
DST_DAYS = (date(2026, 3, 29), date(2026, 10, 25))
HOUR = timedelta(hours=1)

# What an evening without a single file looks like, on the wall clock.
QUIET_DAY = [
    *("19:30", "19:35", "19:40", "19:45", "19:50", "19:55"),
    *("20:00", "20:01", "20:11", "20:21", "20:31", "20:41", "20:51", "21:01", "21:11", "21:21"),
    *("21:51", "22:21", "22:51"),
    *("23:00", "23:10", "23:20", "23:30", "23:40", "23:50"),
]


def local(written: str, day: date = date(2026, 11, 20)) -> datetime:
    return datetime.combine(day, time.fromisoformat(written), PARIS).astimezone(UTC)


def instants(first: str, last: str) -> st.SearchStrategy[datetime]:
    days = (datetime.fromisoformat(day) for day in (first, last))
    return st.datetimes(*days, timezones=st.just(UTC))


def known(*looks: tuple[str, Result]) -> Known:
    return Known(looks=tuple(Look(at=local(at), result=result) for at, result in looks))


def wait(*looks: tuple[str, Result]) -> tuple[str, Why]:
    now = local(looks[-1][0])
    plan = CLASSIC.plan(known(*looks), now)
    assert plan.ask_at is None
    return f"{plan.look_at.astimezone(PARIS):%H:%M:%S}".removesuffix(":00"), plan.why


def empties(begin: str, count: int, minutes: int = 1) -> list[tuple[str, Result]]:
    at = datetime.combine(date(2026, 11, 20), time.fromisoformat(begin))
    return [(f"{at + number * timedelta(minutes=minutes):%H:%M}", E) for number in range(count)]


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([("20:05", F)], ("20:06", Why.PRIME)),
        (empties("20:05", 1), ("20:06", Why.PRIME)),
        (empties("20:05", 2), ("20:16", Why.PRIME)),
        (empties("20:05", 9), ("20:23", Why.PRIME)),
        (empties("20:05", 10), ("20:44", Why.PRIME)),
        (empties("20:05", 30), ("21:04", Why.PRIME)),
        ([*empties("20:05", 12), ("20:20", F)], ("20:21", Why.PRIME)),
        ([*empties("20:05", 12), ("20:20", F), ("20:21", E)], ("20:22", Why.PRIME)),
        ([("19:40", F)], ("19:45", Why.RAMP_UP)),
        (empties("19:31", 9), ("19:44", Why.RAMP_UP)),
        ([("14:00", F)], ("14:05", Why.OFF_HOURS)),
        (empties("14:00", 1), ("14:10", Why.OFF_HOURS)),
        (empties("14:00", 5), ("14:14", Why.OFF_HOURS)),
        (empties("14:00", 6), ("19:30", Why.ASLEEP)),
        (empties("14:00", 40), ("19:30", Why.ASLEEP)),
        ([("14:00", X)], ("14:05", Why.ERROR)),
        ([("20:05", X)], ("20:10", Why.ERROR)),
    ],
)
def test_the_table(looks, expected):
    assert wait(*looks) == expected


@pytest.mark.parametrize(
    ("looks", "at"),
    [
        ([("19:22", E)], "19:30"),  # the specification's own example
        ([("19:26", F)], "19:30"),
        ([("19:28", X)], "19:30"),
        ([("19:57", E)], "20:00"),
        (empties("22:40", 10), "23:00"),
        ([("22:59", F)], "23:00"),
    ],
)
def test_no_look_jumps_over_the_beginning_of_a_window(looks, at):
    assert wait(*looks)[0] == at


def test_the_count_begins_anew_with_the_window():
    before = empties("19:20", 10)
    assert wait(*before, ("20:00", E)) == ("20:01", Why.PRIME)
    assert wait(*empties("22:40", 20), ("23:00", E)) == ("23:10", Why.OFF_HOURS)


def test_an_error_neither_counts_nor_ends_the_count():
    assert wait(*empties("14:00", 5), ("14:05", X), ("14:10", E))[1] is Why.ASLEEP
    assert wait(*empties("14:00", 3), ("14:05", X), ("14:10", E)) == ("14:20", Why.OFF_HOURS)


def test_the_first_look_is_at_once():
    now = local("04:00")
    assert CLASSIC.plan(Known(), now).look_at == now


def test_a_plan_that_is_overdue_is_for_now():
    now = local("18:00")
    assert CLASSIC.plan(known(("14:00", F)), now).look_at == now


@given(instants("2025-01-01", "2027-01-01"))
def test_windows_follow_each_other_without_a_gap(at):
    window = window_at(at, PARIS)
    assert window.begin <= at < window.end
    assert window_at(window.end, PARIS).begin == window.end
    clock = at.astimezone(PARIS).time()
    prime, ramp_up = time(20) <= clock < time(23), time(19, 30) <= clock < time(20)
    assert window.kind is (Why.PRIME if prime else Why.RAMP_UP if ramp_up else Why.OFF_HOURS)


@given(
    st.lists(st.tuples(st.floats(0.01, 3000), st.sampled_from(Result)), min_size=1, max_size=30),
    instants("2026-03-28", "2026-03-30"),
)
def test_a_plan_is_in_the_future_and_within_the_window(steps, begin):
    looks, at = [], begin
    for minutes, result in steps:
        at += timedelta(minutes=minutes)
        looks.append(Look(at=at, result=result))
    plan = CLASSIC.plan(Known(looks=tuple(looks)), at)
    assert at < plan.look_at <= window_at(at, PARIS).end
    assert plan.look_at - at <= CLASSIC.longest_pause(Known())


# --- Whole weeks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dst_day", DST_DAYS)
def test_a_quiet_week_keeps_the_wall_clock_on_every_day(dst_day):
    begin = dst_day - timedelta(days=3)
    watched, _ = played(CLASSIC, local("12:00", begin), local("12:00", begin + timedelta(days=8)))
    by_day = defaultdict(list)
    for look in watched.looks:
        at = look.at.astimezone(PARIS)
        by_day[at.date()].append(f"{at:%H:%M:%S}".removesuffix(":00"))
    for day in range(1, 8):
        assert by_day[begin + timedelta(days=day)] == QUIET_DAY
    nights = {
        (after.at - before.at) / HOUR
        for before, after in zip(watched.looks, watched.looks[1:], strict=False)
        if after.at - before.at > 10 * HOUR
    }
    assert nights == {19 + 40 / 60, 19 + 40 / 60 + (1 if dst_day.month == 10 else -1)}


@pytest.mark.parametrize("dst_day", DST_DAYS)
def test_a_week_of_games_is_found_as_the_table_says(dst_day):
    begin = dst_day - timedelta(days=3)
    evening = [
        local("20:30", begin + timedelta(days=day)) + timedelta(seconds=30 + 480 * number)
        for day in range(8)
        for number in range(25)  # until 23:42
    ]
    night = local("03:30", dst_day)
    watched, found = played(
        CLASSIC, local("12:00", begin), local("12:00", begin + timedelta(days=9)), [*evening, night]
    )
    late = dict(zip(sorted([*evening, night]), found.delays, strict=True))
    assert late[night] > 14 * HOUR  # known to be bad: found when the ramp-up begins
    assert max(delay for at, delay in late.items() if at != night) <= timedelta(minutes=11)
    for before, after in zip(watched.looks, watched.looks[1:], strict=False):
        assert after.at <= window_at(before.at, PARIS).end + timedelta(seconds=4)
    boundaries = {f"{look.at.astimezone(PARIS):%H:%M}" for look in watched.looks}
    assert {"19:30", "20:00", "23:00"} <= boundaries
