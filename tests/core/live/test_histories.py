"""What simple policies remember."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.core.live.histories import Histories
from bot.core.live.history import Ended, Followed, Forgotten, Found, Missed

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOW - 5000 * DAY


def told(histories: Histories, *days_ago: float, account_id: int = 1) -> None:
    for days in days_ago:
        start = NOW - days * DAY
        histories.learn(Found(account_id=account_id, started_at=start, found_at=start + HOUR))
        histories.learn(Ended(account_id=account_id, started_at=start, ended_at=start + 2 * HOUR))


def test_a_live_is_remembered_once_it_has_ended() -> None:
    histories = Histories(90 * DAY)
    start = NOW - HOUR
    histories.learn(Found(account_id=1, started_at=start, found_at=NOW))
    assert histories[1].starts == [start]
    assert histories.lives(1, LONG_AGO, NOW) == []
    histories.learn(Ended(account_id=1, started_at=start, ended_at=NOW - HOUR / 2))
    histories.learn(Ended(account_id=1, started_at=start, ended_at=NOW))
    (live,) = histories.lives(1, LONG_AGO, NOW)
    assert (live.started_at, live.ended_at) == (start, NOW)
    assert histories.lives(2, LONG_AGO, NOW) == []


@given(st.lists(st.integers(0, 60), max_size=30))
def test_lives_are_given_in_order_each_once_however_they_were_told(days: list[int]) -> None:
    histories = Histories(365 * DAY)
    told(histories, *days)
    starts = [live.started_at for live in histories.lives(1, LONG_AGO, NOW + DAY)]
    assert starts == sorted({NOW - day * DAY for day in days})


def test_what_is_older_than_the_memory_is_let_go() -> None:
    histories = Histories(30 * DAY)
    told(histories, *range(100, -1, -1))
    assert len(histories[1].starts) == 31
    assert len(histories[1].ends) == 31


def test_who_is_forgotten_is_new_again() -> None:
    histories = Histories(30 * DAY)
    histories.learn(Followed(account_id=1, at=NOW, zone="Asia/Tokyo"))
    histories.learn(Followed(account_id=1, at=NOW + DAY, zone="Europe/Paris"))
    histories.learn(Missed(account_id=1, at=NOW))
    assert histories[1].followed_at == NOW
    assert str(histories[1].zone) == "Europe/Paris"
    histories.learn(Forgotten(account_id=1))
    assert histories[1].followed_at is None


def test_an_end_before_its_start_is_no_end() -> None:
    histories = Histories(30 * DAY)
    histories.learn(Ended(account_id=1, started_at=NOW, ended_at=NOW - HOUR))
    assert histories.lives(1, LONG_AGO, NOW + DAY) == []
