"""What is told of predictions: values that the service gives and cogs, boards and charts show.

Shares and probabilities are 0..1, instants aware UTC. `zone` is the IANA name of the guild's own time zone:
whatever says "day" or "hour of the day" is meant in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import inf

from bot.core.live.calibration import LIKELY, ReliabilityBin
from bot.core.live.forecast import Window

POSSIBLE = 0.15
"""The chance from which a live is expected."""
WELL_USED = 0.95
"""The part of a budget from which nearly all of it is in use."""
POLICIES = ("probability", "roadmap", "factors", "fixed")
"""The names of the policies, the default first."""


class Recommendation(StrEnum):
    """What is advised for an hour by the chance to be live in it: look often (from 0.5 on), now and then (0.15), or hardly."""

    WATCH = "watch"
    GLANCE = "glance"
    REST = "rest"


def recommended(live: float) -> Recommendation:
    """Give what is advised for an hour in which an account is live with this probability."""
    if live >= LIKELY:
        return Recommendation.WATCH
    return Recommendation.GLANCE if live >= POSSIBLE else Recommendation.REST


class Standing(StrEnum):
    """How an account stands on a board, in its order: live, likely within the hour (from 0.5 on), expected later
    today, or not; nothing is said of it (it is new, or the forecast fails); nobody looks, as it is paused.
    """

    LIVE = "live"
    LIKELY = "likely"
    EXPECTED = "expected"
    UNLIKELY = "unlikely"
    UNKNOWN = "unknown"
    PAUSED = "paused"


class Safety(StrEnum):
    """How near a budget is to its limit: under 75 % used, from there on, from 95 % on."""

    SAFE = "safe"
    TIGHT = "tight"
    FULL = "full"


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetUse:
    """Requests of the last 24 hours beside their limit, of the whole deployment."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        """Give what may still be asked now."""
        return max(0, self.limit - self.used)

    @property
    def safety(self) -> Safety:
        """Say how near the limit is; plans are made to use nearly all of it."""
        if not self.left:
            return Safety.FULL
        return Safety.TIGHT if self.used / self.limit >= WELL_USED else Safety.SAFE


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is expected of one account.

    `live_since` is there while it is known to be live. `live_now` is the chance that it is, seen or not;
    `within_hour` that a live starts within 60 minutes. `starts` and `lives` hold, for each hour from the
    outlook's `hours_from` on, the chance that a live starts in it, and that the account is live in it.
    `window` is the next stretch in which a start is likely. `confidence` is how much of it is the account's
    own record. Where nothing is said of the account these are None and empty: that is not a chance of 0.
    `next_check_at` is None while it is live or frozen; `reason` says why then (a text).
    """

    account_id: int
    handle: str
    nickname: str
    live_since: datetime | None
    live_now: float | None
    within_hour: float | None
    starts: tuple[float, ...]
    lives: tuple[float, ...]
    window: Window | None
    confidence: float | None
    next_check_at: datetime | None
    reason: str
    standing: Standing


def likeliest_first(one: Expected) -> tuple[bool, bool, bool, float, float, str]:
    """Sort by the chance as people read it, then by when a live is expected; the unknown and paused are last."""
    soon = max(one.live_now or 0.0, one.within_hour or 0.0)
    soon = round(soon, 2) if soon >= 0.01 else 0.0  # "<1%" is read as one chance
    start = one.window.start.timestamp() if one.window is not None else inf
    paused, unknown = one.standing is Standing.PAUSED, one.standing is Standing.UNKNOWN
    return one.live_since is None, paused, unknown, -soon, start, one.handle


