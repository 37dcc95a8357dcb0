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
    Result,
    Step,
    Surface,
    after,
    anew,
    block_for,
    edit_again_in,
    edit_at,
    next_step,
    remaining,
    retry,
    settled,
    shown_revision,
)
from bot.core.notifications.placement import Placement

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
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


POSTED = replace(
    FRESH, delivered_revision=1, message_id=9, posted_at=NOW, placement=Placement(opens_thread=True)
)
TO_BE_POSTED_ANEW = anew(replace(POSTED, revision=2))


@pytest.mark.parametrize(
    ("message", "surface", "step"),
    [
        (POSTED, Surface.OTHER, None),
        (POSTED, Surface.FORUM, None),
        (POSTED, Surface.ANNOUNCEMENT, Step.PUBLISH),
        (replace(POSTED, published=True), Surface.ANNOUNCEMENT, Step.OPEN_THREAD),
        (replace(POSTED, published=True, thread_id=9), Surface.ANNOUNCEMENT, None),
        (POSTED, Surface.TEXT, Step.OPEN_THREAD),
        (replace(POSTED, placement=None), Surface.ANNOUNCEMENT, None),
        (replace(POSTED, placement=Placement(publish=False)), Surface.ANNOUNCEMENT, None),
        (replace(POSTED, placement=Placement(opens_thread=True, in_thread_of="x")), Surface.TEXT, None),
        (replace(POSTED, in_thread=True, thread_id=5), Surface.ANNOUNCEMENT, None),
        (replace(POSTED, message_id=None), Surface.ANNOUNCEMENT, None),
        (replace(POSTED, revision=2), Surface.ANNOUNCEMENT, Step.EDIT),
        (replace(POSTED, revision=2, old_message_id=8), Surface.TEXT, Step.DELETE_OLD),
        (TO_BE_POSTED_ANEW, Surface.TEXT, Step.POST),
        (replace(POSTED, removing=True, revision=2, old_message_id=8), Surface.TEXT, Step.REMOVE),
    ],
)
def test_what_is_left_to_do_for_a_posted_message(
    message: Outgoing, surface: Surface, step: Step | None
) -> None:
    assert remaining(message, surface) is step
    assert next_step(message, now=NOW, started_at=NOW, surface=surface) is (step or Step.NOTHING)


def test_in_a_forum_every_second_try_looks_first() -> None:
    tried = replace(FRESH, tries=1, first_tried_at=NOW)
    assert next_step(FRESH, now=NOW, started_at=NOW, surface=Surface.FORUM) is Step.POST
    assert next_step(tried, now=NOW, started_at=NOW, surface=Surface.FORUM) is Step.LOOK_THEN_POST


def test_a_message_is_posted_anew_under_another_nonce_and_marker_until_it_stands() -> None:
    message = replace(TO_BE_POSTED_ANEW, first_tried_at=NOW, tries=1, expires_at=NOW - HOUR)
    assert (message.nonce, message.generation) == (nonce_for("live:1", 2, 1), 1)
    assert message.marker != POSTED.marker
    assert next_step(message, now=NOW, started_at=NOW) is Step.POST
    assert next_step(message, now=NOW, started_at=NOW + MINUTE) is Step.LOOK_THEN_POST
    sent = settled(message, Result(event=Event.SENT, message_id=10), shown=2, now=NOW + HOUR)
    assert (sent.message_id, sent.old_message_id, sent.posted_at) == (10, 9, NOW + HOUR)
    assert remaining(sent, Surface.TEXT) is Step.DELETE_OLD
    done = settled(sent, Result(event=Event.DONE, step=Step.DELETE_OLD), shown=2, now=NOW)
    assert remaining(replace(done, placement=None), Surface.TEXT) is None


def test_what_is_to_go_is_not_posted_anew_but_looked_for_where_it_may_have_been() -> None:
    going = replace(TO_BE_POSTED_ANEW, removing=True)
    assert next_step(going, now=NOW, started_at=NOW) is Step.REMOVE
    tried = replace(going, first_tried_at=NOW - MINUTE, tries=1)
    assert next_step(tried, now=NOW, started_at=NOW) is Step.LOOK_THEN_POST


@pytest.mark.parametrize("step", [Step.PUBLISH, Step.OPEN_THREAD])
def test_what_cannot_be_done_is_not_left_to_do(step: Step) -> None:
    message = POSTED if step is Step.PUBLISH else replace(POSTED, published=True)
    given_up = settled(message, Result(event=Event.DONE, step=step, is_given_up=True), shown=1, now=NOW)
    assert remaining(message, Surface.ANNOUNCEMENT) is step
    assert remaining(given_up, Surface.ANNOUNCEMENT) is not step


@pytest.mark.parametrize(
    ("posted", "edited", "due"),
    [
        (None, -10 * HOUR, 0 * MINUTE),
        (-59 * MINUTE, -1 * MINUTE, 0 * MINUTE),
        (-1 * HOUR, -1 * MINUTE, 4 * MINUTE),
        (-1 * HOUR, -6 * MINUTE, 0 * MINUTE),
        (-1 * HOUR, 9 * HOUR, 0 * MINUTE),  # the clock was set back
        (-1 * HOUR, None, 0 * MINUTE),
    ],
)
def test_an_old_message_is_edited_every_five_minutes(
    posted: timedelta | None, edited: timedelta | None, due: timedelta
) -> None:
    at = edit_at(
        OutboxState.DELIVERED,
        stands=True,
        posted_at=None if posted is None else NOW + posted,
        edited_at=None if edited is None else NOW + edited,
        now=NOW,
    )
    assert at == NOW + due


@pytest.mark.parametrize("stands", [True, False])
@pytest.mark.parametrize("state", OutboxState)
def test_a_change_is_an_errand_of_its_own_unless_one_is_on_its_way(state: OutboxState, stands: bool) -> None:
    at = edit_at(state, stands=stands, posted_at=NOW, edited_at=NOW, now=NOW)
    is_open = state in {OutboxState.PENDING, OutboxState.PARKED}
    assert (at is not None) is (state is OutboxState.DELIVERED or (stands and is_open))


def test_an_edit_that_comes_too_late_is_tried_slowly_and_then_no_more_but_in_a_forum() -> None:
    pauses = [edit_again_in(replace(POSTED, tries=tries), None) for tries in (0, 1, 2)]
    assert pauses == [MINUTE, 2 * MINUTE, None]
    assert edit_again_in(POSTED, 900.0) == timedelta(seconds=900)
    first = replace(POSTED, in_thread=True, thread_id=POSTED.message_id)
    assert [edit_again_in(replace(first, tries=tries), None) for tries in (2, 99)] == [
        4 * MINUTE,
        10 * MINUTE,
    ]
