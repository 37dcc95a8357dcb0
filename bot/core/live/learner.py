"""Turns what checks answered into intensities and survival: the memory of the policy `probability`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bot.core.live.arrays import Floats, Indices
from bot.core.live.habits import MINUTES_PER_DAY
from bot.core.live.history import Ended, Event, Followed, Forgotten, Found, Missed
from bot.core.live.rhythm import WEEK_AGES, Rhythm, RhythmRules
from bot.core.live.survival import Survival, SurvivalRules
from bot.core.live.zones import ahead

STEP = 10.0
"""Minutes of a step of plans and forecasts."""
LONGEST_GAP = 14 * MINUTES_PER_DAY
"""Minutes before a check of which it says something; who was left alone for longer may be another by now."""
REFRESH_EVERY = 60.0
"""Minutes after which what was learned shows in the tables."""


@dataclass(slots=True)
class Known:
    """One account: its row in all arrays, and what its last check told. Instants are minutes since 1970.

    Until `clear` all is known: it was offline then, or a known live was on. Of an account that is new, the
    last day is not known. `missed` is how many lives went by unseen, as expected.
    """

    row: int
    clear: float
    zone: str
    live_since: float | None = None
    found_at: float = 0.0
    missed: float = 0.0


class Learner:
    """Everything learned of all accounts."""

    def __init__(self, rhythm: RhythmRules, survival: SurvivalRules) -> None:
        self._known: dict[int, Known] = {}
        self._free: list[int] = []
        self._rows = 0
        self._refreshed = -np.inf
        self._rhythm = Rhythm(rhythm)
        self._survival = Survival(survival)

    def get(self, account_id: int) -> Known | None:
        """Give what is known of an account; None for one that was never followed."""
        return self._known.get(account_id)

    def known(self, account_id: int, now: datetime) -> Known:
        """Give what is known of an account; one that was never followed is followed from `now` on."""
        if account_id not in self._known:
            self._follow(Followed(account_id=account_id, at=now))
        return self._known[account_id]

    def learn(self, event: Event) -> None:
        """Take in an event; one of an account that is not followed says nothing."""
        if isinstance(event, Followed):
            self._follow(event)
            return
        known = self._known.get(event.account_id)
        if known is None:
            return
        match event:
            case Missed():
                self._missed(known, minutes(event.at))
            case Found():
                self._found(known, minutes(event.started_at), minutes(event.found_at))
            case Ended():
                self._ended(known, minutes(event.ended_at))
            case Forgotten():
                self._forget(event.account_id)

    def refresh(self, now: float) -> None:
        """Bring tables and weights up to `now`, the true time; a clock that was set back is followed."""
        if not 0 <= now - self._refreshed < REFRESH_EVERY:
            self._rhythm.refresh(now, back=True)
            self._refreshed = now

    def _follow(self, event: Followed) -> None:
        known = self._known.get(event.account_id)
        if known is not None:
            known.zone = event.zone
            return
        row = self._free.pop() if self._free else len(self._known)
        if row >= self._rows:
            self._rows = max(32, 2 * self._rows)
            self._rhythm.grow(self._rows)
            self._survival.grow(self._rows)
        self._known[event.account_id] = Known(
            row=row, clear=minutes(event.at) - MINUTES_PER_DAY, zone=event.zone
        )

    def _forget(self, account_id: int) -> None:
        row = self._known.pop(account_id).row
        self._rhythm.forget(row)
        self._survival.forget(row)
        self._free.append(row)

    def _missed(self, known: Known, at: float) -> None:
        if known.live_since is not None and at > known.found_at:
            known.live_since = None
        self._look(known, at, until=at)

    def _look(self, known: Known, at: float, *, until: float) -> None:
        """Take in a check at `at` that shows: nothing started before `until` and is still going on."""
        if at >= self._refreshed + REFRESH_EVERY:
            self._rhythm.refresh(at)
            self._refreshed = at
        since = max(known.clear, at - LONGEST_GAP)
        if until > since:
            first, last = np.floor(since / STEP), np.ceil(until / STEP)
            edges = np.clip(np.arange(first, last + 1) * STEP, since, until)
            times, widths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
            alive = self._survival.alive(np.array([known.row]), at - times)[0]
            local = times + ahead(known.zone, times)
            rates = self._rhythm.observe(known.row, times, local, widths * alive)
            known.missed += float(self._begun(known, rates * widths) @ (1 - alive))
        known.clear = max(known.clear, until)

    def _begun(self, known: Known, starts: Floats) -> Floats:
        """Give the lives expected to have begun in each step of a gap, [m], from the `starts` of who is offline.

        Whoever is live does not start: of an account with one hour a day one live is missed there, not several.
        """
        lasts: Floats = np.arange(starts.size, dtype=np.float64) * STEP
        alive = self._survival.alive(np.array([known.row]), lasts)[0]
        return np.asarray(starts * np.exp(-np.convolve(starts, alive)[: starts.size]))

    def _found(self, known: Known, started: float, at: float) -> None:
        """Take in a live; a start in the future is one now, and one that is on already is no news."""
        started = min(started, at)
        if known.live_since is not None and started <= known.clear:
            return
        self._look(known, at, until=started)
        self._rhythm.start(known.row, started, started + float(ahead(known.zone, np.array([started]))[0]))
        known.live_since, known.found_at = started, at
        known.clear = max(known.clear, at)

    def _ended(self, known: Known, ended: float) -> None:
        """Take in the end of the live that is on; an end before the start, or of another live, says nothing."""
        if known.live_since is None or ended <= known.live_since:
            return
        self._survival.learn(known.row, known.found_at - known.live_since, ended - known.live_since)
        self._rhythm.end(known.row, ended)
        known.live_since = None
        known.clear = max(known.clear, ended)

    # --- What is expected --------------------------------------------------------------------

    def intensity(self, known: Sequence[Known], steps: Indices, now: float) -> Floats:
        """Give starts per step of some accounts, [n, m]; step s begins at minute s x STEP."""
        times = midpoints(steps)
        offsets = {zone: ahead(zone, times) for zone in {one.zone for one in known}}
        local = times + np.array([offsets[one.zone] for one in known]).reshape(len(known), -1)
        return self._rhythm.intensity(rows_of(known), times, local, now) * STEP

    def unseen(self, known: Sequence[Known], steps: Indices, now: float) -> Floats:
        """Give the part of each step of which nothing is known yet, [n, m]; a clock set back forgets."""
        clear = np.array([min(one.clear, now) for one in known])[:, None]
        return np.asarray(np.clip(((steps + 1) * STEP - clear) / STEP, 0, 1))

    def alive(self, known: Sequence[Known], lags: Floats) -> Floats:
        """Give P(a live lasts longer than `lags` [m] minutes), [n, m]."""
        return self._survival.alive(rows_of(known), lags)

    def evidence(self, known: Sequence[Known]) -> Floats:
        """Give how many starts are remembered of each account, [n]."""
        return self._rhythm.habits.evidence(rows_of(known))

    def week(self, known: Known) -> Floats:
        """Give the starts expected by weekday and hour of an ordinary week, [7, 24]."""
        return self._rhythm.week(known.row, self.alive([known], WEEK_AGES * 60)[0])


def midpoints(steps: Indices) -> Floats:
    """Give the middle of steps in minutes since 1970, [m]."""
    return np.asarray((steps + 0.5) * STEP, dtype=np.float64)


def rows_of(known: Sequence[Known]) -> Indices:
    """Give the rows of accounts, [n]."""
    return np.array([one.row for one in known], dtype=np.intp)


def minutes(instant: datetime) -> float:
    """Give an instant as minutes since 1970."""
    return instant.timestamp() / 60
