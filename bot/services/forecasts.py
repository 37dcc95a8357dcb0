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
Heat = tuple[tuple[float, ...], ...]
T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What is said of some accounts at one instant; those the model does not know are in none of it.

    `no_forecast` is why nothing can be said of anybody, empty where it can.
    """

    hours_from: datetime
    starts: Mapping[int, tuple[float, ...]]
    lives: Mapping[int, tuple[float, ...]]
    outlooks: Mapping[int, Outlook]
    no_forecast: str = ""


async def said_of(planning: Planning, account_ids: Sequence[int], now: datetime, hours: int = HOURS) -> Said:
    """Ask the model of probabilities, whichever policy plans; where it fails nothing is said."""
    known = [account_id for account_id in account_ids if planning.knows(account_id)]
    return await planning.compute(lambda policy: _say(policy, known, now, hours))


def _say(policy: Policy, account_ids: Sequence[int], now: datetime, hours: int) -> Said:
    hour = now.replace(minute=0, second=0, microsecond=0)

    def nothing(why: str) -> Said:
        return Said(hours_from=hour, starts={}, lives={}, outlooks={}, no_forecast=why)

    def ask(model: ProbabilityPolicy) -> Said:
        forecast = model.forecast(now, account_ids, hours)
        return Said(
            hours_from=forecast.hours_from,
            starts=_by_account(forecast, forecast.starts),
            lives=_by_account(forecast, forecast.live),
            outlooks={account_id: model.outlook(now, account_id) for account_id in account_ids},
        )

    return _asked(policy, ask, nothing) if account_ids else nothing("")


def _by_account(forecast: Forecast, chances: np.ndarray) -> dict[int, tuple[float, ...]]:
    clean = np.clip(np.nan_to_num(chances), 0.0, 1.0)
    return {
        account_id: tuple(map(float, row))
        for account_id, row in zip(forecast.account_ids, clean, strict=True)
    }


def _model(policy: Policy) -> ProbabilityPolicy | None:
    """Give the model of probabilities, whichever policy plans; None where it does not work."""
    model = policy.working(POLICIES[0]) if isinstance(policy, Policies) else policy
    return model if isinstance(model, ProbabilityPolicy) else None


def _asked(policy: Policy, ask: Callable[[ProbabilityPolicy], T], otherwise: Callable[[str], T]) -> T:
    """Ask the model of probabilities; `otherwise` is told why it does not work."""
    model = _model(policy)
    if model is not None:
        return _tried(lambda: ask(model), otherwise)
    return otherwise(policy.failing.get(POLICIES[0], "") if isinstance(policy, Policies) else "")


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
        return _asked(
            policy, lambda model: _chances(model.forecast(now, account_ids, hours)), lambda _: nothing
        )

    return await planning.compute(ask)


def _chances(forecast: Forecast) -> Chances:
    confidence = zip(forecast.account_ids, np.nan_to_num(forecast.confidence), strict=True)
    return Chances(
        starts=_by_account(forecast, forecast.starts),
        lives=_by_account(forecast, forecast.live),
        confidence={account_id: float(value) for account_id, value in confidence},
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Portrait:
    """What is said of one account: `heat` is the chance of a start by weekday (Monday first) and hour.

    `heat` and `bars` are None where nothing is known, or what would say it has failed.
    """

    said: Said
    heat: Heat | None
    bars: FactorBars | None


async def portrait_of(planning: Planning, account_id: int, now: datetime) -> Portrait:
    """Ask everything about one account in one turn: who waits for the policy waits once."""
    if not planning.knows(account_id):
        return Portrait(said=_say(planning.policy, (), now, HOURS), heat=None, bars=None)
    return await planning.compute(
        lambda policy: Portrait(
            said=_say(policy, (account_id,), now, HOURS),
            heat=_heat(policy, account_id),
            bars=_bars(policy, account_id, now),
        )
    )


def _heat(policy: Policy, account_id: int) -> Heat | None:
    def ask(model: ProbabilityPolicy) -> Heat | None:
        return tuple(tuple(map(float, row)) for row in np.nan_to_num(model.heat(account_id)))

    return _asked(policy, ask, lambda _: None)


def _bars(policy: Policy, account_id: int, now: datetime) -> FactorBars | None:
    """Explain an hour of an account by the five factors."""
    factors = policy.working("factors") if isinstance(policy, Policies) else None
    if not isinstance(factors, FactorsPolicy):
        return None
    return _tried(lambda: _as_bars(factors.explain(account_id, now)), lambda _: None)


async def missed_of(planning: Planning, account_ids: Sequence[int]) -> dict[int, float]:
    """Give how many lives of accounts are expected to have gone by unseen, since the model knows them."""

    def ask(policy: Policy) -> dict[int, float]:
        return _asked(
            policy,
            lambda model: {one: float(model.expected_missed(one)) for one in account_ids},
            lambda _: {},
        )

    return await planning.compute(ask)


def _as_bars(found: Factors) -> FactorBars:
    return FactorBars(
        time_of_day=found.time_of_day,
        weekday=found.weekday,
        recent_activity=found.recent_activity,
        season=found.seasonal_trend,
        special_events=found.special_events,
        total=found.total,
        event=found.event,
    )


def _tried(ask: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """Ask a model; `otherwise` is told why it cannot say. Whether it can still plan is seen when it plans."""

    def failed(error: Exception) -> T:
        why = f"{type(error).__name__}: {error}"
        log.warning("A model could not be asked (%s)", why, exc_info=error)
        return otherwise(why)

    return attempt(ask, failed)


def policy_of(planning: Planning, account: Watched | None) -> str:
    """Give the policy that plans an account now."""
    policy = planning.policy
    return policy.name_of(account) if isinstance(policy, Policies) and account is not None else FIXED


def zone_of(planning: Planning, account_id: int) -> str:
    """Give the IANA name of the zone in which the model of probabilities learns an account."""
    model = _model(planning.policy)
    return "UTC" if model is None else model.zone(account_id)


def failing(planning: Planning) -> tuple[tuple[str, str], ...]:
    """Give the policies that fail, with the reason."""
    policy = planning.policy
    return tuple(sorted(policy.failing.items())) if isinstance(policy, Policies) else ()


def reserved(planning: Planning) -> float:
    """Give the checks of the next day that pins, boosts and `fixed` accounts take."""
    return planning.policy.reserved if isinstance(planning.policy, Policies) else 0.0


def standing(outlook: Outlook | None, *, is_live: bool, is_paused: bool) -> Standing:
    """Say how an account stands; `outlook` is None where nothing is said of it."""
    if is_live:
        return Standing.LIVE
    if is_paused or outlook is None:
        return Standing.PAUSED if is_paused else Standing.UNKNOWN
    if max(outlook.live_now, outlook.within_hour) >= LIKELY:
        return Standing.LIKELY
    expected = outlook.window is not None and outlook.window.probability >= POSSIBLE
    return Standing.EXPECTED if expected else Standing.UNLIKELY
