"""How good a policy was: the figures of specs/scheduling.md 2, from the truth and from the checks made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from bot.core.live.arrays import Floats, Truths
from bot.core.live.budget import DAY
from bot.core.live.calibration import (
    ReliabilityBin,
    StartChances,
    brier_terms,
    flat_chances,
    log_loss_terms,
    reliability,
    right_words,
    start_hours,
)
from bot.core.live.models import Answer
from bot.core.live.past_lives import PastLive
from bot.core.live.savings import request_reduction, requests_of_fixed

WARM_UP = timedelta(days=14)
_HOUR = timedelta(hours=1)
_RATIOS = {
    "coverage": ("caught", "lives"),
    "within_15": ("within_15", "lives"),
    "within_30": ("within_30", "lives"),
    "live_minutes": ("seen_minutes", "minutes"),
    "hit_rate": ("hits", "checks"),
    "brier": ("squares", "hours"),
    "log_loss": ("nats", "hours"),
    "accuracy": ("right", "hours"),
    "accuracy_unlikely": ("quiet", "hours"),
}
"""Each is a quotient of two sums over accounts, so it can be taken again over any draw of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoveryCheck:
    """A discovery check: which account, when, and what came back."""

    account_id: int
    at: datetime
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Catch:
    """What became of a live: `found_at` is its first hitting check, None when nobody saw it."""

    live: PastLive
    found_at: datetime | None

    @property
    def delay_minutes(self) -> float | None:
        """Give how long after its start it was found; None when it was not."""
        return (
            None if self.found_at is None else (self.found_at - self.live.started_at) / timedelta(minutes=1)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """The time that is judged: from `since`, of which the first `warm_up` does not count, up to `until`.

    `known_from` is where the truth begins (for the flat rate of the 28 days before); None: at `since`.
    """

    since: datetime
    until: datetime
    warm_up: timedelta = WARM_UP
    known_from: datetime | None = None

    @property
    def counted_from(self) -> datetime:
        """Give the instant from which everything counts."""
        return self.since + self.warm_up

    @property
    def days(self) -> float:
        """Give the days that count."""
        return (self.until - self.counted_from) / DAY


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures of specs/scheduling.md 2. Shares are 0..1; None where there was nothing to measure.

    `within_15` and `within_30` are shares of all lives, `live_minutes` of all live minutes; `median_delay` is
    in minutes, over the lives caught. `worst_day` is the most requests in any rolling 24 hours, the warm-up
    too. `hit_rate` is the share of checks that found a live not known before. `log_loss` is in nats, and
    `skill` is 1 - log_loss / that of the account's own flat rate (`flat_log_loss`). `accuracy` is what people
    are shown, `accuracy_unlikely` the same for always saying "unlikely". `intervals` holds 95 % intervals
    (low, high) by the name of a figure, from a bootstrap over accounts.
    """

    accounts: int
    lives: int
    caught: int
    coverage: float | None
    median_delay: float | None
    within_15: float | None
    within_30: float | None
    live_minutes: float | None
    requests_a_day: float
    worst_day: int
    hit_rate: float | None
    forecast_hours: int
    brier: float | None
    log_loss: float | None
    flat_log_loss: float | None
    skill: float | None
    accuracy: float | None
    accuracy_unlikely: float | None
    reliability: tuple[ReliabilityBin, ...]
    request_reduction: float | None
    intervals: Mapping[str, tuple[float, float]]


def catches(lives: Iterable[PastLive], checks: Iterable[DiscoveryCheck]) -> list[Catch]:
    """Give for each live its first check that answered LIVE, from its start on and before its end."""
    seen: dict[int, list[datetime]] = {}
    for check in checks:
        if check.answer is Answer.LIVE:
            seen.setdefault(check.account_id, []).append(check.at)
    stamps = {account: np.sort(_seconds(instants)) for account, instants in seen.items()}
    found = {account: dict(zip(_seconds(ats).tolist(), ats, strict=True)) for account, ats in seen.items()}
    return [_catch(live, stamps, found) for live in lives]


def _catch(
    live: PastLive, stamps: Mapping[int, Floats], found: Mapping[int, Mapping[float, datetime]]
) -> Catch:
    of_account = stamps.get(live.account_id)
    if of_account is not None:
        first = int(np.searchsorted(of_account, live.started_at.timestamp()))
        if first < len(of_account) and of_account[first] < live.ended_at.timestamp():
            return Catch(live=live, found_at=found[live.account_id][float(of_account[first])])
    return Catch(live=live, found_at=None)


def worst_rolling_day(instants: Iterable[datetime], window: timedelta = DAY) -> int:
    """Give the most instants within any `window`; two exactly a window apart are not within one."""
    stamps = np.sort(_seconds(instants))
    if len(stamps) == 0:
        return 0
    before = np.searchsorted(stamps, stamps - window.total_seconds(), side="right")
    return int(np.max(np.arange(1, len(stamps) + 1) - before))


def _seconds(instants: Iterable[datetime]) -> Floats:
    return np.fromiter((instant.timestamp() for instant in instants), dtype=np.float64)


def figures(
    lives: Iterable[PastLive],
    checks: Iterable[DiscoveryCheck],
    replayed: Replayed,
    *,
    forecast: StartChances | None = None,
    fixed: Mapping[float, float] | None = None,
    seed: int = 7,
    resamples: int = 1000,
) -> Figures:
    """Measure a policy: `lives` are the truth (those before the replay too), `checks` all it made.

    `forecast` holds the chances told before each hour, `fixed` is requests a day -> coverage of the policy
    `fixed` on the same lives. The same arguments give the same figures; 0 `resamples` gives no intervals.
    """
    truth, made = list(lives), list(checks)
    # Hours of the warm-up must not reach the figures, nor hours whose outcome is not known yet.
    if forecast is not None:
        forecast = _counted(forecast, replayed)
    sums = _Sums(truth, made, replayed, forecast)
    requests_a_day = sums.total("checks") / replayed.days if replayed.days > 0 else 0.0
    values = sums.ratios()
    coverage = values["coverage"]
    fixed_requests = None if coverage is None or fixed is None else requests_of_fixed(coverage, fixed)
    return Figures(
        accounts=len(sums.account_ids),
        lives=int(sums.total("lives")),
        caught=int(sums.total("caught")),
        median_delay=sums.median_delay(),
        requests_a_day=requests_a_day,
        worst_day=worst_rolling_day(check.at for check in made),
        forecast_hours=int(sums.total("hours")),
        reliability=sums.reliability,
        request_reduction=request_reduction(requests_a_day, fixed_requests),
        intervals=sums.intervals(seed, resamples),
        **values,
    )


def _counted(forecast: StartChances, replayed: Replayed) -> StartChances:
    """Leave out the hours that do not count: begun in the warm-up, or not over when the replay ends."""
    hours = forecast.chances.shape[1]
    first = -((forecast.hours_from - replayed.counted_from) // _HOUR)
    last = (replayed.until - forecast.hours_from) // _HOUR
    first, last = min(max(first, 0), hours), min(max(last, 0), hours)
    return StartChances(
        account_ids=forecast.account_ids,
        hours_from=forecast.hours_from + first * _HOUR,
        chances=forecast.chances[:, first : max(first, last)],
    )


class _Sums:
    """Sums per account, from which every figure follows, for all accounts or for a draw of them."""

    def __init__(
        self,
        truth: Sequence[PastLive],
        made: Sequence[DiscoveryCheck],
        replayed: Replayed,
        forecast: StartChances | None,
    ) -> None:
        counted = [live for live in truth if replayed.counted_from <= live.started_at < replayed.until]
        accounts = {live.account_id for live in counted} | {check.account_id for check in made}
        if forecast is not None:
            accounts |= set(forecast.account_ids)
        self.account_ids = sorted(accounts)
        self.reliability: tuple[ReliabilityBin, ...] = ()
        self._rows = {account_id: row for row, account_id in enumerate(self.account_ids)}
        self._sums: dict[str, Floats] = {}
        self._delays, self._delay_rows = np.zeros(0), np.zeros(0, dtype=np.int64)
        self._add_catches(catches(truth, made), replayed)
        self._add("checks", [c.account_id for c in made if c.at >= replayed.counted_from])
        self._add_forecast(truth, replayed, forecast)

    def total(self, name: str) -> float:
        """Give the sum over all accounts."""
        return float(np.sum(self._sums[name]))

    def ratios(self) -> dict[str, float | None]:
        """Give the figures that are quotients of sums, and the skill."""
        weights = np.ones((1, len(self.account_ids)))
        return {
            name: None if np.isnan(value[0]) else float(value[0])
            for name, value in self._quotients(weights).items()
        }

    def median_delay(self) -> float | None:
        """Give the median delay over the lives caught, in minutes."""
        return float(np.median(self._delays)) if len(self._delays) else None

    def intervals(self, seed: int, resamples: int) -> dict[str, tuple[float, float]]:
        """Give 95 % percentile intervals of draws of accounts with replacement (Efron's bootstrap)."""
        count = len(self.account_ids)
        if count == 0 or resamples == 0:
            return {}
        draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
        drawn = self._quotients(draws.astype(np.float64))
        drawn["median_delay"] = np.array([self._drawn_median(draw) for draw in draws])
        known = {name: values[~np.isnan(values)] for name, values in drawn.items()}
        return {
            name: (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5)))
            for name, values in known.items()
            if len(values)
        }

    def _drawn_median(self, draw: npt.NDArray[np.int64]) -> float:
        delays = np.repeat(self._delays, draw[self._delay_rows])
        return float(np.median(delays)) if len(delays) else float("nan")

    def _quotients(self, weights: Floats) -> dict[str, Floats]:
        sums = {name: weights @ values for name, values in self._sums.items()}
        found = {name: _quotient(sums[top], sums[bottom]) for name, (top, bottom) in _RATIOS.items()}
        found["flat_log_loss"] = _quotient(sums["flat_nats"], sums["hours"])
        # Over all hours of a draw: a mean of the accounts' own skills would let quiet ones decide.
        found["skill"] = 1 - _quotient(sums["nats"], sums["flat_nats"])
        return found

    def _add(self, name: str, account_ids: Sequence[int], amounts: Sequence[float] | None = None) -> None:
        rows = np.array([self._rows[account_id] for account_id in account_ids], dtype=np.int64)
        self._sums[name] = np.bincount(rows, amounts, minlength=len(self.account_ids)).astype(np.float64)

    def _add_catches(self, caught: Sequence[Catch], replayed: Replayed) -> None:
        """Count lives that start within the counted time; minutes are counted up to its end."""
        since, until = replayed.counted_from, replayed.until
        # A live that began in the warm-up and was found after it is a find of the checks counted.
        first = [c.live.account_id for c in caught if c.found_at is not None and since <= c.found_at]
        self._add("hits", first)
        counted = [catch for catch in caught if since <= catch.live.started_at < until]
        found = [(catch.live.account_id, catch.delay_minutes) for catch in counted]
        delays = [(account_id, delay) for account_id, delay in found if delay is not None]
        self._add("lives", [account_id for account_id, _ in found])
        self._add("caught", [account_id for account_id, _ in delays])
        self._add("within_15", [account_id for account_id, delay in delays if delay <= 15])
        self._add("within_30", [account_id for account_id, delay in delays if delay <= 30])
        minutes = [_minutes_between(c.live.started_at, min(c.live.ended_at, until)) for c in counted]
        self._add("minutes", [account_id for account_id, _ in found], minutes)
        seen = [
            _minutes_between(c.found_at, min(c.live.ended_at, until)) if c.found_at else 0.0 for c in counted
        ]
        self._add("seen_minutes", [account_id for account_id, _ in found], seen)
        self._delays = np.array([delay for _, delay in delays], dtype=np.float64)
        self._delay_rows = np.array([self._rows[account_id] for account_id, _ in delays], dtype=np.int64)

    def _add_forecast(
        self, truth: Sequence[PastLive], replayed: Replayed, forecast: StartChances | None
    ) -> None:
        if forecast is None:
            for name in ("hours", "squares", "nats", "flat_nats", "right", "quiet"):
                self._add(name, [])
            return
        chances = forecast.chances
        span = (forecast.account_ids, forecast.hours_from, chances.shape[1])
        happened = start_hours(truth, *span)
        flat = flat_chances(truth, *span, replayed.known_from or replayed.since)
        self.reliability = reliability(chances, happened)
        terms: dict[str, Floats | Truths] = {
            "hours": np.ones_like(chances),
            "squares": brier_terms(chances, happened),
            "nats": log_loss_terms(chances, happened),
            "flat_nats": log_loss_terms(flat, happened),
            "right": right_words(chances, happened),
            "quiet": ~happened,
        }
        told = ~np.isnan(chances)
        for name, values in terms.items():
            sums = np.sum(np.where(told, values, 0.0), axis=1)
            self._add(name, forecast.account_ids, sums.tolist())


def _minutes_between(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start) / timedelta(minutes=1))


def _quotient(top: Floats, bottom: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
