"""Values of the job queue. The terms are procrastinate's, which takes over where there is more than one host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """How far a job has come."""

    TODO = "todo"
    DOING = "doing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


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
