"""The guild's clock: hours over midnight, days on which the clock is changed, the next time of anything."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.notifications.deciding import at_minute, next_digest, next_minute, next_open, within
from bot.core.notifications.options import Digest, Only

BERLIN = ZoneInfo("Europe/Berlin")
#: With changes of an hour and of half of one, at midnight and at night, southern and northern, and one without.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "Asia/Beirut",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Asia/Kathmandu",
        "UTC",
    )
]
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001 - made aware here
    lambda moment: moment.replace(tzinfo=UTC)
)
minutes = st.integers(0, 1439)
onlies = st.builds(Only, days=st.sets(st.integers(0, 6), min_size=1).map(tuple), begins=minutes, ends=minutes)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def berlin(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=BERLIN, fold=fold).astimezone(UTC)


def minute(hour: int, rest: int = 0) -> int:
    return hour * 60 + rest


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        (berlin(2026, 11, 21, 21, 59), False),
        (berlin(2026, 11, 21, 22, 0), True),
        (berlin(2026, 11, 22, 0, 0), True),
        (berlin(2026, 11, 22, 6, 59), True),
        (berlin(2026, 11, 22, 7, 0), False),
        # The night with 23 hours and the one with 25.
        (berlin(2026, 3, 29, 1, 59), True),
        (berlin(2026, 3, 29, 3, 0), True),
        (berlin(2026, 3, 29, 7, 0), False),
        (berlin(2026, 10, 25, 2, 30), True),
        (berlin(2026, 10, 25, 2, 30, fold=1), True),
        (berlin(2026, 10, 25, 7, 0), False),
    ],
)
def test_hours_over_midnight(now: datetime, inside: bool) -> None:
    assert within(minute(22), minute(7), now, BERLIN) is inside


def test_hours_that_begin_and_end_alike_are_none() -> None:
    assert not within(minute(7), minute(7), berlin(2026, 11, 21, 7, 0), BERLIN)


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_once() -> None:
    """Held until 2:30, a message is not held again at 2:10 of the same night, for a day."""
    first, second = berlin(2026, 10, 25, 2, 10), berlin(2026, 10, 25, 2, 10, fold=1)
    assert within(minute(22), minute(2, 30), first, BERLIN)
    assert next_minute(minute(2, 30), first, BERLIN) == berlin(2026, 10, 25, 2, 30)
    assert not within(minute(22), minute(2, 30), second, BERLIN)


def test_quiet_hours_that_end_in_the_hour_that_is_left_out_end_after_it() -> None:
    now = berlin(2026, 3, 29, 1, 50)
    ends_at = next_minute(minute(2, 30), now, BERLIN)
    assert ends_at == berlin(2026, 3, 29, 3, 30)
    assert within(minute(22), minute(2, 30), ends_at - timedelta(seconds=1), BERLIN)
    assert not within(minute(22), minute(2, 30), ends_at, BERLIN)


@pytest.mark.parametrize(
    ("only", "now", "opens_at"),
    [
        (Only(), berlin(2026, 11, 21, 12), berlin(2026, 11, 21, 12)),
        (Only(days=()), berlin(2026, 11, 21, 12), None),
        # Weekends: from Friday's midnight to Sunday's.
        (Only(days=(5, 6)), berlin(2026, 11, 20, 23, 59), berlin(2026, 11, 21, 0)),
        (Only(days=(5, 6)), berlin(2026, 11, 22, 23, 59), berlin(2026, 11, 22, 23, 59)),
        (Only(days=(5, 6)), berlin(2026, 11, 23, 0), berlin(2026, 11, 28, 0)),
        # Saturday's evening, which ends on Sunday at two.
        (
            Only(days=(5,), begins=minute(20), ends=minute(2)),
            berlin(2026, 11, 22, 1, 59),
            berlin(2026, 11, 22, 1, 59),
        ),
        (
            Only(days=(5,), begins=minute(20), ends=minute(2)),
            berlin(2026, 11, 22, 2),
            berlin(2026, 11, 28, 20),
        ),
        (
            Only(days=(5,), begins=minute(20), ends=minute(2)),
            berlin(2026, 11, 21, 1),
            berlin(2026, 11, 21, 20),
        ),
        # Of Sunday's hour nothing is left when the clock is put forward; the next one is in a week.
        (
            Only(days=(6,), begins=minute(2, 30), ends=minute(3)),
            berlin(2026, 3, 23, 12),
            berlin(2026, 4, 5, 2, 30),
        ),
        (
            Only(days=(6,), begins=minute(2, 30), ends=minute(3)),
            berlin(2026, 3, 29, 3, 30),
            berlin(2026, 4, 5, 2, 30),
        ),
    ],
)
def test_days_and_hours_at_which_there_are_messages(
    only: Only, now: datetime, opens_at: datetime | None
) -> None:
    assert next_open(only, now, BERLIN) == opens_at


def test_a_minute_that_is_left_out_comes_after_the_change() -> None:
    assert at_minute(date(2026, 3, 29), minute(2, 30), BERLIN) == berlin(2026, 3, 29, 3, 30)
    assert at_minute(date(2026, 10, 25), minute(2, 30), BERLIN) == berlin(2026, 10, 25, 2, 30)


@given(only=onlies, now=moments, zone=st.sampled_from(ZONES))
@example(only=Only(days=(6,), begins=150, ends=180), now=berlin(2026, 3, 23, 0), zone=BERLIN)
def test_at_the_next_hour_it_is_open_and_not_before(only: Only, now: datetime, zone: ZoneInfo) -> None:
    opens_at = next_open(only, now, zone)
    assert opens_at is not None
    assert now <= opens_at <= now + timedelta(days=15)
    assert next_open(only, opens_at, zone) == opens_at
    if opens_at > now:
        before = opens_at - timedelta(microseconds=1)
        assert next_open(only, before, zone) == opens_at
        assert next_open(only, now + (opens_at - now) / 2, zone) == opens_at


@given(begins=minutes, ends=minutes, now=moments, zone=st.sampled_from(ZONES))
@example(begins=minute(22), ends=minute(2, 30), now=berlin(2026, 10, 25, 2, 10, fold=1), zone=BERLIN)
@example(begins=minute(22), ends=minute(2, 30), now=berlin(2026, 3, 29, 1, 50), zone=BERLIN)
def test_held_hours_are_over_when_they_say(begins: int, ends: int, now: datetime, zone: ZoneInfo) -> None:
    if not within(begins, ends, now, zone):
        return
    until = next_minute(ends, now, zone)
    assert now < until <= now + timedelta(hours=26)
    assert within(begins, ends, until - timedelta(microseconds=1), zone)
    assert not within(begins, ends, until, zone)


@given(which=minutes, now=moments, zone=st.sampled_from(ZONES))
def test_the_next_minute_is_the_next(which: int, now: datetime, zone: ZoneInfo) -> None:
    at = next_minute(which, now, zone)
    assert now < at <= now + timedelta(hours=26)
    assert next_minute(which, at, zone) > at
    assert next_minute(which, at - timedelta(microseconds=1), zone) == at
    local = at.astimezone(zone)
    shown = local.hour * 60 + local.minute
    assert 0 <= (shown - which) % 1440 <= 60  # later only where the clock leaves the minute out


@given(
    which=minutes,
    now=moments,
    zone=st.sampled_from(ZONES),
    every=st.sampled_from([Digest.DAILY, Digest.WEEKLY]),
)
def test_digests_come_once_a_day_or_week(which: int, now: datetime, zone: ZoneInfo, every: Digest) -> None:
    first = next_digest(every, which, now, zone)
    second = next_digest(every, which, first, zone)
    days = 1 if every is Digest.DAILY else 7
    assert now < first <= now + timedelta(days=days, hours=2)
    assert abs((second - first) - timedelta(days=days)) <= timedelta(hours=1)
    if every is Digest.WEEKLY:
        assert (first - timedelta(hours=1)).astimezone(zone).weekday() in {0, 6}
        assert first.astimezone(zone).weekday() == 0


def test_a_day_has_one_digest_though_the_clock_shows_its_minute_twice() -> None:
    first = next_digest(Digest.DAILY, minute(2, 30), berlin(2026, 10, 24, 12), BERLIN)
    assert first == berlin(2026, 10, 25, 2, 30)
    assert next_digest(Digest.DAILY, minute(2, 30), first, BERLIN) == berlin(2026, 10, 26, 2, 30)


def test_the_clock_knows_no_other_zone() -> None:
    assert next_minute(minute(12), NOON, ZoneInfo("Asia/Kathmandu")) == datetime(
        2026, 6, 2, 6, 15, tzinfo=UTC
    )
