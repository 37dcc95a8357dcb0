"""The state machine of an outbox message, and when it is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import delivery
from bot.core.announcements import Message, Tone, nonce_for
from bot.core.delivery import (
    Event,
    OutboxState,
    Outgoing,
    Step,
    after,
    block_for,
    next_step,
    retry,
    shown_revision,
)

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
FRESH = Outgoing(
    id=1,
    event_key="live:1",
    guild_id=1,
    channel_id=2,
    message=Message(title="Hello", tone=Tone.LIVE),
    nonce=nonce_for("live:1", 2),
    state=OutboxState.PENDING,
)


def table_in_docstring() -> dict[tuple[OutboxState, Event], OutboxState]:
    """Read the table people read: columns are found by where their heading stands."""
    lines = delivery.__doc__.splitlines()
    head = next(number for number, line in enumerate(lines) if "what happens" in line)
    columns = {state: lines[head].index(state) for state in OutboxState}
    starts = sorted(columns.values())
    found = {}
    for line in lines[head + 2 :]:
        if not line.strip():
            break
        events = [Event(name.strip()) for name in line[: starts[0]].split(",")]
        for state, start in columns.items():
            end = next((other for other in starts if other > start), None)
            cell = line[start:end].strip()
            for event in events:
                found[state, event] = OutboxState(cell) if cell else state
    return found


@pytest.mark.parametrize("state", OutboxState)
@pytest.mark.parametrize("event", Event)
def test_every_pair_does_what_the_table_in_the_docstring_says(state: OutboxState, event: Event) -> None:
    assert after(state, event) is table_in_docstring()[state, event]


def test_the_docstring_names_every_pair() -> None:
    assert len(table_in_docstring()) == len(OutboxState) * len(Event)


def test_nothing_revives_a_message_that_was_given_up() -> None:
    assert {after(OutboxState.DEAD, event) for event in Event} == {OutboxState.DEAD}


def test_the_first_try_posts() -> None:
    assert next_step(FRESH, now=NOW, started_at=NOW) is Step.POST


def test_a_quick_retry_trusts_the_nonce() -> None:
    tried = replace(FRESH, tries=1, first_tried_at=NOW)
    assert next_step(tried, now=NOW + timedelta(seconds=119), started_at=NOW) is Step.POST


def test_a_late_retry_reads_the_channel_first() -> None:
    tried = replace(FRESH, tries=1, first_tried_at=NOW)
    assert next_step(tried, now=NOW + timedelta(seconds=121), started_at=NOW) is Step.LOOK_THEN_POST


def test_after_a_restart_the_channel_is_read_even_if_the_try_was_a_moment_ago() -> None:
    tried = replace(FRESH, tries=1, first_tried_at=NOW - timedelta(seconds=1))
    assert next_step(tried, now=NOW + timedelta(seconds=1), started_at=NOW) is Step.LOOK_THEN_POST


def test_a_clock_that_was_set_back_does_not_renew_the_nonce() -> None:
    tried = replace(FRESH, tries=1, first_tried_at=NOW)
    step = next_step(tried, now=NOW - timedelta(hours=1), started_at=NOW - timedelta(hours=2))
    assert step is Step.LOOK_THEN_POST


def test_what_was_tried_and_came_too_late_is_looked_for_and_not_posted() -> None:
    late = replace(FRESH, expires_at=NOW + timedelta(seconds=10))
    tried = replace(late, tries=1, first_tried_at=NOW)
    assert next_step(tried, now=NOW + timedelta(seconds=9), started_at=NOW) is Step.POST
    assert next_step(tried, now=NOW + timedelta(seconds=10), started_at=NOW) is Step.LOOK_THEN_GIVE_UP


def test_what_was_posted_is_edited() -> None:
    posted = replace(FRESH, delivered_revision=1, revision=2, message_id=9)
    assert next_step(posted, now=NOW, started_at=NOW) is Step.EDIT


def test_a_repeated_post_may_show_the_first_text_only() -> None:
    changed = replace(FRESH, revision=3)
    assert shown_revision(changed, Event.SENT) == 3
    assert shown_revision(replace(changed, tries=1), Event.SENT) == 1
    assert shown_revision(replace(changed, tries=1), Event.EDITED) == 3


def test_pauses_double_from_two_seconds_to_ten_minutes() -> None:
    pauses = [
        (retry(replace(FRESH, tries=tries), now=NOW, jitter=1.0).at - NOW).total_seconds()
        for tries in range(11)
    ]
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]


@given(tries=st.integers(0, 10**9), jitter=st.floats(0, 1), asked=st.none() | st.floats(0, 86400))
def test_no_pause_is_shorter_than_discord_asked_for(tries: int, jitter: float, asked: float | None) -> None:
    tried = replace(FRESH, tries=tries, first_tried_at=NOW)
    decision = retry(tried, now=NOW, jitter=jitter, retry_after_seconds=asked)
    pause = (decision.at - NOW).total_seconds()
    assert decision.event is Event.TRANSIENT
    assert max(1.5, (asked or 0) - 1e-6) <= pause <= max(600, (asked or 0) + 1e-6)


def test_a_day_of_failures_is_the_end_and_less_is_not() -> None:
    tried = replace(FRESH, tries=150, first_tried_at=NOW)
    almost = retry(tried, now=NOW + timedelta(hours=23, minutes=59), jitter=0)
    over = retry(tried, now=NOW + timedelta(hours=24), jitter=0)
    assert (almost.event, over.event) == (Event.TRANSIENT, Event.EXHAUSTED)


def test_a_machine_that_slept_for_a_day_goes_on_trying() -> None:
    tried = replace(FRESH, tries=2, first_tried_at=NOW)
    assert retry(tried, now=NOW + timedelta(days=3), jitter=0).event is Event.TRANSIENT


def test_a_blocked_channel_is_left_alone_for_five_minutes_doubling_to_a_day() -> None:
    minutes = [block_for(tries) / timedelta(minutes=1) for tries in range(1, 12)]
    assert minutes == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]


def test_the_marker_is_short_and_of_this_message_only() -> None:
    other = replace(FRESH, nonce=nonce_for("live:1", 3))
    assert FRESH.marker != other.marker
    assert len(FRESH.marker) <= 12
