"""Why viewers moved: which activity comes before their changes, which after, and which has nothing to do with them.

Of one live: for each activity and each lag of -10 to +10 minutes the partial correlation with the change of viewers
(`lags` says how), p corrected for all activities and lags of its direction. One that leads is held fixed while the
others are looked at again, so that what merely accompanies it is not said to lead as well. Of several lives: the
scores of each put together, weighted by their length, as if nothing else connected them.

Coming first is not causing: a good moment may bring gifts at once and viewers later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.streams.course import ACTIVITIES, Course, course_of, lagged
from bot.core.streams.findings import SURE, Effect, Evidence, Findings, Role
from bot.core.streams.lags import Tests, correlation_range, following, leading
from bot.core.streams.models import StreamMinute
from bot.core.streams.scores import simple_by_activity
from bot.core.streams.spikes import spikes
from bot.core.streams.together import together

LEAST_MINUTES = 40
"""With known viewers and activities; fewer tell nothing."""
LEAST_SEEN = 8
"""Minutes in which an activity was seen at all."""
LEAST_MOVED = 0.1
"""Of the minutes; viewers that move less are still."""
_LIVES = 400  # drawn by chance at most: p goes down to 1 / 401
_AMBIGUOUS = 2.5  # t


def explain(rows: Sequence[StreamMinute]) -> Findings:
    """Find out what moved the viewers of one live; `rows` are its minutes. The same rows give the same findings."""
    course = course_of(rows)
    evidence = _evidence(rows, course)
    found = Findings(evidence=evidence, minutes=course.known, spikes=spikes(rows))
    if evidence is not Evidence.ENOUGH:
        return found
    simple = simple_by_activity(rows, found.spikes)
    effects = _Search(course).effects()
    return replace(found, effects=tuple(replace(one, simple=simple.get(one.activity)) for one in effects))


def _evidence(rows: Sequence[StreamMinute], course: Course) -> Evidence:
    change = course.change
    if course.known < LEAST_MINUTES:
        long_rows = sum(row.minutes for row in rows if row.minutes > 1)
        return Evidence.THINNED if long_rows >= LEAST_MINUTES else Evidence.SHORT
    moved = np.count_nonzero(np.nan_to_num(change)) / course.known
    return Evidence.STILL if moved < LEAST_MOVED else Evidence.ENOUGH


@dataclass(slots=True)
class _Search:
    """Looks for what leads, one activity after the other, then for what follows."""

    course: Course
    _held: list[Floats] = field(default_factory=list)
    _effects: dict[int, Effect] = field(default_factory=dict)

    def effects(self) -> tuple[Effect, ...]:
        """Give one effect for each activity, in their order."""
        active = [place for place, seen in enumerate(self.course.seen) if seen >= LEAST_SEEN]
        before = leading(self.course, active, (), _LIVES)
        after = following(self.course, active, _LIVES)
        rest, given_leads = self._lead(active, before)
        self._follow(active, rest, before, after, given_leads)
        for place, activity in enumerate(ACTIVITIES):
            self._effects.setdefault(place, Effect(activity=activity, role=Role.RARE))
        by_lag, scores = _by_lag(before.r, after.r), _by_lag(before.scores, after.scores)
        return tuple(
            replace(effect, by_lag=_known(by_lag[:, place]), scores=_known(scores[:, place]))
            for place, effect in sorted(self._effects.items())
        )

    def _lead(self, active: Sequence[int], tests: Tests) -> tuple[list[int], Tests]:
        """Take the surest lead, hold it fixed, and look again, until nothing is sure; gives what is left."""
        rest = list(active)
        while rest:
            size = np.nan_to_num(np.abs(tests.t[1:, rest, 0]))
            lag, place = (int(one) for one in np.unravel_index(size.argmax(), size.shape))
            p = float(tests.p(rest, slice(1, None))[lag, place])
            if p > SURE:
                break
            lag, one = lag + 1, rest.pop(place)
            alone = lag > 1 or not self._is_ambiguous(one, active)
            self._effects[one] = self._effect(
                Role.LEADS if alone else Role.TOGETHER, one, lag, (p, tests.r[lag, one])
            )
            self._held += [lagged(self.course.counts[:, one], near) for near in range(lag - 1, lag + 2)]
            tests = leading(self.course, rest, self._held, _LIVES)
        return rest, tests

    def _is_ambiguous(self, one: int, active: Sequence[int]) -> bool:
        """Tell whether a lead of one minute may be nothing but a count of viewers that is told late.

        Then the activity moves with the viewers within the minute as well, whatever it was a minute before.
        """
        counts = self.course.counts[:, one]
        t = leading(self.course, active, [lagged(counts, 1)], 0).t
        return bool(abs(t[0, one, 0]) > _AMBIGUOUS)

    def _follow(
        self, active: Sequence[int], rest: Sequence[int], before: Tests, after: Tests, given_leads: Tests
    ) -> None:
        """Say of each that does not lead how else it stands to the viewers."""
        if not rest:
            return
        late, now = after.p(active, slice(None)), before.p(active, slice(0, 1))
        early = given_leads.p(rest, slice(1, None))
        for place, one in enumerate(rest):
            column = list(active).index(one)
            behind = int(np.nan_to_num(np.abs(after.t[:, one, 0])).argmax())
            ahead = int(np.nan_to_num(np.abs(given_leads.t[1:, one, 0])).argmax())
            if late[behind, column] <= SURE:
                cell = (late[behind, column], after.r[behind, one])
                self._effects[one] = self._effect(Role.FOLLOWS, one, -1 - behind, cell)
            elif now[0, column] <= SURE:
                self._effects[one] = self._effect(Role.TOGETHER, one, 0, (now[0, column], before.r[0, one]))
            else:
                cell = (early[ahead, place], given_leads.r[1 + ahead, one])
                self._effects[one] = self._effect(Role.NOTHING, one, 1 + ahead, cell)

    def _effect(self, role: Role, one: int, lag: int, cell: tuple[float, float]) -> Effect:
        p, r = cell
        active = [place for place, seen in enumerate(self.course.seen) if seen >= LEAST_SEEN]
        # The closest of many chance relations has no honest interval of its own.
        ends = (None, None) if role is Role.NOTHING else correlation_range(self.course, active, one, lag)
        low, high = (None if end is None else round(end, 4) for end in ends)
        return Effect(
            activity=ACTIVITIES[one],
            role=role,
            lag=lag,
            r=round(float(r), 4),
            low=low,
            high=high,
            p=round(float(p), 6),
        )


def _by_lag(before: Floats, after: Floats) -> Floats:
    """Put lags below and above 0 in the order of `LAGS`."""
    return np.concatenate([after[::-1], before])


def _known(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else round(float(value), 4) for value in values)


def explain_together(lives: Sequence[Sequence[StreamMinute]]) -> Findings:
    """Find out about several lives of one account, and put the evidence together."""
    return together([explain(rows) for rows in lives])
