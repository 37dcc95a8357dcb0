"""How the days of the deployment went, one by one and by weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

import numpy as np

from bot.core.announcements import Message, Tone
from bot.core.live.outcomes import OutcomeSum, account_accuracy, false_alarms
from bot.core.live.predictions import DayScore, WeekScore
from bot.core.live.savings import requests_when_evenly_spread
from bot.texts import join, text, texts

SOON = timedelta(minutes=30)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class DayFacts:
    """What is known of a day that is over.

    `checks` and `hits` are discovery checks and those that found a live; `starts` and `finds` are when the lives
    that began on it started and were found; `outcomes` are what became of the predictions of
    its hours; `lasting` are the minutes of the lives of the last four weeks, `accounts` how many are followed.
    """

    day: date
    policy: str
    limit: int
    checks: int
    hits: int
    starts: Sequence[datetime]
    finds: Sequence[datetime]
    expected_missed: float
    outcomes: Sequence[OutcomeSum]
    lasting: Sequence[float]
    accounts: int


def score(facts: DayFacts) -> DayScore:
    """Score a day."""
    found, missed = len(facts.starts), facts.expected_missed
    delays = [find - start for start, find in zip(facts.starts, facts.finds, strict=True)]
    coverage = found / (found + missed) if found + missed > 0 else None
    fixed = None
    if coverage:
        lasting = np.array(facts.lasting, dtype=np.float64)
        fixed = requests_when_evenly_spread(lasting, facts.accounts, coverage)
    return DayScore(
        day=facts.day,
        policy=facts.policy,
        requests=facts.checks,
        limit=facts.limit,
        found=found,
        missed=missed,
        false_positives=false_alarms(facts.outcomes),
        efficiency=facts.hits / facts.limit if facts.limit else None,
        fixed_requests=fixed,
        brier=account_accuracy(facts.outcomes).brier,
        median_delay_minutes=median(delay / _MINUTE for delay in delays) if delays else None,
        within_30=sum(delay <= SOON for delay in delays),
    )


def score_message(one: DayScore) -> Message:
    """Tell admins how a day went, in one line."""
    parts = [
        text(
            "{found} of about {all} lives found in {requests} of {limit} checks",
            found=one.found,
            all=max(one.found, round(one.found + one.missed)),
            requests=one.requests,
            limit=one.limit,
        )
    ]
    if one.median_delay_minutes is not None:
        parts.append(
            text("half of those found within {minutes} min", minutes=round(one.median_delay_minutes))
        )
    if one.requests_saved is not None:
        saved = round(one.requests_saved)
        evenly = text("{count} checks more than evenly spread", count=-saved)
        parts.append(evenly if saved < 0 else text("{count} checks saved", count=saved))
    if one.false_positives:
        parts.append(texts("{count} false alarm", "{count} false alarms", one.false_positives))
    if one.brier is not None:
        parts.append(text("Brier score {score}", score=f"{one.brier:.3f}"))
    return Message(
        title=text("How {day} went", day=one.day.isoformat()), tone=Tone.NOTICE, body=join(" · ", parts)
    )


def by_week(scores: Sequence[DayScore]) -> tuple[WeekScore, ...]:
    """Sum days up by calendar week, the newest last."""
    weeks: dict[date, list[DayScore]] = {}
    for one in scores:
        weeks.setdefault(one.day - timedelta(days=one.day.weekday()), []).append(one)
    return tuple(_week(starts_on, days) for starts_on, days in sorted(weeks.items()))


def _week(starts_on: date, days: Sequence[DayScore]) -> WeekScore:
    found = sum(day.found for day in days)
    estimated = found + sum(day.missed for day in days)
    requests = sum(day.requests for day in days)
    hits = [day.efficiency * day.limit for day in days if day.efficiency is not None]
    delays = [day.median_delay_minutes for day in days if day.median_delay_minutes is not None]
    briers = [day.brier for day in days if day.brier is not None]
    fixed = [day.fixed_requests for day in days if day.fixed_requests is not None]
    return WeekScore(
        starts_on=starts_on,
        days=len(days),
        requests=requests,
        found=found,
        estimated=estimated,
        median_delay_minutes=median(delays) if delays else None,
        within_30=sum(day.within_30 for day in days) / estimated if estimated else None,
        hit_rate=sum(hits) / requests if requests else None,
        brier=sum(briers) / len(briers) if briers else None,
        # Days without a live have no coverage to compare; they count as those that have.
        fixed_requests=sum(fixed) * len(days) / len(fixed) if fixed else None,
    )
