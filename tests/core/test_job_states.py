"""The state machine of a job, and when it is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import jobs
from bot.core.jobs import JobEvent, JobState, RetryStrategy, after, before, of_death


def table_in_docstring() -> dict[tuple[JobState, JobEvent], JobState]:
    """Read the table people read: columns are found by where their heading stands."""
    lines = jobs.__doc__.splitlines()
    head = next(number for number, line in enumerate(lines) if "what happens" in line)
    columns = {state: lines[head].index(state) for state in JobState}
    starts = sorted(columns.values())
    found = {}
    for line in lines[head + 2 :]:
        if not line.strip():
            break
        for state, start in columns.items():
            end = next((other for other in starts if other > start), None)
            cell = line[start:end].strip()
            found[state, JobEvent(line[: starts[0]].strip())] = JobState(cell) if cell else state
    return found


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("event", JobEvent)
def test_every_pair_does_what_the_table_in_the_docstring_says(state: JobState, event: JobEvent) -> None:
    assert after(state, event) is table_in_docstring()[state, event]


def test_the_docstring_names_every_pair() -> None:
    assert len(table_in_docstring()) == len(JobState) * len(JobEvent)


@given(st.lists(st.sampled_from(JobEvent)))
def test_a_job_that_has_ended_stays_so_and_any_other_can_still_end(events: list[JobEvent]) -> None:
    state = JobState.TODO
    for event in events:
        was, state = state, after(state, event)
        assert state is was or not was.is_final
    if not state.is_final:
        assert after(after(state, JobEvent.CLAIMED), JobEvent.DONE) is JobState.SUCCEEDED


@pytest.mark.parametrize("event", JobEvent)
def test_each_event_happens_in_one_state(event: JobEvent) -> None:
    """What the storage room writes is guarded by this one."""
    (state,) = before(event)
    assert after(state, event) is not state


def test_a_job_that_took_four_workers_down_is_given_up() -> None:
    assert [of_death(attempts) for attempts in (1, 2, 3, 4, 5)] == [
        *[JobEvent.DIED] * 3,
        *[JobEvent.GIVEN_UP] * 2,
    ]


def test_three_tries_with_pauses_that_double() -> None:
    strategy = RetryStrategy(base_seconds=60)
    pauses = [strategy.pause(attempts, chance=0.5) for attempts in (1, 2, 3, 4)]
    assert pauses == [60, 120, None, None]


@given(st.integers(1, 2), st.floats(0, 1), st.floats(0, 86400))
def test_a_pause_is_spread_by_a_fifth_and_never_under_what_was_asked_for(
    attempts: int, chance: float, asked: float
) -> None:
    strategy = RetryStrategy(base_seconds=10)
    middle = 10 * 2 ** (attempts - 1)
    assert 0.8 * middle <= strategy.pause(attempts, chance=chance) <= 1.2 * middle + 1e-9
    assert strategy.pause(attempts, chance=chance, retry_after_seconds=asked) >= asked


def test_nobody_is_waited_for_longer_than_a_day() -> None:
    for asked in (86_401.0, 1e10, 1e18):
        assert RetryStrategy().pause(1, chance=0.5, retry_after_seconds=asked) == 86_400
