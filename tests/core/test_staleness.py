"""When silence is worth telling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import staleness
from bot.core.staleness import Verdict, patience, silent_since, verdict

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_patience_is_three_intervals_and_never_below_two_hours() -> None:
    assert patience(timedelta(seconds=60)) == 2 * HOUR
    assert patience(HOUR) == 3 * HOUR


@pytest.mark.parametrize(
    ("last_ok", "expected", "found"),
    [
        (1, 9, Verdict.FRESH),
        (3, 9, Verdict.STALE),
        (3, 1, Verdict.WAITING),  # the bot runs only for an hour
        (None, 1, Verdict.WAITING),
        (None, 3, Verdict.STALE),
        (2, 9, Verdict.STALE),
        (-5, 9, Verdict.FRESH),  # the clock was set back
    ],
)
def test_what_was_expected_all_the_time_and_did_not_happen_is_stale(
    last_ok: int | None, expected: int, found: Verdict
) -> None:
    last_ok_at = None if last_ok is None else NOW - last_ok * HOUR
    expected_since = NOW - expected * HOUR
    assert verdict(last_ok_at=last_ok_at, expected_since=expected_since, now=NOW, limit=2 * HOUR) is found


def test_the_silence_begins_with_the_last_success_or_with_the_expectation() -> None:
    assert silent_since(last_ok_at=None, expected_since=NOW) == NOW
    assert silent_since(last_ok_at=NOW - HOUR, expected_since=NOW - 2 * HOUR) == NOW - HOUR
    assert silent_since(last_ok_at=NOW - 2 * HOUR, expected_since=NOW - HOUR) == NOW - HOUR


SPANS = st.timedeltas(timedelta(0), timedelta(days=40))


@given(last_ok=st.none() | SPANS, expected=SPANS, limit=SPANS, more=SPANS)
def test_nothing_is_stale_before_its_limit_and_what_is_stays_so_until_it_succeeds(
    last_ok: timedelta | None, expected: timedelta, limit: timedelta, more: timedelta
) -> None:
    last_ok_at, expected_since = None if last_ok is None else NOW - last_ok, NOW - expected

    def found(now: datetime) -> Verdict:
        return verdict(last_ok_at=last_ok_at, expected_since=expected_since, now=now, limit=limit)

    silent = NOW - silent_since(last_ok_at=last_ok_at, expected_since=expected_since)
    assert (found(NOW) is Verdict.STALE) == (silent >= limit)
    if found(NOW) is Verdict.STALE:
        assert found(NOW + more) is Verdict.STALE
    else:
        assert found(NOW + limit) is Verdict.STALE


@pytest.mark.parametrize("reason", ["", "alpha: no answer", "*bold* <@1> " * 200])
def test_a_reason_is_told_escaped_and_its_lack_as_well(reason: str) -> None:
    for message in (staleness.folder_stale("alpha", NOW, reason), staleness.backups_stale(NOW, reason)):
        assert "<@1>" not in str(message.body)
        assert ("it is not known why" in str(message.body)) == (not reason)
        assert len(str(message.body)) < 1500
        assert f"<t:{int(NOW.timestamp())}:f>" in str(message.body)
