"""The policy `probability`: looks where a live may be going on unseen, at one price for all accounts.

What is learned is in `learner`, the best courses of looks in `inspection`, the shared price in `pricing`;
see specs/scheduling.md 4. Nothing is known at first: what people see and when checks come follows from what
the checks find.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from bot.core.live import foresight
from bot.core.live.arrays import Floats, Indices
from bot.core.live.forecast import Forecast, Outlook
from bot.core.live.history import Event, Missed
from bot.core.live.inspection import pending_costs
from bot.core.live.learner import STEP, Known, Learner, midpoints, minutes
from bot.core.live.past_lives import zone_named
from bot.core.live.planner import Allowance, CheckPlan, Watched
from bot.core.live.pricing import Outlay, afford
from bot.core.live.rhythm import RhythmRules
from bot.core.live.survival import SurvivalRules
from bot.texts import text

PAST, AHEAD = 144, 144
"""Steps before and after now that a plan takes in: a day each."""
LASTS_STEPS = 12
"""Steps for which a full plan may be asked for one account's next check; after that it is worked out anew."""

LARGEST_CATCH_UP = 0.5
"""Part of the day's checks that is planned beyond them where fewer are made than planned."""
PACE_DAYS = 0.25
"""So long checks are counted before it is said that they are too few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbabilityRules:
    """What is worth how much, in live minutes that nobody sees, and how it is learned."""

    unseen_minutes: float = 120.0  # a live that ends unseen; more of it trades delay for coverage
    late_minutes: float = 60.0  # a live found later than `late_after`, or never
    late_after: float = 30.0  # minutes; the share caught within them is what people notice
    curiosity: float = 0.4  # by how much an account of which little is known is looked at more
    spend: float = 1.08  # of the day's checks: some planned ones fall away when a live is found
    rhythm: RhythmRules = field(default_factory=RhythmRules)
    survival: SurvivalRules = field(default_factory=SurvivalRules)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agenda:
    """The last full plan: steps from `base` on; rows by account id; `weights` [n] of
    their intensities; arrays as `Outlay` has them, [n, PAST + T].

    `value` [n, T + 1] is the least cost from a look on. It does not depend on what came before that look, so
    the next check of one account follows from it at once.
    """

    base: int = 0
    rows: dict[int, int] = field(default_factory=dict)
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    intensity: Floats = field(default_factory=lambda: np.zeros((0, PAST + AHEAD)))
    alive: Floats = field(default_factory=lambda: np.zeros((0, PAST + AHEAD)))
    loss: Floats = field(default_factory=lambda: np.zeros((0, PAST + AHEAD)))
    value: Floats = field(default_factory=lambda: np.zeros((0, AHEAD + 1)))


class ProbabilityPolicy:
    """Learns when lives start and how long they last, and plans by optimal inspection."""

    def __init__(self, settings: ProbabilityRules | None = None) -> None:
        self._rules = settings or ProbabilityRules()
        self._learner = Learner(self._rules.rhythm, self._rules.survival)
        self._price = 30.0
        self._guild_factors: dict[int, float] = {}
        self._agenda = Agenda()

    def learn(self, event: Event) -> None:
        """Take in what has come to be known; after anything but a miss the account's course is worked out anew."""
        self._learner.learn(event)
        if not isinstance(event, Missed):
            self._agenda.rows.pop(event.account_id, None)

    # --- Planning ----------------------------------------------------------------------------

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Plan the next check of each account that is not live, so that all together cost the allowance."""
        minute = minutes(now)
        self._learner.refresh(minute)
        due = [account for account in watched if not account.is_live and not account.frozen]
        if not due:
            return []
        known = [self._learner.known(account.account_id, now) for account in due]
        agenda = self._agenda_of(due, known, minute)
        mass = agenda.intensity * self._learner.unseen(known, self._steps(agenda), minute)
        outlay = self._outlay(agenda, mass, self._factors(due))
        day = agenda.base * STEP // 1440
        found = afford(
            outlay,
            self._target(now, allowance),
            self._price,
            [f"{account.account_id} {day}" for account in due],
        )
        self._price = found.price
        self._keep_shares(due, found.number, allowance)
        agenda.value[:] = found.value
        self._agenda = agenda
        chances = map(_chance, mass / agenda.weights[:, None], agenda.alive, found.first)
        looks = zip(due, found.first, chances, strict=True)
        return [_check(account, now, agenda.base + int(step), chance) for account, step, chance in looks]

    def _target(self, now: datetime, allowance: Allowance) -> float:
        """Give the looks to plan for a day: the more, the fewer of those planned were made of late.

        What was not spent before the first of them, when nobody looked, is not made up for: all the more would
        be missing at the end of the day.
        """
        asked = allowance.asked
        days = max((now - min(asked)) / timedelta(days=1), PACE_DAYS) if asked else PACE_DAYS
        expected = allowance.checks_per_day * days
        unspent = 1 - len(asked) / expected if asked else 0.0
        more = 1 + min(max(unspent, 0.0), LARGEST_CATCH_UP)
        return self._rules.spend * more * allowance.checks_per_day

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan the next check of one account, at the price of the last full plan."""
        del allowance
        if account.is_live or account.frozen:
            return None
        minute = minutes(now)
        known = self._learner.known(account.account_id, now)
        agenda, row = self._agenda, self._agenda.rows.get(account.account_id)
        gone = int(minute // STEP) - agenda.base
        if row is None or not 0 <= gone <= LASTS_STEPS:
            agenda, row, gone = self._alone(account, known, minute), 0, 0
        mass = agenda.intensity[row] * self._learner.unseen([known], self._steps(agenda), minute)[0]
        pending = pending_costs(mass, agenda.loss[row], AHEAD)
        step = gone + int((pending + agenda.value[row])[gone:].argmin())
        chance = _chance(mass / agenda.weights[row], agenda.alive[row], step)
        return _check(account, now, agenda.base + step, chance)

    def _alone(self, account: Watched, known: Known, minute: float) -> Agenda:
        """Work out the course of one account at the price as it is."""
        agenda = self._agenda_of([account], [known], minute)
        outlay = self._outlay(agenda, np.zeros((1, PAST + AHEAD)), self._factors([account]))
        value, _, _ = outlay.at_prices(np.array([self._price]))
        agenda.value[:] = value[0]
        return agenda

    def _agenda_of(self, due: Sequence[Watched], known: Sequence[Known], minute: float) -> Agenda:
        base = int(minute // STEP)
        # What was seldom found is looked for as if it came more often: so a wrong belief shows, and is mended.
        curiosity = np.exp(self._rules.curiosity / np.sqrt(1 + self._learner.evidence(known)))
        weights = (np.array([max(account.priority, 1e-3) for account in due]) * curiosity)[:, None]
        lags = midpoints(np.arange(PAST + AHEAD))
        alive = self._learner.alive(known, lags)
        return Agenda(
            base=base,
            rows={account.account_id: row for row, account in enumerate(due)},
            weights=weights[:, 0],
            intensity=weights * self._learner.intensity(known, np.arange(base - PAST, base + AHEAD), minute),
            alive=alive,
            loss=self._losses(alive, lags),
            value=np.zeros((len(due), AHEAD + 1)),
        )

    def _losses(self, alive: Floats, lags: Floats) -> Floats:
        """Give what a live has lost when it is looked at `lags` minutes after its start, [n, m]."""
        rules = self._rules
        lived = (np.cumsum(alive, axis=1) - 0.5 * alive) * STEP
        late = np.where(lags > rules.late_after, 1.0, 1 - alive)
        return np.asarray(lived + rules.unseen_minutes * (1 - alive) + rules.late_minutes * late)

    def _steps(self, agenda: Agenda) -> Indices:
        return np.arange(agenda.base - PAST, agenda.base + AHEAD)

    def _outlay(self, agenda: Agenda, mass: Floats, factors: Floats) -> Outlay:
        pending = [pending_costs(row, loss, AHEAD) for row, loss in zip(mass, agenda.loss, strict=True)]
        return Outlay(
            intensity=agenda.intensity[:, PAST:],
            loss=agenda.loss[:, :AHEAD],
            pending=np.array(pending),
            factors=factors,
        )

    # --- Shares of guilds ----------------------------------------------------------------------

    def _factors(self, due: Sequence[Watched]) -> Floats:
        """Give by how much a look at each account is dearer, because a guild that pays for it is at its share."""
        factors = self._guild_factors
        return np.array(
            [max((factors.get(guild, 1.0) for guild in account.guild_ids), default=1.0) for account in due]
        )

    def _keep_shares(self, due: Sequence[Watched], number: Indices, allowance: Allowance) -> None:
        """Make looks dearer for guilds whose accounts are planned to cost more than their share."""
        if allowance.guild_share >= 1:
            self._guild_factors.clear()
            return
        spent: dict[int, float] = {}
        for account, looks in zip(due, number, strict=True):
            for guild in account.guild_ids:
                spent[guild] = spent.get(guild, 0.0) + float(looks) / len(account.guild_ids)
        share = allowance.checks_per_day * allowance.guild_share
        for guild, amount in spent.items():
            factor = self._guild_factors.get(guild, 1.0) * (amount + 1) / (share + 1)
            self._guild_factors[guild] = float(np.clip(factor, 1.0, 1e4))

    # --- What people see -----------------------------------------------------------------------

    def forecast(self, now: datetime, account_ids: Sequence[int], hours: int) -> Forecast:
        """Forecast the hour that `now` is in and those after it."""
        return foresight.forecast(self._learner, now, account_ids, hours)

    def outlook(self, now: datetime, account_id: int) -> Outlook:
        """Say what is expected of one account."""
        return foresight.outlook(self._learner, now, account_id)

    def heat(self, account_id: int) -> Floats:
        """Give P(a live starts) by weekday (Monday first) and hour in the account's zone (else UTC), [7, 24]."""
        known = self._learner.get(account_id)
        return np.zeros((7, 24)) if known is None else 1 - np.exp(-self._learner.week(known))

    def zone(self, account_id: int) -> str:
        """Give the IANA name of the zone on whose clock an account is learned."""
        known = self._learner.get(account_id)
        return "UTC" if known is None else str(zone_named(known.zone))

    def expected_missed(self, account_id: int) -> float:
        """Give how many lives of an account are expected to have gone by unseen since it is followed."""
        known = self._learner.get(account_id)
        return 0.0 if known is None else known.missed


def _check(account: Watched, now: datetime, step: int, chance: float) -> CheckPlan:
    """Say when to look: in a step, at a point of it that is new after each check, so that no minute is usual."""
    scatter = zlib.crc32(f"{account.account_id} {account.last_checked_at}".encode()) / 2**32 - 0.5
    at = datetime.fromtimestamp((step + scatter) * STEP * 60, UTC)
    reason = text("{percent} % likely to be live then", percent=round(100 * chance))
    return CheckPlan(account_id=account.account_id, at=max(now, at), reason=reason)


def _chance(mass: Floats, alive: Floats, step: int | np.intp) -> float:
    """Give P(live at a step of the plan) of one account, from what may have started unseen."""
    waiting = mass[: PAST + step + 1][::-1]
    return float(1 - np.exp(-(waiting @ alive[: waiting.size])))
