"""What the policies say of accounts, asked beside the event loop and put into values for people."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np

from bot.core.live.calibration import LIKELY
from bot.core.live.factors import Factors, FactorsPolicy
from bot.core.live.forecast import Forecast, Outlook
from bot.core.live.planner import Policy, Watched
from bot.core.live.policies import FIXED, Policies, attempt
from bot.core.live.predictions import POLICIES, POSSIBLE, FactorBars, Standing
from bot.core.live.probability import ProbabilityPolicy
from bot.services.planning import Planning

HOURS = 24
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What is said of some accounts at one instant; those the model does not know are not in `outlooks`."""

    hours_from: datetime
    starts: Mapping[int, tuple[float, ...]]
    lives: Mapping[int, tuple[float, ...]]
    outlooks: Mapping[int, Outlook]

    def outlook(self, account_id: int) -> Outlook:
        """Give the outlook of an account; an empty one where nothing is known."""
        return self.outlooks.get(account_id) or Outlook(
            account_id=account_id, live_now=0.0, within_hour=0.0, window=None, confidence=0.0
        )


async def said_of(planning: Planning, account_ids: Sequence[int], now: datetime, hours: int = HOURS) -> Said:
    """Ask the model of probabilities, whichever policy plans; where it fails nothing is said."""
    known = [account_id for account_id in account_ids if planning.knows(account_id)]
    return await planning.compute(lambda policy: _say(policy, known, now, hours))


def _say(policy: Policy, account_ids: Sequence[int], now: datetime, hours: int) -> Said:
    hour = now.replace(minute=0, second=0, microsecond=0)
    nothing = Said(hours_from=hour, starts={}, lives={}, outlooks={})

    def ask(model: ProbabilityPolicy) -> Said:
        forecast = model.forecast(now, account_ids, hours)
        return Said(
            hours_from=forecast.hours_from,
            starts=_by_account(forecast, forecast.starts),
            lives=_by_account(forecast, forecast.live),
            outlooks={account_id: model.outlook(now, account_id) for account_id in account_ids},
        )

    return _asked(policy, ask, nothing) if account_ids else nothing


def _by_account(forecast: Forecast, chances: np.ndarray) -> dict[int, tuple[float, ...]]:
    clean = np.clip(np.nan_to_num(chances), 0.0, 1.0)
    return {
        account_id: tuple(map(float, row))
        for account_id, row in zip(forecast.account_ids, clean, strict=True)
    }


def _asked(policy: Policy, ask: Callable[[ProbabilityPolicy], T], otherwise: T) -> T:
    """Ask the model of probabilities, whichever policy plans; where it does not work, nothing is said."""
    model = policy.working(POLICIES[0]) if isinstance(policy, Policies) else policy
    return _tried(lambda: ask(model), otherwise) if isinstance(model, ProbabilityPolicy) else otherwise


@dataclass(frozen=True, kw_only=True, slots=True)
class Chances:
    """The chances of some hours by account, and how much of them is the account's own record."""

    starts: Mapping[int, tuple[float, ...]]
    lives: Mapping[int, tuple[float, ...]]
    confidence: Mapping[int, float]


async def hourly_of(planning: Planning, account_ids: Sequence[int], now: datetime, hours: int) -> Chances:
    """Give the chances of this hour and the next ones, `hours` in all; nothing where the model fails."""

    def ask(policy: Policy) -> Chances:
        nothing = Chances(starts={}, lives={}, confidence={})
        if not account_ids:
            return nothing
        return _asked(policy, lambda model: _chances(model.forecast(now, account_ids, hours)), nothing)

    return await planning.compute(ask)


def _chances(forecast: Forecast) -> Chances:
    confidence = zip(forecast.account_ids, np.nan_to_num(forecast.confidence), strict=True)
    return Chances(
        starts=_by_account(forecast, forecast.starts),
        lives=_by_account(forecast, forecast.live),
        confidence={account_id: float(value) for account_id, value in confidence},
    )


async def heat_of(planning: Planning, account_id: int) -> tuple[tuple[float, ...], ...]:
    """Give the chance of a start by weekday (Monday first) and hour."""

    def ask(policy: Policy) -> tuple[tuple[float, ...], ...]:
        table = _asked(policy, lambda model: model.heat(account_id), np.zeros((7, HOURS)))
        return tuple(tuple(map(float, row)) for row in np.nan_to_num(table))

    return await planning.compute(ask)


async def missed_of(planning: Planning, account_ids: Sequence[int]) -> dict[int, float]:
    """Give how many lives of accounts are expected to have gone by unseen, since the model knows them."""

    def ask(policy: Policy) -> dict[int, float]:
        return _asked(
            policy, lambda model: {one: float(model.expected_missed(one)) for one in account_ids}, {}
        )

    return await planning.compute(ask)


async def bars_of(planning: Planning, account_id: int, now: datetime) -> FactorBars | None:
    """Explain an hour of an account by the five factors; None where their policy has failed."""

    def ask(policy: Policy) -> FactorBars | None:
        factors = policy.working("factors") if isinstance(policy, Policies) else None
        if not isinstance(factors, FactorsPolicy):
            return None
        return _tried(lambda: _bars(factors.explain(account_id, now)), None)

    return await planning.compute(ask)


def _bars(found: Factors) -> FactorBars:
    return FactorBars(
        time_of_day=found.time_of_day,
        weekday=found.weekday,
        recent_activity=found.recent_activity,
        season=found.seasonal_trend,
        special_events=found.special_events,
        total=found.total,
        event=found.event,
    )


def _tried(ask: Callable[[], T], otherwise: T) -> T:
    """Ask a model; what it cannot say is not said. Whether it can still plan is seen when it plans."""

    def failed(error: Exception) -> T:
        log.warning("A model could not be asked (%s: %s)", type(error).__name__, error, exc_info=error)
        return otherwise

    return attempt(ask, failed)


def policy_of(planning: Planning, account: Watched | None) -> str:
    """Give the policy that plans an account now."""
    policy = planning.policy
    return policy.name_of(account) if isinstance(policy, Policies) and account is not None else FIXED


def zone_of(planning: Planning, account_id: int) -> str:
    """Give the IANA name of the zone in which the model of probabilities learns an account."""
    policy = planning.policy
    model = policy.working(POLICIES[0]) if isinstance(policy, Policies) else policy
    return model.zone(account_id) if isinstance(model, ProbabilityPolicy) else "UTC"


def failing(planning: Planning) -> tuple[tuple[str, str], ...]:
    """Give the policies that fail, with the reason."""
    policy = planning.policy
    return tuple(sorted(policy.failing.items())) if isinstance(policy, Policies) else ()


def reserved(planning: Planning) -> float:
    """Give the checks of the next day that pins, boosts and `fixed` accounts take."""
    return planning.policy.reserved if isinstance(planning.policy, Policies) else 0.0


def standing(outlook: Outlook, *, is_live: bool) -> Standing:
    """Say how an account stands."""
    if is_live:
        return Standing.LIVE
    if max(outlook.live_now, outlook.within_hour) >= LIKELY:
        return Standing.LIKELY
    expected = outlook.window is not None and outlook.window.probability >= POSSIBLE
    return Standing.EXPECTED if expected else Standing.UNLIKELY