@dataclass(frozen=True, kw_only=True, slots=True)
class NextLives:
    """`/predict next`: the accounts of a guild, the likeliest first (live ones before all others).

    `failing` as in `DayPlan`; `no_forecast` is why nothing can be said of anybody, empty where it can.
    """

    made_at: datetime
    zone: str
    hours_from: datetime
    accounts: tuple[Expected, ...]
    failing: tuple[tuple[str, str], ...]
    no_forecast: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TypicalWindow:
    """A stretch of the day in which lives usually start: minutes of the local day (it may cross midnight)."""

    start_minute: int
    end_minute: int
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FactorBars:
    """The five factors of this hour (specs/scheduling.md 5), each 0..1, and their weighted sum.

    `event` names the special day that this is, empty on others.
    """

    time_of_day: float
    weekday: float
    recent_activity: float
    season: float
    special_events: float
    total: float
    event: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """What is usual for an account, from the `lives` known of it.

    `weekdays` holds the share of its lives on Monday..Sunday, `typical_duration` is the median (None without
    an ended live), `consistency` and `confidence` are 0..1, `changed_at` is when the habits last changed
    (None: not known to), `diamonds_per_hour` is the median quality, None where nobody counted.
    """

    lives: int
    windows: tuple[TypicalWindow, ...]
    weekdays: tuple[float, ...]
    typical_duration: timedelta | None
    consistency: float
    confidence: float
    changed_at: datetime | None
    peak_viewers: int | None
    diamonds_per_hour: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountAccuracy:
    """How predictions of one account came out in the last 28 days; None where there were none.

    `right` is the share of hours in which "likely" or "unlikely" came true, `always_unlikely` the same for
    always saying "unlikely".
    """

    hours: int
    right: float | None
    always_unlikely: float | None
    brier: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """What a guild's admins asked for one account; empty, 1.0 and None where nothing.

    `policy` is a name of `POLICIES` or empty, `priority` 0.1..10, `pinned` the fixed distance of checks. Until
    `boosted_until` checks are at most `boosted_every` apart. A frozen account is not checked by plan.
    """

    policy: str = ""
    priority: float = 1.0
    pinned: timedelta | None = None
    boosted_until: datetime | None = None
    boosted_every: timedelta | None = None
    frozen: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountPrediction:
    """`/predict account`. `heat[weekday][hour]` is the chance of a start, Monday first, local hours of `heat_zone`.

    `policy` is the one in force for it now. `heat` and `factors` are None where nothing is known of the account,
    or what would say it has failed: see `failing` and `no_forecast` (as in `NextLives`).
    """

    made_at: datetime
    zone: str
    hours_from: datetime
    expected: Expected
    heat: tuple[tuple[float, ...], ...] | None
    heat_zone: str
    habits: Habits
    factors: FactorBars | None
    accuracy: AccountAccuracy
    override: Override
    policy: str
    last_checked_at: datetime | None
    last_answer: str | None
    failing: tuple[tuple[str, str], ...]
    no_forecast: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedHour:
    """One hour of the guild's day: checks made (and how many of them found a live), and checks expected.

    `planned` is None where that is not worked out.
    """

    start: datetime
    made: int
    found: int
    planned: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DayPlan:
    """`/predict plan`: today's discovery checks of the deployment by hour, midnight to midnight in `zone`.

    `used` is what the last 24 hours took, `reserved` what pins, boosts and `fixed` accounts will take of the
    next 24, `left` what is free now. `share` of the budget is the most this guild may use. `failing` names
    policies that fail, with the reason: their accounts are checked evenly spread. `unplanned` says (a text) why
    the rest of the day is not worked out; empty where it is.
    """

    made_at: datetime
    zone: str
    hours: tuple[PlannedHour, ...]
    discovery: BudgetUse
    followup: BudgetUse
    reserved: int
    share: float
    policy: str
    shadow: str
    failing: tuple[tuple[str, str], ...]
    unplanned: str

    @property
    def left(self) -> int:
        """Give the discovery checks that may still be made now."""
        return self.discovery.left


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekScore:
    """One week of the deployment, from the scores of its days. None where there was nothing to measure.

    `estimated` is lives found + lives estimated missed; `fixed_requests` is what `fixed` would have needed
    for the same coverage.
    """

    starts_on: date
    days: int
    requests: int
    found: int
    estimated: float
    median_delay_minutes: float | None
    within_30: float | None
    hit_rate: float | None
    brier: float | None
    fixed_requests: float | None

    @property
    def coverage(self) -> float | None:
        """Give lives found / (found + estimated missed)."""
        return self.found / self.estimated if self.estimated > 0 else None

    @property
    def request_reduction(self) -> float | None:
        """Give 1 - requests / requests of `fixed` for the same coverage."""
        return 1 - self.requests / self.fixed_requests if self.fixed_requests else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """`/predict accuracy`: reliability over the guild's accounts of the last 28 days, and the weeks, newest last."""

    made_at: datetime
    zone: str
    predictions: int
    reliability: tuple[ReliabilityBin, ...]
    right: float | None
    always_unlikely: float | None
    brier: float | None
    weeks: tuple[WeekScore, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """`/live why`: one sentence (a text) about the last check and one about the next."""

    handle: str
    last: str
    following: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecialEvent:
    """A day that is not like others: added by an admin (`id` is there) or a public holiday (`id` is None).

    `handle` is empty where it concerns all accounts of the guild.
    """

    id: int | None
    day: date
    name: str
    handle: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyFigures:
    """How one policy came out in a replay of what was observed; None where there was nothing to measure."""

    policy: str
    coverage: float | None
    within_30: float | None
    median_delay_minutes: float | None
    requests_a_day: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ShadowReport:
    """Shadow mode: the policy in force and the shadow, both replayed on the lives observed.

    `active` and `shadow` are None before the first nightly comparison (or where too little was observed).
    Of `followed` accounts `accounts` were replayed, with their part of the checks.
    """

    policy: str
    shadow_policy: str
    made_at: datetime | None
    since: datetime | None
    lives: int
    active: PolicyFigures | None
    shadow: PolicyFigures | None
    accounts: int = 0
    followed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardLine:
    """One account on a board. `was_predicted` says of a live one whether its hour was not one to rest."""

    handle: str
    nickname: str
    standing: Standing
    was_predicted: bool
    live_since: datetime | None
    live_now: float | None
    within_hour: float | None
    window: Window | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """A guild's status board, the lines in the order they are shown.

    `found` and `estimated` (found + estimated missed) are of the last 7 days, `request_reduction` is of the last
    24 hours (None until a day and some lives are known), `predictions` is the number of accounts that a start is
    expected of, or likely.
    """

    made_at: datetime
    zone: str
    discovery: BudgetUse
    followup: BudgetUse
    predictions: int
    request_reduction: float | None
    found: int
    estimated: float
    policy: str
    failing: tuple[tuple[str, str], ...]
    no_forecast: str
    lines: tuple[BoardLine, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DayScore:
    """How one day of the deployment came out. None where there was nothing to measure.

    `missed` is the estimate of lives that nobody saw (of one that no check saw nothing is ever learned);
    `false_positives` are hours called likely in which no live was seen to start. `efficiency` is the share
    of the checks allowed that found a live. `fixed_requests` is what `fixed` would have needed for the same
    coverage, `brier` the Brier score of the hourly predictions.
    """

    day: date
    policy: str
    requests: int
    limit: int
    found: int
    missed: float
    false_positives: int
    efficiency: float | None
    fixed_requests: float | None
    brier: float | None
    median_delay_minutes: float | None
    within_30: int

    @property
    def coverage(self) -> float | None:
        """Give lives found / (found + estimated missed)."""
        total = self.found + self.missed
        return self.found / total if total > 0 else None

    @property
    def requests_saved(self) -> float | None:
        """Give the requests that `fixed` would have needed more."""
        return None if self.fixed_requests is None else self.fixed_requests - self.requests


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What admins chose: of the deployment `policy` and `shadow` (empty: off), of the guild the rest."""

    policy: str
    shadow: str
    country: str
    daily_scores: bool
    board_channel_ids: tuple[int, ...]
