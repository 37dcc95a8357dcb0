"""The five factors that explain a prediction to people (specs/scheduling.md 5), and the policy `factors`.

Each factor is a chance in 0..1 of its own, estimated from the account's lives alone and shrunk to its plain
rate while little is known; their weighted sum says how well an hour suits a live.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np

from bot.core.live.arrays import Floats
from bot.core.live.budget import DAY
from bot.core.live.calibration import HOUR
from bot.core.live.histories import Histories
from bot.core.live.history import Event, Missed
from bot.core.live.past_lives import PastLive
from bot.core.live.planner import Allowance, CheckPlan, EvenlySpread, Watched, checks_per_day, jittered
from bot.texts import text

HABIT_DAYS = 56
RECENT_DAYS = 14
TREND_WEEKS = 8
SPECIAL_DAYS_MEMORY = 365
FARTHEST = timedelta(days=30)
"""The longest distance of two checks of an account."""
GRID_HOURS = 49
REMADE_AFTER = timedelta(hours=6)
PRIOR_DAYS = 2.0
"""How many days of the plain rate a weekday, an hour or a special day starts with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecialDays:
    """Days that are not like others (public holidays, what admins added), each with its name."""

    names: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factors:
    """Five chances, each 0..1, of one account at one instant. `event` names the special day, empty on others.

    `time_of_day`: that it is live in this hour of the local day, on a day on which it goes live at all.
    `weekday`: that it goes live on such a weekday. `recent_activity`: that it goes live within a day, by the
    last 14 days. `seasonal_trend`: that its weekly rate is rising (0.5: steady). `special_events`: that it
    goes live on a day as special, or as ordinary, as this one.
    """

    time_of_day: float
    weekday: float
    recent_activity: float
    seasonal_trend: float
    special_events: float
    event: str = ""

    @property
    def total(self) -> float:
        """Give the weighted sum, clamped to 0..1."""
        total = (
            0.4 * self.time_of_day
            + 0.2 * self.weekday
            + 0.2 * self.recent_activity
            + 0.1 * self.seasonal_trend
            + 0.1 * self.special_events
        )
        return min(1.0, max(0.0, total))


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What the record of an account says at one instant: chances by hour [24] and by weekday [7, Monday first]."""

    zone: tzinfo
    hours: Floats
    weekdays: Floats
    recent: float
    trend: float
    plain_day: float
    special_day: float

    def at(self, instant: datetime, special: SpecialDays) -> Factors:
        """Give the factors of an instant near that one."""
        local = instant.astimezone(self.zone)
        event = special.names.get(local.date(), "")
        return Factors(
            time_of_day=float(self.hours[local.hour]),
            weekday=float(self.weekdays[local.weekday()]),
            recent_activity=self.recent,
            seasonal_trend=self.trend,
            special_events=self.special_day if event else self.plain_day,
            event=event,
        )


def record_of(
    lives: Sequence[PastLive], now: datetime, since: datetime, zone: tzinfo, special: SpecialDays
) -> Record:
    """Learn from the lives of an account that was followed from `since` on; only those before `now` count."""
    lives = [live for live in lives if live.started_at < now]
    today = now.astimezone(zone).date()
    followed = [
        today - timedelta(days=days) for days in range(1, min((now - since) // DAY, SPECIAL_DAYS_MEMORY) + 1)
    ]
    active = {live.started_at.astimezone(zone).date() for live in lives}
    habit = followed[:HABIT_DAYS]
    plain = (sum(day in active for day in habit) + 0.5) / (len(habit) + 1)
    by_weekday = [[day for day in habit if day.weekday() == weekday] for weekday in range(7)]
    return Record(
        zone=zone,
        hours=hour_chances([live for live in lives if live.started_at >= now - HABIT_DAYS * DAY], zone),
        weekdays=np.array([_chance(days, active, plain) for days in by_weekday]),
        recent=_recent_chance(lives, now, since),
        trend=rising_chance(_weekly_counts(lives, now, since)),
        plain_day=plain,
        special_day=_chance([day for day in followed if day in special.names], active, plain),
    )


def hour_chances(lives: Sequence[PastLive], zone: tzinfo) -> Floats:
    """Give for each hour of the local day the chance to be live in it, on a day with a live [24].

    The share of days with the account live within that hour, smoothed over its neighbours (1, 2, 1) and
    shrunk to the account's own mean over the day.
    """
    seen: set[tuple[date, int]] = set()
    for live in lives:
        first = live.started_at.astimezone(zone)
        day = first.date()
        hours = math.ceil(first.minute / 60 + min(live.minutes, 24 * 60.0) / 60 - 1e-9)
        # A set, so that two lives in one hour of a day count once: it is a chance, not a number.
        seen.update((day, (first.hour + hour) % 24) for hour in range(min(24, max(1, hours))))
    days = len({day for day, _ in seen})
    counts = np.bincount(np.array([hour for _, hour in seen], dtype=np.int64), minlength=24).astype(
        np.float64
    )
    smooth = (np.roll(counts, 1) + 2 * counts + np.roll(counts, -1)) / 4
    mean = float(np.mean(smooth)) / days if days else 1 / 24
    chances: Floats = (smooth + PRIOR_DAYS * mean) / (days + PRIOR_DAYS)
    return chances


def rising_chance(weekly: Sequence[float]) -> float:
    """Give the chance that a weekly rate is rising, from counts of lives a week, the oldest first.

    The least-squares slope over its standard error for Poisson counts, through the normal distribution;
    0.5 with fewer than three weeks.
    """
    if len(weekly) < 3:
        return 0.5
    weeks = np.arange(len(weekly)) - (len(weekly) - 1) / 2
    spread = float(np.sum(weeks**2))
    slope = float(np.sum(weeks * np.array(weekly))) / spread
    # A silent account would have no error at all; half a live a week keeps its slope from being certain.
    error = math.sqrt(max(float(np.mean(weekly)), 0.5) / spread)
    return 0.5 * (1 + math.erf(slope / error / math.sqrt(2)))


def _chance(days: Sequence[date], active: Iterable[date], plain: float) -> float:
    """Give the share of days on which the account went live, shrunk to its plain rate."""
    return (len(set(days) & set(active)) + PRIOR_DAYS * plain) / (len(days) + PRIOR_DAYS)


def _recent_chance(lives: Sequence[PastLive], now: datetime, since: datetime) -> float:
    """Give 1 - exp(-rate), the chance of at least one live a day at the rate of the last 14 days."""
    days = min(RECENT_DAYS, max(0.0, (now - since) / DAY))
    recent = sum(live.started_at >= now - RECENT_DAYS * DAY for live in lives)
    return 1 - math.exp(-(recent + 0.5) / (days + 1))


def _weekly_counts(lives: Sequence[PastLive], now: datetime, since: datetime) -> list[float]:
    """Count the lives of each whole week back from `now`, the oldest week first."""
    weeks = min(TREND_WEEKS, max(0, (now - since) // (7 * DAY)))
    ages = [int((now - live.started_at) // (7 * DAY)) for live in lives]
    return [float(ages.count(age)) for age in reversed(range(weeks))]


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorRules:
    """How the policy spends: `explore` of the checks evenly, the rest by the sum to the power of `sharpness`."""

    explore: float = 0.3
    sharpness: float = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Day:
    """The sums of the factors in each whole hour (UTC) from `begins`, a day ago, to a day ahead."""

    begins: datetime
    totals: Floats

    def total(self, at: datetime) -> float:
        """Give the sum at an instant; beyond the grid that of its nearest hour."""
        return float(self.totals[min(max((at - self.begins) // HOUR, 0), GRID_HOURS - 1)])

    def wait(self, an_hour: Floats, last: datetime) -> timedelta:
        """Give how long after `last` the checks an hour, given for the grid, add up to one."""
        edges = np.concatenate([[0.0], np.cumsum(an_hour)])
        last = max(last, self.begins)
        wanted = float(np.interp((last - self.begins) / HOUR, np.arange(len(edges)), edges)) + 1
        # Where two days do not make one check, the hours beyond the grid count as its mean hour.
        beyond = max(0.0, wanted - float(edges[-1])) / max(float(np.mean(an_hour)), 1e-9)
        hours = float(np.interp(wanted, edges, np.arange(len(edges)))) + beyond
        return min(self.begins + min(hours, 1e4) * HOUR - last, FARTHEST)


class FactorsPolicy:
    """The policy `factors`: checks lie closer where the sum of the factors is high.

    An account is due when the effort planned for the time since its last check makes one check. Accounts
    that the same guilds follow share their checks by their sums, so no guild takes from another.
    """

    def __init__(self, rules: FactorRules | None = None) -> None:
        self._rules = rules or FactorRules()
        self._fixed = EvenlySpread()
        self._histories = Histories((SPECIAL_DAYS_MEMORY + 1) * DAY)
        self._special: Mapping[int, SpecialDays] = {}
        self._scale: dict[frozenset[int], tuple[float, float]] = {}
        self._days: dict[int, _Day] = {}

    def learn(self, event: Event) -> None:
        """Remember lives and zones."""
        self._histories.learn(event)
        # A check that found nothing changes no factor, and there are many of them.
        if not isinstance(event, Missed):
            self._days.pop(event.account_id, None)

    def set_special_days(self, days: Mapping[int, SpecialDays]) -> None:
        """Take these days as special, by account id."""
        if days != self._special:
            self._special = days
            self._days.clear()

    def explain(self, account_id: int, at: datetime) -> Factors:
        """Give the five factors of an account at an instant, from what was learned of the time before it."""
        return self._record(account_id, at).at(at, self._special_days(account_id))

    def plan(self, now: datetime, watched: Sequence[Watched], allowance: Allowance) -> Sequence[CheckPlan]:
        """Share out the next day's checks, and plan the next one of each account that is not live."""
        self._fixed.plan(now, watched, allowance)
        self._days = {account.account_id: self._day(account.account_id, now) for account in watched}
        self._scale = self._shares(watched, allowance)
        plans = [self.plan_one(now, account, allowance) for account in watched]
        return [plan for plan in plans if plan is not None]

    def plan_one(self, now: datetime, account: Watched, allowance: Allowance) -> CheckPlan | None:
        """Plan the next check of one account, at the shares of the last `plan`."""
        if account.is_live or account.frozen or account.last_checked_at is None:
            return self._fixed.plan_one(now, account, allowance)
        if account.guild_ids not in self._scale:
            return self._fixed.plan_one(now, account, allowance)
        day = self._days[account.account_id] = self._day(account.account_id, now)
        wait = day.wait(self._an_hour(account, day), min(account.last_checked_at, now))
        at = jittered(now, account, wait)
        return CheckPlan(account_id=account.account_id, at=at, reason=_reason(day.total(at)))

    def _an_hour(self, account: Watched, day: _Day) -> Floats:
        """Give the checks in each hour of the grid: some evenly, the rest by the sums."""
        mean_rate, per_weight = self._scale[account.guild_ids]
        explore = self._rules.explore
        checks: Floats = (explore * mean_rate + (1 - explore) * per_weight * self._weights(account, day)) / 24
        return checks

    def _weights(self, account: Watched, day: _Day) -> Floats:
        weights: Floats = account.priority * day.totals**self._rules.sharpness
        return weights

    def _day(self, account_id: int, now: datetime) -> _Day:
        """Give the day ahead of an account; made anew every few hours, and when its lives are news."""
        day = self._days.get(account_id)
        if day is not None and day.begins <= now - DAY < day.begins + REMADE_AFTER:
            return day
        record, special = self._record(account_id, now), self._special_days(account_id)
        begins = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - DAY
        totals = [record.at(begins + hour * HOUR, special).total for hour in range(GRID_HOURS)]
        return _Day(begins=begins, totals=np.array(totals))

    def _shares(
        self, watched: Sequence[Watched], allowance: Allowance
    ) -> dict[frozenset[int], tuple[float, float]]:
        """Give, by who follows them, the checks a day of an account on average, and those per weight."""
        rates = checks_per_day(watched, allowance)
        groups: dict[frozenset[int], list[Watched]] = {}
        for account in watched:
            groups.setdefault(account.guild_ids, []).append(account)
        shares = {}
        for guilds, group in groups.items():
            rate = sum(rates[one.account_id] for one in group)
            weight = sum(float(np.mean(self._weights(one, self._days[one.account_id]))) for one in group)
            shares[guilds] = (rate / len(group), rate / max(weight, 1e-9))
        return shares

    def _record(self, account_id: int, now: datetime) -> Record:
        history = self._histories[account_id]
        oldest = now - SPECIAL_DAYS_MEMORY * DAY
        followed_at = history.followed_at or now
        lives = [
            PastLive(
                account_id=account_id,
                started_at=start,
                ended_at=min(history.ends.get(start, start + HOUR), start + DAY),
            )
            for start in history.starts_in(oldest, now)
        ]
        # Lives from before the bot knew of the account (a history read in) were observed as well.
        first = min([followed_at, *(live.started_at for live in lives[:1])])
        return record_of(lives, now, max(first, oldest), history.zone, self._special_days(account_id))

    def _special_days(self, account_id: int) -> SpecialDays:
        return self._special.get(account_id, SpecialDays())


def _reason(total: float) -> str:
    return text("five factors: together {percent} % at that hour", percent=round(100 * total))
