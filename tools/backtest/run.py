"""Runs policies on the same lives, on several processors where there are any, and measures each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from bot.core.live.calibration import HOUR, StartChances
from bot.core.live.policies import FIXED, PROVIDED, Policies
from bot.core.live.savings import request_reduction, requests_when_evenly_spread
from bot.core.live.scores import DiscoveryCheck, Figures, Replayed, figures
from tools.backtest.histories import BadInput, History, Stretch, draw, eligible, span_of
from tools.backtest.replay import Task, replay
from tools.workers import workers

BASELINES = (FIXED, "roadmap")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is asked for: the window, the draw (`accounts` None: all of them), the budget and the warm-up."""

    budget: int
    since: datetime | None = None
    days: float | None = None
    warm_up_days: float = 14.0
    accounts: int | None = None
    seed: int = 7
    a_week: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is replayed and how it is judged; `names` are those of the accounts 1, 2, ..."""

    task: Task
    judged: Replayed
    names: Mapping[int, str]
    polled: Sequence[Stretch]
    drawn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One policy: what it did, how good that was, and how long the replay took (seconds).

    `failure` says what it raised where `fixed` had to take its place, else it is empty.
    """

    policy: str
    figures: Figures
    checks: Sequence[DiscoveryCheck]
    failure: str
    took: float


def planned(history: History, wish: Wish) -> Plan:
    """Choose the window and the accounts. Raises `BadInput` for what leaves nothing to replay."""
    first, last = span_of(history)
    since = wish.since or first
    try:
        until = last if wish.days is None else since + timedelta(days=wish.days)
        warm_up = timedelta(days=wish.warm_up_days)
        counted_from = since + warm_up
    except OverflowError:
        raise BadInput(f"so many days from {since:%Y-%m-%d} on are more than the calendar holds") from None
    if until <= counted_from:
        raise BadInput(
            f"nothing is left to judge: {since:%Y-%m-%d %H:%M} + {wish.warm_up_days:g} days of warm-up "
            f"reach the end of the replay, {until:%Y-%m-%d %H:%M}"
        )
    if since >= last or until <= first:
        raise BadInput(f"there are no lives then: they are from {first:%Y-%m-%d} to {last:%Y-%m-%d}")
    chosen, drawn = _chosen(history, wish, since, until)
    numbers = {account_id: number for number, account_id in enumerate(chosen, start=1)}
    lives = [
        replace(live, account_id=numbers[live.account_id])
        for live in history.lives
        if live.account_id in numbers
    ]
    task = Task(lives=lives, accounts=len(chosen), since=since, until=until, budget=wish.budget)
    names = {number: history.names[account_id] for account_id, number in numbers.items()}
    known_from = min(first, since)
    judged = Replayed(since=since, until=until, warm_up=warm_up, known_from=known_from)
    return Plan(task=task, judged=judged, names=names, polled=history.polled, drawn=drawn)


def _chosen(history: History, wish: Wish, since: datetime, until: datetime) -> tuple[Sequence[int], str]:
    """Give the accounts, and in a few words how they were chosen."""
    if wish.accounts is None:
        return sorted(history.names), f"all {len(history.names)} accounts"
    able = eligible(history, since, until, wish.a_week)
    words = (
        f"{wish.accounts} accounts drawn with seed {wish.seed} from the {len(able)} "
        f"with at least {wish.a_week:g} live(s) a week in the window"
    )
    return draw(able, wish.accounts, wish.seed), words


def run(plan: Plan, policies: Sequence[str], *, jobs: int = 1, resamples: int = 1000) -> list[Result]:
    """Replay each policy and measure it, in the order given."""
    work = partial(run_one, plan, resamples=resamples)
    if jobs == 1 or len(policies) == 1:
        return [work(policy) for policy in policies]
    with workers(min(jobs, len(policies))) as pool:
        return list(pool.map(work, policies))


def run_one(plan: Plan, policy: str, *, resamples: int = 1000) -> Result:
    """Replay one policy and measure it."""
    started = time.perf_counter()
    told = replay(plan.task, Policies({policy: PROVIDED[policy]()}, policy))
    took = time.perf_counter() - started
    lives = plan.task.lives
    chances = told.chances and _where_known(told.chances, plan.polled)
    measured = figures(lives, told.checks, plan.judged, forecast=chances, resamples=resamples)
    reduction = _against_even_spread(plan, measured)
    return Result(
        policy=policy,
        figures=replace(measured, request_reduction=reduction),
        checks=told.checks,
        failure=told.failing.get(policy, ""),
        took=took,
    )


def _where_known(chances: StartChances, polled: Sequence[Stretch]) -> StartChances:
    """Leave out the hours of which the truth is not known throughout."""
    if not polled:
        return chances
    hours = chances.chances.shape[1]
    known = np.zeros(hours, dtype=np.bool_)
    for begin, end in polled:
        first = -((chances.hours_from - begin) // HOUR) if begin > chances.hours_from else 0
        known[max(first, 0) : max((end - chances.hours_from) // HOUR, 0)] = True
    return replace(chances, chances=np.where(known, chances.chances, np.nan))


def _against_even_spread(plan: Plan, measured: Figures) -> float | None:
    """Give the requests saved against an even spread that reaches the same coverage of the same lives."""
    if measured.coverage is None:
        return None
    judged = plan.judged
    counted = [live for live in plan.task.lives if judged.counted_from <= live.started_at < judged.until]
    minutes = np.array([live.minutes for live in counted])
    needed = requests_when_evenly_spread(minutes, plan.task.accounts, measured.coverage)
    return request_reduction(measured.requests_a_day, needed)
