"""What a check changes about a live: one table, state x observation -> what happens.

=============== =================== ============== ========== ========== =============== =========
phase           a newer room        a known room   older room paused     offline         unknown
=============== =================== ============== ========== ========== =============== =========
none, or ENDED  FOUND (REOPENED     REOPENED       IGNORED    IGNORED    IGNORED         IGNORED
                after a short gap)
ON              CONTINUED (FOUND    CONTINUED      IGNORED    PAUSED     DOUBTED         IGNORED
                after a long gap)                             (ENDED)
DOUBTED         as ON               CONTINUED      IGNORED    PAUSED     ENDED when      IGNORED
                                                              (ENDED)    confirmed, else
                                                                         DOUBTED
=============== =================== ============== ========== ========== =============== =========

- A go-live needs a room that is on (not paused) and newer than the last one; a new room within the
  restart gap belongs to the same live (specs/tiktok-live.md 3 and 4).
- An end needs a second word: two offline answers at least `end_confirm` apart, or another source (the
  sweep of rooms) that says the same. A pause that lasts longer than `pause_cap` is an end.
- An unknown answer changes nothing: a block is never an end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.live.models import Answer, Observation, Sighting


class Phase(StrEnum):
    """Where a live stands."""

    ON = "on"
    DOUBTED = "doubted"
    ENDED = "ended"


class Change(StrEnum):
    """What an observation did."""

    FOUND = "found"
    REOPENED = "reopened"
    CONTINUED = "continued"
    PAUSED = "paused"
    DOUBTED = "doubted"
    ENDED = "ended"
    IGNORED = "ignored"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveRules:
    """The spans of time the table speaks of."""

    restart_gap: timedelta = timedelta(minutes=10)
    look_interval: timedelta = timedelta(minutes=10)
    end_confirm: timedelta = timedelta(seconds=60)
    pause_cap: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """The last live of an account. `room_ids` are all its rooms, in the order they were seen.

    `viewers` and `peak_viewers` are None while no answer has told a count.
    """

    phase: Phase
    room_ids: tuple[int, ...]
    started_at: datetime
    found_at: datetime
    last_seen_at: datetime
    title: str = ""
    cover_url: str = ""
    viewers: int | None = None
    peak_viewers: int | None = None
    doubted_at: datetime | None = None
    paused_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """What happened, the live as it is now, and the older live that ended where a new one replaced it."""

    change: Change
    live: Live | None
    replaced: Live | None = None


def observe(
    last: Live | None, observation: Observation, rules: LiveRules, *, second_source: bool = False
) -> Transition:
    """Apply the table of this module.

    `last` is the account's latest live, None when there never was one. `second_source` is true when
    another source has already said that the room is closed, so that one offline answer is enough.
    """
    if observation.answer is Answer.UNKNOWN:
        return Transition(change=Change.IGNORED, live=last)
    if observation.sighting is None:
        return _offline(last, observation.seen_at, rules, second_source=second_source)
    if observation.sighting.paused:
        return _paused(last, observation.sighting, observation.seen_at, rules)
    return _on(last, observation.sighting, observation.seen_at, rules)


def over(last: Live | None, ended_at: datetime) -> Transition:
    """End a live at the instant that somebody who watched the room tells; no second word is needed."""
    if last is None or last.phase is Phase.ENDED:
        return Transition(change=Change.IGNORED, live=last)
    return Transition(change=Change.ENDED, live=_ended(last, ended_at))


def pause_seen(last: Live | None, paused_at: datetime | None) -> Transition:
    """Take in a pause, or its end (None), from somebody who watches the room of a live that is on."""
    if last is None or last.phase is not Phase.ON or (last.paused_at is None) == (paused_at is None):
        return Transition(change=Change.IGNORED, live=last)
    change = Change.CONTINUED if paused_at is None else Change.PAUSED
    return Transition(change=change, live=replace(last, paused_at=paused_at))


def _offline(last: Live | None, now: datetime, rules: LiveRules, *, second_source: bool) -> Transition:
    if last is None or last.phase is Phase.ENDED:
        return Transition(change=Change.IGNORED, live=last)
    doubted_at = last.doubted_at or now
    if second_source or (last.phase is Phase.DOUBTED and now - doubted_at >= rules.end_confirm):
        return Transition(change=Change.ENDED, live=_ended(last, _likely_end(last, doubted_at)))
    doubted = replace(last, phase=Phase.DOUBTED, doubted_at=doubted_at)
    return Transition(change=Change.DOUBTED, live=doubted)


def _paused(last: Live | None, sighting: Sighting, now: datetime, rules: LiveRules) -> Transition:
    if last is None or last.phase is Phase.ENDED or sighting.room_id < last.room_ids[-1]:
        return Transition(change=Change.IGNORED, live=last)
    paused_at = last.paused_at or now
    if now - paused_at > rules.pause_cap:
        return Transition(change=Change.ENDED, live=_ended(last, paused_at))
    paused = replace(last, phase=Phase.ON, doubted_at=None, paused_at=paused_at, last_seen_at=now)
    return Transition(change=Change.PAUSED, live=paused)


def _on(last: Live | None, sighting: Sighting, now: datetime, rules: LiveRules) -> Transition:
    if last is None:
        return Transition(change=Change.FOUND, live=_first_seen(sighting, now))
    if sighting.room_id in last.room_ids:
        change = Change.REOPENED if last.phase is Phase.ENDED else Change.CONTINUED
        return Transition(change=change, live=_seen(last, sighting, now))
    if sighting.room_id < last.room_ids[-1]:
        return Transition(change=Change.IGNORED, live=last)
    return _on_in_newer_room(last, sighting, now, rules)


def _on_in_newer_room(last: Live, sighting: Sighting, now: datetime, rules: LiveRules) -> Transition:
    if last.phase is Phase.ENDED:
        if _goes_on(last, sighting, (last.ended_at or last.last_seen_at) + rules.restart_gap, rules):
            return Transition(change=Change.REOPENED, live=_seen(last, sighting, now))
        return Transition(change=Change.FOUND, live=_first_seen(sighting, now))
    # While a live was on it was looked at every `look_interval`, so it may have ended that much later
    # than it was last seen.
    latest = last.last_seen_at + rules.restart_gap + rules.look_interval
    if _goes_on(last, sighting, latest, rules):
        return Transition(change=Change.CONTINUED, live=_seen(last, sighting, now))
    replaced = _ended(last, last.doubted_at or last.last_seen_at)
    return Transition(change=Change.FOUND, live=_first_seen(sighting, now), replaced=replaced)


def _goes_on(last: Live, sighting: Sighting, latest: datetime, rules: LiveRules) -> bool:
    """Say whether a newer room, opened at `latest` at the latest, belongs to the live.

    A room opened well before the older one was last seen is impossible: then our clock is ahead of the
    platform's, and nothing can be said of the gap. A live told twice is better than one not told.
    """
    return last.last_seen_at - rules.restart_gap <= sighting.started_at <= latest


def _first_seen(sighting: Sighting, now: datetime) -> Live:
    return Live(
        phase=Phase.ON,
        room_ids=(sighting.room_id,),
        started_at=min(sighting.started_at, now),
        found_at=now,
        last_seen_at=now,
        title=sighting.title,
        cover_url=sighting.cover_url,
        viewers=sighting.viewers,
        peak_viewers=sighting.viewers,
    )


def _seen(last: Live, sighting: Sighting, now: datetime) -> Live:
    counts = [count for count in (last.peak_viewers, sighting.viewers) if count is not None]
    known = sighting.room_id in last.room_ids
    return replace(
        last,
        phase=Phase.ON,
        room_ids=last.room_ids if known else (*last.room_ids, sighting.room_id),
        last_seen_at=now,
        title=sighting.title or last.title,
        cover_url=sighting.cover_url or last.cover_url,
        viewers=sighting.viewers,
        peak_viewers=max(counts, default=None),
        doubted_at=None,
        paused_at=None,
        ended_at=None,
    )


def _likely_end(live: Live, doubted_at: datetime) -> datetime:
    """Take the middle between the last look that saw it and the first that did not."""
    return live.last_seen_at + (doubted_at - live.last_seen_at) / 2


def _ended(live: Live, ended_at: datetime) -> Live:
    return replace(
        live, phase=Phase.ENDED, ended_at=max(ended_at, live.started_at), doubted_at=None, paused_at=None
    )
