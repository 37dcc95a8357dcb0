"""When to look for new round files: what is known of a server, the plan made of it, and who makes plans.

A policy is asked again after every look and every answer of the game server. It plans from what is known and
the present instant alone, so that the same history gives the same plan on every machine and in every replay.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

DAY = timedelta(days=1)
AFTER_AN_ERROR = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(minutes=10)


class Result(StrEnum):
    """What a look found; FAILED says nothing about files."""

    FOUND = "found"
    EMPTY = "empty"
    FAILED = "failed"


class Why(StrEnum):
    """Why a look is planned when it is."""

    START = "start"  # the first look
    FIXED = "fixed"
    ERROR = "error"  # again after one
    PRIME = "prime"
    RAMP_UP = "ramp_up"
    OFF_HOURS = "off_hours"
    ASLEEP = "asleep"  # until the ramp-up
    BOUNDARY = "boundary"  # another window begins
    ROUND_OVER = "round_over"  # the map or its time limit has changed
    PLAYING = "playing"  # people are in teams
    NEXT_ROUND = "next_round"  # it may be over
    USUAL_HOUR = "usual_hour"  # games begin about now
    QUIET = "quiet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at a folder, ended at `at`; what it takes to see that a file rests belongs to it."""

    at: datetime
    result: Result


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What the game server itself said so far.

    The latest game was on from the answer at `game_from` to that at `game_until` (None while it is on).
    `changed_at` is when the map or its time limit was last seen to have changed during a game; `is_anyone_in`
    says whether the last answer told of anybody in a team.
    """

    asked_at: datetime | None = None
    answered_at: datetime | None = None
    game_from: datetime | None = None
    game_until: datetime | None = None
    changed_at: datetime | None = None
    is_anyone_in: bool = False
    scene: tuple[str | None, float | None] = (None, None)

    @property
    def is_to_be_had(self) -> bool:
        """Say whether the last question was answered."""
        return self.answered_at is not None and self.answered_at == self.asked_at

    @property
    def is_game_on(self) -> bool:
        """Say whether the last answer told of a game."""
        return self.game_from is not None and self.game_until is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the game server says: how many are in teams (None: it does not say), the map, its limit in minutes.

    `names` are those of all clients as they call themselves: bots and spectators too, with colours.
    """

    playing: int | None
    map_name: str | None = None
    time_limit: float | None = None
    names: tuple[str, ...] = ()


def heard(news: News, answer: Answer | None, at: datetime, game_on: int) -> News:
    """Take in the answer to a question asked `at`; None and a count not told are no answer.

    A game is on when at least `game_on` people are in teams. During a game a map or a time limit that is
    not what it was means that a round is over.
    """
    if answer is None or answer.playing is None:
        return replace(news, asked_at=at)
    is_on = answer.playing >= game_on
    scene = (answer.map_name, answer.time_limit)
    is_changed = any(
        old is not None and new is not None and old != new for old, new in zip(news.scene, scene, strict=True)
    )
    begun = at if is_on and not news.is_game_on else news.game_from
    ended = None if is_on else news.game_until or (at if news.is_game_on else None)
    return News(
        asked_at=at,
        answered_at=at,
        game_from=begun,
        game_until=ended,
        changed_at=at if is_changed and (is_on or news.is_game_on) else news.changed_at,
        is_anyone_in=answer.playing > 0,
        scene=scene,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What is known of one server: `looks` of the last day and `rounds` (when their files were written), oldest first."""

    looks: Sequence[Look] = ()
    rounds: tuple[datetime, ...] = ()
    news: News = field(default_factory=News)


def looked(known: Known, look: Look) -> Known:
    """Add a look, and forget those of more than a day before."""
    kept = known.looks[bisect_right(known.looks, look.at - DAY, key=lambda one: one.at) :]
    return replace(known, looks=(*kept, look))


def failures(looks: Sequence[Look]) -> int:
    """Count the looks that failed since the last that did not."""
    for number, look in enumerate(reversed(looks)):
        if look.result is not Result.FAILED:
            return number
    return len(looks)


@dataclass(frozen=True, kw_only=True, slots=True)
class LookPlan:
    """The next look and its reason; `ask_at`: when the game server is asked again, None where it is not."""

    look_at: datetime
    why: Why
    ask_at: datetime | None = None


class LookPolicy(Protocol):
    """Decides when a folder is looked at."""

    @property
    def name(self) -> str:
        """Name the policy as the settings do."""

    def longest_pause(self, known: Known) -> timedelta:
        """Give the longest time that may pass between two looks."""

    def plan(self, known: Known, now: datetime) -> LookPlan:
        """Plan the next look, never before `now`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedLooks:
    """Looks at even distances, ever more rarely while the server cannot be read."""

    every: timedelta
    name: str = "fixed"

    def longest_pause(self, known: Known) -> timedelta:  # noqa: ARG002 - the protocol's
        """Give the interval."""
        return self.every

    def plan(self, known: Known, now: datetime) -> LookPlan:
        """Plan the next look."""
        if not known.looks:
            return LookPlan(look_at=now, why=Why.START)
        failed = failures(known.looks)
        longest = max(LONGEST_BACK_OFF, self.every)
        pause = min(self.every * (1 << min(failed - 1, 16)), longest) if failed else self.every
        why = Why.ERROR if failed else Why.FIXED
        return LookPlan(look_at=max(now, known.looks[-1].at + pause), why=why)
