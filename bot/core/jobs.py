"""The job queue: the states of a job, what can happen to it, when it is tried again.

The terms are procrastinate's, which takes over where there is more than one host. The state machine of a job; an
empty cell leaves the state as it is::

    what happens   todo    doing      succeeded  failed
    ------------   -----   ---------  ---------  ------
    claimed        doing
    done                   succeeded
    put_off                todo
    given_up               failed
    stopped                todo
    died                   todo

- claimed: a worker holds it, by a lease; that is a start
- put_off: it failed, and is tried again later; given_up: it failed, and is not
- stopped: its worker ends, or it cannot begin yet; the start does not count
- died: its worker did not renew the lease; at the last start that is allowed it is given up instead

succeeded and failed are final. Only who holds a job (its epoch) may say what happens to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

PROFILE_QUEUE, MEDIA_QUEUE = QUEUES = ("profile", "media")
"""Each has jobs of one kind, of the same name."""


class JobState(StrEnum):
    """How far a job has come."""

    TODO = "todo"
    DOING = "doing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in {JobState.SUCCEEDED, JobState.FAILED}


class JobEvent(StrEnum):
    """What can happen to a job; the table in the module's docstring says what follows."""

    CLAIMED = "claimed"
    DONE = "done"
    PUT_OFF = "put_off"
    GIVEN_UP = "given_up"
    STOPPED = "stopped"
    DIED = "died"


_TABLE: Mapping[JobState, Mapping[JobEvent, JobState]] = {
    JobState.TODO: {JobEvent.CLAIMED: JobState.DOING},
    JobState.DOING: {
        JobEvent.DONE: JobState.SUCCEEDED,
        JobEvent.PUT_OFF: JobState.TODO,
        JobEvent.GIVEN_UP: JobState.FAILED,
        JobEvent.STOPPED: JobState.TODO,
        JobEvent.DIED: JobState.TODO,
    },
    JobState.SUCCEEDED: {},
    JobState.FAILED: {},
}
LONGEST_PAUSE = timedelta(days=1)
"""Nobody is waited for longer, whatever was asked for."""
MOST_STARTS = 4
"""A job that was started so often and took its worker down each time is given up."""


def after(state: JobState, event: JobEvent) -> JobState:
    """Give the state that follows; the same one where the table says nothing."""
    return _TABLE[state].get(event, state)


def before(event: JobEvent) -> tuple[JobState, ...]:
    """Give the states in which an event changes something."""
    return tuple(state for state, row in _TABLE.items() if event in row)


def of_death(attempts: int) -> JobEvent:
    """Say what becomes of a job whose worker died at its start number `attempts`."""
    return JobEvent.GIVEN_UP if attempts >= MOST_STARTS else JobEvent.DIED


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryStrategy:
    """How often a job that fails is tried, and how long it waits in between: `base_seconds`, twice that, and so on."""

    max_attempts: int = 3
    base_seconds: float = 60.0

    def pause(
        self, attempts: int, *, chance: float, retry_after_seconds: float | None = None
    ) -> float | None:
        """Give the seconds until the next try after failure number `attempts`; None when there is none.

        `chance` (0 to 1) spreads it by a fifth to both sides; it is at least what the other side asked for, up to
        `LONGEST_PAUSE`.
        """
        if attempts >= self.max_attempts:
            return None
        seconds = self.base_seconds * 2.0 ** (attempts - 1) * (0.8 + 0.4 * chance)
        return min(max(seconds, retry_after_seconds or 0.0), LONGEST_PAUSE.total_seconds())


@dataclass(frozen=True, kw_only=True, slots=True)
class NewJob:
    """What is put into the queue.

    Of jobs with the same `queueing_lock` one waits or runs at a time, of those with the same `lock` one runs at a
    time; empty is none. Higher `priority` goes first. None as `scheduled_at` is now.
    """

    queue: str
    kind: str
    args: Mapping[str, Any] = field(default_factory=dict)
    lock: str = ""
    queueing_lock: str = ""
    priority: int = 0
    scheduled_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job that a worker holds; `attempts` counts this start."""

    id: int
    queue: str
    kind: str
    args: Mapping[str, Any]
    lock: str
    queueing_lock: str
    priority: int
    attempts: int
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCounts:
    """How many jobs of a queue are in which state; `delayed` wait for an instant that is to come."""

    queue: str
    waiting: int
    active: int
    delayed: int
    completed: int
    failed: int
